"""How jobs went: which changes are kept, and which jobs are like another."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tbatch_tui.engine.domain.job import Job
from tbatch_tui.engine.endpoint import Endpoint
from tbatch_tui.engine.progress.history import MAX_POINTS, MAX_POINTS_ENDED, ProgressPoint, SimilarJobs
from tests.engine.journal.test_journal import NOW, account, job, journal, nothing_reserved, submit

if TYPE_CHECKING:
    from tbatch_tui.engine.journal.journal import Journal

__all__ = ["account", "journal"]  # fixtures


def points(journal: Journal, account: int, key: str = "job-0001") -> tuple[ProgressPoint, ...]:
    record = journal.records.get(account, key, even_removed=True)
    assert record is not None
    return journal.progress.history(account, record).points


def see(journal: Journal, account: int, after: float, status: str, progress: float, seen: float | None) -> None:
    seen_at = NOW + seen if seen is not None else None
    journal.jobs.apply(account, [job(1, status, progress=progress)], NOW + after, nothing_reserved, seen_at)


def test_a_change_is_kept_with_when_the_one_before_was_last_seen(journal: Journal, account: int) -> None:
    see(journal, account, 10, "VALIDATING", 0.0, 5)
    see(journal, account, 20, "IN_PROGRESS", 0.0, 15)
    see(journal, account, 50, "IN_PROGRESS", 30.0, 45)
    see(journal, account, 60, "IN_PROGRESS", 30.0, 55)
    see(journal, account, 90, "COMPLETED", 100.0, None)
    assert points(journal, account) == (
        ProgressPoint(NOW + 10, "VALIDATING", 0.0, None, 0.0),
        ProgressPoint(NOW + 20, "IN_PROGRESS", 0.0, NOW + 15, 0.0),
        ProgressPoint(NOW + 50, "IN_PROGRESS", 30.0, NOW + 45, 25.0),
        ProgressPoint(NOW + 90, "COMPLETED", 100.0, None, 0.0),
    )


def test_a_change_that_another_app_has_seen_too_is_one(journal: Journal, account: int) -> None:
    see(journal, account, 10, "IN_PROGRESS", 0.0, None)
    see(journal, account, 20, "IN_PROGRESS", 5.0, None)
    journal.progress.add(account, "job-0001", NOW + 30, "IN_PROGRESS", 5.0, None)
    assert [point.at for point in points(journal, account)] == [NOW + 10, NOW + 20]


def test_nobody_watched_a_job_that_had_ended_before(journal: Journal, account: int) -> None:
    see(journal, account, 10, "COMPLETED", 100.0, None)
    assert points(journal, account) == ()


def test_the_points_of_a_submission_come_before_those_of_its_job(journal: Journal, account: int) -> None:
    submission = submit(journal, account).submission
    assert submission is not None
    see(journal, account, 10, "VALIDATING", 0.0, None)
    journal.submissions.attach_job(account, submission, job(1, "IN_PROGRESS"), NOW + 20)
    assert [(point.at, point.status) for point in points(journal, account)] == [
        (NOW, "submission intent"),
        (NOW + 10, "VALIDATING"),
        (NOW + 20, "IN_PROGRESS"),
    ]
    assert journal.progress._points(account, f"submission:{submission.id}") == ()


def test_a_long_job_keeps_few_points_and_fewer_when_it_has_ended(journal: Journal, account: int) -> None:
    see(journal, account, 0, "IN_PROGRESS", 0.0, None)
    with journal.database.transaction():
        for number in range(1, 400):
            at = NOW + number
            journal.progress.add(account, "job-0001", at, "IN_PROGRESS", number / 4, at - 0.5)
            if number % 50 == 0:
                assert min(number, MAX_POINTS / 2) <= len(points(journal, account)) < MAX_POINTS + 20
    kept = points(journal, account)
    assert (kept[0].at, kept[-1].at) == (NOW, NOW + 399)
    assert [point.at for point in kept] == sorted(point.at for point in kept)
    see(journal, account, 400, "COMPLETED", 100.0, 399.5)
    kept = points(journal, account)
    assert len(kept) <= MAX_POINTS_ENDED and kept[0].at == NOW
    assert [point.status for point in kept[-2:]] == ["IN_PROGRESS", "COMPLETED"]


def done(number: int, took: float, size: int | None, model: str = "m", **more: str) -> Job:
    started = NOW + number
    return Job(f"job-{number:04}", more.pop("status", "COMPLETED"), model=model, endpoint=more.pop("endpoint", "e"),
               file_size=size, created_at=started, completed_at=started + took)  # fmt: skip


def similar(journal: Journal, account: int, key: str = "job-0001") -> SimilarJobs | None:
    record = journal.records.get(account, key)
    assert record is not None
    return journal.progress.history(account, record).similar


def test_similar_jobs_are_completed_ones_of_like_size_model_and_endpoint(journal: Journal, account: int) -> None:
    jobs = [
        done(1, 900, 100, status="IN_PROGRESS"),
        done(2, 10, 50),
        done(3, 30, 200),
        done(4, 60, 100),
        done(5, 1, 49),
        done(6, 1, 201),
        done(7, 1, 100, model="n"),
        done(8, 1, 100, endpoint="f"),
        done(9, 1, 100, status="FAILED"),
        done(10, 0, 100),
        done(11, 1, None),
    ]
    journal.jobs.apply(account, jobs, NOW, nothing_reserved)
    assert similar(journal, account) == SimilarJobs(3, 30.0, 10.0, 60.0)
    assert similar(journal, account, "job-0007") is None, "no other is of this model"
    assert similar(journal, account, "job-0004") == SimilarJobs(2, 20.0, 10.0, 30.0), "it is not like itself"
    journal.progress.add(account, "job-0002", NOW, "IN_PROGRESS", 0.0, None)
    journal.progress.add(account, "job-0002", NOW + 9, "IN_PROGRESS", 1.0, NOW + 7)
    journal.progress.add(account, "job-0005", NOW, "IN_PROGRESS", 0.0, None)
    journal.progress.add(account, "job-0005", NOW + 99, "IN_PROGRESS", 1.0, NOW + 99)
    assert similar(journal, account) == SimilarJobs(3, 30.0, 10.0, 60.0, 7.0)


def test_jobs_are_alike_by_their_requests_where_both_are_known(journal: Journal, account: int) -> None:
    for number, requests in enumerate((3, 3, 6, 7, 1), start=1):
        record = journal.submissions.add(
            account, path=Path("/in"), size=1, sha256=f"{number}", endpoint=Endpoint.CHAT, label="",
            requests=requests, now=NOW,
        )  # fmt: skip
        assert record.submission is not None
        journal.submissions.attach_job(account, record.submission, done(number, 10 * number, 1_000**number), NOW)
    journal.jobs.apply(account, [done(6, 90, 1_999), done(7, 90, 2_001)], NOW, nothing_reserved)
    # Of the same requests, of twice as many, and of the like size where the requests of the other are not known.
    assert similar(journal, account) == SimilarJobs(3, 30.0, 20.0, 90.0)
