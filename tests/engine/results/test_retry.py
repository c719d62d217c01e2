"""A retry asks the original lines again: byte for byte, in order, and no line that has its answer."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tbatch_tui.engine.errors import BatchError, LocalFileError, OperationCancelledError
from tbatch_tui.engine.results import errors_by_message, retry_path, rows_to_retry, write_retry
from tests.helpers.result_rows import answer_row, build_index, encode_row, error_row, request_row

if TYPE_CHECKING:
    from pathlib import Path

INPUT = [request_row(f"case-{number}") for number in range(6)]
OUTPUT = [
    answer_row("case-0"),
    answer_row("case-4", "cut", reason="length"),
    answer_row("stranger", "", reason="length"),
]
ERRORS = [error_row("case-5", "Request timeout after 30 s"), error_row("case-1", "Request timeout after 2 s"),
          error_row("case-2", "Invalid `stop`")]  # fmt: skip


def test_requests_are_retried_in_the_order_of_the_input(tmp_path: Path) -> None:
    index = build_index(tmp_path / "a", requests=INPUT, output=OUTPUT, errors=ERRORS)
    timeouts, invalid = errors_by_message(index)
    assert list(rows_to_retry(index)) == []
    assert list(rows_to_retry(index, groups=[timeouts])) == [1, 5]
    assert list(rows_to_retry(index, groups=[invalid], missing=True)) == [2, 3]
    assert list(rows_to_retry(index, groups=[timeouts, invalid], missing=True, cut_short=True)) == [1, 2, 3, 4, 5]


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.booleans(), min_size=1, max_size=12), st.sampled_from([b"\n", b"\r\n"]))
def test_lines_are_written_byte_for_byte(tmp_path: Path, answers: list[bool], end: bytes) -> None:
    lines = [b'{ "custom_id": "%d", "body":{"x": 1.10, "x": 2e3} }' % number for number in range(len(answers))]
    folder = tmp_path / str(abs(hash((tuple(answers), end))))
    build_index(folder, requests=lines)
    (folder / "in.jsonl").write_bytes(b"\xef\xbb\xbf" + end.join(lines))
    index = build_index(folder, output=[answer_row(str(n)) for n, ok in enumerate(answers) if ok])
    index = type(index)(type(index.sources)(input=folder / "in.jsonl", output=folder / "out.jsonl"))
    index.build()
    target = retry_path(folder / "in.jsonl")
    write_retry(index, rows_to_retry(index, missing=True), target)
    assert target.read_bytes() == b"".join(line + b"\n" for line, ok in zip(lines, answers, strict=True) if not ok)


def test_another_model_for_all_and_more_tokens_for_cut_answers(tmp_path: Path) -> None:
    capped = request_row("case-4")
    capped["body"]["max_completion_tokens"] = 64
    index = build_index(tmp_path, requests=[*INPUT[:4], capped, b'{"custom_id": "case-5", "body": 7}'], output=OUTPUT)
    target = tmp_path / "again.jsonl"
    write_retry(index, rows_to_retry(index, missing=True, cut_short=True), target, model="m/other", max_tokens=999)
    rows = [json.loads(line) for line in target.read_text().splitlines()]
    assert [row["custom_id"] for row in rows] == ["case-1", "case-2", "case-3", "case-4", "case-5"]
    assert [row["body"]["model"] for row in rows[:4]] == ["m/other"] * 4
    assert "max_tokens" not in rows[0]["body"] and rows[3]["body"]["max_completion_tokens"] == 999
    assert rows[3]["body"]["messages"] == capped["body"]["messages"] and rows[4]["body"] == 7


def test_every_limit_of_a_cut_answer_is_raised(tmp_path: Path) -> None:
    """The lower one would cut the answer again, and it would be billed again for nothing."""
    capped = request_row("case-4")
    capped["body"].update(max_completion_tokens=4_000, max_tokens=8)
    index = build_index(tmp_path, requests=[*INPUT[:4], capped], output=OUTPUT)
    target = tmp_path / "again.jsonl"
    write_retry(index, rows_to_retry(index, cut_short=True), target, max_tokens=9_000)
    [row] = [json.loads(line) for line in target.read_text().splitlines()]
    assert (row["body"]["max_tokens"], row["body"]["max_completion_tokens"]) == (9_000, 9_000)


def test_no_file_is_replaced_and_none_is_left_incomplete(tmp_path: Path) -> None:
    index = build_index(tmp_path, requests=INPUT, output=OUTPUT)
    rows = rows_to_retry(index, missing=True)
    first = retry_path(tmp_path / "in.jsonl")
    assert first.name == "in.retry1.jsonl"
    write_retry(index, rows, first)
    assert retry_path(first).name == "in.retry2.jsonl"
    content = first.read_bytes()
    before = sorted(tmp_path.iterdir())
    with pytest.raises(LocalFileError, match="already"):
        write_retry(index, rows, first)
    with pytest.raises(OperationCancelledError):
        write_retry(index, rows, retry_path(first), cancelled=lambda: True)
    with pytest.raises(LocalFileError, match="cannot be written"):
        write_retry(index, rows, first / "x.jsonl")
    (tmp_path / "in.jsonl").write_bytes(b"".join(encode_row(row) + b"\n" for row in reversed(INPUT)) + b"\n")
    with pytest.raises(LocalFileError, match="has changed"):
        write_retry(index, rows, retry_path(first))
    index.input_changed = True
    with pytest.raises(BatchError, match="since it was submitted"):
        write_retry(index, rows, retry_path(first))
    assert sorted(tmp_path.iterdir()) == before and first.read_bytes() == content


def test_the_name_of_a_retry_that_was_submitted_is_not_used_again(tmp_path: Path) -> None:
    """Its file may have been tidied away: another under its name would be taken for what was submitted."""
    path = tmp_path / "in.jsonl"
    taken = [tmp_path / "in.retry1.jsonl", tmp_path / "in.retry3.jsonl"]
    assert retry_path(path, taken).name == retry_path(taken[0], taken).name == "in.retry2.jsonl"
    (tmp_path / "in.retry2.jsonl").touch()
    assert retry_path(path, taken).name == "in.retry4.jsonl"
