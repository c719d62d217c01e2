"""A job and its retries as one index: each request has its best and latest answer, and no answer is lost."""

from __future__ import annotations

import hashlib
import io
import json
import tempfile
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tbatch_tui.engine.errors import BatchError, OperationCancelledError
from tbatch_tui.engine.results import (
    ExportFormat,
    MergedIndex,
    MergedMember,
    Outcome,
    ResultIndex,
    RowIssue,
    Sources,
    errors_by_message,
    export_rows,
    rows_to_retry,
    search,
    usage_by_model,
    write_retry,
)
from tbatch_tui.engine.results.index import columns
from tbatch_tui.tui.render.outcome import format_issues
from tests.helpers.result_rows import answer_row, build_index, encode_row, error_row, request_row, write_rows

if TYPE_CHECKING:
    import random

ROWS: dict[Outcome, Any] = {
    Outcome.OK: lambda i, n: answer_row(i, f"answer {n}"),
    Outcome.CUT_SHORT: lambda i, n: answer_row(i, f"cut {n}", reason="length"),
    Outcome.ERROR: lambda i, n: error_row(i, f"failed in {n}"),
}


def member(folder: Path, number: int, outcomes: dict[int, Outcome], order: list[int] | None = None) -> MergedMember:
    """Return a job with these requests, and a response for each that is not missing."""
    folder.mkdir(exist_ok=True)
    requests = [request_row(f"id-{row}", f"asked in {number}") for row in outcomes]
    input_path = write_rows(folder / f"in{number}.jsonl", requests)
    rows: dict[bool, list[Any]] = {True: [], False: []}
    for row in order or outcomes:
        if row in outcomes and outcomes[row] in ROWS:
            rows[outcomes[row] is Outcome.ERROR].append(ROWS[outcomes[row]](f"id-{row}", number))
    output = write_rows(folder / f"out{number}.jsonl", rows[False])
    errors = write_rows(folder / f"err{number}.jsonl", rows[True])
    return MergedMember(f"job-{number}", f"name-{number}", ResultIndex(Sources(input_path, output, errors)))


def merge_jobs(folder: Path, *outcomes_by_job: dict[int, Outcome]) -> MergedIndex:
    """Build the merged index of jobs with these outcomes, the original first."""
    index = MergedIndex([member(folder, number, outcomes) for number, outcomes in enumerate(outcomes_by_job)])
    index.build()
    return index


_ANY = st.sampled_from([*ROWS, Outcome.MISSING])


@st.composite
def job_outcomes(draw: st.DrawFn) -> list[dict[int, Outcome]]:
    """Draw the outcome of each request in the original, and in retries of some of them."""
    count = draw(st.integers(0, 8))
    first = {row: draw(_ANY) for row in range(count)}
    retries = [
        {row: draw(_ANY) for row in sorted(draw(st.sets(st.sampled_from(range(count)))) if count else ())}
        for _ in range(draw(st.integers(0, 3)))
    ]
    return [first, *retries]


@given(outcomes_by_job=job_outcomes(), chance=st.randoms(use_true_random=False))
def test_each_request_has_its_best_and_latest_answer(
    outcomes_by_job: list[dict[int, Outcome]], chance: random.Random
) -> None:
    with tempfile.TemporaryDirectory() as name:
        members = []
        for number, outcomes in enumerate(outcomes_by_job):
            order = list(outcomes)
            chance.shuffle(order)
            members.append(member(Path(name), number, outcomes, order))
        index = MergedIndex(members)
        merged = index.build()
        best: list[tuple[Outcome, int | None]] = []
        for row in outcomes_by_job[0]:
            attempts = [(outcomes[row], -job) for job, outcomes in enumerate(outcomes_by_job) if row in outcomes]
            outcome, negative_job = min(attempts)
            best.append((outcome, None if outcome is Outcome.MISSING else -negative_job))
        counts = Counter(outcome for outcome, _ in best)
        assert (merged.requests, merged.answered, merged.errors, merged.missing, merged.cut_short) == (
            len(best),
            counts[Outcome.OK] + counts[Outcome.CUT_SHORT],
            counts[Outcome.ERROR],
            counts[Outcome.MISSING],
            counts[Outcome.CUT_SHORT],
        )
        assert merged.is_even == (not counts[Outcome.MISSING]) and len(index) == len(best)
        for row, (outcome, job) in enumerate(best):
            merged_row, record = index.row(row), index.record(row)
            assert (merged_row.custom_id, merged_row.outcome) == (f"id-{row}", outcome)
            assert merged_row.attempt == (None if job is None else job + 1)
            assert index.job_id_of(row) == ("" if job is None else f"job-{job}")
            assert record.origin == ("" if job is None else f"name-{job}") and not record.issues
            assert record.request_messages[0].text == f"asked in {job or 0}"
        retried = rows_to_retry(index, groups=errors_by_message(index), missing=True, cut_short=True)
        assert list(retried) == [row for row, (outcome, _) in enumerate(best) if outcome is not Outcome.OK]
        target = Path(name) / "again.jsonl"
        write_retry(index, retried, target)
        lines = encode_row(b"").join([(Path(name) / "in0.jsonl").read_bytes()]).splitlines(keepends=True)
        assert target.read_bytes() == b"".join(lines[row] for row in retried)


def test_a_replaced_answer_is_billed_but_neither_listed_nor_searched(tmp_path: Path) -> None:
    index = merge_jobs(tmp_path, {0: Outcome.CUT_SHORT, 1: Outcome.ERROR}, {0: Outcome.OK, 1: Outcome.ERROR})
    assert [index.row(row).preview for row in range(2)] == ["answer 1", "failed in 1"]
    assert bytes(search(index, "answer 1")) == b"\x01\x00"
    assert bytes(search(index, "cut 0")) == b"\x00\x00"
    assert bytes(search(index, "asked in 0")) == b"\x01\x01"
    assert [group.message for group in errors_by_message(index)] == ["failed in <n>"]
    assert [usage.rows for usage in usage_by_model(index)] == [2]
    assert [usage.rows for usage in usage_by_model(index, [0])] == [1]


def test_merged_rows_are_exported_with_their_job(tmp_path: Path) -> None:
    index = merge_jobs(
        tmp_path, {0: Outcome.OK, 1: Outcome.ERROR, 2: Outcome.MISSING}, {1: Outcome.OK, 2: Outcome.ERROR}
    )
    for export_format in ExportFormat.MERGED, ExportFormat.ANSWERS, ExportFormat.CSV:
        export_rows(index, range(3), tmp_path / export_format.value, export_format, job_id_of=index.job_id_of)
    rows = [json.loads(line) for line in (tmp_path / "merged").read_text().splitlines()]
    assert [(row["custom_id"], row["outcome"], row["job"]) for row in rows] == [
        ("id-0", "ok", "job-0"),
        ("id-1", "ok", "job-1"),
        ("id-2", "error", "job-1"),
    ]
    answers = [json.loads(line)["answer"] for line in io.StringIO((tmp_path / "answers").read_text())]
    assert answers == ["answer 0", "answer 1", None]


def test_extra_rows_of_every_job_are_listed_below(tmp_path: Path) -> None:
    first = member(tmp_path, 0, {0: Outcome.ERROR, 1: Outcome.OK})
    second = member(tmp_path, 1, {0: Outcome.OK, 7: Outcome.OK})  # a line was added to the retry
    output = second.index.sources.output
    assert output is not None
    output.write_bytes(
        output.read_bytes() + encode_row(answer_row("stranger")) + b"\n" + encode_row(answer_row("id-0")) + b"\n{"
    )
    index = MergedIndex([first, second])
    counts = index.build()
    assert (counts.requests, counts.answered, counts.unknown, counts.duplicates, counts.unreadable) == (2, 2, 2, 1, 1)
    extras = [(index.row(row).issue, index.row(row).custom_id, index.job_id_of(row)) for row in range(2, len(index))]
    assert sorted(extras, key=str) == sorted(
        [
            (RowIssue.UNKNOWN, "id-7", "job-1"),
            (RowIssue.UNKNOWN, "stranger", "job-1"),
            (RowIssue.DUPLICATE, "id-0", "job-1"),
            (RowIssue.UNREADABLE, "", "job-1"),
        ],
        key=str,
    )
    assert not any(index.record(row).issues for row in range(len(index)))
    assert list(rows_to_retry(index, marked=range(len(index)))) == [0, 1]


def test_of_two_requests_with_one_id_the_worse_one_gets_the_answer(tmp_path: Path) -> None:
    first = member(tmp_path, 0, {0: Outcome.OK})
    path = first.index.sources.input
    assert path is not None
    path.write_bytes(path.read_bytes() * 2)
    index = MergedIndex([first, member(tmp_path, 1, {0: Outcome.OK})])
    assert index.build().answered == 2
    assert [index.job_id_of(row) for row in range(2)] == ["job-0", "job-1"]


def test_without_the_first_input_file_jobs_cannot_be_merged(tmp_path: Path) -> None:
    first = member(tmp_path, 0, {0: Outcome.OK})
    assert first.index.sources.input is not None
    first.index.sources.input.unlink()
    with pytest.raises(BatchError, match="cannot be merged"):
        MergedIndex([first, member(tmp_path, 1, {0: Outcome.OK})]).build()
    with pytest.raises(OperationCancelledError):
        MergedIndex([member(tmp_path, 2, {0: Outcome.OK})]).build(cancelled=lambda: True)


def test_a_retry_whose_file_was_written_anew_loses_no_answer(tmp_path: Path) -> None:
    """A later retry took the name of this one: its answers are not to the lines that stand there now."""
    retry = member(tmp_path, 1, {1: Outcome.OK, 2: Outcome.OK})
    path = retry.index.sources.input
    assert path is not None
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    write_rows(path, [request_row("id-3", "asked in a later retry")])
    retry = replace(retry, index=ResultIndex(replace(retry.index.sources, input_sha256=sha256)))
    first = member(tmp_path, 0, {0: Outcome.OK, 1: Outcome.ERROR, 2: Outcome.ERROR, 3: Outcome.ERROR})
    index = MergedIndex([first, retry])
    counts = index.build()
    assert (counts.answered, counts.errors, counts.unknown) == (3, 1, 0)
    assert list(rows_to_retry(index, groups=errors_by_message(index), missing=True)) == [3]
    assert index.record(1).answers[0].text == "answer 1" and index.record(1).raw_request is None
    assert index.changed_inputs == (path,) and not index.input_changed
    assert "in1.jsonl has changed since it was submitted" in format_issues(index)
    assert not any(search(index, "later retry"))
    export_rows(index, range(len(index)), tmp_path / "merged", ExportFormat.MERGED, job_id_of=index.job_id_of)
    assert "later retry" not in (tmp_path / "merged").read_text()


def test_a_merge_of_a_changed_original_is_refused(tmp_path: Path) -> None:
    first = member(tmp_path, 0, {0: Outcome.ERROR})
    first = replace(first, index=ResultIndex(replace(first.index.sources, input_sha256="0" * 64)))
    with pytest.raises(BatchError, match="has changed since it was submitted"):
        MergedIndex([first, member(tmp_path, 1, {0: Outcome.OK})]).build()


def test_a_retry_without_files_loses_no_answer(tmp_path: Path) -> None:
    second = member(tmp_path, 1, {0: Outcome.OK, 1: Outcome.ERROR})
    for path in (second.index.sources.input, second.index.sources.errors):
        assert path is not None
        path.unlink()
    index = MergedIndex([member(tmp_path, 0, {0: Outcome.ERROR, 1: Outcome.OK}), second])
    assert index.build().answered == 2
    assert index.read_errors and index.record(0).answers[0].text == "answer 1"


def test_an_invalid_answer_has_a_reason_also_where_too_many_differ(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(columns, "_NAMES_MAX", 4)
    requests = [request_row(custom_id) for custom_id in "abcd"]
    for request in requests:
        request["body"]["response_format"] = {"type": "json_object", "schema": {"properties": {"n": {"maximum": 1}}}}
    output = [answer_row(custom_id, json.dumps({"n": n})) for n, custom_id in enumerate("abcd", 2)]
    index = build_index(tmp_path, requests=requests, output=output)
    merged = MergedIndex([MergedMember("one", "one", index)])
    merged.build()
    for each in (index, merged):
        reasons = [each.row(number).reason for number in range(4)]
        assert reasons[0] == "n: 2 is greater than the maximum of 1"
        assert reasons[2:] == ["The answer is not what was asked for"] * 2
