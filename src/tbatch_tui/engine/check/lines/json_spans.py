"""Where things stand in the text of a JSON object: its keys, its values, and the ends of both."""

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
"""An escaped letter, as a key that is documented may be spelled with."""


class JsonMember(NamedTuple):
    """One key of an object, or one item of a list, with its place in the text."""

    key: JsonPathPart
    start: int
    """Where the key begins; for an item, the value."""
    value: int
    """Where the value begins."""
    end: int
    """Just after the value."""


def skip(text: str, at: int) -> int:
    """The next place that is not white space."""
    match = _space(text, at)
    return match.end() if match else at


def members(text: str, at: int) -> Iterator[JsonMember]:
    """The members of the object or list that begins at `at`, which is known to be valid JSON."""
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
    """Where the value at `path` begins; as far along the path as there is something. Of a key's places, the last."""
    at = skip(text, 0)
    for step in path:
        if at >= len(text) or text[at] not in "{[":
            break
        places = [member.value for member in members(text, at) if member.key == step]
        if not places:
            break
        at = places[-1]
    return at


def spelled_key(text: str, key: str, most: int = 2) -> list[re.Match[str]]:
    """The colons after a key in valid JSON, wherever it stands, if it is there `most` times at most; else nothing.

    A quote inside a string is escaped, so that what begins with one and is followed by a colon is a key. Nothing is
    said where keys may be spelled with escapes.
    """
    name = f'"{key}"'
    if not 0 < text.count(name) <= most or "\\" in key or ("\\u00" in text and _KEY_ESCAPED.search(text)):
        return []
    places: list[re.Match[str]] = []
    at = text.find(name)
    while at >= 0:
        colon = _COLON.match(text, at + len(name))
        if colon is None or text[at - 1] == "\\":
            return []
        places.append(colon)
        at = text.find(name, colon.end())
    return places
