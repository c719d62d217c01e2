"""Save the steps of submissions: each only if the submission is still as this app left it.

Two apps may come to work on one submission: their lock is a file, and files are removed, or lie where locks do not
work. Whoever began last goes on; the other cannot save a step any more, and so sends no create.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tbatch_tui.engine.domain.submission import Submission, SubmissionState
from tbatch_tui.engine.errors import AuthenticationError, BatchError
from tbatch_tui.engine.events import Event, Notice
from tbatch_tui.engine.journal.mapping import submission_key
from tbatch_tui.engine.journal.tables.submissions import SubmissionLostError
from tbatch_tui.engine.next_step import NextStep

if TYPE_CHECKING:
    from collections.abc import Callable

    from tbatch_tui.engine.domain.job import Job
    from tbatch_tui.engine.journal.store import JobStore
    from tbatch_tui.engine.polling.poller import Poller

_TAKEN_BACK_AFTER = 300.0
"""Seconds after which one that another app has taken over is taken back if it is still open: that app may have ended,
where locks do not show it. They double each time it is taken again, for the other may be slow and well."""
_UNSENT = (SubmissionState.INTENT, SubmissionState.UPLOADED)


class SubmissionSteps:
    """The submissions that this app works on, as they were saved last, and what saves their steps.

    Methods that save raise SubmissionLostError, after which nothing may be sent for the submission.
    """

    def __init__(
        self,
        store: JobStore,
        poller: Poller,
        emit: Callable[[Event], object],
        *,
        on_created: Callable[[], object],
        now: Callable[[], float],
    ) -> None:
        self.open: dict[int, Submission] = {}
        """By id. Another thread looks at them too: iterate over a copy."""
        self._store = store
        self._poller = poller
        self._emit = emit
        self._on_created = on_created
        self._now = now
        self._lost: dict[int, float] = {}
        """Those that another app has taken over, and when they are taken back (loop time)."""
        self._losses: Counter[int] = Counter()

    async def claim(self, submission_id: int) -> Submission | None:
        """Begin to work on a submission, as it is in the history now. None if there is no work left."""
        submission = await self._store.submissions.claim(submission_id)
        if submission is not None:
            self.open[submission_id] = submission
        return submission

    async def is_taken_over(self, submission_id: int) -> bool:
        """Return whether another app works on it; if not, a person has held it, and perhaps let it go again."""
        return not await self._store.submissions.is_ours(submission_id)

    def is_lost(self, submission_id: int) -> bool:
        """Return whether another app has taken a submission over: taken back at once, it would go to and fro."""
        return asyncio.get_running_loop().time() < self._lost.get(submission_id, 0.0)

    def pop_overdue(self) -> bool:
        """Return whether there are some that are to be taken back now; each is told once."""
        now = asyncio.get_running_loop().time()
        overdue = [number for number, until in self._lost.items() if until <= now]
        for number in overdue:
            del self._lost[number]
        return bool(overdue)

    def lose(self, submission_id: int) -> None:
        """Note that another app has taken a submission over. The person is told the first time."""
        if not self._losses:
            self._emit(
                Notice(
                    "Another tbatch-tui is continuing what was submitted here",
                    "Nothing is lost, and nothing is sent twice. When it closes, this one takes over again.",
                    key=submission_key(submission_id),
                )
            )
        delay = _TAKEN_BACK_AFTER * 2.0 ** min(self._losses[submission_id], 10)
        self._lost[submission_id] = asyncio.get_running_loop().time() + delay
        self._losses[submission_id] += 1

    def forget_lost(self) -> None:
        """Take up whatever is open: this app has taken the lock anew, so the other has ended."""
        self._lost.clear()

    async def change(self, submission: Submission, state: SubmissionState, **changes: Any) -> Submission:
        """Save a step with these changes, and return the submission as saved."""
        return await self.save(replace(submission, state=state, **changes))

    async def save(self, submission: Submission) -> Submission:
        """Save a step, and return the submission as saved."""
        return await self._save(submission, (self.open[submission.id].state,))

    async def _save(self, submission: Submission, before: tuple[SubmissionState, ...]) -> Submission:
        if not submission.may_have_been_created:
            submission = replace(submission, uncertain_since=None)
        await self._store.submissions.save(submission, before)
        self.open[submission.id] = submission
        return submission

    async def stop(self, submission: Submission) -> bool:
        """Save that the person stopped a submission whose task has ended; False if a create may be out."""
        stopped = replace(
            submission,
            state=SubmissionState.STOPPED,
            create_sent_at=None,
            create_sent_server_at=None,
            error="Stopped before it was sent",
            hint=None,
        )
        try:
            # Saved as about to be sent, perhaps, by a task that was ended before it sent anything.
            await self._save(stopped, (*_UNSENT, SubmissionState.CREATING))
        except SubmissionLostError:
            if await self._store.submissions.claim(submission.id, only_unsent=True) is None:
                return False
            await self._save(stopped, _UNSENT)
        return True

    async def set_uncertain(self, submission: Submission, why: str, hint: str) -> Submission:
        """Save that a create of it may have been carried out whose answer is not known."""
        return await self.change(
            submission,
            SubmissionState.UNCERTAIN,
            error=why,
            hint=hint,
            uncertain_since=submission.uncertain_since or self._now(),
        )

    async def attach(self, submission: Submission, job: Job) -> None:
        """Save that a submission has become a job of the list. Raises JobClaimedError."""
        await self._attach(submission, job, (self.open[submission.id].state,))

    async def attach_answer(self, submission: Submission, job: Job) -> None:
        """Save that the server answered the create of a submission with this job. Raises JobClaimedError.

        It is saved whoever works on the submission meanwhile. If that one has become another job by now, the person is
        told of this one.
        """
        try:
            await self._attach(submission, job, None)
        except SubmissionLostError:
            self._emit(
                Notice(
                    f"Job {job.id[:8]} was made of a submission that has become another job meanwhile",
                    f"It would be billed in addition: {NextStep.CANCEL} cancels it.",
                    "warning",
                    job.id,
                )
            )
            raise

    async def _attach(self, submission: Submission, job: Job, before: tuple[SubmissionState, ...] | None) -> None:
        await self._store.submissions.attach_job(submission, job, before)
        self._poller.hurry()
        self._on_created()
        if submission.warning:
            self._emit(Notice("The server accepted the job with a warning", submission.warning, "warning", job.id))

    async def reject(self, submission: Submission, error: BatchError) -> None:
        """Save that the server, or this machine, certainly made no job of it, and tell the person."""
        await self.change(submission, SubmissionState.REJECTED, error=error.title, hint=error.hint)
        severity = "error" if not isinstance(error, AuthenticationError) else "warning"
        self._emit(Notice(error.title, error.hint, severity, submission_key(submission.id)))
