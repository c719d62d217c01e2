"""What a recipe may hold. Each mistake is named with the file and the line of its key."""

from __future__ import annotations

import json
import re
from dataclasses import fields
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, NoReturn

from tbatch_tui.engine.check.edit.request_values import SECRET_KEYS
from tbatch_tui.engine.schemas.spec import SchemaSpecError, parse_spec
from tbatch_tui.engine.tables.recipe import (
    EMPTY_CHOICES,
    OWN_BODY_KEYS,
    ROLES,
    VERSION,
    MessageTemplate,
    Recipe,
    RecipeError,
    RecipeSource,
    RowChoice,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_RANGE = re.compile(r"\s*(\d*)\s*-\s*(\d*)\s*")
_TOP_KEYS = ("version", *(item.name for item in fields(Recipe)), "body_json")
_ROW_KEYS = ("range", "where", "sample", "seed", "once", "empty")
_SOURCE_KEYS = tuple(item.name for item in fields(RecipeSource))
_MULTILINE = ('"""', "'" * 3)
_LARGEST_SEED = 2**63 - 1


def parse_range(text: str) -> tuple[int | None, int | None]:
    """Return first and last row of `A-B`, `A-`, `-B` or `N`, counted from 1. Raises ValueError."""
    if text.strip().isdecimal():
        text = f"{text}-{text}"
    match = _RANGE.fullmatch(text)
    if match is None or not (match[1] or match[2]):
        raise ValueError(f"{text} is not a range of rows, such as 1-100")
    first, last = (int(number) if number else None for number in match.groups())
    if first == 0 or (last is not None and last < (first or 1)):
        raise ValueError(f"{text} has no row: rows are counted from 1")
    return first, last


def check_schema_text(text: str) -> dict[str, Any]:
    """Return the JSON Schema of a recipe's `schema`. Raises SchemaSpecError, and ValueError for a faulty JSON text."""
    if not text.lstrip().startswith("{"):
        return parse_spec(text)
    schema = json.loads(text, parse_constant=_refuse_constant)
    if not isinstance(schema, dict):
        raise ValueError("the schema is not an object")
    return schema


def _refuse_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is not JSON")


def check_where(text: str) -> None:
    """Raise ValueError for a condition that is not `COLUMN=VALUE`."""
    if "=" not in text[1:]:
        raise ValueError(f"{text} is not a condition, such as lang=de")


class RecipeRules:
    """Makes a recipe of a TOML document, or says where it has a mistake."""

    def __init__(self, name: str, text: str) -> None:
        self._name = name
        self._text = text

    def recipe_of(self, document: Mapping[str, Any]) -> Recipe:
        """Return the recipe. Raises RecipeError."""
        version = document.get("version")
        if type(version) is int and version > VERSION:
            self._fail("", "version", f"version {version} is newer than this program", "Update tbatch-tui.")
        if version != VERSION or type(version) is bool:
            self._fail("", "version", f"a recipe begins with version = {VERSION}", "Write that as its first line.")
        self._require_known("", document, _TOP_KEYS)
        audio = document.get("audio", False)
        if not isinstance(audio, bool | str) or audio == "":
            self._fail(
                "",
                "audio",
                "audio is not a column name, nor true",
                "Write audio = true, or the name of the column with the URLs.",
            )
        schema = self._text_of("", document, "schema")
        if schema is not None:
            self._check_schema(schema)
        return Recipe(
            model=self._text_of("", document, "model") or "",
            system=self._text_of("", document, "system"),
            prompt=self._text_of("", document, "prompt"),
            messages=tuple(self._messages(document)),
            id=self._text_of("", document, "id"),
            schema=schema,
            image=self._text_of("", document, "image"),
            audio=audio,
            body=self._body(document),
            rows=self._rows(self._section(document, "rows")),
            source=self._source(document),
        )

    def _check_schema(self, schema: str) -> None:
        try:
            check_schema_text(schema)
        except SchemaSpecError as error:
            self._fail("", "schema", f"{error.title[:1].lower()}{error.title[1:]}", error.hint)
        except (ValueError, RecursionError) as error:
            self._fail("", "schema", f"the schema is not JSON: {error}", "Fix the JSON, or use the short form.")

    def _messages(self, document: Mapping[str, Any]) -> Iterator[MessageTemplate]:
        messages = document.get("messages", [])
        if not isinstance(messages, list) or not all(isinstance(message, dict) for message in messages):
            self._fail(
                "", "messages", "messages is not a list of tables", "Write each as [[messages]], with role and content."
            )
        for message in messages:
            self._require_known("messages", message, ("role", "content"))
            role, content = message.get("role"), message.get("content")
            if role not in ROLES or not isinstance(content, str):
                hint = f"The role is one of {', '.join(ROLES)}."
                self._fail("messages", "role", "a message needs a role, and text as content", hint)
            yield MessageTemplate(role, content)

    def _body(self, document: Mapping[str, Any]) -> dict[str, Any]:
        body = dict(self._section(document, "body"))
        for key, value in body.items():
            if not _is_json(value):
                self._fail("body", key, f"{key} is a date, which JSON does not have", "Write it as text, in quotes.")
        for key, text in self._section(document, "body_json").items():
            try:
                if not isinstance(text, str) or key in body:
                    raise ValueError("it is not text, or it is also in [body]")
                body[key] = json.loads(text, parse_constant=_refuse_constant)
            except (ValueError, RecursionError) as error:
                self._fail("body_json", key, f"{key} is not JSON as text: {error}", "Fix the JSON, or use [body].")
        for key in body:
            if key in OWN_BODY_KEYS:
                self._fail("body", key, f"{key} is not set here", OWN_BODY_KEYS[key])
            if key.lower().replace("-", "_") in SECRET_KEYS:
                self._fail("body", key, "an API key does not belong in a recipe", "Remove it and set TOGETHER_API_KEY.")
        return body

    def _rows(self, rows: Mapping[str, Any]) -> RowChoice:
        self._require_known("rows", rows, _ROW_KEYS)
        where = rows.get("where", [])
        if not isinstance(where, list) or not all(isinstance(text, str) for text in where):
            self._fail("rows", "where", "where is a list of conditions", 'For example where = ["lang=de"].')
        key, first, last = "range", None, None
        try:
            if (span := self._text_of("rows", rows, "range")) is not None:
                first, last = parse_range(span)
            key = "where"
            for text in where:
                check_where(text)
        except ValueError as error:
            self._fail("rows", key, str(error), "Fix this line of the recipe.")
        once, empty = rows.get("once", False), rows.get("empty", "error")
        if not isinstance(once, bool):
            self._fail("rows", "once", "once is neither true nor false", "Write once = true, or remove the line.")
        if empty not in EMPTY_CHOICES:
            self._fail("rows", "empty", "empty has an unknown value", f"Use one of {', '.join(EMPTY_CHOICES)}.")
        sample, seed = (self._count("rows", rows, key) for key in ("sample", "seed"))
        return RowChoice(first, last, tuple(where), sample, seed, once, empty)

    def _source(self, document: Mapping[str, Any]) -> RecipeSource | None:
        source = self._section(document, "source")
        if not source:
            return None
        self._require_known("source", source, _SOURCE_KEYS)
        texts = {key: self._text_of("source", source, key) for key in _SOURCE_KEYS if key != "rows"}
        if not texts["path"]:
            self._fail("source", "path", "the source has no path", "Write path = …, relative to the recipe.")
        return RecipeSource(
            path=texts["path"],
            sha256=texts["sha256"] or "",
            format=texts["format"] or "",
            rows=self._count("source", source, "rows"),
            encoding=texts["encoding"],
            delimiter=texts["delimiter"],
            sheet=texts["sheet"],
        )

    def _section(self, document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
        section = document.get(name, {})
        if not isinstance(section, dict):
            self._fail("", name, f"{name} is not a table", f"Write it as [{name}], with its keys below.")
        return section

    def _text_of(self, section: str, table: Mapping[str, Any], key: str) -> str | None:
        value = table.get(key)
        if value is not None and not isinstance(value, str):
            self._fail(section, key, f"{key} is not text", "Put it in quotes.")
        return value

    def _count(self, section: str, table: Mapping[str, Any], key: str) -> int | None:
        value = table.get(key)
        if value is not None and (type(value) is not int or not 0 <= value <= _LARGEST_SEED):
            self._fail(section, key, f"{key} is not a whole number", "Write a whole number, 0 or more.")
        return value

    def _require_known(self, section: str, table: Mapping[str, Any], known: Iterable[str]) -> None:
        known = tuple(known)
        for key in table:
            if key not in known:
                near = get_close_matches(key, known, n=1)
                hint = f"Did you mean {near[0]}?" if near else f"Known keys: {', '.join(known)}."
                self._fail(section, key, f"unknown key {key}" + (f" in [{section}]" if section else ""), hint)

    def _fail(self, section: str, key: str, message: str, hint: str) -> NoReturn:
        line = line_of_key(self._text, section, key)
        raise RecipeError(f"{self._name}:{line}: {message}", hint, line)


def _is_json(value: object) -> bool:
    if isinstance(value, dict):
        return all(map(_is_json, value.values()))
    if isinstance(value, list):
        return all(map(_is_json, value))
    if isinstance(value, float):
        return value - value == 0.0  # neither inf nor nan
    return isinstance(value, str | int | bool)


def line_of_key(text: str, section: str, key: str) -> int:
    """Return the line of a key in a TOML text, from 1: that of its section where the key is not found, else 1."""
    here, closing, section_line = "", "", 1
    names = {key, json.dumps(key), json.dumps(key, ensure_ascii=False), f"'{key}'"}
    for number, line in enumerate(text.splitlines(), start=1):
        if closing:
            closing = "" if closing in line else closing
            continue
        stripped = line.strip()
        if stripped.startswith("["):
            here = stripped.partition("]")[0].strip("[ ").strip()
            if here == section or (not section and here.partition(".")[0].strip("\"'") == key):
                section_line = number
                if not section:
                    return number
        name, equals, value = line.partition("=")
        name = name.strip()
        if equals and here == section and (name in names or name.partition(".")[0].strip() in names):
            return number
        if equals and not section and name.partition(".")[0].strip() == key:
            return number
        opened = next((mark for mark in _MULTILINE if value.strip().startswith(mark)), "")
        if opened and opened not in value.strip()[3:]:
            closing = opened
    return section_line
