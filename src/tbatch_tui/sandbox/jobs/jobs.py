"""All jobs of the sandbox: create, list, cancel, and end them when the clock says so.

There is no timer. A job's input file is validated in a thread when the job is created; everything else is computed from
the clock when a job is asked for, so 10,000 ended jobs cost nothing.
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
ORGANIZATION_ID = "org-sandbox"
PROJECT_ID = "proj-sandbox"
_encode = msgspec.json.Encoder().encode


class AlreadyEndedError(Exception):
    """A job that has ended cannot be cancelled. `status` is how it ended."""

    def __init__(self, status: str) -> None:
        super().__init__(status)
        self.status = status


class ServedJobs:
    """All jobs of the sandbox."""

    def __init__(
        self,
        clock: Clock,
        ids: Ids,
        files: FileStore,
        journal: SandboxJournal,
        pace: Pace,
        rates: Rates,
        *,
        strict: bool = False,
    ) -> None:
        self.pace = pace
        self._strict = strict
        self._clock = clock
        self._ids = ids
        self._files = files
        self._journal = journal
        self._rates = rates
        self._jobs: dict[str, ServedJob] = {}
        self._validations: dict[str, Future[ValidationResult]] = {}
        self._results: dict[str, Future[None]] = {}
        self._reported_status: dict[str, str] = {}
        self._encoded: dict[str, bytes] = {}  # ended jobs, encoded once: clients list 10,000 all the time
        # One thread each: more would only compete for the GIL, and a new job should not have to wait until 50,000
        # answers of another one are written.
        self._validation_pool = ThreadPoolExecutor(1, "sandbox validation")
        self._writing_pool = ThreadPoolExecutor(1, "sandbox writer")

    def create(self, endpoint: str, input_file_id: str, pace: Pace | None = None) -> ServedJob:
        """Create a job. Even an unknown file id is accepted; the job fails later (seen on the live API)."""
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
        """Add a job that was created in the past, in the state it has by now.

        Its result files are written when they are needed.

        Args:
            created_at: Seconds since the epoch.
            cancelled_after: Seconds after the create; None if it was not cancelled.
        """
        job = ServedJob(self._ids.job(self._jobs), endpoint, file.id, created_at, pace, file.size)
        if cancelled_after is not None:
            job.cancelled_at = created_at + cancelled_after
        self._jobs[job.id] = job
        validation = replace(self._validate(job), reached_at=created_at)
        current = snapshot(job, validation, self._clock.now())
        if current.status in ENDED:
            self._end(job, current, validation, write=False)
        else:
            self._journal.write(job)
            finished: Future[ValidationResult] = Future()
            finished.set_result(validation)
            self._validations[job.id] = finished
        return job

    def restore(self, job: ServedJob) -> None:
        """Add a job that the journal or a test provides."""
        self._jobs[job.id] = job
        self._encoded.pop(job.id, None)
        if job.end is None:
            self._start_validation(job, restored=True)

    def new_id(self) -> str:
        """Return an id for a job that is to be restored."""
        return self._ids.job(self._jobs)

    def find(self, job_id: str) -> ServedJob | None:
        """Return the job with this id, or None."""
        return self._jobs.get(job_id)

    def forget(self, job_id: str) -> ServedJob:
        """Remove a job, as if it had aged out of the account. `restore` brings it back."""
        self._encoded.pop(job_id, None)
        return self._jobs.pop(job_id)

    def __iter__(self) -> Iterator[ServedJob]:
        return iter(self._jobs.values())

    def __contains__(self, job_id: object) -> bool:
        return job_id in self._jobs

    def refresh(self, job: ServedJob) -> JobSnapshot:
        """Return what a job is now. A job whose time has come is ended: it never changes again."""
        validation = self._validation_result(job)
        now = self._clock.now()
        current = snapshot(job, validation, now)
        if job.end is None and current.status in ENDED:
            self._end(job, current, validation)
        elif self._reported_status.get(job.id) != current.status and job.end is None:
            self._reported_status[job.id] = current.status
            self._journal.write(ClockTime(now))  # after a restart, no client may see an earlier status again
        return current

    def cancel(self, job: ServedJob) -> None:
        """Cancel a job. A second cancel changes nothing. Raises AlreadyEndedError."""
        current = self.refresh(job)
        if current.status in ENDED:
            raise AlreadyEndedError(current.status)
        if job.cancelled_at is None:
            job.cancelled_at = self._clock.now()
            self._journal.write(job)

    def encode_job(self, job: ServedJob) -> bytes:
        """Return a job as JSON. Fields without a value are left out."""
        cached = self._encoded.get(job.id)
        if cached is not None:
            return cached
        current = self.refresh(job)
        encoded = _encode({key: value for key, value in self._job_to_dict(job, current).items() if value is not None})
        if job.end is not None:
            self._encoded[job.id] = encoded
        return encoded

    def encode_list(self) -> bytes:
        """Return all jobs as a JSON array, neither paged nor filtered (SDK)."""
        return b"[" + b",".join(self.encode_job(job) for job in self._jobs.values()) + b"]"

    def ensure_results(self, file: StoredFile) -> Future[None]:
        """Start writing a result file unless that has been done; return the future of it."""
        job = self._jobs[file.made_by or ""]
        future = self._results.get(job.id)
        if future is None:
            future = self._results[job.id] = self._writing_pool.submit(self._write_results, job, None)
        return future

    def wait_validated(self) -> None:
        """Wait until all files are validated: after a restart, nothing is served before."""
        wait(self._validations.values())

    async def wait_idle(self) -> None:
        """Wait until both threads are idle, so that every job is in the state that the clock says."""
        while pending := [asyncio.wrap_future(future) for future in self._futures() if not future.done()]:
            await asyncio.wait(pending)
            self.refresh_all()

    async def advance(self, seconds: float) -> None:
        """Move the clock forward, and wait until everything has happened that happens in that time."""
        await self.wait_idle()
        self._clock.advance(seconds)
        self.refresh_all()
        await self.wait_idle()

    def refresh_all(self) -> None:
        """End the jobs whose time has come."""
        for job in self._jobs.values():
            if job.end is None:
                self.refresh(job)

    def close(self) -> None:
        """Stop both threads."""
        for pool in (self._validation_pool, self._writing_pool):
            pool.shutdown(wait=True, cancel_futures=True)

    def _futures(self) -> list[Future[ValidationResult] | Future[None]]:
        return [*self._validations.values(), *self._results.values()]

    def _start_validation(self, job: ServedJob, *, restored: bool = False) -> None:
        def run() -> ValidationResult:
            result = self._validate(job)
            # A job that is validated again after a restart must not go back to VALIDATING.
            return replace(result, reached_at=job.created_at if restored else self._clock.now())

        self._validations[job.id] = self._validation_pool.submit(run)

    def _validation_result(self, job: ServedJob) -> ValidationResult | None:
        """Return the result of validating a job's file; None while that is running, or after the job has ended."""
        future = self._validations.get(job.id)
        return future.result() if future is not None and future.done() else None

    def _validate(self, job: ServedJob) -> ValidationResult:
        file = self._files.find_any(job.input_file_id)
        if file is None or job.file_size_bytes is None:
            return ValidationResult(0.0, error=f"input file {job.input_file_id} not found")
        # Of a job that has ended it is known already which rows failed: a link may have ended since.
        return validate(
            self._files.body_path(file),
            job.endpoint,
            job.id,
            self._rates,
            strict=self._strict,
            read_links=job.end is None,
        )

    def _end(
        self, job: ServedJob, current: JobSnapshot, validation: ValidationResult | None, *, write: bool = True
    ) -> None:
        """Record how a job has ended.

        Args:
            write: Whether to write its result files now; otherwise when they are needed.
        """
        assert current.ended_at is not None
        end = End(current.status, current.ended_at, current.rows, error=current.error)
        plan = validation.row_plan if validation is not None else None
        if validation is not None:
            end.model_id = validation.model_id
            self._files.set_refused(job.input_file_id, validation.error)
        if plan is not None and current.status != "FAILED":
            end.done = min(current.done, len(plan.outcomes))
            failed = plan.count_failed(end.done)
            # There is an id only for a file that has rows (documentation).
            end.output_file_id = self._files.new_id() if end.done > failed else None
            end.error_file_id = self._files.new_id() if failed else None
        job.end = end
        self._validations.pop(job.id, None)
        self._reported_status.pop(job.id, None)
        self._journal.write(job)
        self.add_result_files(job)
        if end.done and write:
            self._results[job.id] = self._writing_pool.submit(self._write_results, job, validation)

    def add_result_files(self, job: ServedJob) -> None:
        """Add the result files of an ended job. Their names are the same for every job (seen on the live API)."""
        assert job.end is not None
        for file_id, name in ((job.end.output_file_id, "output.jsonl"), (job.end.error_file_id, "errors.jsonl")):
            if file_id is not None:
                self._files.add_result_file(file_id, name, job.id, job.end.at)

    def _write_results(self, job: ServedJob, validation: ValidationResult | None) -> None:
        """Write the result files of an ended job. Runs in the writing thread."""
        end = job.end
        source = self._files.find_any(job.input_file_id)
        assert end is not None and source is not None
        plan = (validation or self._validate(job)).row_plan
        assert plan is not None
        unused = self._files.body_path(source).with_name(f"{job.id}.none")
        targets = [
            self._files.find_any(file_id) if file_id is not None else None
            for file_id in (end.output_file_id, end.error_file_id)
        ]
        paths = [self._files.body_path(target) if target is not None else unused for target in targets]
        written = write_results(
            self._files.body_path(source),
            plan,
            end.done,
            job.endpoint,
            int(end.at),
            paths[0],
            paths[1],
            strict=self._strict,
        )
        for target, body in zip(targets, written, strict=True):
            if target is not None:
                self._files.set_body(target, body)
        unused.unlink(missing_ok=True)

    def _job_to_dict(self, job: ServedJob, current: JobSnapshot) -> dict[str, Any]:
        end = job.end
        validation = self._validation_result(job)
        model_id = end.model_id if end is not None else None
        if end is None and validation is not None and current.status != "VALIDATING":
            model_id = validation.model_id  # known once the file is validated
        return {
            "id": job.id,
            "user_id": USER_ID,
            "organization_id": ORGANIZATION_ID,
            "project_id": PROJECT_ID,
            "input_file_id": job.input_file_id,
            "file_size_bytes": job.file_size_bytes,
            "status": current.status,
            "job_deadline": format_time(job.created_at + job.pace.window),
            "created_at": format_time(job.created_at),
            "endpoint": job.endpoint,
            "progress": current.progress,
            "model_id": model_id,
            "output_file_id": end.output_file_id if end is not None else None,
            "error_file_id": end.error_file_id if end is not None else None,
            "error": current.error,
            "completed_at": format_time(current.ended_at)
            if end is not None and current.ended_at is not None and current.status != "FAILED"
            else None,
        }
