"""What stands above the rows of a report: values, and a comparison."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tbatch_tui.engine.answers.compare import compare, compare_with_gold
from tbatch_tui.engine.answers.report_parts import comparison_table, report_parts
from tbatch_tui.engine.results.export.report.parts import Bar
from tests.helpers.result_rows import answer_row, build_index, error_row, request_row

if TYPE_CHECKING:
    from pathlib import Path

    from tbatch_tui.engine.results import ResultIndex

SCHEMA = {
    "type": "object",
    "properties": {"label": {"enum": ["good", "bad"]}, "score": {"type": "number"}},
    "additionalProperties": False,
}
ANSWERS = [{"label": "good", "score": 1}, {"label": "good", "score": 3}, {"label": "bad", "score": 2}]


def results(folder: Path, *answers: object) -> ResultIndex:
    """Return the results of requests that asked for JSON; the last of them is an error."""
    requests = [request_row(f"r{number}") for number in range(len(answers) + 1)]
    for request in requests:
        schema = {"type": "json_schema", "json_schema": {"name": "answer", "schema": SCHEMA}}
        request["body"]["response_format"] = schema
    output = [answer_row(f"r{number}", json.dumps(answer)) for number, answer in enumerate(answers)]
    return build_index(folder, requests=requests, output=output, errors=[error_row(f"r{len(answers)}")])


def test_values_are_those_of_the_rows_that_are_ok(tmp_path: Path) -> None:
    index = results(tmp_path, *ANSWERS)
    parts = report_parts(index, None, range(len(index)))
    assert parts.summary == "4 in = 3 ok + 1 error + 0 missing" and parts.title == "Results"
    label, score = parts.fields
    assert (label.name, label.summary, label.total) == ("label", "3 of 3 rows filled · 2 different values", 3)
    assert label.bars == (Bar("good", 2), Bar("bad", 1)) and label.bins == ()
    assert score.summary == "3 of 3 rows filled · from 1 to 3 · mean 2 · quartiles 1.5, 2, 2.5"
    assert score.bins == (Bar("1", 1), Bar("2", 1), Bar("3", 1)) and score.bars == ()
    assert report_parts(index, None, [2]).fields[0].bars == (Bar("bad", 1),)
    assert report_parts(index, None, [3]).fields == ()


def test_a_comparison_with_a_job_and_with_gold(tmp_path: Path) -> None:
    first = results(tmp_path / "a", *ANSWERS)
    second = results(tmp_path / "b", ANSWERS[0], ANSWERS[2], ANSWERS[2], ANSWERS[0])
    table = comparison_table(compare(first, second), "a", "b")
    assert (table.title, table.first, table.second) == ("label: a and b", "a", "b")
    assert table.summary[0] == "3 pairs · 2 the same, 1 different"
    assert table.summary[1].startswith("agreement 66.7 %, 95 % interval 20.8 % to 93.9 % · κ 0.40")
    assert table.summary[2] == "only in a: 0 · only in b: 1"
    assert table.columns == ("bad", "good") and table.rows == (("bad", (1, 0)), ("good", (1, 1)))
    gold = comparison_table(compare_with_gold(first, {0: "good", 1: "bad", 2: "bad"}), "a", "gold")
    assert "good: precision 50.0 %, recall 100.0 %, 1 in gold" in gold.summary
