"""Fix one line by cutting out and inserting text. All other bytes of it stay as they are."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from typing import NamedTuple

from tbatch_tui.engine.check.limits import CUSTOM_ID_CHARACTERS
from tbatch_tui.engine.check.lines.json_spans import JsonMember, members, skip
from tbatch_tui.engine.check.lines.params import Kind


class Edit(NamedTuple):
    """Replace [start, end) by `text`."""

    start: int
    end: int
    text: str


MakeUniqueId = Callable[[str], str]
"""Turns the wanted custom_id into one that no other line has."""


def fix_line(
    text: str, number: int, rules: Collection[str], kind: Kind, is_duplicate: bool, make_unique: MakeUniqueId
) -> str:
    """Return a line that is a JSON object, fixed where it breaks one of the `rules`.

    Args:
        number: The number of the line, for an id that it is given.
        is_duplicate: Whether an earlier line has its custom_id.
    """
    start = skip(text, 0)
    top = list(members(text, start))
    by_key = {member.key: member for member in top}
    edits = _fix_custom_id(text, start, by_key.get("custom_id"), number, rules, is_duplicate, make_unique)
    body = by_key.get("body")
    if "method-file" in rules and kind is Kind.AUDIO and body is not None:
        method = by_key.get("method")
        if method is None:
            edits.append(Edit(body.start, body.start, '"method": "FILE", '))
        elif json.loads(text[method.value : method.end]) != "FILE":
            edits.append(Edit(method.value, method.end, '"FILE"'))
    if "openai-envelope" in rules:
        edits += _cut_out(top, ("method", "url") if kind is Kind.CHAT else ("url",), start)
    if "stream" in rules and kind is Kind.CHAT and body is not None and text[body.value] == "{":
        inner = list(members(text, body.value))
        streams = [member for member in inner if member.key == "stream"]
        if streams and text[streams[-1].value : streams[-1].end] == "true":
            edits += _cut_out(inner, ("stream",), body.value)
    for edit in sorted(edits, reverse=True):
        text = text[: edit.start] + edit.text + text[edit.end :]
    return text


def _fix_custom_id(
    text: str,
    start: int,
    member: JsonMember | None,
    number: int,
    rules: Collection[str],
    is_duplicate: bool,
    make_unique: MakeUniqueId,
) -> list[Edit]:
    if member is None:
        if "custom-id-missing" not in rules:
            return []
        comma = "" if text[skip(text, start + 1)] == "}" else ", "
        return [Edit(start + 1, start + 1, f'"custom_id": {_string(make_unique(f"line-{number}"))}{comma}')]
    value = json.loads(text[member.value : member.end], parse_int=float)
    wanted = ""
    is_blank = isinstance(value, str) and not value.strip()
    if (value is None and "custom-id-missing" in rules) or (is_blank and "custom-id-empty" in rules):
        wanted = f"line-{number}"
    elif isinstance(value, float) and "custom-id-type" in rules:
        wanted = text[member.value : member.end]
    elif isinstance(value, str) and value and is_duplicate and "duplicate-custom-id" in rules:
        wanted = value
    return [Edit(member.value, member.end, _string(make_unique(wanted)))] if wanted else []


def _cut_out(all_members: list[JsonMember], keys: tuple[str, ...], brace: int) -> list[Edit]:
    """Cut members out of the object that begins at `brace`, each with the comma that separates it from the others."""
    edits: list[Edit] = []
    kept_end = brace + 1  # after the last member that stays, or after the brace
    for index, member in enumerate(all_members):
        if member.key not in keys:
            kept_end = member.end
        elif index + 1 < len(all_members):
            edits.append(Edit(member.start, all_members[index + 1].start, ""))
        else:
            while edits and edits[-1].start >= kept_end:  # cut together with this one, from the comma before them
                edits.pop()
            edits.append(Edit(kept_end, member.end, ""))
    return edits


def add_suffix(wanted: str, taken: Callable[[str], bool]) -> str:
    """Return the wanted id, cut to the permitted length, with a suffix ("-dup2") if it is taken."""
    candidate, count = wanted[:CUSTOM_ID_CHARACTERS], 1
    while taken(candidate):
        count += 1
        suffix = f"-dup{count}"
        candidate = wanted[: CUSTOM_ID_CHARACTERS - len(suffix)] + suffix
    return candidate


def _string(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
