"""Where things stand in the text of a JSON object: its keys, its values, and the ends of both."""

from __future__ import annotations

import json
from collections.abc import Iterator
from json.decoder import scanstring  # type: ignore[attr-defined]
from typing import NamedTuple

from .finding import Step

_SPACE = " \t\r\n"
_decoder = json.JSONDecoder(parse_int=float)


class Member(NamedTuple):
    """One key of an object, or one item of a list, with its place in the text."""

    key: Step
    start: int
    """Where the key begins; for an item, the value."""
    value: int
    """Where the value begins."""
    end: int
    """Just after the value."""


def skip(text: str, at: int) -> int:
    """The next place that is not white space."""
    while at < len(text) and text[at] in _SPACE:
        at += 1
    return at


def members(text: str, at: int) -> Iterator[Member]:
    """The members of the object or list that begins at `at`, which is known to be valid JSON."""
    is_object = text[at] == "{"
    close = "}" if is_object else "]"
    at = skip(text, at + 1)
    index = 0
    while text[at] != close:
        start = at
        key: Step = index
        if is_object:
            key, at = scanstring(text, at + 1, True)
            at = skip(text, skip(text, at) + 1)
        _, end = _decoder.raw_decode(text, at)
        yield Member(key, start, at, end)
        index += 1
        at = skip(text, end)
        if text[at] == ",":
            at = skip(text, at + 1)


def locate(text: str, path: tuple[Step, ...]) -> int:
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
