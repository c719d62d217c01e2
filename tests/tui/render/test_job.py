"""A job as text: steps, pace, chart and hints. Pure functions with a clock that is passed in."""

from __future__ import annotations

import re
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tbatch_tui.engine.domain.counts import JobCounts, format_sum
from tbatch_tui.engine.domain.job import Job
from tbatch_tui.engine.domain.record import FamilyMember, JobRecord
from tbatch_tui.engine.domain.submission import Submission
from tbatch_tui.engine.endpoint import Endpoint
from tbatch_tui.engine.progress.history import JobHistory, ProgressPoint, SimilarJobs
from tbatch_tui.engine.progress.outlook import course
from tbatch_tui.tui.render.counts import counts_cell, counts_style
from tbatch_tui.tui.render.error_hints import KNOWN, error_hint
from tbatch_tui.tui.render.job import details_lines, progress_cell
from tbatch_tui.tui.render.pace import format_pace, pace_facts
from tbatch_tui.tui.render.status import ATTENTION, OK, QUIET
from tbatch_tui.tui.render.timeline import STEP_WIDTH, TimelineStep, timeline_steps
from tbatch_tui.tui.screens.job.chart import GUTTER, DrawnChart, chart_lines
from tbatch_tui.tui.screens.job.facts import about_facts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tbatch_tui.tui.render.styled import StyledText

NOW = 1_772_802_120.0
MINUTE, HOUR, DAY = 60.0, 3_600.0, 86_400.0


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def running(created: float, *, requests: int | None = 12_000, status: str = "IN_PROGRESS", **more: Any) -> JobRecord:
    job = Job("job-1", status, 40.0, created_at=created, deadline=created + DAY, **more)
    return JobRecord("job-1", job, requests=requests)


def watched(begin: float, until: float, *, every: float = 30.0, per_hour: float = 60.0) -> tuple[ProgressPoint, ...]:
    count = int((until - begin) / every)
    return tuple(
        ProgressPoint(begin + n * every, "IN_PROGRESS", n * every / HOUR * per_hour, begin + (n - 1) * every)
        for n in range(count + 1)
    )


def plain(text: StyledText) -> str:
    """The text without its styles."""
    return "".join(part for part, _ in text)


def pace(record: JobRecord, history: JobHistory, seen_at: float | None = NOW, now: float = NOW) -> str:
    return " | ".join(plain(text) for _, text in pace_facts(record, history, seen_at, now))


# -- a row and its details -----------------------------------------------------------------------------


@pytest.mark.parametrize("width", range(6, 60))
def test_a_cell_has_no_number_without_its_word(width: int) -> None:
    counts = JobCounts(2_000, 1_980, 17, 3, cut_short=12, invalid=2, unreadable=4)
    cell = plain(counts_cell(counts, width))
    assert len(cell) <= max(width, len("17 err …"))
    assert all(
        re.fullmatch(r"[\d,]+ (ok|cut short|cut|invalid|errors|err|missing|unreadable)", part.removesuffix(" …"))
        for part in cell.replace(" · … · ", " · ").split(" · ")
    )
    assert cell.endswith(" …") or " · … · " in cell or ("1,966 ok · 12 cut" in cell and "2 invalid" in cell)
    assert "17 err" in cell, "what needs a person goes last"


def test_a_cell_is_green_only_where_few_answers_are_unusable() -> None:
    assert counts_cell(JobCounts(100, 100, 0, 0)) == [("all ok", OK)]
    assert counts_cell(JobCounts(100, 100, 0, 0, cut_short=3, invalid=2)) == [
        ("95 ok", OK), (" · ", QUIET), ("3 cut short", QUIET), (" · ", QUIET), ("2 invalid", QUIET)
    ]  # fmt: skip
    over = JobCounts(100, 100, 0, 0, cut_short=3, invalid=3)
    assert over.needs_attention and not replace(over, attention_share=6.0).needs_attention
    assert counts_cell(over)[-1] == ("3 invalid", ATTENTION) and counts_cell(over)[0] == ("94 ok", "")
    assert (counts_style(over, 5.0), counts_style(over, 6.0)) == (ATTENTION, OK)
    assert counts_style(JobCounts(100, 99, 0, 1), 5.0) == ATTENTION


def test_the_sum_leaves_out_what_there_is_none_of_but_for_missing() -> None:
    whole = JobCounts(2_000, 1_980, 17, 3, cut_short=12, invalid=3, unknown=1, duplicates=2, unreadable=4)
    assert format_sum(whole) == (
        "2,000 in = 1,965 ok + 12 cut short + 3 invalid + 17 errors + 3 missing"
        " · 1 unknown id · 2 duplicates · 4 unreadable"
    )
    assert format_sum(JobCounts(5, 5, 0, 0)) == "5 in = 5 ok + 0 missing"
    assert format_sum(JobCounts(5, 3, 0, 2, invalid=3)) == "5 in = 3 invalid + 2 missing"
    assert format_sum(JobCounts(5, 3, 1, 1, has_input=False)) == "4 of 5 returned = 3 ok + 1 error"
    assert format_sum(JobCounts(0, 0, 0, 0)) == "0 in = 0 ok + 0 missing"


@pytest.mark.parametrize(
    ("error", "cell"),
    [
        ("Error validating input file: Line 2 (within chunk): invalid JSON", "invalid JSON"),
        ("Error validating input file: input file is empty", "input file is empty"),
        ("Error validating input file: ", "Error validating input file: "),
        ("out of order", "out of order"),
    ],
)
def test_a_failed_job_shows_its_cause(error: str, cell: str) -> None:
    record = running(NOW - HOUR, status="FAILED", error=error)
    assert plain(progress_cell(record, 20)) == cell
    assert error.strip() in plain(details_lines(record, NOW, 76)[1])


@pytest.mark.parametrize("width", [36, 56, 76, 106])
def test_the_details_show_the_deadline_at_any_width(width: int) -> None:
    record = running(NOW - HOUR)
    for name in ("reviews", "日本語の長い名前" * 8):
        head = plain(details_lines(replace(record, label=name), NOW, width)[0])
        assert head.endswith(" · deadline tomorrow 12:02") and cell_len(head) <= width
        assert "…" not in head or name != "reviews"
    assert " · job-1 · " in plain(details_lines(record, NOW, 76)[0])


def test_the_details_say_what_to_do_where_the_row_says_what_is_not_here() -> None:
    ended = Job("job-1", "COMPLETED", 100.0, created_at=NOW - HOUR, completed_at=NOW, output_file_id="f")
    record = JobRecord("job-1", job=ended)
    assert plain(progress_cell(record, 30)) == "not downloaded"
    assert plain(details_lines(record, NOW, 76)[1]) == "d downloads its results"
    lost = JobRecord("job-1", job=replace(ended, output_file_id=None))
    assert plain(details_lines(lost, NOW, 76)[1]) == "no result files"


# -- the pace ------------------------------------------------------------------------------------------


def test_a_steady_job_has_a_speed_and_an_end() -> None:
    record, history = running(NOW - HOUR), JobHistory(watched(NOW - 30 * MINUTE, NOW))
    details = plain(format_pace(record, history, NOW, NOW))
    assert details == "▇▇▇▇▇▇▇▇▇▇  7,200/h · done about 14:12"
    assert "deadline tomorrow 12:02" in pace(record, history)
    names = [name for name, _ in pace_facts(record, history, NOW, NOW)]
    assert len(names) == len(set(names)), "no fact is there twice"
    assert "60 %/h" in plain(format_pace(running(NOW - HOUR, requests=None), history, NOW, NOW))


@pytest.mark.parametrize(
    ("points", "seen_at", "words"),
    [
        ((), NOW, "about 9 h 00 m left at the pace so far"),
        ((ProgressPoint(NOW - 60, "IN_PROGRESS", 40.0),), NOW, "about 9 h 00 m left at the pace so far"),
        (watched(NOW - 30 * MINUTE, NOW), None, "no estimate until the server's list arrives"),
        (watched(NOW - 90 * MINUTE, NOW - HOUR), NOW - HOUR, "no estimate: no contact with the server since 12:02"),
        (watched(NOW - 5 * HOUR, NOW - 4 * HOUR), NOW, "no estimate without progress"),
    ],
    ids=["nothing", "one look", "no list", "offline", "stands"],
)
def test_with_little_data_the_estimate_is_that_of_the_list_or_none(
    points: tuple[ProgressPoint, ...], seen_at: float | None, words: str
) -> None:
    assert words in pace(running(NOW - 6 * HOUR), JobHistory(points), seen_at)


def test_a_pause_is_described_and_compared_with_observed_pauses_only() -> None:
    history = JobHistory(watched(NOW - 4 * HOUR, NOW - 2 * HOUR, per_hour=30.0))
    assert "no progress for 2 h 00 m" in pace(running(NOW - 4 * HOUR), history)
    assert "paused" not in pace(running(NOW - 4 * HOUR), history)
    known = replace(history, similar=SimilarJobs(3, HOUR, HOUR / 2, 2 * HOUR, longest_pause=40 * MINUTE))
    words = pace(running(NOW - 4 * HOUR), known)
    assert "no progress for 2 h 00 m; similar jobs paused up to 40 m" in words
    assert "jobs took 30 m to 2 h 00 m (median 1 h 00 m, 3 jobs)" in words
    assert plain(format_pace(running(NOW - 4 * HOUR), history, NOW, NOW)).endswith("no progress for 2 h 00 m")


def test_the_documented_rules_depend_on_the_age() -> None:
    assert "72 h" not in pace(running(NOW - 23 * HOUR), JobHistory())
    assert "Past 24 h and still running, which can happen" in pace(running(NOW - 30 * HOUR), JobHistory())
    assert "support after 72 h: Sun 07:02" in pace(running(NOW - 30 * HOUR), JobHistory())
    assert "contact Together's support" in pace(running(NOW - 73 * HOUR), JobHistory())


def test_an_end_after_the_deadline_is_explained() -> None:
    history = JobHistory(watched(NOW - 2 * HOUR, NOW, per_hour=2.0))
    assert "The 24 h are best effort" in pace(running(NOW - 3 * HOUR), history)


@pytest.mark.parametrize("hours", [0.1, 1, 12, 23, 25, 71, 73, 1_000])
@pytest.mark.parametrize("quiet", [0.0, 0.5, 5, 50])
def test_a_job_is_never_called_stuck(hours: float, quiet: float) -> None:
    until = NOW - quiet * HOUR
    history = JobHistory(watched(until - HOUR, until), SimilarJobs(2, 60, 30, 90, 10.0))
    record = running(NOW - hours * HOUR)
    words = (pace(record, history) + plain(format_pace(record, history, NOW, NOW))).lower()
    assert not any(word in words for word in ("stuck", "hung", "is dead", "stalled", "frozen"))


@given(
    st.lists(st.tuples(st.floats(0, 4e9), st.floats(0, 100)), max_size=30),
    st.one_of(st.none(), st.floats(0, 4e9)),
    st.floats(0, 4e9),
    st.one_of(st.none(), st.integers(0, 50_000)),
)
def test_any_history_can_be_rendered(
    points: list[tuple[float, float]], seen_at: float | None, created: float, requests: int | None
) -> None:
    history = JobHistory(tuple(ProgressPoint(at, "IN_PROGRESS", progress) for at, progress in points))
    record = running(created, requests=requests)
    words = pace(record, history, seen_at) + plain(format_pace(record, history, seen_at, NOW))
    assert "nan" not in words and "inf" not in words and " -" not in words


# -- the chart -----------------------------------------------------------------------------------------


def test_the_chart_shows_curve_forecast_and_deadline() -> None:
    run = tuple(course(watched(NOW - HOUR, NOW, per_hour=50.0)))
    lines = [plain(row) for row in chart_lines(DrawnChart(run, NOW, NOW + HOUR, NOW + 1.5 * HOUR), 66, 5, NOW)]
    assert lines[0].startswith("100 %") and lines[-2].startswith("  0 %")
    assert all("┊" in line for line in lines[:-1])
    assert lines[-2].index("█") < lines[1].index("·") < lines[0].index("┊")
    assert lines[-1].split() == ["12:02", "deadline", "14:32"]


def test_a_distant_deadline_does_not_squeeze_the_curve() -> None:
    run = tuple(course(watched(NOW - HOUR, NOW)))
    lines = [plain(row) for row in chart_lines(DrawnChart(run, NOW, NOW + HOUR, NOW + DAY), 66, 5, NOW)]
    assert not any("┊" in line for line in lines)
    assert lines[-1].split() == ["12:02", "14:02"]


@given(
    st.lists(st.tuples(st.floats(0, 4e9), st.floats(0, 100)), min_size=2, max_size=20),
    st.floats(0, 1e6),
    st.one_of(st.none(), st.floats(0, 5e9)),
    st.one_of(st.none(), st.floats(0, 5e9)),
    st.integers(30, 120),
    st.integers(2, 8),
)
def test_no_line_of_a_chart_is_wider_than_it_may_be(
    points: list[tuple[float, float]],
    more: float,
    done_at: float | None,
    deadline: float | None,
    width: int,
    height: int,
) -> None:
    run = tuple(course([ProgressPoint(at, "IN_PROGRESS", progress) for at, progress in points]))
    lines = chart_lines(DrawnChart(run, run[-1][0] + more, done_at, deadline), width, height, NOW)
    assert len(lines) == height + 1
    assert all(len(plain(line)) == width for line in lines[:-1])
    assert len(plain(lines[-1])) > GUTTER


# -- the steps -----------------------------------------------------------------------------------------


def test_a_change_that_was_not_observed_is_a_bound() -> None:
    job = Job("job-1", "IN_PROGRESS", 10.0, created_at=NOW - 4 * HOUR, deadline=NOW + 20 * HOUR)
    record = JobRecord("job-1", job)
    unobserved = JobHistory(
        (ProgressPoint(NOW - 4 * HOUR, "VALIDATING"), ProgressPoint(NOW - HOUR, "IN_PROGRESS", 9.0, NOW - 3.9 * HOUR))
    )
    by_word = {step.word: step for step in timeline_steps(record, NOW, unobserved)}
    assert (by_word["In progress"].is_by, by_word["Validating"].bound) == (True, "≤ ")
    assert "≤ 2026-03-06 12:02:00" in plain(by_word["In progress"].styled_text(NOW))
    observed = JobHistory((unobserved.points[0], replace(unobserved.points[1], known_at=NOW - HOUR - 30)))
    by_word = {step.word: step for step in timeline_steps(record, NOW, observed)}
    assert (by_word["In progress"].is_by, by_word["Validating"].bound, by_word["Validating"].lasted) == (
        False,
        "",
        3 * HOUR,
    )


def test_what_was_not_observed_has_no_times() -> None:
    job = Job("job-1", "COMPLETED", 100.0, created_at=NOW - HOUR, completed_at=NOW, output_file_id="f")
    timeline = [(step.glyph, step.word, step.at, step.lasted) for step in timeline_steps(JobRecord("job-1", job), NOW)]
    assert timeline == [
        ("●", "Not from here", NOW - HOUR, None),
        ("●", "Validating", NOW - HOUR, None),
        ("●", "In progress", None, None),
        ("✓", "Completed", NOW, HOUR),
    ]


def test_a_job_whose_failure_was_not_observed_has_not_run() -> None:
    job = Job("job-1", "FAILED", created_at=NOW - HOUR, error="error reading input file")
    assert [step.word for step in timeline_steps(JobRecord("job-1", job), NOW)] == ["Not from here", "Failed"]


def test_no_step_is_wider_than_its_columns() -> None:
    for step in (
        TimelineStep("●", "A status of a server that nobody knows", NOW, 3 * DAY, True, "≤ "),
        TimelineStep("○", "Deadline"),
    ):
        assert len(plain(step.styled_text(NOW))) <= STEP_WIDTH
        assert len(plain(step.styled_text(NOW, short=True))) <= 38  # the column beside the list


# -- lineage -------------------------------------------------------------------------------------------


def test_a_retry_names_its_parent_and_a_parent_its_retries() -> None:
    def record(key: str, parent: str | None = None) -> JobRecord:
        submission = Submission(1, Path("/in/a.jsonl"), 1, "0", Endpoint.CHAT, "", 3, NOW, parent=parent)
        return JobRecord(key, Job(key, "COMPLETED", created_at=NOW), submission, label=f"label {key}")

    one, two, three = record("one"), record("two", "one"), record("three", "two")
    family = [FamilyMember(one, 1), FamilyMember(two, 2), FamilyMember(three, 3)]
    facts = {name: plain(text) for name, text in about_facts(two, [], family, NOW)}
    assert facts["Retry of"] == "label one, 13:02, completed, one"
    assert facts["Retried as"] == "label three, 13:02, completed, three"
    assert "Retry of" not in dict(about_facts(one, [], family, NOW))
    alike = [replace(one, key=f"other-{n}") for n in range(5)]
    assert [plain(text) for _, text in about_facts(one, alike, [], NOW)].count("and 2 more") == 1


# -- hints ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "helps"),
    [
        ("Error validating input file: Line 2 (within chunk): invalid JSON", "the real line"),
        ("error reading input file", "over 10 MB"),
        ("Error validating input file: Line 9 (within chunk): duplicate custom_id: a", "makes them unique"),
        ("Error validating input file: Line 1 (within chunk): custom_id must be at most 64 characters", "64"),
        ("Error validating input file: Line 1 (within chunk): body.model is required", "its own body.model"),
        ("Error validating input file: Line 1 (within chunk): body is required", "the request itself"),
        ("Error validating input file: input file contains more than 50000 requests", "split the file"),
        ("Error validating input file: input file is empty", "no request"),
        ("input file file-1 not found", "Submit the file again"),
        ("Unable to access model acme/x. Please visit the models page", "your account can use it"),
        ("Content-Type must be multipart/form-data", '"method": "FILE"'),
        ("Insufficient credit", "Billing"),
        ("Request timed out", "A server error"),
        ("Etwas ist schiefgegangen", "Unknown error"),
    ],
)
def test_each_known_error_has_its_hint(error: str, helps: str) -> None:
    assert helps in error_hint(error)


def test_no_hint_hides_another() -> None:
    for signs, hint in KNOWN:
        assert error_hint(signs[0]) == hint, signs
