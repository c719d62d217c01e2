"""A recipe as TOML text: texts of several lines stay readable, and reading it gives the same recipe again."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from tbatch_tui.engine.tables.recipe import VERSION, Recipe, RecipeSource, RowChoice

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_ESCAPES = {"\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r", '"': '\\"', "\\": "\\\\"}
_CONTROL = re.compile(r'[\x00-\x1f"\\\x7f\ud800-\udfff]')
_CONTROL_BUT_LINES = re.compile(r"[\x00-\x08\x0b-\x1f\\\x7f\ud800-\udfff]")
_QUOTES = re.compile(r'""+|"$')
_LARGEST = 2**63 - 1


def recipe_text(recipe: Recipe) -> str:
    """Return the TOML text of a recipe."""
    lines = [f"version = {VERSION}"]
    for name in ("model", "system", "prompt", "id", "schema", "image"):
        value = getattr(recipe, name)
        if value:
            lines.append(f"{name} = {_long_text(value)}")
        elif value is not None and name in ("system", "prompt"):
            lines.append(f'{name} = ""')
    if recipe.audio is not False:
        lines.append(f"audio = {_value(recipe.audio)}")
    for message in recipe.messages:
        lines += ["", "[[messages]]", f"role = {_text(message.role)}", f"content = {_long_text(message.content)}"]
    lines += _body(recipe.body)
    lines += _section("rows", _rows(recipe.rows))
    if recipe.source is not None:
        lines += _section("source", _source(recipe.source))
    return "\n".join(lines) + "\n"


def _body(body: Mapping[str, Any]) -> Iterator[str]:
    plain = {key: value for key, value in body.items() if _fits_toml(value)}
    yield from _section("body", plain)
    # TOML has no null, and no number over 64 bits.
    yield from _section("body_json", {key: json.dumps(body[key]) for key in body if key not in plain})


def _fits_toml(value: object) -> bool:
    if isinstance(value, dict):
        return all(map(_fits_toml, value.values()))
    if isinstance(value, list | tuple):
        return all(map(_fits_toml, value))
    if isinstance(value, int):
        return abs(value) <= _LARGEST
    return isinstance(value, str | float)


def _rows(rows: RowChoice) -> dict[str, Any]:
    values: dict[str, Any] = {}
    if rows.first is not None or rows.last is not None:
        values["range"] = f"{rows.first or 1}-{'' if rows.last is None else rows.last}"
    if rows.where:
        values["where"] = list(rows.where)
    for name in ("sample", "seed"):
        if getattr(rows, name) is not None:
            values[name] = getattr(rows, name)
    if rows.once:
        values["once"] = True
    if rows.empty != "error":
        values["empty"] = rows.empty
    return values


def _source(source: RecipeSource) -> dict[str, Any]:
    names = ("path", "sha256", "format", "rows", "encoding", "delimiter", "sheet")
    return {name: value for name in names if (value := getattr(source, name)) not in (None, "")}


def _section(name: str, values: Mapping[str, Any]) -> Iterator[str]:
    if values:
        yield from ("", f"[{name}]")
        for key, value in values.items():
            yield f"{_key(key)} = {_long_text(value) if isinstance(value, str) else _value(value)}"


def _key(key: str) -> str:
    return key if _BARE.fullmatch(key) else _text(key)


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_key(key)} = {_value(item)}" for key, item in value.items()) + "}"
    return repr(value)


def _text(text: str) -> str:
    return f'"{_CONTROL.sub(_escape, text)}"'


def _long_text(text: str) -> str:
    """Return a text as it is written between three quotes, where it has several lines."""
    if "\n" not in text:
        return _text(text)
    body = _CONTROL_BUT_LINES.sub(_escape, text)
    return '"""\n' + _QUOTES.sub(lambda quotes: quotes[0].replace('"', '\\"'), body) + '"""'


def _escape(match: re.Match[str]) -> str:
    character = match[0]
    return _ESCAPES.get(character) or f"\\u{ord(character):04x}"
