"""Whether a schema is one: each text is judged once, and nothing is fetched whatever the schema refers to."""

from __future__ import annotations

import socket
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tbatch_tui.engine.schemas import meta_schema
from tbatch_tui.engine.schemas.meta_schema import find_schema_error
from tests.helpers.check_lines import chat, dumped, saved

if TYPE_CHECKING:
    from pathlib import Path

DRAFT_4, DRAFT_7 = (f"http://json-schema.org/draft-0{number}/schema#" for number in (4, 7))
SELF = {"type": "object", "properties": {"next": {"$ref": "#"}}}


@pytest.mark.parametrize(
    "schema",
    [
        {},
        {"type": "object", "properties": {"a": {"type": ["string", "null"], "pattern": "a+"}}, "required": ["a"]},
        {"$defs": {"a": {"type": "string"}}, "$ref": "#/$defs/a"},
        {"definitions": {"a": {}}, "properties": {"b": {"$ref": "#/definitions/a"}}},
        SELF,
        {"$schema": DRAFT_7, "exclusiveMinimum": 5},
        {"$schema": DRAFT_4, "minimum": 5, "exclusiveMinimum": True},
        {"$schema": "https://example.com/of-our-own", "type": "object"},
        {"unknown": 1, "x-order": ["a"]},
        {"minimum": 2**80},
        {"const": 10**300},
    ],
)
def test_a_schema(schema: dict[str, Any]) -> None:
    assert find_schema_error(schema) is None


@pytest.mark.parametrize(
    ("schema", "message", "path"),
    [
        ({"type": "strng"}, '"strng" is not valid under any of', ("type",)),
        ({"properties": {"a": {"type": 5}}}, "5 is not valid under any of", ("properties", "a", "type")),
        ({"properties": []}, '[] is not of type "object" (in properties)', ("properties",)),
        ({"required": "a"}, '"a" is not of type "array" (in required)', ("required",)),
        ({"pattern": "("}, '"(" is not a "regex" (in pattern)', ("pattern",)),
        ({"minimum": "1"}, '"1" is not of type "number" (in minimum)', ("minimum",)),
        ({"$ref": "#/$defs/a"}, "Pointer '/$defs/a' does not exist", ()),
        ({"$ref": "https://example.com/a.json"}, "it refers to https://example.com/a.json, which is not in it", ()),
        ({"$schema": DRAFT_4, "exclusiveMinimum": 5}, '"minimum" is a required property', ()),
        ({"$schema": "https://example.com/own", "type": "x"}, '"x" is not valid', ("type",)),
        ({"enum": "x" * 500}, '"xxx', ("enum",)),
    ],
)
def test_no_schema(schema: dict[str, Any], message: str, path: tuple[str | int, ...]) -> None:
    error = find_schema_error(schema)
    assert error is not None
    assert error.message.startswith(message)
    assert len(error.message) < 260
    assert error.path == path


@pytest.mark.parametrize("key", ["$ref", "$schema", "$dynamicRef", "$id"])
def test_nothing_is_fetched(key: str) -> None:
    """A server on loopback is never asked, whatever keyword names it."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        uri = f"http://127.0.0.1:{server.getsockname()[1]}/schema.json"
        find_schema_error({key: uri, "type": "object", "properties": {"a": {"$ref": f"{uri}#/a"}}})
        with pytest.raises(TimeoutError):
            server.accept()


def test_no_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "schema.json"
    path.write_text('{"type": "string"}')
    error = find_schema_error({"$ref": path.as_uri()})
    assert error is not None and error.message.startswith("it refers to file:")


def test_the_same_schema_is_judged_once() -> None:
    schema = {"type": "object", "title": "judged once"}
    meta_schema._judge_text.cache_clear()
    for _ in range(5):
        find_schema_error(dict(schema))
    assert meta_schema._judge_text.cache_info().misses == 1


def test_the_library_is_loaded_for_a_schema_only(tmp_path: Path) -> None:
    """A check of lines without a schema does not pay for it."""
    form = {"type": "json_schema", "json_schema": {"name": "x", "schema": {}}}
    forms: list[tuple[dict[str, Any], bool]] = [
        ({}, False),
        ({"tools": [], "response_format": {"type": "text"}}, False),
        ({"response_format": form}, True),
    ]
    for more, is_loaded in forms:
        path = saved(tmp_path, dumped(chat(**more)))
        code = f"import sys, pathlib, tbatch_tui; report = tbatch_tui.check_file(pathlib.Path({str(path)!r}))\n"
        code += "print('jsonschema_rs' in sys.modules, len(report.problems))"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
        assert done.stdout.split() == [str(is_loaded), "0"]
