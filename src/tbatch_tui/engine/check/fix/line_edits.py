"""Mending one line by cutting and inserting text: what is not touched stays as it is, byte for byte."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from typing import NamedTuple

from tbatch_tui.engine.check.limits import CUSTOM_ID_CHARACTERS
from tbatch_tui.engine.check.lines.json_spans import JsonMember, members, skip
from tbatch_tui.engine.check.lines.params import Kind


class Edit(NamedTuple):
    """Put `text` in the place of [start, end)."""

    start: int
    end: int
    text: str


Name = Callable[[str], str]
"""Takes the wanted custom_id, gives one that no other line has."""


def fixed_line(text: str, number: int, rules: Collection[str], kind: Kind, is_repeated: bool, name: Name) -> str:
    """A line that is a JSON object, mended by the `rules` that it breaks. `number` is its line number."""
    start = skip(text, 0)
    top = list(members(text, start))
    by_key = {member.key: member for member in top}
    edits = _custom_id(text, start, by_key.get("custom_id"), number, rules, is_repeated, name)
    body = by_key.get("body")
    if "method-file" in rules and kind is Kind.AUDIO and body is not None:
        method = by_key.get("method")
        if method is None:
            edits.append(Edit(body.start, body.start, '"method": "FILE", '))
        elif json.loads(text[method.value : method.end]) != "FILE":
            edits.append(Edit(method.value, method.end, '"FILE"'))
    if "openai-envelope" in rules:
        edits += _without(top, ("method", "url") if kind is Kind.CHAT else ("url",), start)
    if "stream" in rules and kind is Kind.CHAT and body is not None and text[body.value] == "{":
        inner = list(members(text, body.value))
        streams = [member for member in inner if member.key == "stream"]
        if streams and text[streams[-1].value : streams[-1].end] == "true":
            edits += _without(inner, ("stream",), body.value)
    for edit in sorted(edits, reverse=True):
        text = text[: edit.start] + edit.text + text[edit.end :]
    return text


def _custom_id(
    text: str, start: int, member: JsonMember | None, number: int, rules: Collection[str], is_repeated: bool, name: Name
) -> list[Edit]:
    if member is None:
        if "custom-id-missing" not in rules:
            return []
        comma = "" if text[skip(text, start + 1)] == "}" else ", "
        return [Edit(start + 1, start + 1, f'"custom_id": {_string(name(f"line-{number}"))}{comma}')]
    value = json.loads(text[member.value : member.end], parse_int=float)
    wanted = ""
    if (value is None and "custom-id-missing" in rules) or (value == "" and "custom-id-empty" in rules):
        wanted = f"line-{number}"
    elif isinstance(value, float) and "custom-id-type" in rules:
        wanted = text[member.value : member.end]
    elif isinstance(value, str) and value and is_repeated and "duplicate-custom-id" in rules:
        wanted = value
    return [Edit(member.value, member.end, _string(name(wanted)))] if wanted else []


def _without(all_: list[JsonMember], keys: tuple[str, ...], open_: int) -> list[Edit]:
    """Cut members out, each with the comma and the space that part it from the next, or from the last that stays."""
    edits: list[Edit] = []
    kept_end = open_ + 1  # after the last member that stays, or after the brace
    for index, member in enumerate(all_):
        if member.key not in keys:
            kept_end = member.end
        elif index + 1 < len(all_):
            edits.append(Edit(member.start, all_[index + 1].start, ""))
        else:
            while edits and edits[-1].start >= kept_end:  # those before it go with the comma before them
                edits.pop()
            edits.append(Edit(kept_end, member.end, ""))
    return edits


def suffixed(wanted: str, taken: Callable[[str], bool]) -> str:
    """The wanted id, or one with a visible suffix that nobody has, within the permitted length."""
    candidate, count = wanted[:CUSTOM_ID_CHARACTERS], 1
    while taken(candidate):
        count += 1
        suffix = f"-dup{count}"
        candidate = wanted[: CUSTOM_ID_CHARACTERS - len(suffix)] + suffix
    return candidate


def _string(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
