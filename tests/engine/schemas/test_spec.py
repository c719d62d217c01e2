"""The short schema text: what it stands for, and where its mistakes are."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tbatch_tui.engine.schemas.spec import SchemaSpecError, format_spec, parse_spec


def test_the_documented_example() -> None:
    assert parse_spec("label: enum[positive,negative,neutral], why: string, score: number") == {
        "type": "object",
        "properties": {
            "label": {"type": "string", "enum": ["positive", "negative", "neutral"]},
            "why": {"type": "string"},
            "score": {"type": "number"},
        },
        "required": ["label", "why", "score"],
        "additionalProperties": False,
    }


def test_every_type_and_lists_of_lists() -> None:
    schema = parse_spec("a:integer,b : boolean , c: list[string], d: list[list[ enum[ x , y z ] ]]")
    assert schema["properties"] == {
        "a": {"type": "integer"},
        "b": {"type": "boolean"},
        "c": {"type": "array", "items": {"type": "string"}},
        "d": {"type": "array", "items": {"type": "array", "items": {"type": "string", "enum": ["x", "y z"]}}},
    }


def test_a_name_in_quotes_may_hold_anything() -> None:
    schema = parse_spec('"a, b": enum["c]", d]')
    assert schema["properties"] == {"a, b": {"type": "string", "enum": ["c]", "d"]}}


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        ("", 1, "name of a field"),
        ("label", 6, "a colon and a type after label"),
        ("label: text", 8, "text is not a type"),
        ("label:", 7, "a type is expected"),
        ("a: string, a: number", 12, "the field a is there twice"),
        ("a: string b: number", 11, "a comma is expected"),
        ("a: string,", 11, "name of a field"),
        ("a: enum[x,x]", 11, "the value x is there twice"),
        ("a: enum[]", 9, "a value is expected"),
        ("a: enum[x", 10, "closes enum["),
        ("a: list", 8, "list[…] is expected"),
        ("a: list[nothing]", 9, "nothing is not a type"),
        ('a: enum["x]', 9, "this quote is never closed"),
        ('"\\ud800": string', 1, "an incomplete character"),
        ("a: " + "list[" * 40 + "string" + "]" * 40, 4 + 5 * 32, "too deeply"),
    ],
)
def test_a_mistake_is_named_with_its_place(text: str, column: int, message: str) -> None:
    with pytest.raises(SchemaSpecError) as caught:
        parse_spec(text)
    assert caught.value.column == column
    assert message in str(caught.value)


@given(st.text())
def test_any_text_is_read_or_refused_with_a_place_in_it(text: str) -> None:
    try:
        schema = parse_spec(text)
    except SchemaSpecError as error:
        assert 1 <= error.column <= len(text) + 1
    else:
        assert parse_spec(format_spec(schema) or "") == schema


_NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(lambda name: bool(name.strip()))
_TYPES: st.SearchStrategy[dict[str, Any]] = st.recursive(
    st.sampled_from(["string", "number", "integer", "boolean"]).map(lambda name: {"type": name})
    | st.lists(_NAMES, min_size=1, unique=True).map(lambda values: {"type": "string", "enum": values}),
    lambda types: types.map(lambda items: {"type": "array", "items": items}),
)


@given(st.dictionaries(_NAMES, _TYPES, min_size=1))
def test_a_schema_of_fields_goes_through_the_short_text_and_back(properties: dict[str, Any]) -> None:
    schema = {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
    text = format_spec(schema)
    assert text is not None
    assert parse_spec(text) == schema


@pytest.mark.parametrize(
    "change",
    [
        {"required": []},
        {"additionalProperties": True},
        {"title": "x"},
        {"properties": {"a": {"type": "string", "minLength": 1}}},
        {"properties": {"a": {"type": "object"}}},
        {"properties": {"a": {"type": "string", "enum": ["x", 1]}}},
    ],
)
def test_a_schema_that_says_more_has_no_short_text(change: dict[str, Any]) -> None:
    schema = {**parse_spec("a: string"), **change}
    assert format_spec(schema) is None
    assert format_spec([]) is None
