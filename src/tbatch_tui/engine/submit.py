"""Submit exactly once: intent → upload → create → the job, each step committed before the next begins.

A create whose answer is lost is never simply repeated. The list is asked until the job shows up (it is adopted),
or until 30 s of successful lists have shown that it was not made.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

from tbatch_tui.engine.errors import (
    BatchError,
    FileTrouble,
    KeyRefused,
    LostAnswer,
    Offline,
    RateLimited,
    Refused,
    ServerTrouble,
)
from tbatch_tui.engine.fingerprint import Fingerprint, fingerprint
from tbatch_tui.engine.journal.rows import submission_key
from tbatch_tui.engine.model import Job, Submission, SubmissionState

if TYPE_CHECKING:
    from tbatch_tui.engine.api import TogetherApi
    from tbatch_tui.engine.poller import JobList

_LONGEST_WAIT = 60.0
_LONGEST_LOOK = 10.0
"""Seconds between two lists that count as looked at, at most."""
_TRIED_AGAIN = "No job was made. It is tried again by itself."


class Desk(Protocol):
    """What a submission needs of the controller."""

    @property
    def api(self) -> TogetherApi: ...
    def now(self) -> float:
        """Wall time, seconds since the epoch."""

    async def write(self, submission: Submission) -> None:
        """Commit a step, then show it."""

    async def attach(self, submission: Submission, job: Job) -> None:
        """Commit that this job is what the submission became, then show it."""

    async def jobs_on(self, submission: Submission) -> set[str]:
        """Ids of the jobs already known for the submission's file and endpoint."""

    async def claimed(self) -> set[str]:
        """Ids of jobs that are some submission's already."""

    async def next_list(self) -> JobList:
        """The next list of jobs asked for from now on."""

    def hurry(self) -> None:
        """A list is waited for: ask for it at the pace of looking up."""

    def upload_moved(self, key: str, done: int, total: int, ended: bool) -> None:
        """Bytes went up. Called from any thread."""

    def tell(self, title: str, hint: str, severity: str, key: str) -> None:
        """Say something to the person once."""


@dataclass(slots=True)
class Verdict:
    """What a person decided about an uncertain submission: take `job_id`, create `again`, or neither (drop it)."""

    job_id: str | None = None
    again: bool = False


class Submitter:
    """Works the open submissions of one account, each in its own task."""

    def __init__(self, desk: Desk, *, looked_up_for: float, first_wait: float = 2.0) -> None:
        self._desk = desk
        self._looked_up_for = looked_up_for
        self._first_wait = first_wait
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._open: dict[int, Submission] = {}
        self._verdicts: dict[int, asyncio.Future[Verdict]] = {}
        self._stopping: set[int] = set()
        self._creates: dict[tuple[str | None, str], asyncio.Lock] = {}
        self.looking_up: set[int] = set()
        """Submissions whose create is being looked up: the list is asked more often while there are any."""

    def take_up(self, submissions: list[Submission], spawn: Callable[[Coroutine[Any, Any, None]], Any]) -> None:
        """Begin, or go on with, those that are not at work here yet. `spawn` makes tasks."""
        # First those whose job may be there already: a new create for the same file must be told apart from theirs.
        for submission in sorted(submissions, key=lambda s: (not _may_be_out(s), s.id)):
            if submission.id not in self._tasks and submission.state.is_open:
                self._open[submission.id] = submission
                task = spawn(self._work(submission))
                self._tasks[submission.id] = task
                task.add_done_callback(lambda _, number=submission.id: self._tasks.pop(number, None))

    def may_be_ours(self, job: Job) -> bool:
        """Whether a job new in the list may be what an unanswered create made: the poller leaves it to us."""
        return any(_is_candidate(job, submission) for submission in self._open.values())

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

    def decide(self, submission_id: int, verdict: Verdict) -> bool:
        """The person settles an uncertain submission; False if it is not being looked up."""
        future = self._verdicts.get(submission_id)
        if future is None or future.done():
            return False
        future.set_result(verdict)
        return True

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
            self.looking_up.discard(submission.id)
            self._verdicts.pop(submission.id, None)
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
            may_be_out = _may_be_out(submission)
            wait = self._first_wait
            while True:
                if not may_be_out:
                    asked = await self._create(submission, must_list=resumed or not fresh_file)
                    if asked is None:
                        return
                    submission, delay = asked
                    if delay is not None:
                        await asyncio.sleep(max(delay, wait) if delay == 0 else delay)
                        wait = min(_LONGEST_WAIT, wait * 2)
                        continue
                again = await self._look_up(submission)
                if again is None:
                    return
                submission, may_be_out, resumed, wait = again, False, True, self._first_wait

    async def _upload(self, submission: Submission) -> tuple[Submission, bool] | None:
        key, number = submission_key(submission.id), submission.id
        wait = self._first_wait
        while True:
            try:
                here = await fingerprint(submission.path)
                self._must_be_as_checked(submission, here)
                uploaded = await self._desk.api.upload(
                    submission.path,
                    lambda done, total: self._desk.upload_moved(key, done, total, False),
                    lambda: number in self._stopping or number not in self._open,
                )
                # The SDK reads the file a second and third time: what it sent must be what was looked at.
                self._must_be_as_checked(submission, await fingerprint(submission.path))
            except (Offline, LostAnswer, RateLimited) as error:
                # Repeating an upload makes nothing twice: the same bytes get the same file.
                delay = error.retry_after if isinstance(error, RateLimited | ServerTrouble) else None
                submission = await self._write(
                    submission, SubmissionState.INTENT, error=error.title, hint=_in_seconds(delay)
                )
                await asyncio.sleep(delay or wait)
                wait = min(_LONGEST_WAIT, wait * 2)
                continue
            except (FileTrouble, Refused) as error:
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
            raise FileTrouble(
                f"{submission.path.name} has changed since it was checked",
                "Nothing was submitted. Check it again: n, and the file.",
            )

    async def _create(self, submission: Submission, *, must_list: bool) -> tuple[Submission, float | None] | None:
        """Ask once. None: done (made, or refused). Else the submission and the wait before asking again;
        a wait of None says that the answer is lost, 0 that the usual back-off is due."""
        known: set[str] = set()
        if must_list:
            # The file was there before, so jobs made elsewhere may exist for it: note them before ours.
            self.looking_up.add(submission.id)
            self._desk.hurry()
            listed = (await self._desk.next_list()).jobs
            known = {job.id for job in listed if _same_input(job, submission)}
            claimed = await self._desk.claimed()
            late = [job for job in listed if _is_candidate(job, submission) and job.id not in claimed]
            if len(late) == 1:  # what an earlier create made shows up only now
                await self._made(submission, late[0])
                return None
        known |= await self._desk.jobs_on(submission)
        submission = await self._write(
            submission, SubmissionState.CREATING, known_ids=tuple(sorted(known)), error=None, hint=None
        )
        self.looking_up.discard(submission.id)
        assert submission.file_id is not None
        try:
            job, warning = await self._desk.api.create(submission.file_id, submission.endpoint)
        except (RateLimited, Offline) as error:
            delay = error.retry_after if isinstance(error, RateLimited) else None
            waiting = await self._write(
                submission, SubmissionState.UPLOADED, error=error.title, hint=_in_seconds(delay)
            )
            return waiting, delay or 0.0
        except Refused as error:
            await self._reject(submission, error)
            return None
        except LostAnswer as error:
            return await self._uncertain(submission, str(error)), None
        if job is None:
            submission = replace(submission, warning=warning)
            return await self._uncertain(submission, "The answer to the create holds no job"), None
        await self._made(replace(submission, warning=warning), job)
        return None

    async def _look_up(self, submission: Submission) -> Submission | None:
        """Ask the list until the job is there (None: settled), or until it certainly is not: to be created again."""
        if submission.state is not SubmissionState.UNCERTAIN:
            submission = await self._uncertain(submission, "The app ended while the create was under way")
        self.looking_up.add(submission.id)
        last_at: float | None = None
        looked_for = 0.0
        candidates: list[Job] = []
        while True:
            verdict, answer = await self._verdict_or_list(submission.id)
            if verdict is not None:
                chosen = next((job for job in candidates if job.id == verdict.job_id), None)
                if chosen is not None and chosen.id in await self._desk.claimed():
                    continue  # another submission has become it meanwhile
                if chosen is not None:
                    await self._made(submission, chosen)
                    return None
                if verdict.again:
                    break
                if verdict.job_id is None:
                    await self._write(submission, SubmissionState.STOPPED, error="Given up by you while uncertain")
                    return None
                continue
            assert answer is not None
            claimed = await self._desk.claimed()
            candidates = [job for job in answer.jobs if _is_candidate(job, submission) and job.id not in claimed]
            if len(candidates) == 1:
                await self._made(submission, candidates[0])
                return None
            if len(candidates) > 1:
                said = f"{len(candidates)} jobs could be this submission: " + ", ".join(j.id[:8] for j in candidates)
                if submission.error != said:
                    submission = await self._write(
                        submission, SubmissionState.UNCERTAIN, error=said, hint="Open it and choose which one it is."
                    )
                continue
            # Only the time between lists that arrived counts: an outage of an hour is no look at the server's truth.
            if last_at is not None:
                looked_for += min(_LONGEST_LOOK, answer.asked_at - last_at)
            last_at = answer.asked_at
            if looked_for >= self._looked_up_for:
                break
        return submission  # still uncertain until the next create is committed: killed here, it is looked up again

    async def _verdict_or_list(self, number: int) -> tuple[Verdict | None, JobList | None]:
        verdict = self._verdicts.get(number)
        if verdict is None or verdict.done():
            verdict = self._verdicts[number] = asyncio.get_running_loop().create_future()
        listing = asyncio.ensure_future(self._desk.next_list())
        either: set[asyncio.Future[Any]] = {verdict, listing}
        try:
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            return (verdict.result(), None) if verdict.done() else (None, listing.result())
        finally:
            listing.cancel()

    # -- steps that are committed --------------------------------------------------------------------

    async def _write(self, submission: Submission, state: SubmissionState, **changes: Any) -> Submission:
        written = replace(submission, state=state, **changes)
        if state is not SubmissionState.UNCERTAIN:
            written = replace(written, uncertain_since=None)
        await self._desk.write(written)
        self._open[submission.id] = written
        return written

    async def _uncertain(self, submission: Submission, why: str) -> Submission:
        # Before the write, so that no list in between takes the job for someone else's.
        self.looking_up.add(submission.id)
        return await self._write(
            submission,
            SubmissionState.UNCERTAIN,
            error=why,
            hint="Whether the job was made is being looked up; it is not asked for twice.",
            uncertain_since=self._desk.now(),
        )

    async def _made(self, submission: Submission, job: Job) -> None:
        await self._desk.attach(submission, job)
        if submission.warning:
            self._desk.tell("The server accepted the job with a warning", submission.warning, "warning", job.id)

    async def _reject(self, submission: Submission, error: BatchError) -> None:
        await self._write(submission, SubmissionState.REJECTED, error=error.title, hint=error.hint)
        severity = "error" if not isinstance(error, KeyRefused) else "warning"
        self._desk.tell(error.title, error.hint, severity, submission_key(submission.id))


def _same_input(job: Job, submission: Submission) -> bool:
    return job.input_file_id == submission.file_id and job.endpoint in (None, submission.endpoint)


def _is_candidate(job: Job, submission: Submission) -> bool:
    """Whether this job can be the one an unanswered create made (product promise: same input, same endpoint, new)."""
    return _may_be_out(submission) and _same_input(job, submission) and job.id not in submission.known_ids


def _may_be_out(submission: Submission) -> bool:
    return submission.state in (SubmissionState.CREATING, SubmissionState.UNCERTAIN)


def _in_seconds(delay: float | None) -> str:
    if not delay:
        return _TRIED_AGAIN
    seconds = max(1, round(delay))
    return f"No job was made. The server asked for {seconds:,} {'second' if seconds == 1 else 'seconds'} of patience."
