"""Finds the line of a setting in the text of config.toml."""

from __future__ import annotations

import re
import tomllib
from typing import Any

_HEADER = re.compile(r"\s*(\[\[?[^#]*\]\]?)\s*(?:#.*)?$")
_KEY = re.compile(r"""\s*((?:[\w-]+|"(?:[^"\\]|\\.)*"|'[^']*'|\s*\.\s*)+?)\s*=""")
_TOML_LINE = re.compile(r"at line (\d+)")


def line_of(text: str, keys: tuple[str, ...]) -> int | None:
    """Return the number of the line, from 1, that sets what these keys lead to, or as much of it as has a line.

    None if no line sets any of it. Lines within a text of several lines may be taken for settings.
    """
    best, number_of_best = 0, None
    table: tuple[str, ...] = ()
    for number, line in enumerate(text.splitlines(), start=1):
        if (header := _HEADER.match(line)) is not None:
            path = table = _path(header[1])
        elif (key := _KEY.match(line)) is not None:
            path = (*table, *_path(f"{key[1]} = 0"))
        else:
            continue
        if len(path) > best and path == keys[: len(path)]:
            best, number_of_best = len(path), number
    return number_of_best


def line_in_message(message: str) -> int | None:
    """Return the line that an error of the TOML parser names."""
    found = _TOML_LINE.search(message)
    return int(found[1]) if found is not None else None


def _path(text: str) -> tuple[str, ...]:
    """Return the keys that a line of TOML leads to; none if it is not one."""
    try:
        value: Any = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return ()
    keys = []
    while isinstance(value, dict | list) and value:
        if isinstance(value, list):
            value = value[0]
            continue
        key = next(iter(value))
        keys.append(key)
        value = value[key]
    return tuple(keys)
