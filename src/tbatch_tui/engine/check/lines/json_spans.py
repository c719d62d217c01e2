"""Positions in the text of a JSON object: where its keys and values begin and end."""

from __future__ import annotations

import json
import re
from json.decoder import scanstring  # type: ignore[attr-defined]
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tbatch_tui.engine.check.lines.finding import JsonPath, JsonPathPart

_scan = json.JSONDecoder(parse_int=float).scan_once  # type: ignore[attr-defined]
_space = re.compile(r"[ \t\r\n]*").match
_COLON = re.compile(r"[ \t\r\n]*:[ \t\r\n]*")
_TOKEN = re.compile(
    r'"(?:(?P<key>(?:[^"\\]|\\.)*+)"(?=[ \t\r\n]*:)|(?:[^"\\]|\\.)*+")|(?P<open>[\[{])|(?P<close>[\]}])'
)
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


def locate(text: str, path: JsonPath) -> int:
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


def locate_all(text: str, paths: Iterable[JsonPath]) -> dict[JsonPath, int]:
    """Return where the value at each path begins, as `locate` does, from one walk over the text."""
    starts: dict[JsonPath, int] = {}
    pending = [(skip(text, 0), 0, list(paths))]
    while pending:
        at, depth, inside = pending.pop()
        longer: dict[JsonPathPart, list[JsonPath]] = {}
        for path in inside:
            starts[path] = at
            if len(path) > depth:
                longer.setdefault(path[depth], []).append(path)
        if longer and at < len(text) and text[at] in "{[":
            values: dict[JsonPathPart, int] = {}
            last = max((part for part in longer if isinstance(part, int)), default=-1) if text[at] == "[" else None
            for member in members(text, at):
                if member.key in longer:
                    values[member.key] = member.value
                if member.key == last:  # of a list; in an object a key may follow once more
                    break
            pending += ((value, depth + 1, longer[key]) for key, value in values.items())
    return starts


def find_key_colon(text: str, key: str) -> re.Match[str] | None:
    """Return the colon after a key, on any level of valid JSON; None if the key is there more than once.

    This is faster than to read the members: quotes inside a string are escaped, so a name in plain quotes with a colon
    after it is a key. Returns None also if keys may be spelled with escapes.
    """
    name = f'"{key}"'
    if text.count(name) != 1 or "\\" in key or ("\\u00" in text and _KEY_ESCAPED.search(text)):
        return None
    at = text.find(name)
    return None if text[at - 1] == "\\" else _COLON.match(text, at + len(name))


def find_second_keys(text: str, keys: Iterable[str]) -> dict[str, int]:
    """Return where each of these keys begins for the second time in the same object of valid JSON.

    One walk for all of them, in the order of the text. A key that no object has twice is left out.
    """
    wanted = set(keys)
    starts: dict[str, int] = {}
    objects: list[set[str]] = []  # the wanted keys so far of each object or list around
    for token in _TOKEN.finditer(text):
        match token.lastgroup:
            case "key":
                name = token["key"]
                name = scanstring(text, token.start() + 1, True)[0] if "\\" in name else name
                if name not in wanted:
                    continue
                if name in objects[-1]:
                    starts[name] = token.start()
                    wanted.remove(name)
                    if not wanted:
                        break
                objects[-1].add(name)
            case "open":
                objects.append(set())
            case "close":
                objects.pop()
    return starts
