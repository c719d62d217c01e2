"""Jobs in every state, in a history as weeks of polling would have written it; the clock stands still."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tbatch_tui.engine.domain.job import FileKind, Job
from tbatch_tui.engine.domain.submission import Submission, SubmissionState
from tbatch_tui.engine.domain.transfer import Transfer, TransferState
from tbatch_tui.engine.endpoint import Endpoint
from tbatch_tui.engine.journal.journal import Journal
from tbatch_tui.engine.journal.mapping import submission_key
from tests.helpers.app_host import make_app

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest

    from tbatch_tui.tui.app import TbatchApp

NOW = 1_772_802_120.0
"""2026-03-06 13:02 UTC."""
MINUTE, HOUR = 60.0, 3_600.0
MODEL = "meta-llama/Llama-3.3-70B-Instruct-Turbo"
JOB_ID = "8f3a12c4-0000-4000-8000-000000000000"
REQUESTS, ANSWERED, ERRORS = 2_000, 1_980, 17
LINES = b"".join(b'{"custom_id": "row-%d", "body": {"model": "m/m", "messages": []}}\n' % n for n in range(REQUESTS))
ROWS = {
    FileKind.OUTPUT: b'{"custom_id": "row-%d", "response": {"status_code": 200, "body": {"choices": [{"message": '
    b'{"role": "assistant", "content": "Yes."}, "finish_reason": "stop"}]}}}\n',
    FileKind.ERRORS: b'{"custom_id": "row-%d", "error": {"message": "Too slow", "code": "batch_client_error"}}\n',
}


class JobHistory:
    """A history with one job, for an app to open."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.input = folder / "evals" / "reviews-march.jsonl"
        self.input.parent.mkdir(parents=True)
        self.input.write_bytes(LINES)
        self.journal = Journal(folder / "data" / "history.db")
        self.journal.database.execute("PRAGMA synchronous = OFF")  # a month of polls, and no power cut
        self.account = self.journal.accounts.at_start("together", "", NOW - 48 * HOUR).id

    def job(self, status: str, ago: float, **more: Any) -> Job:
        created = NOW - ago
        defaults: dict[str, Any] = {
            "model": MODEL,
            "endpoint": Endpoint.CHAT,
            "input_file_id": "file-in",
            "file_size": len(LINES),
            "created_at": created,
            "deadline": created + 24 * HOUR,
        }
        return Job(id=JOB_ID, status=status, **(defaults | more))

    def submit(self, at: float, *, requests: int = REQUESTS) -> Submission:
        record = self.journal.submissions.add(
            self.account,
            path=self.input,
            size=len(LINES),
            sha256=hashlib.sha256(LINES).hexdigest(),
            endpoint=Endpoint.CHAT,
            label="reviews-march",
            requests=requests,
            now=at,
        )
        assert record.submission is not None
        return record.submission

    def uploaded(self, submission: Submission, at: float) -> Submission:
        up = replace(submission, state=SubmissionState.UPLOADED, file_id="file-in")
        self.journal.submissions.update(self.account, up, at)
        return up

    def submitted_as(self, job: Job, *, warning: str | None = None) -> None:
        """Write a submission that became this job."""
        created = job.created_at or NOW
        submission = self.uploaded(self.submit(created - 5), created - 1)
        first = replace(job, status="VALIDATING", progress=0.0, model=None, output_file_id=None, error_file_id=None)
        first = replace(first, error=None, completed_at=None)
        self.journal.submissions.attach_job(self.account, replace(submission, warning=warning), first, created)

    def listed(self, job: Job, at: float, seen_at: float | None = None) -> None:
        self.journal.jobs.apply(self.account, [job], at, lambda _: False, seen_at)

    def watched(self, job: Job, *, begin: float, until: float, every: float, pace: Callable[[float], float]) -> None:
        """Write polls of a running job; `pace` returns its progress from the seconds since it began."""
        at, seen = begin, begin - every
        while at <= until:
            running = replace(
                job,
                status="IN_PROGRESS",
                progress=round(min(99.0, pace(at - begin)), 1),
                output_file_id=None,
                error_file_id=None,
                error=None,
                completed_at=None,
            )
            self.listed(running, at, seen)
            at, seen = at + every, at

    def fetched(self, kind: FileKind, numbers: range, at: float) -> Path:
        """Write a result file with a row for each of these requests."""
        path = self.folder / "results" / f"reviews-march-{JOB_ID[:8]}.{kind.value}.jsonl"
        path.parent.mkdir(exist_ok=True)
        rows = b"".join(ROWS[kind] % number for number in numbers)
        path.write_bytes(rows)
        transfer = Transfer(
            kind,
            f"file-{kind.value}",
            TransferState.FETCHED,
            path,
            len(rows),
            len(numbers),
            sha256=hashlib.sha256(rows).hexdigest(),
            updated_at=at,
        )
        self.journal.transfers.save(self.account, JOB_ID, transfer)
        return path

    def close(self) -> None:
        self.journal.close()


def active(history: JobHistory) -> str:
    job = history.job("IN_PROGRESS", 40 * MINUTE, progress=64.0)
    history.submitted_as(job, warning="The batch queue is long today.")
    begin = NOW - 39 * MINUTE
    history.watched(job, begin=begin, until=NOW - 60, every=60.0, pace=lambda s: 64.0 * s / (38 * MINUTE))
    history.listed(job, NOW, NOW - 60)
    past = [
        replace(
            history.job("COMPLETED", 90 * HOUR),
            id=f"past-{n}",
            completed_at=NOW - 90 * HOUR + (40 + 9 * n) * MINUTE,
        )
        for n in range(5)
    ]
    history.journal.jobs.apply(history.account, past, NOW - HOUR, lambda _: False)
    return JOB_ID


def failed(history: JobHistory) -> str:
    error = "Error validating input file: Line 2 (within chunk): invalid JSON"
    job = history.job("FAILED", 20 * MINUTE, error=error, model=None)
    history.submitted_as(job)
    history.listed(job, NOW - 19 * MINUTE, NOW - 19.5 * MINUTE)
    return JOB_ID


def completed_with_errors(history: JobHistory) -> str:
    ended = {"completed_at": NOW - 10 * MINUTE, "output_file_id": "file-output", "error_file_id": "file-errors"}
    job = history.job("COMPLETED", 51 * MINUTE, progress=100.0, **ended)
    history.submitted_as(job)
    begin = NOW - 50 * MINUTE
    history.watched(job, begin=begin, until=NOW - 11 * MINUTE, every=60.0, pace=lambda s: 100 * s / (40 * MINUTE))
    history.listed(job, NOW - 10 * MINUTE + 20, NOW - 11 * MINUTE)
    history.fetched(FileKind.OUTPUT, range(ANSWERED), NOW - 9 * MINUTE)
    history.fetched(FileKind.ERRORS, range(ANSWERED, ANSWERED + ERRORS), NOW - 9 * MINUTE)
    history.journal.records.annotate(history.account, JOB_ID, "reviews-march", "the second prompt")
    return JOB_ID


def expired(history: JobHistory) -> str:
    job = history.job("EXPIRED", 25 * HOUR, progress=71.0, completed_at=NOW - HOUR, output_file_id="file-output")
    history.submitted_as(job)
    history.listed(job, NOW, NOW - 10 * HOUR)
    return JOB_ID


def cancelled(history: JobHistory) -> str:
    job = history.job("CANCELLED", 2 * HOUR, progress=20.0, completed_at=NOW - HOUR, output_file_id="file-output")
    history.submitted_as(job)
    history.watched(job, begin=NOW - 1.9 * HOUR, until=NOW - 1.1 * HOUR, every=600, pace=lambda s: s / 150)
    history.listed(
        replace(job, status="CANCELING", output_file_id=None, completed_at=None), NOW - HOUR - 30, NOW - 3700
    )
    history.listed(job, NOW - HOUR, NOW - HOUR - 30)
    return JOB_ID


def uncertain(history: JobHistory) -> str:
    up = history.uploaded(history.submit(NOW - 60), NOW - 50)
    lost = replace(
        up,
        state=SubmissionState.UNCERTAIN,
        uncertain_since=NOW - 40,
        error="The answer to the create is lost",
        hint="The list is being asked; nothing is sent twice.",
    )
    history.journal.submissions.update(history.account, lost, NOW - 40)
    return submission_key(up.id)


def unknown(history: JobHistory) -> str:
    job = history.job("HIBERNATING", 30 * HOUR, progress=30.0)
    history.submitted_as(job)
    history.listed(replace(job, status="IN_PROGRESS"), NOW - 29 * HOUR, NOW - 29.01 * HOUR)
    history.listed(job, NOW - HOUR, NOW - HOUR - 30)
    return JOB_ID


def elsewhere(history: JobHistory) -> str:
    history.listed(history.job("COMPLETED", 3 * HOUR, completed_at=NOW - 2 * HOUR, output_file_id="file-output"), NOW)
    history.journal.records.name_inputs(history.account, {"file-in": "theirs.jsonl"})
    return JOB_ID


STATES: dict[str, Callable[[JobHistory], str]] = {
    state.__name__: state
    for state in (active, failed, completed_with_errors, expired, cancelled, uncertain, unknown, elsewhere)
}


def app_on(folder: Path, state: str, monkeypatch: pytest.MonkeyPatch, **more: Any) -> tuple[TbatchApp, str]:
    """Return the app on a history with a job in this state, and the key of the job; the clock stands still."""
    history = JobHistory(folder)
    key = STATES[state](history)
    history.close()
    monkeypatch.chdir(folder)
    app = make_app(folder, None, now=lambda: NOW, **more)
    app.engine._runtime.listed_at = NOW  # as if the list had just come: there is no server here
    return app, key
