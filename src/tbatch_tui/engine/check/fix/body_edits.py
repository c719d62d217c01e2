"""Give a request its body: from Anthropic's params, from the members beside it, or from a string that holds it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tbatch_tui.engine.check.fix.json_values import requests_in
from tbatch_tui.engine.check.fix.mends import BODY_RULES, CHOICE_RULES, TOOL_RULES
from tbatch_tui.engine.check.fix.object_edits import Edit, ObjectText, apply_edits, json_string
from tbatch_tui.engine.check.fix.tool_edits import choice_edits, tool_edits

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

_BESIDE_BODY = ("custom_id", "method", "url")
"""What belongs to the line, not to the request in it."""
_INSIDE_BODY = {"model": "no-model", "messages": "no-messages", "file": "file-url"}
"""What belongs into the body, and the rule that tells it is not there."""


def fix_body(text: str, rules: Collection[str], model: str) -> str:
    """Return a line that is a JSON object, with its body mended where it breaks one of the `rules`.

    Args:
        model: The name for a request that has none; empty to leave it without.
    """
    line = ObjectText(text)
    if not line.has_unique_keys:  # which of the two counts would be a guess
        return text
    if "body" not in line and not BODY_RULES.isdisjoint(rules):
        text = _with_body(line)
    elif line.begins("body", '"') and "body-type" in rules:
        inner = requests_in(line.source("body").encode())
        text = apply_edits(text, [line.replace("body", inner[0].decode())] if len(inner) == 1 else ())
    line = ObjectText(text)
    if line.begins("body", "{"):
        text = apply_edits(text, _move_into_body(line, rules))
        text = apply_edits(text, _inside_body(ObjectText(text), rules, model))
    return text


def _with_body(line: ObjectText) -> str:
    """Return the line with a body; as it was, if it does not show what that would be."""
    if (params := line.object("params")) is not None:
        if not params.has_unique_keys or not _is_convertible(params):
            return line.text
        return apply_edits(line.text, [line.rename("params", "body"), *_from_anthropic(params)])
    if not (line.begins("messages", "[") or line.begins("file", '"')):
        return line.text
    moved = [str(member.key) for member in line.members if member.key not in _BESIDE_BODY]
    kept = [line.member_source(str(member.key)) for member in line.members if member.key in _BESIDE_BODY]
    body = ", ".join(line.member_source(key) for key in moved)
    parts = ", ".join((*kept, f'"body": {{{body}}}'))
    return f"{line.text[: line.start]}{{{parts}}}{line.text[line.members[-1].end :].lstrip()[1:]}"


def _move_into_body(line: ObjectText, rules: Collection[str]) -> list[Edit]:
    """Return the edits that move model, messages and file into the body, where they are beside it."""
    body = line.object("body")
    assert body is not None
    keys = [
        key
        for key, rule in _INSIDE_BODY.items()
        if rule in rules and key in line and key not in body and line.source(key) != "null"
    ]
    return [*line.cut_out(keys), *body.insert(map(line.member_source, keys))] if keys else []


def _inside_body(line: ObjectText, rules: Collection[str], model: str) -> list[Edit]:
    body = line.object("body")
    assert body is not None
    if not body.has_unique_keys:
        return []
    edits: list[Edit] = []
    if model and "no-model" in rules:
        name = json_string(model)
        if "model" not in body:
            edits += body.insert([f'"model": {name}'])
        elif body.source("model") == "null" or (body.begins("model", '"') and not body.value("model").strip()):
            edits.append(body.replace("model", name))
    if "model-spaces" in rules and body.begins("model", '"') and (name := body.value("model").strip()):
        edits += [body.replace("model", json_string(name))] if name != body.value("model") else []
    if not TOOL_RULES.isdisjoint(rules):
        edits += tool_edits(body)
    if not CHOICE_RULES.isdisjoint(rules):
        edits += choice_edits(body)
    return edits


# -- Anthropic's Messages API ----------------------------------------------------------------------------


def _is_convertible(params: ObjectText) -> bool:
    """Whether nothing of it would be lost: `system` is a text, or a list of texts."""
    system = params.value("system")
    if not system:
        return True
    if not params.begins("messages", "["):
        return False
    return isinstance(system, str) or (
        isinstance(system, list)
        and all(
            isinstance(part, dict) and part.get("type") == "text" and isinstance(part.get("text"), str)
            for part in system
        )
    )


def _from_anthropic(params: ObjectText) -> Iterator[Edit]:
    """Yield the edits that make a chat request of a request of the Messages API."""
    if params.begins("messages", "[") and params.value("system"):
        first = params["messages"].value + 1
        comma = ", " if params.value("messages") else ""
        yield Edit(first, first, f'{{"role": "system", "content": {params.source("system")}}}{comma}')
        yield from params.cut_out(("system",))
    if "stop_sequences" in params and "stop" not in params:
        yield params.rename("stop_sequences", "stop")
    yield from tool_edits(params)
    yield from choice_edits(params)
    for message in params.objects("messages"):
        for part in message.objects("content"):
            yield from _image(part)


def _image(part: ObjectText) -> Iterator[Edit]:
    """Yield the edit that makes an `image_url` of an `image`."""
    source = part.value("source") if part.value("type") == "image" else None
    if not isinstance(source, dict):
        return
    match source:
        case {"type": "url", "url": str(url)}:
            pass
        case {"type": "base64", "media_type": str(media_type), "data": str(data)}:
            url = f"data:{media_type};base64,{data}"
        case _:
            return
    yield Edit(part.start + 1, part.members[-1].end, f'"type": "image_url", "image_url": {{"url": {json.dumps(url)}}}')
