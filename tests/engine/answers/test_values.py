"""What is in the fields of answers: which fields there are, their counts, and what stands apart."""

from __future__ import annotations

import json
import math
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tbatch_tui.engine.answers.columns import ABSENT, EMPTY, LABEL_MAX, NOT_JSON, ColumnBuilder, FieldType
from tbatch_tui.engine.answers.fields import NoSuchFieldError, find_fields
from tbatch_tui.engine.answers.table import read_table
from tbatch_tui.engine.answers.values import cross, describe, values_as_data
from tbatch_tui.engine.errors import OperationCancelledError
from tbatch_tui.engine.results import Outcome, ResultIndex
from tests.helpers.result_rows import answer_row, build_index, error_row, request_row, response_row

if TYPE_CHECKING:
    from pathlib import Path

SCHEMA = {
    "type": "object",
    "properties": {
        "label": {"enum": ["good", "bad"]},
        "score": {"type": "number"},
        "sure": {"type": "boolean"},
        "why": {"type": ["string", "null"]},
    },
}
_VALUE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=LABEL_MAX + 5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)


def asked(custom_id: str, schema: Any = None) -> Any:
    row = request_row(custom_id)
    if schema is not None:
        row["body"]["response_format"] = {"type": "json_schema", "json_schema": {"name": "a", "schema": schema}}
    return row


def index_of(folder: Path, answers: list[Any], schema: Any = None) -> ResultIndex:
    """Return the results of requests with these answers: texts, or values that become JSON, or whole rows."""
    output, requests = [], []
    for number, answer in enumerate(answers):
        custom_id = f"r{number}"
        requests.append(asked(custom_id, schema))
        if isinstance(answer, dict) and "custom_id" in answer:
            output.append(answer)
        elif answer is not None:
            output.append(answer_row(custom_id, answer if isinstance(answer, str) else json.dumps(answer)))
    return build_index(folder, requests=requests, output=output[::-1])


def test_a_schema_given_afterwards_has_its_fields(tmp_path: Path) -> None:
    answers = [{"label": "good", "score": "3", "more": 1}, {"label": "bad"}]
    index = index_of(tmp_path, answers)
    given = ResultIndex(replace(index.sources, answer_schema=json.dumps(SCHEMA)))
    given.build()
    assert [field.name for field in find_fields(given, [0]).own] == ["label", "score", "sure", "why", "more"]
    assert [field.allowed for field in find_fields(given, [0]).own][:1] == [("good", "bad")]
    assert [field.name for field in find_fields(index, [0]).own] == ["label", "score", "more"]
    asked_itself = index_of(tmp_path / "asked", answers, {"type": "object", "properties": {"more": {}}})
    both = ResultIndex(replace(asked_itself.sources, answer_schema=json.dumps(SCHEMA)))
    both.build()
    assert [field.name for field in find_fields(both, [0]).own][:1] == ["more"]


def test_the_fields_of_a_schema(tmp_path: Path) -> None:
    answers = [
        {"label": "good", "score": 1, "sure": True, "why": " it works "},
        {"label": "good", "score": 2.5, "sure": False, "why": "it works"},
        {"label": "bad", "score": 4.0, "sure": False, "why": None},
        "```json\n" + json.dumps({"label": "good", "score": 4, "sure": True}) + "\n```",
        {"label": "ugly", "score": 9, "sure": True},
        error_row("r5"),
        None,
    ]
    index = index_of(tmp_path, answers, SCHEMA)
    data = values_as_data(read_table(index))
    assert data == {
        "rows": 4,
        "outcomes": {"ok": 4, "cut short": 0, "invalid": 1, "error": 1, "missing": 1},
        "fields": {
            "label": {"type": "text", "filled": 4, "distinct": 2, "values": [["good", 3], ["bad", 1]]},
            "score": {
                "type": "number", "filled": 4, "min": 1, "max": 4, "mean": 2.875, "quartiles": [2.125, 3.25, 4],
                "not_a_number": 0,
            },
            "sure": {"type": "text", "filled": 4, "distinct": 2, "values": [["false", 2], ["true", 2]]},
            "why": {"type": "text", "filled": 2, "distinct": 1, "values": [["it works", 2]]},
        },
    }  # fmt: skip
    table = read_table(index)
    assert [(gap.label, gap.count) for gap in describe(table, "why").gaps] == [("(none)", 1), ("(empty)", 1)]
    invalid = read_table(index, index.select((Outcome.INVALID,)), ["label"])
    [ugly] = describe(invalid, "label").values
    assert (ugly.label, ugly.is_allowed) == ("ugly", False)
    everything = values_as_data(read_table(index, range(7), ["label"]))
    assert everything["rows"] == 7
    assert everything["fields"]["label"]["filled"] == 5


def test_the_fields_of_json_that_was_not_asked_for(tmp_path: Path) -> None:
    answers = [
        {"n": 1, "zip": "01234"},
        {"n": "2"},
        {"n": "many", "zip": ""},
        "I cannot say.",
        {"n": 3, "who": {"a": 1}},
    ]
    table = read_table(index_of(tmp_path, answers))
    n, who, code = (describe(table, name) for name in ("n", "who", "zip"))
    assert n.type is FieldType.NUMBER
    assert n.numbers is not None
    assert (n.filled, n.numbers.count, n.not_a_number) == (4, 3, 1)
    assert [(value.label, value.count) for value in n.values] == [("many", 1)]
    assert [(gap.label, gap.count) for gap in n.gaps] == [("(not JSON)", 1)]
    assert (who.values[0].label, who.type) == ('{"a": 1}', FieldType.TEXT)
    assert (code.filled, [gap.code for gap in code.gaps]) == (1, [ABSENT, EMPTY, NOT_JSON])


def test_the_answer_itself_where_there_is_no_json(tmp_path: Path) -> None:
    long = "word " * 100
    answers = ["yes", " yes\n", "no", long, long, "<think>hm</think>no"]
    table = read_table(index_of(tmp_path, answers))
    assert list(table.columns) == ["answer", "length", "finish_reason", "tokens"]
    data = values_as_data(table)["fields"]
    assert data["answer"]["values"] == [["no", 2], [long.strip(), 2], ["yes", 2]]
    assert data["length"]["max"] == 500
    assert data["finish_reason"]["values"] == [["stop", 6]]
    assert data["tokens"]["quartiles"] == [7, 7, 7]
    assert len(describe(table, "answer").values[1].label) == LABEL_MAX
    scores = read_table(index_of(tmp_path / "scores", ["7", "8.5", "10"]))
    assert describe(scores, "answer").type is FieldType.NUMBER


def test_tool_calls_and_recordings_have_fields_too(tmp_path: Path) -> None:
    call = {"type": "function", "function": {"name": "rate", "arguments": '{"label": "good"}'}}
    rows = [
        answer_row("a", None, reason="tool_calls", tool_calls=[call]),
        response_row("b", {"text": "Hello.", "duration": 2.5, "language": "en"}),
    ]
    index = build_index(tmp_path, output=rows)
    table = read_table(index, None, ["label", "answer", "seconds", "language"])
    assert describe(table, "language").values[0].label == "en" and describe(table, "language").filled == 1
    assert table.column("label").counts == Counter({0: 1, NOT_JSON: 1})
    assert sorted(table.column("answer").labels) == ["Hello.", 'rate({"label": "good"})']
    summary = describe(table, "seconds").numbers
    assert summary is not None
    assert (summary.count, summary.mean) == (1, 2.5)


def test_a_field_by_another(tmp_path: Path) -> None:
    answers = [
        {"label": label, "score": score, "length": "own"} for label, score in [("a", 1), ("a", 3), ("b", 10), ("a", 1)]
    ]
    table = read_table(index_of(tmp_path, answers), None, ["label", "score", "length", "length_2"])
    crossed = cross(table.column("label"), table.column("score"))
    assert [row.label for row in crossed.rows] == ["a", "b"]
    assert [column.label for column in crossed.columns] == ["1", "3", "10"]
    counts = [[crossed.count(row, column) for column in crossed.columns] for row in crossed.rows]
    assert counts == [[2, 1, 0], [0, 0, 1]]
    assert sum(map(sum, counts)) == len(table.rows)
    data = values_as_data(table, table.column("label"), names=["score", "label"])
    assert data["by"]["fields"]["score"]["a"]["mean"] == pytest.approx(5 / 3)
    assert data["by"]["fields"]["label"] == {"a": {"a": 3}, "b": {"b": 1}}
    assert table.column("length").labels == ["own"]


def test_what_is_not_there_is_said_and_work_can_be_stopped(tmp_path: Path) -> None:
    index = index_of(tmp_path, ["yes", "no"])
    with pytest.raises(NoSuchFieldError, match="no field 'label'"):
        read_table(index, None, ["label"])
    with pytest.raises(OperationCancelledError):
        read_table(index, cancelled=lambda: True)
    nothing = values_as_data(read_table(index, []))
    assert nothing["rows"] == 0
    assert nothing["fields"]["answer"] == {"type": "text", "filled": 0, "distinct": 0, "values": []}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(_VALUE, max_size=20))
def test_a_column_takes_any_value_and_loses_none(values: list[Any]) -> None:
    builder = ColumnBuilder("x", len(values))
    for at, value in enumerate(values):
        builder.put(at, value)
    column = builder.finish()
    assert sum(column.counts.values()) == len(values)
    assert column.filled == sum(
        value is not None and not (isinstance(value, str) and not value.strip()) for value in values
    )
    assert len(set(column.counts) - {ABSENT, EMPTY}) == len(column.labels)
    assert all(len(label) <= LABEL_MAX or not isinstance(label, str) for label in column.labels)
    assert all(math.isnan(number) or math.isfinite(number) for number in column.numbers)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.binary(max_size=40) | _VALUE.map(lambda v: json.dumps(v).encode()), max_size=8))
def test_any_rows_can_be_told(tmp_path: Path, rows: list[bytes]) -> None:
    lines = [row.replace(b"\n", b" ").replace(b"\r", b" ") for row in rows]
    index = build_index(tmp_path, output=[*lines, answer_row("a", json.dumps({"x": 1}))])
    data = values_as_data(read_table(index, range(len(index)), ["x"]))
    assert data["fields"]["x"]["filled"] >= 1
    json.dumps(data, allow_nan=False)
