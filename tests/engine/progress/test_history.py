"""The history of polls: what is kept, what is thinned out, and that a tick in which nothing changed writes nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tbatch_tui.engine.domain.job import Job
from tbatch_tui.engine.domain.submission import SubmissionState
from tbatch_tui.engine.endpoint import Endpoint
from tbatch_tui.engine.journal.journal import Journal
from tbatch_tui.engine.progress.history import (
    MAX_POINTS,
    MAX_POINTS_ENDED,
    SUBMISSION_PREFIX,
    ProgressPoint,
    median,
    thin,
)

if TYPE_CHECKING:
    from tbatch_tui.engine.domain.record import JobRecord

NOW = 1_750_000_000.0
CHAT, MODEL = "/v1/chat/completions", "acme/model"


@pytest.fixture
def journal(tmp_path: Path):
    opened = Journal(tmp_path / "data" / "history.db")
    yield opened
    opened.close()


@pytest.fixture
def account(journal: Journal) -> int:
    return journal.accounts.at_start("https://x", "abcd", NOW).id


def running(progress: float, job_id: str = "job-1", **more: object) -> Job:
    return Job(id=job_id, status="IN_PROGRESS", progress=progress, created_at=NOW, **more)


def listed(journal: Journal, account: int, job: Job, at: float, seen_at: float | None = None) -> list[JobRecord]:
    return journal.jobs.apply(account, [job], at, lambda _: False, seen_at)


def points(journal: Journal, account: int, key: str = "job-1") -> tuple[ProgressPoint, ...]:
    record = journal.records.get(account, key)
    assert record is not None
    return journal.progress.history(account, record).points


def test_a_point_is_kept_when_status_or_progress_is_another(journal: Journal, account: int):
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


def test_a_list_that_says_nothing_new_writes_nothing(journal: Journal, account: int):
    listed(journal, account, running(10), NOW)
    before = journal.database.connection.total_changes
    assert listed(journal, account, running(10), NOW + 30, NOW) == []
    assert journal.database.connection.total_changes == before


def test_a_past_that_nobody_watched_has_no_points(journal: Journal, account: int):
    listed(journal, account, replace(running(100), status="COMPLETED"), NOW)
    assert points(journal, account) == ()


def test_points_are_bounded_while_it_runs_and_again_when_it_has_ended(journal: Journal, account: int):
    listed(journal, account, replace(running(0), status="VALIDATING"), NOW)
    for number in range(1_000):
        listed(journal, account, running(number / 10), NOW + 30 + number, NOW + 29 + number)
    found = points(journal, account)
    assert MAX_POINTS / 2 < len(found) <= MAX_POINTS + 16
    assert [found[0].status, found[1].status, found[1].progress, found[-1].progress] == [
        "VALIDATING",
        "IN_PROGRESS",
        0.0,
        99.9,
    ]
    listed(journal, account, replace(running(100), status="COMPLETED"), NOW + 5_000, NOW + 1_029)
    found = points(journal, account)
    assert len(found) <= MAX_POINTS_ENDED
    assert [found[0].status, found[1].at, found[-1].status] == ["VALIDATING", NOW + 30, "COMPLETED"]


def test_another_app_that_saw_it_first_is_not_repeated(journal: Journal, account: int):
    listed(journal, account, running(10), NOW)
    journal.database.forget_cache()
    journal.database.execute("UPDATE records SET progress = 5")
    listed(journal, account, running(10), NOW + 1, NOW)
    assert len(points(journal, account)) == 1


def test_the_steps_of_a_submission_go_over_to_its_job(journal: Journal, account: int):
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


def test_points_go_with_the_account(journal: Journal, account: int):
    listed(journal, account, running(10), NOW)
    journal.accounts.confirm("https://x", "efgh", "org", None, "Acme", NOW)
    merged = journal.accounts.confirm("https://x", "abcd", "org", None, "Acme", NOW)
    assert merged.id != account
    assert len(points(journal, merged.id)) == 1


def test_what_jobs_like_it_took(journal: Journal, account: int):
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
    lambda said: [
        ProgressPoint(NOW + n, status, progress, pause=pause) for n, (status, progress, pause) in enumerate(said)
    ]
)


@settings(max_examples=60, deadline=None)
@given(histories, st.integers(4, 64))
def test_thinning_keeps_the_edges_the_order_and_the_longest_pause(found: list[ProgressPoint], limit: int):
    kept = thin(found, limit)
    assert len(kept) <= max(limit, 0) or len(found) <= limit
    assert [point.at for point in kept] == sorted(point.at for point in kept)
    assert {point.at for point in kept} <= {point.at for point in found}
    if found:
        assert (kept[0].at, kept[-1].at) == (found[0].at, found[-1].at)
        assert max(point.pause for point in kept) == max(point.pause for point in found)
    if len(found) <= limit:
        assert kept == found


def test_what_began_a_status_outlives_what_came_between():
    found = [ProgressPoint(NOW + n, "VALIDATING" if n < 100 else "IN_PROGRESS", float(n)) for n in range(500)]
    kept = thin(found, 40)
    assert NOW + 100 in [point.at for point in kept]
    assert [point.at for point in kept[-10:]] == [NOW + 490 + n for n in range(10)]  # the newest are whole


def test_the_middle_is_the_median():
    assert median([3.0, 1.0, 2.0]) == 2.0
    assert median([4.0, 1.0, 2.0, 3.0]) == 2.5
