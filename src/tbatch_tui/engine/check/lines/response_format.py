"""The rules for the response_format of a chat request, and for the schema in it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tbatch_tui.engine.check.lines.finding import Finding, JsonObject, JsonPath, join_names, quoted
from tbatch_tui.engine.check.lines.params import CHAT_FORMATS, SCHEMA_PARAMS, type_name, wrong_types

if TYPE_CHECKING:
    from collections.abc import Iterator

_WHERE = "body.response_format"
_PATH: JsonPath = ("body", "response_format")
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
"""The documented names of a schema."""
_SCHEMA_KEYS = frozenset(
    [
        "type",
        "properties",
        "items",
        "required",
        "$ref",
        "anyOf",
        "oneOf",
        "allOf",
        "enum",
        "const",
        "$schema",
        "additionalProperties",
        "$defs",
    ]
)
"""Keywords of JSON Schema: one of them in place of `schema` shows that the schema itself stands there."""


def format_findings(value: object) -> Iterator[Finding]:
    """Yield what is wrong in `response_format`."""
    if not isinstance(value, dict):
        return
    kind = value.get("type")
    if not isinstance(kind, str) or kind not in CHAT_FORMATS:
        shown = quoted(kind) if isinstance(kind, str) else "missing, or not a string"
        message = f"{_WHERE}.type is {shown}, supported: {join_names(CHAT_FORMATS)}"
        yield Finding("response-format", message, (*_PATH, "type"))
        return
    if kind == "regex":
        yield from _pattern(value)
    elif kind == "json_schema":
        own = value.get("json_schema")
        if isinstance(own, dict):
            yield from _json_schema(own)
        elif "json_schema" in value or not isinstance(value.get("schema"), dict):
            yield Finding("response-format", f"{_WHERE}.json_schema is missing, or not an object", _PATH)
    if kind in ("json_schema", "json_object"):  # where the schema stood in earlier documentation
        yield from _schema(value.get("schema"), f"{_WHERE}.schema", (*_PATH, "schema"))


def _pattern(value: JsonObject) -> Iterator[Finding]:
    pattern = value.get("pattern")
    if not isinstance(pattern, str) or not pattern:
        state = "missing" if "pattern" not in value else "empty" if pattern == "" else type_name(pattern)
        yield Finding("response-format", f"{_WHERE}.pattern is {state}", (*_PATH, "pattern"))


def _json_schema(own: JsonObject) -> Iterator[Finding]:
    where, path = f"{_WHERE}.json_schema", (*_PATH, "json_schema")
    yield from wrong_types(own, SCHEMA_PARAMS, where, path)
    name = own.get("name")
    if own.get("schema") is None and not _SCHEMA_KEYS.isdisjoint(own):
        yield Finding("schema-bare", f"{where} is the bare schema; it has to be an object with name and schema", path)
        return
    if name is None or name == "":
        state = "empty" if name == "" else "null" if "name" in own else "missing"
        yield Finding("schema-name", f"{where}.name is {state}", (*path, "name"))
    elif isinstance(name, str) and not _NAME.fullmatch(name):
        message = f"{where}.name is {quoted(name)}, documented: up to 64 letters, digits, _ and -"
        yield Finding("unusual-value", message, (*path, "name"))
    yield from _schema(own.get("schema"), f"{where}.schema", (*path, "schema"))


def _schema(schema: object, where: str, path: JsonPath) -> Iterator[Finding]:
    """Check that a schema is one, by the library that knows the drafts of JSON Schema."""
    if not isinstance(schema, dict):
        return
    from tbatch_tui.engine.schemas.meta_schema import find_schema_error  # most files have no schema

    error = find_schema_error(schema)
    if error is not None:
        yield Finding("schema-invalid", f"{where} is not valid JSON Schema: {error.message}", (*path, *error.path))
