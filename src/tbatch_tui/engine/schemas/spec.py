"""The short text of a schema, `label: enum[positive,negative], why: string`, and the JSON Schema that it stands for.

    FIELD: TYPE, …      TYPE is string, number, integer, boolean, enum[a,b] or list[TYPE]

Every field is required, and an answer may have no other. A name or a value that holds a comma, a colon, a bracket or a
quote is written as a JSON string: `enum["a, b",c]`.
"""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

from tbatch_tui.engine.errors import BatchError

JsonSchema = dict[str, Any]

_SIMPLE_TYPES = ("string", "number", "integer", "boolean")
_TYPES = "string, number, integer, boolean, enum[a,b] or list[TYPE]"
_WORD = re.compile(r'[^,:\[\]"]+')
_TYPE_NAME = re.compile(r"\w+")
_DEEPEST = 32
"""Lists within lists: nobody means more, and an answer that deep is refused by most servers."""


class SchemaSpecError(BatchError):
    """A short schema text that cannot be read. `column` is the place of the mistake, from 1."""

    def __init__(self, message: str, column: int) -> None:
        super().__init__(
            f"The schema has a mistake at character {column}: {message}",
            "Write FIELD: TYPE, …, for example label: enum[positive,negative], score: number.",
        )
        self.column = column


def parse_spec(text: str) -> JsonSchema:
    """Return the JSON Schema of a short text. Raises SchemaSpecError with the place of the first mistake."""
    return _SpecParser(text).parse()


def format_spec(schema: object) -> str | None:
    """Return the short text of a JSON Schema; None where it cannot say all that the schema says."""
    if not isinstance(schema, dict) or schema.keys() != {"type", "properties", "required", "additionalProperties"}:
        return None
    properties, required = schema["properties"], schema["required"]
    if schema["type"] != "object" or schema["additionalProperties"] is not False or not isinstance(properties, dict):
        return None
    if not properties or not isinstance(required, list) or required != list(properties):
        return None
    types = {name: _format_type(value) for name, value in properties.items()}
    if not all(types.values()) or not all(isinstance(name, str) and name.strip() for name in types):
        return None
    return ", ".join(f"{_format_name(name)}: {type_}" for name, type_ in types.items())


def _format_type(schema: object, depth: int = 0) -> str:
    """Return the text of a field's type; empty where there is none."""
    if not isinstance(schema, dict) or depth > _DEEPEST:
        return ""
    kind = schema.get("type")
    if schema.keys() == {"type"} and kind in _SIMPLE_TYPES:
        return str(kind)
    if schema.keys() == {"type", "items"} and kind == "array":
        item = _format_type(schema["items"], depth + 1)
        return f"list[{item}]" if item else ""
    values = schema.get("enum")
    if schema.keys() == {"type", "enum"} and kind == "string" and isinstance(values, list) and _are_values(values):
        return f"enum[{','.join(map(_format_name, values))}]"
    return ""


def _are_values(values: list[object]) -> bool:
    is_text = bool(values) and all(isinstance(value, str) and value.strip() for value in values)
    return is_text and len(set(values)) == len(values)


def _format_name(name: str) -> str:
    is_plain = _WORD.fullmatch(name) and name == name.strip() and name.isprintable()
    return name if is_plain else json.dumps(name, ensure_ascii=False)


class _SpecParser:
    """Reads one text from its beginning."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def parse(self) -> JsonSchema:
        properties: JsonSchema = {}
        while True:
            start = self._skip_spaces()
            name = self._name("the name of a field")
            if name in properties:
                self._fail(f"the field {name} is there twice", start)
            self._expect(":", f"a colon and a type after {name}")
            properties[name] = self._type()
            if not self._accept(","):
                break
        if self._skip_spaces() < len(self._text):
            self._fail("a comma is expected before the next field")
        return {
            "type": "object",
            "properties": properties,
            "required": list(properties),
            "additionalProperties": False,
        }

    def _type(self, depth: int = 0) -> JsonSchema:
        start = self._skip_spaces()
        word = _TYPE_NAME.match(self._text, start)
        name = word[0] if word else ""
        if name not in (*_SIMPLE_TYPES, "enum", "list"):
            self._fail(f"{name} is not a type: use {_TYPES}" if name else f"a type is expected: {_TYPES}", start)
        self._at = start + len(name)
        if name in _SIMPLE_TYPES:
            return {"type": name}
        self._expect("[", f"{name}[…]")
        if name == "list":
            if depth >= _DEEPEST:
                self._fail("the lists are nested too deeply", start)
            schema: JsonSchema = {"type": "array", "items": self._type(depth + 1)}
        else:
            schema = {"type": "string", "enum": self._values()}
        self._expect("]", f"the bracket that closes {name}[")
        return schema

    def _values(self) -> list[str]:
        values: list[str] = []
        while True:
            start = self._skip_spaces()
            value = self._name("a value")
            if value in values:
                self._fail(f"the value {value} is there twice", start)
            values.append(value)
            if not self._accept(","):
                return values

    def _name(self, what: str) -> str:
        start = self._skip_spaces()
        if self._text[start : start + 1] == '"':
            try:
                value, self._at = json.JSONDecoder().raw_decode(self._text, start)
            except ValueError:
                self._fail("this quote is never closed, or not valid JSON", start)
            name = str(value)
        else:
            word = _WORD.match(self._text, start)
            name = word[0].strip() if word else ""
            self._at = word.end() if word else start
        if not name.strip():
            self._fail(f"{what} is expected", start)
        if any("\ud800" <= character <= "\udfff" for character in name):
            self._fail("an incomplete character is escaped here", start)
        return name

    def _skip_spaces(self) -> int:
        while self._at < len(self._text) and self._text[self._at].isspace():
            self._at += 1
        return self._at

    def _accept(self, character: str) -> bool:
        is_there = self._text[self._skip_spaces() :][:1] == character
        self._at += is_there
        return is_there

    def _expect(self, character: str, what: str) -> None:
        if not self._accept(character):
            self._fail(f"{what} is expected")

    def _fail(self, message: str, at: int | None = None) -> NoReturn:
        raise SchemaSpecError(message, (self._at if at is None else at) + 1)
