"""Validation as the server does it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tbatch_tui.sandbox.demo.samples import questions, write_samples
from tbatch_tui.sandbox.jobs.validation import MAX_LINE, MAX_REQUESTS, Rates, RowOutcome, validate
from tests.sandbox.conftest import CHAT, LLAMA, chat_row, jsonl, write_file

if TYPE_CHECKING:
    from pathlib import Path

    import httpx

    from tbatch_tui.sandbox.testing import Sandbox

GOOD = jsonl(chat_row("good"))
NONE = Rates(0, 0, 0)


@pytest.mark.parametrize(
    ("line", "error"),
    [
        (b"{", "invalid JSON"),
        (b"[1]", "expected a JSON object"),
        (b'{"a": NaN}', "invalid JSON"),
        (b"\xff\xfe", "invalid JSON"),
        (b"[" * 100_000, "invalid JSON"),
        (b"\xef\xbb\xbf" + GOOD.strip(), "invalid JSON"),
        (json.dumps({"body": {"model": LLAMA}}).encode(), "custom_id is required"),
        (json.dumps({"custom_id": 7, "body": {}}).encode(), "custom_id is required"),
        (GOOD.strip(), "duplicate custom_id: good"),
        (b'{"custom_id": "a"}', "body is required"),
    ],
)
def test_bad_lines(tmp_path: Path, line: bytes, error: str) -> None:
    path = write_file(tmp_path / "a.jsonl", GOOD + line + b"\n" + jsonl(chat_row("last")))
    assert validate(path, CHAT, "job", NONE).error == f"Error validating input file: Line 2 (within chunk): {error}"


def test_only_a_strict_sandbox_refuses_a_long_id(tmp_path: Path) -> None:
    path = write_file(tmp_path / "a.jsonl", jsonl(chat_row("x" * 65)))
    assert validate(path, CHAT, "job", NONE).error is None
    error = validate(path, CHAT, "job", NONE, strict=True).error
    assert error is not None and error.endswith("custom_id must be at most 64 characters")


def test_a_missing_model_costs_the_row(tmp_path: Path) -> None:
    path = write_file(tmp_path / "a.jsonl", GOOD + b'{"custom_id": "a", "body": {"messages": []}}\n')
    result = validate(path, CHAT, "job", NONE)
    assert result.error is None and result.row_plan is not None
    assert (result.model_id, result.row_plan.count_failed(2)) == (LLAMA, 1)


def test_a_model_that_is_not_serverless_fails_the_job(tmp_path: Path) -> None:
    path = write_file(tmp_path / "a.jsonl", GOOD + jsonl(chat_row("b", model="google/gemma-3-27b-it")))
    error = validate(path, CHAT, "job", NONE).error
    assert error is not None and error.startswith("Invalid model ID: Unable to access non-serverless model google/")


def test_lines_are_counted_within_a_chunk(tmp_path: Path) -> None:
    path = write_file(tmp_path / "a.jsonl", jsonl(*(chat_row(f"row-{n}") for n in range(1500))) + b"{\n")
    error = validate(path, CHAT, "job", NONE).error
    assert error is not None and "Line 501 (within chunk)" in error


def test_blank_lines_and_a_byte_order_mark_are_skipped(tmp_path: Path) -> None:
    path = write_file(tmp_path / "a.jsonl", b"\xef\xbb\xbf" + GOOD + b"\n \r\n" + jsonl(chat_row("last")))
    result = validate(path, CHAT, "job", NONE)
    assert (result.error, result.rows) == (None, 2)
    assert result.row_plan is not None and sorted(result.row_plan.offsets) == [3, 3 + len(GOOD) + 4]
    path.write_bytes(path.read_bytes() + b"\n{\n")
    error = validate(path, CHAT, "job", NONE).error
    assert error is not None and "Line 6 (within chunk): invalid JSON" in error
    assert "input file is empty" in (validate(write_file(path, b"\n \n"), CHAT, "job", NONE).error or "")


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n", b"  \n"])
def test_how_the_last_line_ends_does_not_matter(tmp_path: Path, end: bytes) -> None:
    result = validate(write_file(tmp_path / "a.jsonl", GOOD.strip() + b"\n" + end), CHAT, "job", NONE)
    assert (result.error, result.rows, result.model_id) == (None, 1, LLAMA)
    assert validate(write_file(tmp_path / "b.jsonl", GOOD.strip() + end), CHAT, "job", NONE).rows == 1


def test_an_empty_file(tmp_path: Path) -> None:
    error = validate(write_file(tmp_path / "a.jsonl", b""), CHAT, "job", NONE).error
    assert error == "Error validating input file: input file is empty"


def test_the_report_of_a_file_says_what_was_refused(box: Sandbox, http: httpx.Client) -> None:
    """A guess: which fields the report of a batch input has is not known. `refused-lines` in the table."""
    good, bad = (
        box.job(box.add_job(content=jsonl(chat_row("a")))),
        box.job(box.add_job(content=jsonl(chat_row("a")) * 2)),
    )
    box.advance(30)
    reports = [http.get(f"/v1/files/{job['input_file_id']}").json()["validation_report"] for job in (good, bad)]
    assert reports[0] == {"valid": True, "file_id": good["input_file_id"], "nlines": 1}
    error = "Error validating input file: Line 2 (within chunk): duplicate custom_id: a"
    assert box.job(bad["id"])["error"] == error
    assert reports[1] == {
        "valid": False,
        "file_id": bad["input_file_id"],
        "nlines": 2,
        "error": error,
        "error_type": "INVALID_FORMAT",
    }


def test_too_many_requests(tmp_path: Path) -> None:
    path = write_file(tmp_path / "a.jsonl", jsonl(*(chat_row(f"r{n}") for n in range(MAX_REQUESTS + 1))))
    error = validate(path, CHAT, "job", NONE).error
    assert error is not None and "more than 50000 requests" in error


def test_a_line_over_ten_megabytes_fails_the_job_later(box: Sandbox) -> None:
    huge = chat_row("huge", messages=[{"role": "user", "content": "x" * MAX_LINE}])
    job_id = box.add_job(content=jsonl(chat_row("a"), huge, chat_row("b")))
    box.advance(4)
    assert box.job(job_id)["status"] == "IN_PROGRESS"  # validation lets it pass
    box.advance(60)
    job = box.job(job_id)
    assert (job["status"], job["error"]) == ("FAILED", "error reading input file")


def test_the_rates_hold_and_the_outcomes_are_always_the_same() -> None:
    rates = Rates(failure_rate=0.1, cut_rate=0.2, invalid_rate=0)
    outcomes = [rates.outcome(f"row-{n}", 10_000) for n in range(10_000)]
    assert outcomes == [rates.outcome(f"row-{n}", 10_000) for n in range(10_000)]
    assert 0.08 < outcomes.count(RowOutcome.FAILED_BY_CHANCE) / 10_000 < 0.12
    assert 0.17 < outcomes.count(RowOutcome.CUT_SHORT) / 10_000 < 0.23
    failed = [n for n, outcome in enumerate(outcomes) if outcome == RowOutcome.FAILED_BY_CHANCE]
    again = [rates.outcome(f"row-{n}", len(failed)) for n in failed]  # sent again in a file of their own
    assert again.count(RowOutcome.FAILED_BY_CHANCE) < len(failed) / 4
    # Nothing fails by chance in small files.
    assert {rates.outcome(f"row-{n}", 9) for n in range(1000)} == {RowOutcome.ANSWERED}


def test_samples(tmp_path: Path) -> None:
    write_samples(tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert before.keys() == {
        *("chat.jsonl", "audio.jsonl", "with-faults.jsonl", "reviews-2000.jsonl"),
        *("reviews.csv", "reviews.recipe.toml"),
    }
    write_samples(tmp_path)
    assert before == {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    chat = validate(tmp_path / "chat.jsonl", CHAT, "job", Rates())
    assert chat.rows == len(list(questions(12))) == 12
    assert chat.row_plan is not None
    assert {RowOutcome.FAILED_BY_CHANCE, RowOutcome.CUT_SHORT, RowOutcome.ANSWERED} == set(chat.row_plan.outcomes)
    reviews = validate(tmp_path / "reviews-2000.jsonl", CHAT, "job", Rates())
    assert reviews.rows == 2000
    assert reviews.row_plan is not None and 5 < reviews.row_plan.count_failed(2000) < 60
    audio = validate(tmp_path / "audio.jsonl", "/v1/audio/transcriptions", "job", Rates())
    assert audio.row_plan is not None and set(audio.row_plan.outcomes) == {RowOutcome.ANSWERED}
    assert validate(tmp_path / "with-faults.jsonl", CHAT, "job", Rates()).error is not None
