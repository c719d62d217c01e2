"""Submit exactly once: intent → upload → create → the job, each step committed before the next begins.

A create whose answer is lost is never simply repeated. The list is asked until the job shows up (it is adopted),
or until 30 s of successful lists have shown that it was not made.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tbatch_tui.engine.domain.job import Job
from tbatch_tui.engine.domain.submission import Submission, SubmissionState
from tbatch_tui.engine.errors import (
    AuthenticationError,
    BatchError,
    ConnectionFailedError,
    LocalFileError,
    OutcomeUnknownError,
    RateLimitError,
    RequestRejectedError,
    ServerError,
)
from tbatch_tui.engine.journal.mapping import submission_key
from tbatch_tui.engine.local_files.fingerprint import Fingerprint, fingerprint_file
from tbatch_tui.engine.next_step import NextStep
from tbatch_tui.engine.submit.lookup import CreateLookup, LookupDecision, LookupOutcome
from tbatch_tui.engine.submit.matching import Desk, has_same_input, is_candidate, may_have_been_created
from tbatch_tui.text.plural import plural

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

_UPLOADS_AT_ONCE = 3
"""Of the parts of a large file, so many go up together."""
_LONGEST_WAIT = 60.0
_LONGEST_PATIENCE = 32
"""Times the seconds of a look-up that are waited at most before a create that was lost again and again is repeated."""
_TRIED_AGAIN = "No job was made. It is tried again by itself."


class Submitter:
    """Works the open submissions of one account, each in its own task."""

    def __init__(self, desk: Desk, *, looked_up_for: float, first_wait: float = 2.0) -> None:
        self._desk = desk
        self._looked_up_for = looked_up_for
        self._first_wait = first_wait
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._open: dict[int, Submission] = {}
        self._look_ups: dict[int, CreateLookup] = {}
        self._listing: set[int] = set()
        """Submissions that wait for a list before they create."""
        self._asked_again: list[Submission] = []
        """Those whose create was sent once more, as they stood then: what the one before made may yet show up."""
        self._stopping: set[int] = set()
        self._creates: dict[tuple[str | None, str], asyncio.Lock] = {}
        self._room = asyncio.Semaphore(_UPLOADS_AT_ONCE)

    def take_up(self, submissions: list[Submission], spawn: Callable[[Coroutine[Any, Any, None]], Any]) -> None:
        """Begin, or go on with, those that are not at work here yet. `spawn` makes tasks."""
        # First those whose job may be there already: a new create for the same file must be told apart from theirs.
        for submission in sorted(submissions, key=lambda s: (not may_have_been_created(s), s.id)):
            if submission.id not in self._tasks and submission.state.is_open:
                self._open[submission.id] = submission
                task = spawn(self._work(submission))
                self._tasks[submission.id] = task
                task.add_done_callback(lambda _, number=submission.id: self._tasks.pop(number, None))

    def might_be_ours(self, job: Job) -> bool:
        """Whether a job new in the list may be what an unanswered create made: the poller leaves it to us."""
        return any(is_candidate(job, submission) for submission in self._open.values())

    def might_be_stray(self, job: Job) -> bool:
        """Whether a job that is nobody's here may be what a lost create made after all, later than looked for."""
        return any(has_same_input(job, s) and job.id not in s.known_ids for s in self._asked_again)

    @property
    def is_looking_up(self) -> bool:
        """Whether a create waits for the list: it is asked more often while one does."""
        return bool(self._listing) or any(look_up.is_hurried for look_up in self._look_ups.values())

    @property
    def is_transferring(self) -> bool:
        return any(s.state is SubmissionState.INTENT for s in self._open.values())

    def stop(self, submission_id: int) -> bool:
        """Stop it if no create can be on its way yet; False if it is too late for that."""
        submission = self._open.get(submission_id)
        if submission is None or submission.state not in (SubmissionState.INTENT, SubmissionState.UPLOADED):
            return False
        self._stopping.add(submission_id)
        task = self._tasks.get(submission_id)
        if task is not None:
            task.cancel()
        return True

    def decide(self, submission_id: int, verdict: LookupDecision) -> bool:
        """The person settles an uncertain submission; False if it is not being looked up, or not as they saw it."""
        look_up = self._look_ups.get(submission_id)
        return look_up is not None and look_up.decide(verdict)

    def candidates(self, submission_id: int) -> tuple[Job, ...] | None:
        """The jobs that an uncertain submission could be; None if it is not being looked up here."""
        look_up = self._look_ups.get(submission_id)
        return look_up.candidates if look_up is not None else None

    # -- one submission ------------------------------------------------------------------------------

    async def _work(self, submission: Submission) -> None:
        try:
            await self._steps(submission)
        except asyncio.CancelledError:
            if submission.id not in self._stopping:
                raise
            await self._write(self._open[submission.id], SubmissionState.STOPPED, error="Stopped before it was sent")
        finally:
            self._stopping.discard(submission.id)
            self._listing.discard(submission.id)
            self._look_ups.pop(submission.id, None)
            self._open.pop(submission.id, None)

    async def _steps(self, submission: Submission) -> None:
        resumed = submission.state is not SubmissionState.INTENT
        fresh_file = False
        if submission.state is SubmissionState.INTENT:
            uploaded = await self._upload(submission)
            if uploaded is None:
                return
            submission, fresh_file = uploaded
        # Two creates for one file must not be in flight together: their jobs could not be told apart.
        lock = self._creates.setdefault((submission.file_id, submission.endpoint), asyncio.Lock())
        async with lock:
            is_out = may_have_been_created(submission)
            wait = self._first_wait
            repeats = 0
            while True:
                if not is_out:
                    asked = await self._create(submission, must_list=resumed or not fresh_file)
                    if asked is None:
                        return
                    submission, delay = asked
                    if delay is not None:
                        await asyncio.sleep(max(delay, wait) if delay == 0 else delay)
                        wait = min(_LONGEST_WAIT, wait * 2)
                        continue
                # The more often an answer is lost, the longer it is looked for: a list may lag further than 30 s.
                patience = self._looked_up_for * min(_LONGEST_PATIENCE, 2 ** max(0, repeats - 1))
                again = await self._look_up(submission, patience)
                if again is None:
                    return
                submission, is_out, resumed, wait, repeats = again, False, True, self._first_wait, repeats + 1

    async def _upload(self, submission: Submission) -> tuple[Submission, bool] | None:
        key, number = submission_key(submission.id), submission.id
        wait = self._first_wait
        while True:
            try:
                here = await fingerprint_file(submission.path)
                self._must_be_as_checked(submission, here)
                async with self._room:
                    uploaded = await self._desk.api.upload(
                        submission.path,
                        lambda done, total: self._desk.upload_moved(key, done, total, False),
                        lambda: number in self._stopping or number not in self._open,
                    )
                # The SDK reads the file a second and third time: what it sent must be what was looked at.
                self._must_be_as_checked(submission, await fingerprint_file(submission.path))
            except (ConnectionFailedError, OutcomeUnknownError, RateLimitError) as error:
                # Repeating an upload makes nothing twice: the same bytes get the same file.
                delay = error.retry_after if isinstance(error, RateLimitError | ServerError) else None
                submission = await self._write(
                    submission, SubmissionState.INTENT, error=error.title, hint=_in_seconds(delay)
                )
                await asyncio.sleep(delay or wait)
                wait = min(_LONGEST_WAIT, wait * 2)
                continue
            except (LocalFileError, RequestRejectedError) as error:
                await self._reject(submission, error)
                return None
            finally:
                self._desk.upload_moved(key, submission.size, submission.size, True)
            uploaded_now = await self._write(
                submission, SubmissionState.UPLOADED, file_id=uploaded.file_id, error=None, hint=None
            )
            return uploaded_now, not uploaded.reused

    @staticmethod
    def _must_be_as_checked(submission: Submission, here: Fingerprint) -> None:
        if (here.size, here.sha256) != (submission.size, submission.sha256):
            raise LocalFileError(
                f"{submission.path.name} has changed since it was checked",
                f"Nothing was submitted. {NextStep.PICK} takes the file as it is now, and checks it.",
            )

    async def _create(self, submission: Submission, *, must_list: bool) -> tuple[Submission, float | None] | None:
        """Ask once. None: done (made, or refused). Else the submission and the wait before asking again;
        a wait of None says that the answer is lost, 0 that the usual back-off is due."""
        known: set[str] = set()
        if must_list:
            # The file was there before, so jobs made elsewhere may exist for it: note them before ours.
            self._listing.add(submission.id)
            self._desk.hurry()
            listed = (await self._desk.next_list()).jobs
            known = {job.id for job in listed if has_same_input(job, submission)}
            claimed = await self._desk.claimed()
            if any(is_candidate(job, submission) and job.id not in claimed for job in listed):
                return submission, None  # what an earlier create made shows up only now: it is looked up once more
            known.update(submission.known_ids)
        known |= await self._desk.jobs_on(submission)
        if may_have_been_created(submission):
            self._asked_again.append(replace(submission, known_ids=tuple(known)))
        submission = await self._write(
            submission, SubmissionState.CREATING, known_ids=tuple(sorted(known)), error=None, hint=None
        )
        self._listing.discard(submission.id)
        assert submission.file_id is not None
        try:
            job, warning = await self._desk.api.create(submission.file_id, submission.endpoint)
        except (RateLimitError, ConnectionFailedError) as error:
            delay = error.retry_after if isinstance(error, RateLimitError) else None
            waiting = await self._write(
                submission, SubmissionState.UPLOADED, error=error.title, hint=_in_seconds(delay)
            )
            return waiting, delay or 0.0
        except RequestRejectedError as error:
            await self._reject(submission, error)
            return None
        except OutcomeUnknownError as error:
            return await self._uncertain(submission, str(error)), None
        if job is None:
            submission = replace(submission, warning=warning)
            return await self._uncertain(submission, "The answer to the create holds no job"), None
        if job.id in await self._desk.claimed():
            said = f"The server answered with job {job.id[:8]}, which another submission had become already"
            await self._reject(
                submission, RequestRejectedError(said, "There is no second job: its results are that one's.")
            )
            return None
        await self._made(replace(submission, warning=warning), job)
        return None

    async def _look_up(self, submission: Submission, patience: float) -> Submission | None:
        """Settle an uncertain create. None: there is a job, or the person wants none; else it is to be created anew."""
        if not submission.state.is_uncertain:
            submission = await self._uncertain(submission, "The app ended while the create was under way")
        look_up = self._look_ups[submission.id] = CreateLookup(self._desk, self._write, submission, patience)
        self._listing.discard(submission.id)
        self._desk.hurry()
        end = await look_up.resolve()
        submission = look_up.submission
        if isinstance(end, Job):
            await self._made(submission, end)
            return None
        if end is LookupOutcome.GIVEN_UP:
            await self._write(submission, SubmissionState.STOPPED, error="Given up by you while uncertain", hint=None)
            return None
        self._look_ups.pop(submission.id)
        return submission  # still uncertain until the next create is committed: killed here, it is looked up again

    # -- steps that are committed --------------------------------------------------------------------

    async def _write(self, submission: Submission, state: SubmissionState, **changes: Any) -> Submission:
        written = replace(submission, state=state, **changes)
        if not state.is_uncertain:
            written = replace(written, uncertain_since=None)
        await self._desk.write(written)
        self._open[submission.id] = written
        return written

    async def _uncertain(self, submission: Submission, why: str) -> Submission:
        return await self._write(
            submission,
            SubmissionState.UNCERTAIN,
            error=why,
            hint=f"Created again only after {self._looked_up_for:g} s of lists without it.",
            uncertain_since=self._desk.now(),
        )

    async def _made(self, submission: Submission, job: Job) -> None:
        await self._desk.attach(submission, job)
        if submission.warning:
            self._desk.tell("The server accepted the job with a warning", submission.warning, "warning", job.id)

    async def _reject(self, submission: Submission, error: BatchError) -> None:
        await self._write(submission, SubmissionState.REJECTED, error=error.title, hint=error.hint)
        severity = "error" if not isinstance(error, AuthenticationError) else "warning"
        self._desk.tell(error.title, error.hint, severity, submission_key(submission.id))


def _in_seconds(delay: float | None) -> str:
    if not delay:
        return _TRIED_AGAIN
    seconds = max(1, round(delay))
    return f"No job was made. The server asked for {plural(seconds, 'second')} of patience."
