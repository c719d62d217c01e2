"""Result rows that failed once, with the verdict of each; and generated rows, which sum to the requests in any mix."""

from __future__ import annotations

import csv
import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tbatch_tui.cli.output import print_json
from tbatch_tui.engine.results import OUTCOME_OPTIONS, ExportFormat, ResultIndex, Sources, export_rows
from tbatch_tui.tui.terminal.clipboard import json_text
from tests.engine.results.test_outcomes_table import SHAPES
from tests.helpers.result_rows import build_index, encode_row, request_row

CASES = Path(__file__).parents[2] / "data" / "cases" / "results" / "shapes"
EXPECTED = [json.loads(line) for line in (CASES / "expected.jsonl").read_text().splitlines()]
COLUMNS = ["custom_id", "outcome", "answer", "reasoning", "error"]


def test_every_row_of_the_cases_has_the_verdict_that_is_expected(tmp_path: Path) -> None:
    index = ResultIndex(Sources(CASES / "input.jsonl", CASES / "output.jsonl"))
    counts = index.build()
    path = tmp_path / "t.csv"
    export_rows(index, range(len(index)), path, ExportFormat.CSV, columns=COLUMNS)
    with path.open(newline="") as file:
        rows = [{**row, "answer": row["answer"].strip()} for row in csv.DictReader(file)]
    assert rows == EXPECTED
    assert counts.outcomes == {"ok": 15, "cut short": 0, "invalid": 5, "error": 3, "missing": 0}
    assert counts.requests == 23 and counts.answered == 20 and counts.is_even


ROWS = [shape.row for shapes in SHAPES.values() for shape in shapes if shape.row is not None]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
TEXT = st.sampled_from(["", " ", "fine", "<think>x</think>y", "<think>", "{}", "[1]", "```json\n{}\n```"]) | st.text()
MESSAGE = st.fixed_dictionaries(
    {"content": TEXT | JSON},
    optional=dict.fromkeys(["refusal", "tool_calls", "function_call", "audio", "reasoning"], JSON),
)
CHOICE = st.fixed_dictionaries(
    {"message": MESSAGE | JSON, "finish_reason": st.sampled_from(["stop", "length", "error"]) | JSON},
    optional={"logprobs": JSON, "error": JSON, "text": JSON},
)
BODY = st.fixed_dictionaries({}, optional={"choices": st.lists(CHOICE, max_size=3), "error": JSON, "text": JSON})
RESPONSE = st.fixed_dictionaries({"status_code": st.just(200) | JSON, "body": BODY | JSON})
ROW = st.fixed_dictionaries(
    {"custom_id": st.sampled_from("abcx") | JSON}, optional={"response": RESPONSE, "error": JSON}
)


@given(
    rows=st.lists(ROW.map(lambda row: json.dumps(row).encode()) | st.sampled_from(ROWS).map(encode_row), max_size=6),
    cut=st.integers(0, 200),
    errors=st.integers(0, 6),
    asked=st.sampled_from(["json_object", "json_schema", "text"]),
)
def test_any_rows_sum_to_the_requests_and_are_exported_as_json(
    rows: list[bytes], cut: int, errors: int, asked: str
) -> None:
    requests = [request_row(custom_id) for custom_id in "abc"]
    requests[0]["body"]["response_format"] = {"type": asked}
    if rows:
        rows[-1] = rows[-1][: max(1, len(rows[-1]) - cut)]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        index = build_index(folder, requests=requests, output=rows[errors:], errors=rows[:errors])
        counts = index.counts
        assert counts is not None and sum(counts.outcomes.values()) == counts.requests == 3
        assert counts.answered == counts.ok + counts.cut_short + counts.invalid
        by_outcome = {outcome.words: list(index.select([outcome])) for outcome in OUTCOME_OPTIONS.values()}
        assert {words: len(numbers) for words, numbers in by_outcome.items()} == counts.outcomes
        assert sorted(number for numbers in by_outcome.values() for number in numbers) == [0, 1, 2]
        assert len(index) == 3 + counts.unknown + counts.duplicates + counts.unreadable
        for row in index:
            assert bool(row.reason) == (row.outcome.words in ("invalid", "unreadable"))
            index.record(row.number)
        for export_format in ExportFormat.MERGED, ExportFormat.ANSWERS:
            path = folder / export_format.value
            export_rows(index, range(len(index)), path, export_format, reasoning=True)
            lines = [json.loads(line, parse_constant=pytest.fail) for line in path.read_bytes().splitlines()]
            assert len(lines) == len(index)
            if export_format is ExportFormat.MERGED:
                assert [line["outcome"] for line in lines if "issue" not in line] == [
                    index.outcome(number).words for number in range(3)
                ]


def test_json_of_ours_holds_no_nan(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"a": [float("nan"), float("inf")], "b": {"c": -float("inf"), "d": 1.5}})
    assert json.loads(capsys.readouterr().out, parse_constant=pytest.fail) == {
        "a": [None, None],
        "b": {"c": None, "d": 1.5},
    }
    assert "NaN" not in json_text({"a": float("nan")})
