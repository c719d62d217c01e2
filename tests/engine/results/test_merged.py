"""A job and its retries as one: for each request of the original the last good answer, and no answer given up."""

from __future__ import annotations

import io
import json
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
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
from tests.helpers.result_rows import answered, asked, failed, line_of, write

ROWS: dict[Outcome, Any] = {
    Outcome.OK: lambda i, n: answered(i, f"answer {n}"),
    Outcome.CUT_SHORT: lambda i, n: answered(i, f"cut {n}", reason="length"),
    Outcome.ERROR: lambda i, n: failed(i, f"failed in {n}"),
}
Fates = list[Outcome]


def member(folder: Path, number: int, fates: dict[int, Outcome], order: list[int] | None = None) -> MergedMember:
    """A job that asked the requests of `fates`, with a row for each that is not missing."""
    folder.mkdir(exist_ok=True)
    input = write(folder / f"in{number}.jsonl", [asked(f"id-{row}", f"asked in {number}") for row in fates])
    rows: dict[bool, list[Any]] = {True: [], False: []}
    for row in order or fates:
        if row in fates and fates[row] in ROWS:
            rows[fates[row] is Outcome.ERROR].append(ROWS[fates[row]](f"id-{row}", number))
    output = write(folder / f"out{number}.jsonl", rows[False])
    errors = write(folder / f"err{number}.jsonl", rows[True])
    return MergedMember(f"job-{number}", f"name-{number}", ResultIndex(Sources(input, output, errors)))


def family(folder: Path, *fates: dict[int, Outcome]) -> MergedIndex:
    index = MergedIndex([member(folder, number, of) for number, of in enumerate(fates)])
    index.build()
    return index


_ANY = st.sampled_from([*ROWS, Outcome.MISSING])


@st.composite
def generations(draw: st.DrawFn) -> list[dict[int, Outcome]]:
    """What became of each request in the original, and in retries of some of them."""
    count = draw(st.integers(0, 8))
    first = {row: draw(_ANY) for row in range(count)}
    retries = [
        {row: draw(_ANY) for row in sorted(draw(st.sets(st.sampled_from(range(count)))) if count else ())}
        for _ in range(draw(st.integers(0, 3)))
    ]
    return [first, *retries]


@settings(max_examples=60, deadline=None)
@given(fates=generations(), shuffle=st.randoms(use_true_random=False))
def test_each_request_has_its_last_best_answer(fates: list[dict[int, Outcome]], shuffle: Any) -> None:
    with tempfile.TemporaryDirectory() as name:
        members = []
        for number, of in enumerate(fates):
            order = list(of)
            shuffle.shuffle(order)
            members.append(member(Path(name), number, of, order))
        index = MergedIndex(members)
        found = index.build()
        best: list[tuple[Outcome, int | None]] = []
        for row in fates[0]:
            tries = [(of[row], -number) for number, of in enumerate(fates) if row in of]
            outcome, number = min(tries)
            best.append((outcome, None if outcome is Outcome.MISSING else -number))
        counts = Counter(outcome for outcome, _ in best)
        assert (found.requests, found.answered, found.errors, found.missing, found.cut_short) == (
            len(best),
            counts[Outcome.OK] + counts[Outcome.CUT_SHORT],
            counts[Outcome.ERROR],
            counts[Outcome.MISSING],
            counts[Outcome.CUT_SHORT],
        )
        assert found.is_even == (not counts[Outcome.MISSING]) and len(index) == len(best)
        for row, (outcome, number) in enumerate(best):
            shown, record = index.row(row), index.record(row)
            assert (shown.custom_id, shown.outcome) == (f"id-{row}", outcome)
            assert shown.attempt == (None if number is None else number + 1)
            assert index.job_id_of(row) == ("" if number is None else f"job-{number}")
            assert record.origin == ("" if number is None else f"name-{number}") and not record.issues
            assert record.request_messages[0].text == f"asked in {number or 0}"
        retried = rows_to_retry(index, groups=errors_by_message(index), missing=True, cut_short=True)
        assert list(retried) == [row for row, (outcome, _) in enumerate(best) if outcome is not Outcome.OK]
        target = Path(name) / "again.jsonl"
        write_retry(index, retried, target)
        lines = line_of(b"").join([(Path(name) / "in0.jsonl").read_bytes()]).splitlines(keepends=True)
        assert target.read_bytes() == b"".join(lines[row] for row in retried)


def test_what_is_superseded_is_paid_for_but_neither_shown_nor_found(tmp_path: Path) -> None:
    index = family(tmp_path, {0: Outcome.CUT_SHORT, 1: Outcome.ERROR}, {0: Outcome.OK, 1: Outcome.ERROR})
    assert [index.row(row).preview for row in range(2)] == ["answer 1", "failed in 1"]
    assert bytes(search(index, "answer 1")) == b"\x01\x00"
    assert bytes(search(index, "cut 0")) == b"\x00\x00"
    assert bytes(search(index, "asked in 0")) == b"\x01\x01"
    assert [group.message for group in errors_by_message(index)] == ["failed in <n>"]
    assert [spent.rows for spent in usage_by_model(index)] == [2]
    assert [spent.rows for spent in usage_by_model(index, [0])] == [1]


def test_merged_rows_are_exported_with_their_job(tmp_path: Path) -> None:
    index = family(tmp_path, {0: Outcome.OK, 1: Outcome.ERROR, 2: Outcome.MISSING}, {1: Outcome.OK, 2: Outcome.ERROR})
    for form in ExportFormat.MERGED, ExportFormat.ANSWERS, ExportFormat.CSV:
        export_rows(index, range(3), tmp_path / form.value, form, job_id_of=index.job_id_of)
    rows = [json.loads(line) for line in (tmp_path / "merged").read_text().splitlines()]
    assert [(row["custom_id"], row["outcome"], row["job"]) for row in rows] == [
        ("id-0", "ok", "job-0"),
        ("id-1", "ok", "job-1"),
        ("id-2", "error", "job-1"),
    ]
    answers = [json.loads(line)["answer"] for line in io.StringIO((tmp_path / "answers").read_text())]
    assert answers == ["answer 0", "answer 1", None]


def test_odd_rows_of_every_job_are_shown_below(tmp_path: Path) -> None:
    first = member(tmp_path, 0, {0: Outcome.ERROR, 1: Outcome.OK})
    second = member(tmp_path, 1, {0: Outcome.OK, 7: Outcome.OK})  # a line was added to the retry
    output = second.index.sources.output
    assert output is not None
    output.write_bytes(output.read_bytes() + line_of(answered("stranger")) + b"\n" + line_of(answered("id-0")) + b"\n{")
    index = MergedIndex([first, second])
    found = index.build()
    assert (found.requests, found.answered, found.unknown, found.duplicates, found.unreadable) == (2, 2, 2, 1, 1)
    odd = [(index.row(row).issue, index.row(row).custom_id, index.job_id_of(row)) for row in range(2, len(index))]
    assert sorted(odd, key=str) == sorted(
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


def test_of_an_id_that_was_used_twice_the_worse_one_is_answered(tmp_path: Path) -> None:
    first = member(tmp_path, 0, {0: Outcome.OK})
    path = first.index.sources.input
    assert path is not None
    path.write_bytes(path.read_bytes() * 2)
    index = MergedIndex([first, member(tmp_path, 1, {0: Outcome.OK})])
    assert index.build().answered == 2
    assert [index.job_id_of(row) for row in range(2)] == ["job-0", "job-1"]


def test_without_the_first_input_there_is_nothing_to_merge_into(tmp_path: Path) -> None:
    first = member(tmp_path, 0, {0: Outcome.OK})
    assert first.index.sources.input is not None
    first.index.sources.input.unlink()
    with pytest.raises(BatchError, match="cannot be merged"):
        MergedIndex([first, member(tmp_path, 1, {0: Outcome.OK})]).build()
    with pytest.raises(OperationCancelledError):
        MergedIndex([member(tmp_path, 2, {0: Outcome.OK})]).build(cancelled=lambda: True)


def test_a_retry_without_its_files_takes_nothing_away(tmp_path: Path) -> None:
    second = member(tmp_path, 1, {0: Outcome.OK, 1: Outcome.ERROR})
    for path in (second.index.sources.input, second.index.sources.errors):
        assert path is not None
        path.unlink()
    index = MergedIndex([member(tmp_path, 0, {0: Outcome.ERROR, 1: Outcome.OK}), second])
    assert index.build().answered == 2
    assert index.read_errors and index.record(0).answers[0].text == "answer 1"
