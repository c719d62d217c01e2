"""Answers against what their requests asked for."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tbatch_tui.engine.schemas.verdict import (
    MAX_VIOLATION,
    NO_FORMAT,
    format_of,
    format_of_body,
    format_of_schema,
    strip_wrapping,
    tool_call_violation,
)

LABEL = {
    "type": "object",
    "properties": {
        "label": {"type": "string", "enum": ["positive", "negative"]},
        "score": {"type": "number"},
        "tags": {"type": "array", "items": {"type": "string"}},
    },
    "required": ["label", "score"],
    "additionalProperties": False,
}
SCHEMA = format_of_body({"response_format": {"type": "json_schema", "json_schema": {"name": "l", "schema": LABEL}}})


@pytest.mark.parametrize(
    ("answer", "violation"),
    [
        ('{"label": "positive", "score": 1}', ""),
        ('{"label": "unsure", "score": 1}', 'label: "unsure" is not one of "positive" or "negative"'),
        ('{"label": "positive"}', '"score" is a required property'),
        ('{"label": "positive", "score": "1"}', 'score: "1" is not of type "number"'),
        (
            '{"label": "positive", "score": 1, "x": 2}',
            "Additional properties are not allowed ('x' was unexpected)",
        ),
        ('{"label": "positive", "score": 1, "tags": ["a", 3]}', 'tags[1]: 3 is not of type "string"'),
        ("[1]", '[1] is not of type "object"'),
        ("", "not JSON: the answer is empty"),
        ("  ", "not JSON: the answer is empty"),
        ("positive", "not JSON: Expecting value: line 1 column 1 (char 0)"),
        ('{"label": "positive", "score": NaN}', "not JSON: NaN is not JSON"),
        ('{"label": "positive", "score": -Infinity}', "not JSON: -Infinity is not JSON"),
    ],
)
def test_an_answer_is_judged_by_its_schema(answer: str, violation: str) -> None:
    assert SCHEMA.judge(answer).violation == violation


@pytest.mark.parametrize(
    ("text", "bare", "removed"),
    [
        ("plain", "plain", ()),
        ('```json\n{"a": 1}\n```', '{"a": 1}', ("fence",)),
        ('```\n{"a": 1}\n```\n', '{"a": 1}', ("fence",)),
        ("<think>let me see</think>\n\nyes", "yes", ("reasoning",)),
        ("let me see</think>yes", "yes", ("reasoning",)),
        ("<think>for ever", "", ("reasoning",)),
        ("<think>a</think>```json\n[1]\n```", "[1]", ("reasoning", "fence")),
        ("The tag <think> and </think> in a sentence", "The tag <think> and </think> in a sentence", ()),
        ("``````", "``````", ()),
    ],
)
def test_reasoning_and_fences_are_taken_off(text: str, bare: str, removed: tuple[str, ...]) -> None:
    assert strip_wrapping(text) == (bare, removed)


def test_a_fenced_answer_is_judged_and_what_was_taken_off_is_told() -> None:
    verdict = SCHEMA.judge('<think>hm</think>```json\n{"label": "negative", "score": 0.5}\n```')
    assert (verdict.violation, verdict.removed) == ("", ("reasoning", "fence"))
    assert verdict.value == {"label": "negative", "score": 0.5}


def test_json_object_means_an_object() -> None:
    wanted = format_of(b'{"type": "json_object"}')
    assert wanted.judge('{"a": 1}').violation == ""
    assert wanted.judge("[1]").violation == "not a JSON object but a list"
    assert wanted.judge("true").violation == "not a JSON object but a boolean"
    assert wanted.judge("null").violation == "not a JSON object but null"
    with_schema = format_of(json.dumps({"type": "json_object", "schema": LABEL}).encode())
    assert with_schema.judge('{"label": "positive"}').violation == '"score" is a required property'


def test_a_pattern_has_to_match_the_whole_answer() -> None:
    wanted = format_of(b'{"type": "regex", "pattern": "positive|negative"}')
    assert wanted.judge("positive").violation == wanted.judge("negative\n").violation == ""
    assert wanted.judge("positive, I think").violation == "the answer does not match the pattern"
    look_ahead = format_of(json.dumps({"type": "regex", "pattern": "(?=a)[a-z]+"}).encode())
    assert look_ahead.judge("abc").violation == ""
    assert look_ahead.judge("bc").violation


def test_a_pattern_that_takes_for_ever_elsewhere_takes_no_time() -> None:
    wanted = format_of(b'{"type": "regex", "pattern": "(a+)+"}')
    assert wanted.judge("a" * 20_000 + "!").violation == "the answer does not match the pattern"


@pytest.mark.parametrize("body", [{}, [], None, {"response_format": "json"}, {"response_format": {"type": "text"}}])
def test_a_request_that_asks_for_nothing_takes_every_answer(body: object) -> None:
    assert format_of_body(body) == NO_FORMAT
    assert format_of_body(body).judge("anything").violation == ""


def test_a_schema_that_cannot_be_used_leaves_json_to_be_judged() -> None:
    broken = format_of_schema({"type": "strange"})
    assert broken.problem.startswith("the schema cannot be used: ")
    assert broken.judge('{"a": 1}').violation == ""
    assert broken.judge("no").violation.startswith("not JSON")
    assert format_of(b'{"type": "regex", "pattern": "(("}').problem


def test_nothing_that_a_schema_refers_to_is_fetched() -> None:
    remote = format_of_schema({"$ref": "http://127.0.0.1:9/schema.json"})
    assert "schemas are not downloaded" in remote.problem


def test_a_draft_that_nobody_knows_is_read_as_the_newest() -> None:
    wanted = format_of_schema({"$schema": "https://example.com/draft-99", "type": "object"})
    assert wanted.problem == "" and wanted.judge("[]").violation


def test_a_long_value_does_not_make_a_long_violation() -> None:
    assert len(SCHEMA.judge(json.dumps({"label": "x" * 5_000, "score": 1})).violation) == MAX_VIOLATION


def test_fields_are_those_of_the_schema_in_order() -> None:
    assert SCHEMA.fields == ("label", "score", "tags")
    assert NO_FORMAT.fields == format_of_schema(True).fields == ()


TOOLS = [{"type": "function", "function": {"name": "look_up", "parameters": {**LABEL, "required": ["label"]}}}]


@pytest.mark.parametrize(
    ("name", "arguments", "violation"),
    [
        ("look_up", '{"label": "positive"}', ""),
        ("look_up", {"label": "positive"}, ""),
        ("look_up", "{}", 'look_up: "label" is a required property'),
        ("look_up", "{", "look_up: arguments are not JSON: "),
        ("other", "{}", 'calls "other", which is none of the request\'s tools'),
        (None, "{}", "calls null, which is none of the request's tools"),
    ],
)
def test_a_tool_call_is_judged_by_the_tools_parameters(name: object, arguments: object, violation: str) -> None:
    found = tool_call_violation(TOOLS, name, arguments)
    assert found.startswith(violation) and bool(found) == bool(violation)


@pytest.mark.parametrize("tools", [None, [], [1], [{"function": 3}], [{"function": {"name": 7}}], "x"])
def test_tools_that_say_nothing_judge_nothing(tools: object) -> None:
    assert tool_call_violation(tools, "f", "{}") == ""


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(JSON)
def test_any_value_is_judged(value: object) -> None:
    text = json.dumps(value)
    assert isinstance(SCHEMA.judge(text).violation, str)
    is_finite = "NaN" not in text and "Infinity" not in text
    if is_finite:
        assert format_of_schema(True).judge(text).violation == ""


@given(st.text() | st.just("\ud800") | st.just('"\\ud800"') | st.just("[" * 5_000) | st.just("1" * 5_000))
def test_any_text_and_any_format_is_judged(text: str) -> None:
    assert isinstance(SCHEMA.judge(text).violation, str)
    assert isinstance(format_of(text.encode("utf-8", "surrogatepass")).judge(text).violation, str)
    assert isinstance(tool_call_violation(TOOLS, text, text), str)
    pattern = format_of(json.dumps({"type": "regex", "pattern": text}).encode())
    assert isinstance(pattern.judge(text).violation, str)


@given(JSON)
def test_any_schema_is_taken_or_told(schema: object) -> None:
    wanted = format_of_schema(schema)
    assert isinstance(wanted.judge("{}").violation, str)
    assert wanted.problem == "" or wanted.problem.startswith("the schema cannot be used: ")
