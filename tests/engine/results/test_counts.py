"""However rows are shuffled, lost, doubled, cut and mixed: the sum comes out to the exact counts."""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tbatch_tui.engine.errors import OperationCancelledError
from tbatch_tui.engine.results import Outcome, RequestCounts, ResultIndex, Source, Sources, counts_from_index
from tests.helpers.result_rows import answered, asked, failed, index_of, line_of, with_body, write

ROWS = {
    Outcome.OK: [answered, lambda i: answered(i, "x" * 500), lambda i: with_body(i, {"text": "", "duration": 3})],
    Outcome.CUT_SHORT: [
        lambda i: answered(i, "Half", reason="length"),
        lambda i: answered(i, "", reasoning="hm"),
        lambda i: answered(i, None),
        lambda i: with_body(i, {}),
    ],
    Outcome.ERROR: [failed, lambda i: with_body(i, {"error": {"message": "no"}}, 500), lambda i: {"custom_id": i}],
}
COUNTS = ("requests", "answered", "errors", "missing", "cut_short", "unknown", "duplicates", "unreadable", "has_input")
JUNK = [b"{", b"not json", b"[1, 2]", b"\xff\xfe\x00", b'{"custom_id": null}', b"{}{}", b'"text"', b"\x00"]


@dataclass
class Case:
    """Files, and what their sum must be."""

    requests: int
    output: list[bytes] = field(default_factory=list)
    errors: list[bytes] = field(default_factory=list)
    fates: list[list[Outcome]] = field(default_factory=list)
    unknown: int = 0
    odd: int = 0

    @property
    def expected(self) -> RequestCounts:
        best = Counter(min(fate, default=Outcome.MISSING) for fate in self.fates)
        return RequestCounts(
            requests=self.requests,
            answered=best[Outcome.OK] + best[Outcome.CUT_SHORT],
            errors=best[Outcome.ERROR],
            missing=best[Outcome.MISSING],
            cut_short=best[Outcome.CUT_SHORT],
            unknown=self.unknown,
            duplicates=sum(max(0, len(fate) - 1) for fate in self.fates),
            unreadable=self.odd,
        )

    @property
    def used(self) -> tuple[int, int, float]:
        """Completion and prompt tokens, and seconds of audio: each row of the output file is billed."""
        rows = [json.loads(row) for row in self.output if row not in JUNK]
        bodies: list[Any] = [(row.get("response") or {}).get("body") or {} for row in rows]
        usages = [body["usage"] for body in bodies if "usage" in body]
        return (
            sum(usage["completion_tokens"] for usage in usages),
            sum(usage["prompt_tokens"] for usage in usages),
            sum(body.get("duration", 0.0) for body in bodies),
        )


@st.composite
def cases(draw: st.DrawFn) -> Case:
    outcomes = st.sampled_from(list(ROWS))
    fates = draw(st.lists(st.lists(outcomes, max_size=3) | st.just([Outcome.OK]), max_size=12))
    case = Case(len(fates), fates=[])
    rows: list[bytes] = []
    for number, fate in enumerate(fates):
        case.fates.append(list(fate))
        for outcome in fate:
            make: Any = draw(st.sampled_from(ROWS[outcome]))
            rows.append(line_of(make(f"id-{number}")))
    for number in range(draw(st.integers(0, 2))):
        rows.append(line_of(answered(f"stranger-{number}")))
        case.unknown += 1
    for junk in draw(st.lists(st.sampled_from(JUNK), max_size=2)):
        rows.append(junk)
        case.odd += 1
    for line in draw(st.permutations(rows)):
        draw(st.sampled_from((case.output, case.errors))).append(line)
    return case


@settings(max_examples=100, deadline=None)
@given(case=cases(), end=st.sampled_from([b"\n", b"\r\n", b"\n\n  \n"]), whole=st.booleans())
def test_the_sum_is_exact(case: Case, end: bytes, whole: bool) -> None:
    """`whole`: the files end with a line end, or in their last row."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sources = Sources(
            write(folder / "in.jsonl", [asked(f"id-{number}") for number in range(case.requests)], end=end),
            write(folder / "out.jsonl", case.output, end=end),
            write(folder / "err.jsonl", case.errors, end=end),
        )
        if not whole:
            for path in (sources.output, sources.errors):
                assert path is not None
                path.write_bytes(path.read_bytes().removesuffix(end))
        index = ResultIndex(sources)
        found = index.build()
        assert found == case.expected
        assert found.requests == found.answered + found.errors + found.missing
        assert len(index) == found.requests + found.unknown + found.duplicates + found.unreadable
        assert [index.row(number).line for number in range(found.requests)] == [
            1 + number * (1 if end != b"\n\n  \n" else 3) for number in range(found.requests)
        ]
        for number, fate in enumerate(case.fates):
            assert index.row(number).custom_id == f"id-{number}"
            assert index.outcome(number) == min(fate, default=Outcome.MISSING)
        tally = counts_from_index(index)
        assert [getattr(tally, name) for name in COUNTS] == [getattr(case.expected, name) for name in COUNTS]
        assert (tally.completion_tokens, tally.prompt_tokens, tally.audio_seconds) == case.used
        assert tally.is_even == (not any((tally.missing, tally.unknown, tally.duplicates, tally.unreadable)))
        for number in range(len(index)):
            record = index.record(number)
            assert record.row.outcome == index.outcome(number)
            assert not record.issues


@given(cut=st.integers(1, 400))
@settings(max_examples=40, deadline=None)
def test_a_file_cut_in_its_last_row_loses_that_row_and_says_so(cut: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rows = [asked("a"), asked("b")]
        output = write(folder / "out.jsonl", [answered("a"), answered("b")])
        data = output.read_bytes()
        start = data.index(b"\n") + 1
        kept = min(start + cut, len(data) - 2)  # at least the closing brace is gone
        output.write_bytes(data[:kept])
        index = ResultIndex(Sources(write(folder / "in.jsonl", rows), output))
        found = index.build()
        assert (found.answered, found.missing, found.unreadable) == (1, 1, 1)
        assert not found.is_even
        last = index.row(2)
        assert last.outcome is Outcome.UNREADABLE
        assert last.custom_id == ("b" if b'"custom_id": "b"' in data[start:kept] else "")


def test_requests_that_share_an_id_take_the_rows_in_turn(tmp_path: Path) -> None:
    index = index_of(
        tmp_path,
        input=[asked("same"), asked("same"), asked("same")],
        output=[answered("same", "1"), answered("same", "2")],
    )
    assert [index.row(number).preview for number in range(3)] == ["1", "2", ""]
    assert index.counts == RequestCounts(3, 2, 0, 1, 0, 0, 0, 0)


def test_many_requests_that_share_an_id_take_no_longer(tmp_path: Path) -> None:
    rows = 10_000
    index = index_of(tmp_path, input=[asked("same")] * rows, output=[answered("same")] * (rows + 5))
    assert index.counts == RequestCounts(rows, rows, 0, 0, 0, 0, 5, 0)


def test_without_an_input_file_the_rows_are_what_came_back(tmp_path: Path) -> None:
    index = index_of(tmp_path, output=[answered("b"), answered("a"), answered("b", "2")], errors=[failed("c")])
    assert [index.row(number).custom_id for number in range(len(index))] == ["b", "a", "c", "b"]
    assert [index.row(number).line for number in range(len(index))] == [1, 2, 1, None]
    assert index.counts == RequestCounts(3, 2, 1, 0, 0, 0, 1, 0, has_input=False)
    assert index.record(0).request_messages == ()
    assert index.record(0).answers[0].text == "Hi!"


def test_files_that_are_gone_are_told_of(tmp_path: Path) -> None:
    sources = Sources(tmp_path / "in.jsonl", tmp_path / "out.jsonl", tmp_path)
    index = ResultIndex(sources)
    assert index.build() == RequestCounts(0, 0, 0, 0, 0, 0, 0, 0, has_input=False)
    assert set(index.read_errors) == {Source.INPUT, Source.OUTPUT, Source.ERRORS}
    assert len(index) == 0


def test_another_input_file_is_noticed(tmp_path: Path) -> None:
    path = write(tmp_path / "in.jsonl", [asked("a")])
    index = ResultIndex(Sources(path, input_sha256="0" * 64))
    index.build()
    assert index.input_changed


def test_building_stops_when_asked(tmp_path: Path) -> None:
    index = ResultIndex(Sources(write(tmp_path / "in.jsonl", [asked("a")])))
    with pytest.raises(OperationCancelledError):
        index.build(cancelled=lambda: True)
    assert not index.is_built


def test_progress_is_told_in_bytes(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    index = ResultIndex(Sources(write(tmp_path / "in.jsonl", [asked("a", "x" * 700_000)])))
    index.build(progress=lambda done, total: told.append((done, total)))
    assert len(told) > 2
    assert told[-1][0] == told[-1][1] > 700_000


def test_rows_can_be_read_while_it_is_built(tmp_path: Path) -> None:
    seen: list[Outcome] = []
    index = ResultIndex(
        Sources(
            write(tmp_path / "in.jsonl", [asked("a")]),
            write(tmp_path / "out.jsonl", [answered("a")]),
            write(tmp_path / "err.jsonl", [failed("x")]),
        )
    )
    index.build(progress=lambda *_: seen.extend(index.row(number).outcome for number in range(len(index))))
    assert seen == [Outcome.PENDING, Outcome.OK]
    assert list(index.select([Outcome.OK, Outcome.ERROR])) == [0, 1]
