"""The counts of an index are exact, however rows are shuffled, lost, repeated, cut and mixed."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tbatch_tui.engine.errors import OperationCancelledError
from tbatch_tui.engine.results import (
    OUTCOME_OPTIONS,
    ExportFormat,
    Outcome,
    RequestCounts,
    ResultIndex,
    RowIssue,
    Source,
    Sources,
    counts_from_index,
    export_rows,
    rows_to_retry,
    search,
)
from tests.helpers.result_rows import (
    answer_row,
    build_index,
    encode_row,
    error_row,
    request_row,
    response_row,
    write_rows,
)

if TYPE_CHECKING:
    from collections.abc import Callable

ROWS: dict[Outcome, list[Callable[[str], Any]]] = {
    Outcome.OK: [
        answer_row,
        lambda i: answer_row(i, "x" * 500),
        lambda i: response_row(i, {"text": "", "duration": 3}),
    ],
    Outcome.CUT_SHORT: [
        lambda i: answer_row(i, "Half", reason="length"),
        lambda i: answer_row(i, "", reasoning="hm", reason="length"),
        lambda i: answer_row(i, None, reason="length"),
    ],
    Outcome.INVALID: [
        lambda i: answer_row(i, "Half", reason="error"),
        lambda i: answer_row(i, " ", reasoning="hm"),
        lambda i: answer_row(i, None),
        lambda i: response_row(i, {}),
        lambda i: response_row(i, {"error": {"message": "busy"}}),
    ],
    Outcome.ERROR: [
        error_row,
        lambda i: response_row(i, {"error": {"message": "no"}}, 500),
        lambda i: {"custom_id": i},
    ],
}
COUNTS = (
    *("requests", "ok", "answered", "errors", "missing", "cut_short", "invalid"),
    *("unknown", "duplicates", "unreadable", "has_input"),
)
JUNK = [b"{", b"not json", b"[1, 2]", b"\xff\xfe\x00", b'{"custom_id": null}', b"{}{}", b'"text"', b"\x00"]


@dataclass
class Case:
    """Rows of the two result files, and the counts they must give."""

    requests: int
    output: list[bytes] = field(default_factory=list)
    errors: list[bytes] = field(default_factory=list)
    outcomes: list[list[Outcome]] = field(default_factory=list)
    unknown: int = 0
    unreadable: int = 0

    @property
    def expected(self) -> RequestCounts:
        best = Counter(min(outcomes, default=Outcome.MISSING) for outcomes in self.outcomes)
        return RequestCounts(
            requests=self.requests,
            answered=best[Outcome.OK] + best[Outcome.CUT_SHORT] + best[Outcome.INVALID],
            errors=best[Outcome.ERROR],
            missing=best[Outcome.MISSING],
            cut_short=best[Outcome.CUT_SHORT],
            invalid=best[Outcome.INVALID],
            unknown=self.unknown,
            duplicates=sum(max(0, len(outcomes) - 1) for outcomes in self.outcomes),
            unreadable=self.unreadable,
        )

    @property
    def usage(self) -> tuple[int, int, float]:
        """Completion and prompt tokens, and seconds of audio: every row of the output file is billed."""
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
    """Build a case with every kind of row."""
    outcome = st.sampled_from(list(ROWS))
    outcomes_by_request = draw(st.lists(st.lists(outcome, max_size=3) | st.just([Outcome.OK]), max_size=12))
    case = Case(len(outcomes_by_request), outcomes=[])
    rows: list[bytes] = []
    for number, outcomes in enumerate(outcomes_by_request):
        case.outcomes.append(list(outcomes))
        for chosen in outcomes:
            make_row = draw(st.sampled_from(ROWS[chosen]))
            rows.append(encode_row(make_row(f"id-{number}")))
    for number in range(draw(st.integers(0, 2))):
        rows.append(encode_row(answer_row(f"stranger-{number}")))
        case.unknown += 1
    for junk in draw(st.lists(st.sampled_from(JUNK), max_size=2)):
        rows.append(junk)
        case.unreadable += 1
    for line in draw(st.permutations(rows)):
        draw(st.sampled_from((case.output, case.errors))).append(line)
    return case


@given(case=cases(), end=st.sampled_from([b"\n", b"\r\n", b"\n\n  \n"]), ends_with_line_end=st.booleans())
def test_the_counts_are_exact(case: Case, end: bytes, ends_with_line_end: bool) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sources = Sources(
            write_rows(folder / "in.jsonl", [request_row(f"id-{number}") for number in range(case.requests)], end=end),
            write_rows(folder / "out.jsonl", case.output, end=end),
            write_rows(folder / "err.jsonl", case.errors, end=end),
        )
        if not ends_with_line_end:
            for path in (sources.output, sources.errors):
                assert path is not None
                path.write_bytes(path.read_bytes().removesuffix(end))
        index = ResultIndex(sources)
        counts = index.build()
        assert counts == case.expected
        assert counts.requests == counts.answered + counts.errors + counts.missing
        assert counts.requests == sum(counts.outcomes.values())
        assert counts.outcomes == {outcome.words: len(index.select([outcome])) for outcome in OUTCOME_OPTIONS.values()}
        assert len(index) == counts.requests + counts.unknown + counts.duplicates + counts.unreadable
        assert [index.row(number).line for number in range(counts.requests)] == [
            1 + number * (1 if end != b"\n\n  \n" else 3) for number in range(counts.requests)
        ]
        for number, outcomes in enumerate(case.outcomes):
            assert index.row(number).custom_id == f"id-{number}"
            assert index.outcome(number) == min(outcomes, default=Outcome.MISSING)
        job_counts = counts_from_index(index)
        assert [getattr(job_counts, name) for name in COUNTS] == [getattr(case.expected, name) for name in COUNTS]
        assert (job_counts.completion_tokens, job_counts.prompt_tokens, job_counts.audio_seconds) == case.usage
        assert job_counts.is_even == (
            not any((job_counts.missing, job_counts.unknown, job_counts.duplicates, job_counts.unreadable))
        )
        for number in range(len(index)):
            record = index.record(number)
            assert record.row.outcome == index.outcome(number)
            assert not record.issues


@given(cut=st.integers(1, 400))
@settings(max_examples=40)
def test_a_file_cut_in_its_last_row_loses_that_row_and_counts_it(cut: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rows = [request_row("a"), request_row("b")]
        output = write_rows(folder / "out.jsonl", [answer_row("a"), answer_row("b")])
        data = output.read_bytes()
        start = data.index(b"\n") + 1
        size = min(start + cut, len(data) - 2)  # at least the closing brace is gone
        output.write_bytes(data[:size])
        index = ResultIndex(Sources(write_rows(folder / "in.jsonl", rows), output))
        counts = index.build()
        has_id = b'"custom_id": "b"' in data[start:size]
        if has_id:  # the row is told to be the request's, and no more
            assert (counts.ok, counts.invalid, counts.missing, counts.unreadable) == (1, 1, 0, 0)
            assert index.row(1).reason == "This row is not JSON"
        else:
            assert (counts.ok, counts.invalid, counts.missing, counts.unreadable) == (1, 0, 1, 1)
            assert not counts.is_even
            assert (index.row(2).outcome, index.row(2).custom_id) == (Outcome.UNREADABLE, "")


def test_a_row_that_cannot_be_read_counts_where_no_other_row_came(tmp_path: Path) -> None:
    half = encode_row(answer_row("a"))[:-1]
    requests = [request_row("a"), request_row("b")]
    index = build_index(tmp_path, requests=requests, output=[half, half, encode_row(answer_row("x"))[:-1]])
    assert index.counts == RequestCounts(2, 1, 0, 1, unreadable=2, invalid=1)
    assert (index.row(0).reason, index.row(0).issue) == ("This row is not JSON", None)
    assert [(index.row(n).custom_id, index.row(n).outcome) for n in index.extra_rows] == [
        ("a", Outcome.UNREADABLE),
        ("x", Outcome.UNREADABLE),
    ]
    for other in (answer_row("a"), error_row("a")):  # what can be read counts more, wherever it stands
        for output in ([half, other], [other, half]):
            index = build_index(tmp_path, requests=requests[:1], output=output)
            assert index.counts is not None and (index.counts.invalid, index.counts.unreadable) == (0, 1)
            assert index.counts.duplicates == 0


def test_requests_that_share_an_id_take_the_responses_in_turn(tmp_path: Path) -> None:
    index = build_index(
        tmp_path,
        requests=[request_row("same"), request_row("same"), request_row("same")],
        output=[answer_row("same", "1"), answer_row("same", "2")],
    )
    assert [index.row(number).preview for number in range(3)] == ["1", "2", ""]
    assert index.counts == RequestCounts(3, 2, 0, 1, 0, 0, 0, 0)


def test_many_requests_that_share_an_id_take_no_longer(tmp_path: Path) -> None:
    rows = 10_000
    index = build_index(tmp_path, requests=[request_row("same")] * rows, output=[answer_row("same")] * (rows + 5))
    assert index.counts == RequestCounts(rows, rows, 0, 0, 0, 0, 5, 0)


def test_without_an_input_file_the_rows_are_the_responses(tmp_path: Path) -> None:
    index = build_index(
        tmp_path, output=[answer_row("b"), answer_row("a"), answer_row("b", "2")], errors=[error_row("c")]
    )
    assert [index.row(number).custom_id for number in range(len(index))] == ["b", "a", "c", "b"]
    assert [index.row(number).line for number in range(len(index))] == [1, 2, 1, None]
    assert index.counts == RequestCounts(3, 2, 1, 0, 0, 0, 1, 0, has_input=False)
    assert index.record(0).request_messages == ()
    assert index.record(0).answers[0].text == "Hi!"


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    sources = Sources(tmp_path / "in.jsonl", tmp_path / "out.jsonl", tmp_path)
    index = ResultIndex(sources)
    assert index.build() == RequestCounts(0, 0, 0, 0, 0, 0, 0, 0, has_input=False)
    assert set(index.read_errors) == {Source.INPUT, Source.OUTPUT, Source.ERRORS}
    assert len(index) == 0


def test_the_prompts_of_a_changed_input_are_shown_beside_no_answer(tmp_path: Path) -> None:
    sources = Sources(
        write_rows(tmp_path / "in.jsonl", [request_row("b", "Is the moon made of cheese?"), request_row("c")]),
        write_rows(tmp_path / "out.jsonl", [answer_row("a", "4"), answer_row("b", "5")]),
        input_sha256="0" * 64,
    )
    seen: list[int] = []
    index = ResultIndex(sources)
    counts = index.build(progress=lambda *_: seen.append(len(index.requests)))
    assert index.input_changed and not index.has_input
    assert max(seen) <= 2 and counts == RequestCounts(2, 2, 0, 0, 0, 0, 0, 0, has_input=False)
    assert [index.row(number).custom_id for number in range(len(index))] == ["a", "b"]
    assert [index.record(number).raw_request for number in range(2)] == [None, None]
    assert not any(search(index, "cheese")) and len(rows_to_retry(index, missing=True, marked=[0, 1])) == 0
    for export_format in ExportFormat.MERGED, ExportFormat.CSV, ExportFormat.MARKDOWN:
        path = tmp_path / export_format.value
        export_rows(index, range(len(index)), path, export_format)
        assert b"cheese" not in path.read_bytes() and b"4" in path.read_bytes()
    assert counts_from_index(index, submitted=3).missing == 1


def test_an_unchanged_input_is_read_with_its_prompts(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "in.jsonl", [request_row("a")])
    index = ResultIndex(Sources(path, input_sha256=hashlib.sha256(path.read_bytes()).hexdigest()))
    reports: list[tuple[int, int]] = []
    index.build(progress=lambda done, total: reports.append((done, total)))
    assert index.has_input and not index.input_changed and len(index) == 1
    assert reports[-1][0] == reports[-1][1] > 0


def test_building_stops_when_cancelled(tmp_path: Path) -> None:
    index = ResultIndex(Sources(write_rows(tmp_path / "in.jsonl", [request_row("a")])))
    with pytest.raises(OperationCancelledError):
        index.build(cancelled=lambda: True)
    assert not index.is_built


def test_progress_is_reported_in_bytes(tmp_path: Path) -> None:
    reports: list[tuple[int, int]] = []
    index = ResultIndex(Sources(write_rows(tmp_path / "in.jsonl", [request_row("a", "x" * 700_000)])))
    index.build(progress=lambda done, total: reports.append((done, total)))
    assert len(reports) > 2
    assert reports[-1][0] == reports[-1][1] > 700_000


def test_rows_can_be_read_while_the_index_is_built(tmp_path: Path) -> None:
    seen: list[Outcome] = []
    index = ResultIndex(
        Sources(
            write_rows(tmp_path / "in.jsonl", [request_row("a")]),
            write_rows(tmp_path / "out.jsonl", [answer_row("a")]),
            write_rows(tmp_path / "err.jsonl", [error_row("x")]),
        )
    )
    index.build(progress=lambda *_: seen.extend(index.row(number).outcome for number in range(len(index))))
    assert seen == [Outcome.PENDING, Outcome.OK]
    assert list(index.select([Outcome.OK, Outcome.ERROR])) == [0]
    assert list(index.extra_rows) == [1] and index.outcome(1) is Outcome.ERROR


def test_an_index_yields_its_rows_in_order(tmp_path: Path) -> None:
    index = ResultIndex(
        Sources(
            write_rows(tmp_path / "in.jsonl", [request_row("a"), request_row("b")]),
            write_rows(tmp_path / "out.jsonl", [answer_row("stranger"), answer_row("b"), answer_row("b", "again")]),
        )
    )
    assert not index.is_built
    rows = list(index)  # builds it
    assert rows == [index.row(number) for number in range(len(index))]
    assert [(row.number, row.custom_id, row.outcome, row.issue) for row in rows] == [
        (0, "a", Outcome.MISSING, None),
        (1, "b", Outcome.OK, None),
        (2, "stranger", Outcome.OK, RowIssue.UNKNOWN),
        (3, "b", Outcome.OK, RowIssue.DUPLICATE),
    ]
