"""The points of a job: which are stored, which are left out, and that a poll without a change writes nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tbatch_tui.engine.domain.job import Job
from tbatch_tui.engine.domain.submission import SUBMISSION_PREFIX, SubmissionState
from tbatch_tui.engine.endpoint import Endpoint
from tbatch_tui.engine.journal.journal import Journal
from tbatch_tui.engine.progress.history import (
    MAX_POINTS,
    MAX_POINTS_ENDED,
    ProgressPoint,
    median,
    thin,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tbatch_tui.engine.domain.record import JobRecord

NOW = 1_750_000_000.0
CHAT, MODEL = "/v1/chat/completions", "acme/model"


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    opened = Journal(tmp_path / "data" / "history.db")
    yield opened
    opened.close()


@pytest.fixture
def account(journal: Journal) -> int:
    return journal.accounts.at_start("https://x", "abcd", NOW).id


def running(progress: float, job_id: str = "job-1", **more: Any) -> Job:
    return Job(id=job_id, status="IN_PROGRESS", progress=progress, created_at=NOW, **more)


def listed(journal: Journal, account: int, job: Job, at: float, seen_at: float | None = None) -> list[JobRecord]:
    return journal.jobs.apply(account, [job], at, lambda _: False, seen_at)


def points(journal: Journal, account: int, key: str = "job-1") -> tuple[ProgressPoint, ...]:
    record = journal.records.get(account, key)
    assert record is not None
    return journal.progress.history(account, record).points


def test_there_is_a_point_for_each_change_of_status_or_progress(journal: Journal, account: int) -> None:
    listed(journal, account, replace(running(0), status="VALIDATING"), NOW)
    listed(journal, account, running(0), NOW + 30, NOW)
    listed(journal, account, running(0, model=MODEL), NOW + 60, NOW + 30)
    listed(journal, account, running(20), NOW + 600, NOW + 570)
    listed(journal, account, replace(running(100), status="COMPLETED"), NOW + 660, NOW + 600)
    assert points(journal, account) == (
        ProgressPoint(NOW, "VALIDATING"),
        ProgressPoint(NOW + 30, "IN_PROGRESS", 0.0, NOW),
        ProgressPoint(NOW + 600, "IN_PROGRESS", 20.0, NOW + 570, pause=540.0),
        ProgressPoint(NOW + 660, "COMPLETED", 100.0, NOW + 600),
    )


def test_a_list_without_a_change_writes_nothing(journal: Journal, account: int) -> None:
    listed(journal, account, running(10), NOW)
    before = journal.database.connection.total_changes
    assert listed(journal, account, running(10), NOW + 30, NOW) == []
    assert journal.database.connection.total_changes == before


def test_a_job_that_had_ended_when_it_was_first_seen_has_no_points(journal: Journal, account: int) -> None:
    listed(journal, account, replace(running(100), status="COMPLETED"), NOW)
    assert points(journal, account) == ()


def test_points_are_limited_while_a_job_runs_and_more_when_it_has_ended(journal: Journal, account: int) -> None:
    listed(journal, account, replace(running(0), status="VALIDATING"), NOW)
    for number in range(1_000):
        listed(journal, account, running(number / 10), NOW + 30 + number, NOW + 29 + number)
    stored = points(journal, account)
    assert MAX_POINTS / 2 < len(stored) <= MAX_POINTS + 16
    assert [stored[0].status, stored[1].status, stored[1].progress, stored[-1].progress] == [
        "VALIDATING",
        "IN_PROGRESS",
        0.0,
        99.9,
    ]
    listed(journal, account, replace(running(100), status="COMPLETED"), NOW + 5_000, NOW + 1_029)
    stored = points(journal, account)
    assert len(stored) <= MAX_POINTS_ENDED
    assert [stored[0].status, stored[1].at, stored[-1].status] == ["VALIDATING", NOW + 30, "COMPLETED"]


def test_a_point_that_another_app_stored_is_not_repeated(journal: Journal, account: int) -> None:
    listed(journal, account, running(10), NOW)
    journal.database.forget_cache()
    journal.database.execute("UPDATE records SET progress = 5")
    listed(journal, account, running(10), NOW + 1, NOW)
    assert len(points(journal, account)) == 1


def test_the_points_of_a_submission_move_to_its_job(journal: Journal, account: int) -> None:
    record = journal.submissions.add(
        account, path=Path("/in/a.jsonl"), size=1, sha256="0", endpoint=Endpoint.CHAT, label="", requests=3, now=NOW
    )
    assert record.submission is not None
    uploaded = replace(record.submission, state=SubmissionState.UPLOADED, file_id="file-1")
    journal.submissions.update(account, uploaded, NOW + 2)
    listed(journal, account, running(0), NOW + 4)  # the list won the race
    journal.submissions.attach_job(account, uploaded, running(0), NOW + 5)
    assert [(point.at - NOW, point.status) for point in points(journal, account)] == [
        (0.0, SUBMISSION_PREFIX + "intent"),
        (2.0, SUBMISSION_PREFIX + "uploaded"),
        (4.0, "IN_PROGRESS"),
    ]


def test_points_move_with_the_account(journal: Journal, account: int) -> None:
    listed(journal, account, running(10), NOW)
    journal.accounts.confirm("https://x", "efgh", "org", None, "Acme", NOW)
    merged = journal.accounts.confirm("https://x", "abcd", "org", None, "Acme", NOW)
    assert merged.id != account
    assert len(points(journal, merged.id)) == 1


def test_how_long_similar_jobs_took(journal: Journal, account: int) -> None:
    past = [
        Job(
            id=f"past-{number}",
            status="COMPLETED",
            model=MODEL if number != 4 else "acme/other",
            endpoint=CHAT,
            created_at=NOW - 9_000,
            completed_at=NOW - 9_000 + 60 * (number + 1),
            file_size=1_000 if number != 3 else 9_000,
        )
        for number in range(5)
    ]
    watched = replace(past[0], status="IN_PROGRESS", progress=1.0)
    listed(journal, account, watched, NOW - 8_000)
    listed(journal, account, replace(watched, progress=2.0), NOW - 7_000, NOW - 7_100)
    journal.jobs.apply(account, past, NOW, lambda _: False)
    [record] = listed(journal, account, running(1, model=MODEL, endpoint=CHAT, file_size=1_500), NOW)
    similar = journal.progress.history(account, record).similar
    assert similar is not None
    assert (similar.count, similar.median, similar.shortest, similar.longest) == (3, 120.0, 60.0, 180.0)
    assert similar.longest_pause == 900.0
    [unlike] = listed(journal, account, running(1, "job-2", model="acme/new", endpoint=CHAT, file_size=1_500), NOW)
    assert journal.progress.history(account, unlike).similar is None


statuses = st.sampled_from(["VALIDATING", "IN_PROGRESS", "NEW"])
histories = st.lists(st.tuples(statuses, st.floats(0, 100), st.floats(0, 5_000)), max_size=600).map(
    lambda states: [
        ProgressPoint(NOW + n, status, progress, pause=pause) for n, (status, progress, pause) in enumerate(states)
    ]
)


@given(histories, st.integers(4, 64))
def test_thinning_keeps_the_edges_the_order_and_the_longest_pause(all_points: list[ProgressPoint], limit: int) -> None:
    thinned = thin(all_points, limit)
    assert len(thinned) <= max(limit, 0) or len(all_points) <= limit
    assert [point.at for point in thinned] == sorted(point.at for point in thinned)
    assert {point.at for point in thinned} <= {point.at for point in all_points}
    if all_points:
        assert (thinned[0].at, thinned[-1].at) == (all_points[0].at, all_points[-1].at)
        assert max(point.pause for point in thinned) == max(point.pause for point in all_points)
    if len(all_points) <= limit:
        assert thinned == all_points


def test_points_that_begin_a_status_are_left_out_last() -> None:
    all_points = [ProgressPoint(NOW + n, "VALIDATING" if n < 100 else "IN_PROGRESS", float(n)) for n in range(500)]
    thinned = thin(all_points, 40)
    assert NOW + 100 in [point.at for point in thinned]
    assert [point.at for point in thinned[-10:]] == [NOW + 490 + n for n in range(10)]  # all of the newest are there


def test_the_median_of_odd_and_even_numbers_of_values() -> None:
    assert median([3.0, 1.0, 2.0]) == 2.0
    assert median([4.0, 1.0, 2.0, 3.0]) == 2.5
