"""Positions in the text of a JSON object: where its keys and values begin and end."""

from __future__ import annotations

import json
import re
from json.decoder import scanstring  # type: ignore[attr-defined]
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tbatch_tui.engine.check.lines.finding import JsonPathPart

_scan = json.JSONDecoder(parse_int=float).scan_once  # type: ignore[attr-defined]
_space = re.compile(r"[ \t\r\n]*").match
_COLON = re.compile(r"[ \t\r\n]*:[ \t\r\n]*")
_KEY_ESCAPED = re.compile(r"\\u00[4-7]")
"""An escaped letter: a documented key may be spelled with it."""


class JsonMember(NamedTuple):
    """One key of an object, or one item of a list, with its position in the text."""

    key: JsonPathPart
    start: int
    """Where the key begins; for an item, the value."""
    value: int
    """Where the value begins."""
    end: int
    """Just after the value."""


def skip(text: str, at: int) -> int:
    """Return the next position that is not white space."""
    match = _space(text, at)
    return match.end() if match else at


def members(text: str, at: int) -> Iterator[JsonMember]:
    """Yield the members of the object or list that begins at `at`. It must be valid JSON."""
    is_object = text[at] == "{"
    close = "}" if is_object else "]"
    at = skip(text, at + 1)
    index = 0
    while text[at] != close:
        start = at
        key: JsonPathPart = index
        if is_object:
            key, at = scanstring(text, at + 1, True)
            at = skip(text, skip(text, at) + 1)
        _, end = _scan(text, at)
        yield JsonMember(key, start, at, end)
        index += 1
        at = skip(text, end)
        if text[at] == ",":
            at = skip(text, at + 1)


def locate(text: str, path: tuple[JsonPathPart, ...]) -> int:
    """Return where the value at `path` begins, or the last part of the path that is there.

    Of a key that is there twice, the last one counts.
    """
    at = skip(text, 0)
    for step in path:
        if at >= len(text) or text[at] not in "{[":
            break
        starts = [member.value for member in members(text, at) if member.key == step]
        if not starts:
            break
        at = starts[-1]
    return at


def find_key_colons(text: str, key: str, most: int = 2) -> list[re.Match[str]]:
    """Return the colons after a key, on any level of valid JSON; none if the key is there more than `most` times.

    This is faster than to read the members: quotes inside a string are escaped, so a name in plain quotes with a colon
    after it is a key. Returns none also if keys may be spelled with escapes.
    """
    name = f'"{key}"'
    if not 0 < text.count(name) <= most or "\\" in key or ("\\u00" in text and _KEY_ESCAPED.search(text)):
        return []
    colons: list[re.Match[str]] = []
    at = text.find(name)
    while at >= 0:
        colon = _COLON.match(text, at + len(name))
        if colon is None or text[at - 1] == "\\":
            return []
        colons.append(colon)
        at = text.find(name, colon.end())
    return colons
