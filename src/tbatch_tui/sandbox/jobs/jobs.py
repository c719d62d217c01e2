"""The jobs: created, looked at, cancelled, and closed when the clock says that they are over.

Nothing ticks. A job's file is judged in a thread as soon as the job exists; everything else follows from the clock
when somebody looks, so ten thousand ended jobs cost nothing.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import msgspec

from tbatch_tui.sandbox.clock import Clock, format_time
from tbatch_tui.sandbox.jobs.lifecycle import ENDED, JobSnapshot, snapshot
from tbatch_tui.sandbox.jobs.records import ClockTime, End, Pace, ServedJob, StoredFile
from tbatch_tui.sandbox.jobs.result_files import write_results
from tbatch_tui.sandbox.jobs.validation import Rates, ValidationResult, validate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tbatch_tui.sandbox.ids import Ids
    from tbatch_tui.sandbox.jobs.file_store import FileStore
    from tbatch_tui.sandbox.jobs.journal import SandboxJournal

USER_ID = "user-sandbox"
_encode = msgspec.json.Encoder().encode


class AlreadyEndedError(Exception):
    """A job that has ended cannot be cancelled. `status` says how it ended."""

    def __init__(self, status: str) -> None:
        super().__init__(status)
        self.status = status


class ServedJobs:
    """Every job of the sandbox."""

    def __init__(
        self, clock: Clock, ids: Ids, files: FileStore, journal: SandboxJournal, pace: Pace, rates: Rates
    ) -> None:
        self.pace = pace
        self._clock = clock
        self._ids = ids
        self._files = files
        self._journal = journal
        self._rates = rates
        self._jobs: dict[str, ServedJob] = {}
        self._validations: dict[str, Future[ValidationResult]] = {}
        self._results: dict[str, Future[None]] = {}
        self._reported_status: dict[str, str] = {}
        self._encoded: dict[str, bytes] = {}  # ended jobs, encoded once: a list of 10,000 is asked for all the time
        # One thread each: more would only take the interpreter from one another, and a job just created should not
        # have to wait for another's 50,000 answers.
        self._validation_pool = ThreadPoolExecutor(1, "sandbox judge")
        self._writing_pool = ThreadPoolExecutor(1, "sandbox writer")

    def create(self, endpoint: str, input_file_id: str, pace: Pace | None = None) -> ServedJob:
        """Accept a job. It is not valid yet: even an unknown file id is accepted, and fails later (live API)."""
        job = ServedJob(self._ids.job(self._jobs), endpoint, input_file_id, self._clock.now(), pace or self.pace)
        file = self._files.find(input_file_id)
        job.file_size_bytes = file.size if file is not None else None
        self._jobs[job.id] = job
        self._journal.write(job)
        self._start_validation(job)
        return job

    def add_past_job(
        self, endpoint: str, file: StoredFile, created_at: float, pace: Pace, cancelled_after: float | None
    ) -> ServedJob:
        """A job of the past, as far as it has come by now. Its results are written when they are asked for."""
        job = ServedJob(self._ids.job(self._jobs), endpoint, file.id, created_at, pace, file.size)
        if cancelled_after is not None:
            job.cancelled_at = created_at + cancelled_after
        self._jobs[job.id] = job
        verdict = replace(self._validate(job), reached_at=created_at)
        seen = snapshot(job, verdict, self._clock.now())
        if seen.status in ENDED:
            self._close(job, seen, verdict, write=False)
        else:
            self._journal.write(job)
            done: Future[ValidationResult] = Future()
            done.set_result(verdict)
            self._validations[job.id] = done
        return job

    def restore(self, job: ServedJob) -> None:
        """A job as the journal, a story or a test has it."""
        self._jobs[job.id] = job
        self._encoded.pop(job.id, None)
        if job.end is None:
            self._start_validation(job, restored=True)

    def new_id(self) -> str:
        """An id for a job that is yet to be restored."""
        return self._ids.job(self._jobs)

    def find(self, job_id: str) -> ServedJob | None:
        """The job with this id."""
        return self._jobs.get(job_id)

    def forget(self, job_id: str) -> ServedJob:
        """Know this job no more, as if it had aged out of the account; `restore` brings it back."""
        self._encoded.pop(job_id, None)
        return self._jobs.pop(job_id)

    def __iter__(self) -> Iterator[ServedJob]:
        return iter(self._jobs.values())

    def __contains__(self, job_id: object) -> bool:
        return job_id in self._jobs

    def refresh(self, job: ServedJob) -> JobSnapshot:
        """What a job is now. One that turns out to be over is closed: from then on it does not change."""
        future = self._validations.get(job.id)
        verdict = future.result() if future is not None and future.done() else None
        now = self._clock.now()
        seen = snapshot(job, verdict, now)
        if job.end is None and seen.status in ENDED:
            self._close(job, seen, verdict)
        elif self._reported_status.get(job.id) != seen.status and job.end is None:
            self._reported_status[job.id] = seen.status
            self._journal.write(ClockTime(now))  # what has been told cannot be taken back by a restart
        return seen

    def cancel(self, job: ServedJob) -> None:
        """Cancel a job, or raise `AlreadyEnded`. Asking twice changes nothing."""
        seen = self.refresh(job)
        if seen.status in ENDED:
            raise AlreadyEndedError(seen.status)
        if job.cancelled_at is None:
            job.cancelled_at = self._clock.now()
            self._journal.write(job)

    def encode_job(self, job: ServedJob) -> bytes:
        """A job as the API tells of it. What is not known yet has no key."""
        known = self._encoded.get(job.id)
        if known is not None:
            return known
        seen = self.refresh(job)
        told = _encode({key: value for key, value in self._job_to_dict(job, seen).items() if value is not None})
        if job.end is not None:
            self._encoded[job.id] = told
        return told

    def encode_list(self) -> bytes:
        """All jobs: a bare array, neither paged nor filtered (SDK)."""
        return b"[" + b",".join(self.encode_job(job) for job in self._jobs.values()) + b"]"

    def ensure_results(self, file: StoredFile) -> Future[None]:
        """The writing of a result file, begun if need be."""
        job = self._jobs[file.made_by or ""]
        future = self._results.get(job.id)
        if future is None:
            future = self._results[job.id] = self._writing_pool.submit(self._write_results, job, None)
        return future

    def wait_validated(self) -> None:
        """Wait for the verdicts: after a restart, nothing is served before they are there again."""
        wait(self._validations.values())

    async def wait_idle(self) -> None:
        """Wait until the threads have nothing left to do, so that what the clock says is also so."""
        while pending := [asyncio.wrap_future(each) for each in self._futures() if not each.done()]:
            await asyncio.wait(pending)
            self.refresh_all()

    async def advance(self, seconds: float) -> None:
        """Let time pass at once, and everything happen that happens meanwhile."""
        await self.wait_idle()
        self._clock.advance(seconds)
        self.refresh_all()
        await self.wait_idle()

    def refresh_all(self) -> None:
        """Close the jobs that are over."""
        for job in self._jobs.values():
            if job.end is None:
                self.refresh(job)

    def close(self) -> None:
        """No more work in threads."""
        for pool in (self._validation_pool, self._writing_pool):
            pool.shutdown(wait=True, cancel_futures=True)

    def _futures(self) -> list[Future[ValidationResult] | Future[None]]:
        return [*self._validations.values(), *self._results.values()]

    def _start_validation(self, job: ServedJob, *, restored: bool = False) -> None:
        def verdict() -> ValidationResult:
            reached = self._validate(job)
            # Judged again after a restart, a job must not go back to VALIDATING.
            return replace(reached, reached_at=job.created_at if restored else self._clock.now())

        self._validations[job.id] = self._validation_pool.submit(verdict)

    def _validate(self, job: ServedJob) -> ValidationResult:
        file = self._files.find_any(job.input_file_id)
        if file is None or job.file_size_bytes is None:
            return ValidationResult(0.0, error=f"input file {job.input_file_id} not found")
        return validate(self._files.body_path(file), job.endpoint, job.id, self._rates)

    def _close(
        self, job: ServedJob, seen: JobSnapshot, verdict: ValidationResult | None, *, write: bool = True
    ) -> None:
        assert seen.ended_at is not None
        end = End(seen.status, seen.ended_at, seen.rows, error=seen.error)
        ledger = verdict.row_plan if verdict is not None else None
        if verdict is not None:
            end.model_id = verdict.model_id
        if ledger is not None and seen.status != "FAILED":
            end.done = min(seen.done, len(ledger.outcomes))
            failed = ledger.count_failed(end.done)
            # Each id is there only if its file has a row (documentation).
            end.output_file_id = self._files.new_id() if end.done > failed else None
            end.error_file_id = self._files.new_id() if failed else None
        job.end = end
        self._validations.pop(job.id, None)
        self._reported_status.pop(job.id, None)
        self._journal.write(job)
        self.add_result_files(job)
        if end.done and write:
            self._results[job.id] = self._writing_pool.submit(self._write_results, job, verdict)

    def add_result_files(self, job: ServedJob) -> None:
        """Make the result files of an ended job known; the server gives them all the same two names (live API)."""
        assert job.end is not None
        for file_id, name in ((job.end.output_file_id, "output.jsonl"), (job.end.error_file_id, "errors.jsonl")):
            if file_id is not None:
                self._files.add_result_file(file_id, name, job.id, job.end.at)

    def _write_results(self, job: ServedJob, verdict: ValidationResult | None) -> None:
        """Write the result files of an ended job (in a thread)."""
        end = job.end
        source = self._files.find_any(job.input_file_id)
        assert end is not None and source is not None
        ledger = (verdict or self._validate(job)).row_plan
        assert ledger is not None
        spare = self._files.body_path(source).with_name(f"{job.id}.none")
        targets = [
            self._files.find_any(each) if each is not None else None for each in (end.output_file_id, end.error_file_id)
        ]
        paths = [self._files.body_path(each) if each is not None else spare for each in targets]
        written = write_results(
            self._files.body_path(source), ledger, end.done, job.endpoint, int(end.at), paths[0], paths[1]
        )
        for target, each in zip(targets, written, strict=True):
            if target is not None:
                self._files.set_body(target, each)
        spare.unlink(missing_ok=True)

    def _job_to_dict(self, job: ServedJob, seen: JobSnapshot) -> dict[str, Any]:
        end = job.end
        future = self._validations.get(job.id)
        verdict = future.result() if future is not None and future.done() else None
        model_id = end.model_id if end is not None else None
        if end is None and verdict is not None and seen.status != "VALIDATING":
            model_id = verdict.model_id  # known once the file is validated
        return {
            "id": job.id,
            "user_id": USER_ID,
            "input_file_id": job.input_file_id,
            "file_size_bytes": job.file_size_bytes,
            "status": seen.status,
            "job_deadline": format_time(job.created_at + job.pace.window),
            "created_at": format_time(job.created_at),
            "endpoint": job.endpoint,
            "progress": seen.progress,
            "model_id": model_id,
            "output_file_id": end.output_file_id if end is not None else None,
            "error_file_id": end.error_file_id if end is not None else None,
            "error": seen.error,
            "completed_at": format_time(seen.ended_at)
            if end is not None and seen.ended_at is not None and seen.status != "FAILED"
            else None,
        }
