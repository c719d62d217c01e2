"""The submissions of one account: their steps are committed and announced one at a time."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from tbatch_tui.engine.journal.mapping import path_to_blob, submission_key
from tbatch_tui.engine.journal.tables.submissions import Held, SubmissionLostError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tbatch_tui.engine.domain.cost import Estimate
    from tbatch_tui.engine.domain.job import Job
    from tbatch_tui.engine.domain.record import JobRecord
    from tbatch_tui.engine.domain.submission import Submission, SubmissionState
    from tbatch_tui.engine.endpoint import Endpoint
    from tbatch_tui.engine.journal.applied_list import AppliedList
    from tbatch_tui.engine.journal.journal import Journal
    from tbatch_tui.engine.journal.journal_thread import JournalThread
    from tbatch_tui.engine.journal.published import PublishedRecords
    from tbatch_tui.engine.local_files.fingerprint import Fingerprint
    from tbatch_tui.engine.options import EngineOptions


class SubmissionStore:
    """Reads and writes the submissions of one account; `JobStore` has one, and all the rest of the history.

    Methods raise JournalError while the history cannot be used; those named "Durably" retry until they succeed.
    """

    def __init__(
        self, options: EngineOptions, thread: JournalThread, published: PublishedRecords, applied: AppliedList
    ) -> None:
        self._now = options.now
        self._output_dir = options.output_dir.absolute()
        """Where the results go of what is submitted here; kept with it, as another app may download them."""
        self._thread = thread
        self._run = thread.run
        self._run_until_written = thread.run_until_written
        self._published = published
        self._applied = applied
        self._owner = os.urandom(8).hex()
        """What the history calls this app, as the one that works on a submission."""

    @property
    def _journal(self) -> Journal:
        return self._thread.journal

    async def add(
        self,
        path: Path,
        fingerprint: Fingerprint,
        endpoint: Endpoint,
        known_runs: Sequence[JobRecord] | None,
        *,
        label: str,
        requests: int,
        estimate: Estimate | None,
    ) -> JobRecord:
        """Save the intent to submit this file, before the first byte goes out. Raises AlreadySubmittedError."""
        record = await self._run(
            self._journal.submissions.add,
            self._thread.account_id,
            path=path,
            size=fingerprint.size,
            sha256=fingerprint.sha256,
            endpoint=endpoint,
            label=label,
            requests=requests,
            now=self._now(),
            estimate=estimate,
            known_runs=known_runs,
            output_dir=self._output_dir,
        )
        self._published.publish([record])
        return record

    async def open(self) -> list[Submission]:
        """Durably return the submissions that have work left to do now, oldest first."""
        return await self._run_until_written(self._journal.submissions.open, self._thread.account_id)

    async def repeated(self) -> list[Submission]:
        """Durably return the submissions whose create was sent again while an earlier one may have been carried out."""
        return await self._run_until_written(self._journal.submissions.repeated, self._thread.account_id)

    async def claim(self, submission_id: int, *, only_unsent: bool = False) -> Submission | None:
        """Durably save that this app works on a submission from now on; return it, or None if no work is left.

        Args:
            only_unsent: leave it alone if a create may have been sent for it.
        """
        return await self._run_until_written(
            self._journal.submissions.claim, submission_id, self._owner, only_unsent=only_unsent
        )

    async def is_ours(self, submission_id: int) -> bool:
        """Durably return whether this app is the last that began to work on a submission."""
        return await self._run_until_written(self._journal.submissions.owner, submission_id) == self._owner

    async def save(self, submission: Submission, before: Sequence[SubmissionState]) -> None:
        """Durably save a step of a submission that this app works on, and that has no job yet.

        Raises SubmissionLostError if another app works on it, it is in none of the states `before`, or it is put on
        hold instead.
        """
        held = Held(self._owner, tuple(before))
        record = await self._run_until_written(
            self._journal.submissions.update, self._thread.account_id, submission, self._now(), held
        )
        self._published.publish([record])
        self._applied.set(None)  # jobs that were left out for it may belong to nobody now
        if record.is_waiting and not submission.state.is_waiting:
            raise SubmissionLostError

    async def attach_job(self, submission: Submission, job: Job, before: Sequence[SubmissionState] | None) -> None:
        """Durably save that this job is what the submission became. Its record takes the job's id as key.

        Raises JobClaimedError if another submission has become it; SubmissionLostError if this one has become another
        job, another app works on it, or it is in none of the states `before`.

        Args:
            before: None when the server has named the job in its answer: that is so whoever works on it now.
        """
        self._applied.note_answer(job.id)
        held = Held(self._owner, tuple(before)) if before is not None else None
        record = await self._run_until_written(
            self._journal.submissions.attach_job, self._thread.account_id, submission, job, self._now(), held
        )
        self._applied.set(None)
        self._published.publish([record], renamed=((submission_key(submission.id), job.id),))

    async def add_run(self, job: Job, path: Path, fingerprint: Fingerprint, requests: int) -> None:
        """Save that a job of the list was made of a file here, as if it was submitted here. Raises JobClaimedError."""
        record = await self._run(
            self._journal.submissions.add_run,
            self._thread.account_id,
            job,
            self._now(),
            path=path,
            size=fingerprint.size,
            sha256=fingerprint.sha256,
            requests=requests,
            output_dir=path_to_blob(self._output_dir),
        )
        self._applied.set(None)
        self._published.publish([record])

    async def jobs_on(self, submission: Submission) -> set[str]:
        """Durably return the ids of the jobs known for the submission's uploaded file and endpoint."""
        assert submission.file_id is not None
        return set(
            await self._run_until_written(
                self._journal.jobs.ids_on_file, self._thread.account_id, submission.file_id, submission.endpoint
            )
        )

    async def unended_jobs(self) -> set[str]:
        """Durably return the ids of the jobs that had not ended when they were last seen: a whole list has them."""
        return await self._run_until_written(self._journal.jobs.unended_ids, self._thread.account_id, self._now())

    async def claimed_jobs(self) -> set[str]:
        """Durably return the ids of the jobs that some submission became."""
        return await self._run_until_written(self._journal.submissions.claimed_job_ids, self._thread.account_id)
