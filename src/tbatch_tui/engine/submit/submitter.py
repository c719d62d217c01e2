"""Submit exactly once: intent → upload → create → the job, each step saved before the next begins.

A create request whose answer is lost is never simply repeated. The list is asked until the job shows up (it is
adopted), or until 30 s of successful lists have shown that it was not made.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from tbatch_tui.engine.domain.job import Job
from tbatch_tui.engine.domain.submission import Submission, SubmissionState
from tbatch_tui.engine.errors import (
    AuthenticationError,
    BatchError,
    ConnectionFailedError,
    LocalFileError,
    OutcomeUnknownError,
    RateLimitError,
    RedirectError,
    RequestRejectedError,
)
from tbatch_tui.engine.events import Event, Notice
from tbatch_tui.engine.journal.mapping import submission_key
from tbatch_tui.engine.submit.input_upload import LONGEST_WAIT, InputUploader, retry_hint
from tbatch_tui.engine.submit.lookup import CreateLookup, LookupDecision, LookupOutcome
from tbatch_tui.engine.submit.matching import could_be_ours, has_same_input, might_be_stray

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from tbatch_tui.engine.client.api import TogetherApi
    from tbatch_tui.engine.journal.store import JobStore
    from tbatch_tui.engine.polling.poller import Poller

T = TypeVar("T")

_LONGEST_PATIENCE = 32
"""How many times `lookup_patience` a look-up takes at most, when a create was lost again and again."""
_LAST_COMMITS_WITHIN = 10.0
"""Seconds that leaving waits at most for what is being committed."""


class Submitter:
    """Works on the open submissions of one account, each in a task of its own."""

    def __init__(
        self,
        api: TogetherApi,
        store: JobStore,
        poller: Poller,
        emit: Callable[[Event], object],
        *,
        on_upload: Callable[[str, int, int, bool], None],
        on_created: Callable[[], object],
        now: Callable[[], float],
        lookup_patience: float,
        first_retry_delay: float = 2.0,
    ) -> None:
        """Make a submitter that has nothing to do yet.

        Args:
            on_upload: called from any thread with key, bytes sent, bytes in all, and whether the upload has ended.
            on_created: called when a submission has become a job.
            now: wall time, seconds since the epoch.
            lookup_patience: seconds of successful lists without the job, after which a create counts as not made.
            first_retry_delay: seconds before a failed call is repeated; they double from one failure to the next.
        """
        self._api = api
        self._store = store
        self._poller = poller
        self._emit = emit
        self._on_created = on_created
        self._now = now
        self._lookup_patience = lookup_patience
        self._first_retry_delay = first_retry_delay
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._open: dict[int, Submission] = {}
        self._lookups: dict[int, CreateLookup] = {}
        self._listing: set[int] = set()
        """Submissions that wait for a list before they create."""
        self._repeated: dict[int, Submission] = {}
        """Those whose create was sent again: the job of a create before may yet show up."""
        self._has_read_repeated = False
        self._stopping: set[int] = set()
        self._ended: dict[int, Submission] = {}
        """Those that are being stopped and whose task has ended, as they were saved last."""
        self._commits: set[asyncio.Task[Any]] = set()
        """What the person decided, while it is being committed."""
        self._creates: dict[tuple[str | None, str], asyncio.Lock] = {}
        self._uploader = InputUploader(api, self._save, on_upload, first_retry_delay)

    def resume(
        self, submissions: list[Submission], spawn: Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]]
    ) -> None:
        """Begin, or go on with, those of these submissions that have no task yet. `spawn` makes tasks."""
        # First those whose job may be there already: a new create for the same file must be told apart from theirs.
        for submission in sorted(submissions, key=lambda s: (not s.may_have_been_created, s.id)):
            if submission.id not in self._tasks and submission.state.is_open:
                self._open[submission.id] = submission
                task = spawn(self._work(submission))
                self._tasks[submission.id] = task
                task.add_done_callback(partial(self._forget_task, submission.id))

    def _forget_task(self, number: int, _: asyncio.Task[None]) -> None:
        self._tasks.pop(number, None)

    def might_be_ours(self, job: Job) -> bool:
        """Return whether a job new in the list may be what an unanswered create made: then it is left to us."""
        # A copy: the journal's thread asks, while the event loop changes it.
        return any(could_be_ours(job, s) and has_same_input(job, s) for s in list(self._open.values()))

    def might_be_stray(self, job: Job) -> bool:
        """Return whether a job of no submission may be what a lost create made after all, after its look-up ended."""
        return any(number not in self._open and might_be_stray(job, s) for number, s in self._repeated.items())

    async def read_repeated(self) -> bool:
        """Read once what was sent again before this start; return whether anything ever was."""
        if not self._has_read_repeated:
            earlier = await self._store.repeated_submissions()
            self._repeated = {submission.id: submission for submission in earlier} | self._repeated
            self._has_read_repeated = True
        return bool(self._repeated)

    @property
    def is_looking_up(self) -> bool:
        """Whether a create waits for the list, which is asked for more often then."""
        return bool(self._listing) or any(lookup.is_hurried for lookup in self._lookups.values())

    @property
    def is_transferring(self) -> bool:
        """Whether a file is being uploaded, or about to be."""
        return any(s.state is SubmissionState.INTENT for s in self._open.values())

    async def pause(self) -> bool:
        """End all work, to go on with it in `resume`; False, and nothing is ended, while a create is in flight."""
        if any(submission.state is SubmissionState.CREATING for submission in self._open.values()):
            return False
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        return True

    async def stop(self, submission_id: int) -> bool:
        """Stop a submission if its create cannot have been sent yet; False if it is too late for that.

        True means that it is committed, whatever becomes of the app and of whoever called.
        """
        submission = self._open.get(submission_id)
        if submission is None or submission.may_have_been_created:
            return False
        if submission.state not in (SubmissionState.INTENT, SubmissionState.UPLOADED):
            return False
        self._stopping.add(submission_id)
        task = self._tasks.get(submission_id)
        if task is not None:
            task.cancel()  # before anything else runs: its next step may be to send the create
        return await self._until_committed(self._stop(submission, task))

    async def _stop(self, submission: Submission, task: asyncio.Task[None] | None) -> bool:
        if task is not None:
            await asyncio.wait([task])
        stopped = replace(self._ended.pop(submission.id, submission), create_sent_at=None, create_sent_server_at=None)
        await self._change(stopped, SubmissionState.STOPPED, error="Stopped before it was sent", hint=None)
        self._open.pop(submission.id, None)
        self._stopping.discard(submission.id)
        return True

    async def decide(self, submission_id: int, decision: LookupDecision) -> bool:
        """Commit a person's decision about an uncertain submission, and carry it out.

        False if it is not being looked up, or the chosen job is no longer a candidate. True means that it is committed,
        whatever becomes of the app and of whoever called.
        """
        lookup = self._lookups.get(submission_id)
        return lookup is not None and await self._until_committed(lookup.decide(decision))

    async def _until_committed(self, committing: Coroutine[Any, Any, T]) -> T:
        """Run to its end what must be committed, even if the caller is cancelled or the engine ends meanwhile."""
        task = asyncio.get_running_loop().create_task(committing)
        self._commits.add(task)
        task.add_done_callback(self._commits.discard)
        return await asyncio.shield(task)

    async def finish_commits(self) -> None:
        """Wait until what is being committed is committed; while the history cannot be written, a few seconds."""
        if self._commits:
            await asyncio.wait(self._commits, timeout=_LAST_COMMITS_WITHIN)
        for task in list(self._commits):
            task.cancel()

    def candidates(self, submission_id: int) -> tuple[Job, ...] | None:
        """Return the jobs that an uncertain submission could be; None if it is not being looked up here."""
        lookup = self._lookups.get(submission_id)
        return lookup.candidates if lookup is not None else None

    # -- one submission ------------------------------------------------------------------------------

    async def _work(self, submission: Submission) -> None:
        """Take a submission to its end, or until it is stopped."""
        try:
            await self._steps(submission)
        except asyncio.CancelledError:
            if submission.id not in self._stopping:
                raise
            self._ended[submission.id] = self._open[submission.id]
        finally:
            self._listing.discard(submission.id)
            self._lookups.pop(submission.id, None)
            self._open.pop(submission.id, None)

    async def _steps(self, submission: Submission) -> None:
        """Upload unless that is done, then create and look up in turns until there is a job or certainly none."""
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
            is_out = submission.may_have_been_created
            wait, delay = self._first_retry_delay, None
            repeats = 0
            while True:
                if not is_out:
                    asked = await self._create(submission, must_list=resumed or not fresh_file)
                    if asked is None:
                        return
                    submission, delay = asked
                    if not submission.may_have_been_created:
                        await asyncio.sleep(delay or wait)
                        wait = min(LONGEST_WAIT, wait * 2)
                        continue
                # The more often an answer is lost, the longer it is looked for: a list may lag further than 30 s.
                patience = self._lookup_patience * min(_LONGEST_PATIENCE, 2 ** max(0, repeats - 1))
                again = await self._look_up(submission, max(patience, delay or 0.0))
                if again is None:
                    return
                submission, is_out, resumed, wait, repeats = again, False, True, self._first_retry_delay, repeats + 1

    async def _upload(self, submission: Submission) -> tuple[Submission, bool] | None:
        """Upload the file; return the submission, and whether the server is new to it. None if it was rejected."""
        number = submission.id
        try:
            return await self._uploader.upload(submission, lambda: number in self._stopping or number not in self._open)
        except (LocalFileError, RequestRejectedError) as error:
            await self._reject(submission, error)
            return None

    async def _create(self, submission: Submission, *, must_list: bool) -> tuple[Submission, float | None] | None:
        """Send the create request once.

        None: there is a job, or it was certainly rejected. Else the submission, which is to be looked up if it may have
        been created, and the seconds that the server asked for before the next create.

        Args:
            must_list: whether jobs made elsewhere may exist for the file, which are noted before ours is made.
        """
        is_repeat = submission.may_have_been_created
        known = set(submission.known_ids)
        if must_list:
            self._listing.add(submission.id)
            self._poller.hurry()
            answer = await self._poller.next_list()
            listed = answer.jobs
            if is_repeat and not answer.is_whole:
                return submission, None  # it does not show that the job is not there
            claimed = await self._store.claimed_jobs()
            if any(could_be_ours(job, submission) and job.id not in claimed for job in listed):
                return submission, None  # what an earlier create made shows up only now: it is looked up once more
            if not is_repeat:
                known |= {job.id for job in listed if has_same_input(job, submission)}
        if not is_repeat:  # what came after the first create may be its job, and stays a candidate
            known |= await self._store.jobs_on(submission)
        submission = await self._save_before_create(submission, known)
        self._listing.discard(submission.id)
        assert submission.file_id is not None
        try:
            job, warning = await self._api.create(submission.file_id, submission.endpoint)
        except (RateLimitError, ConnectionFailedError) as error:
            delay = error.retry_after if isinstance(error, RateLimitError) else None
            if is_repeat:
                return await self._set_uncertain(submission, error.title), delay
            certain = replace(submission, create_sent_at=None, create_sent_server_at=None)
            waiting = await self._change(certain, SubmissionState.UPLOADED, error=error.title, hint=retry_hint(delay))
            return waiting, delay
        except RequestRejectedError as error:
            return await self._end_refused(submission, error, is_repeat=is_repeat)
        except OutcomeUnknownError as error:
            if isinstance(error, RedirectError):
                submission = replace(submission, redirected_to=error.location)
            return await self._set_uncertain(submission, str(error)), None
        if job is None:
            submission = replace(submission, warning=warning)
            return await self._set_uncertain(submission, "The answer to the create holds no job"), None
        if job.id in await self._store.claimed_jobs():
            already = RequestRejectedError(
                f"The server answered with job {job.id[:8]}, which another submission had become already",
                "There is no second job: its results are that one's.",
            )
            return await self._end_refused(submission, already, is_repeat=is_repeat)
        await self._attach(replace(submission, warning=warning), job)
        return None

    async def _save_before_create(self, submission: Submission, known_ids: set[str]) -> Submission:
        """Commit that a create may be out from now on, before it is sent."""
        if submission.may_have_been_created:
            submission = replace(submission, repeated_at=self._now())
            self._repeated[submission.id] = submission
        else:
            submission = replace(
                submission,
                create_sent_at=self._now(),
                create_sent_server_at=self._api.clock.last_date,
                known_ids=tuple(sorted(known_ids)),
            )
        return await self._change(submission, SubmissionState.CREATING, error=None, hint=None, redirected_to=None)

    async def _end_refused(
        self, submission: Submission, error: RequestRejectedError, *, is_repeat: bool
    ) -> tuple[Submission, None] | None:
        """Reject a submission; one whose earlier create may have been carried out stays uncertain."""
        if is_repeat:
            return await self._set_uncertain(submission, error.title), None
        await self._reject(replace(submission, create_sent_at=None, create_sent_server_at=None), error)
        return None

    async def _look_up(self, submission: Submission, patience: float) -> Submission | None:
        """Look up the job of an uncertain create.

        None: there is a job, or the person wants none. Else the submission, whose create is to be sent again.
        """
        if not submission.state.is_uncertain:
            submission = await self._set_uncertain(submission, "The app ended while the create was under way")
        lookup = CreateLookup(submission, self._store, self._poller, self._save, self._attach, patience)
        self._lookups[submission.id] = lookup
        self._listing.discard(submission.id)
        self._poller.hurry()
        end = await lookup.resolve()
        submission = lookup.submission
        if isinstance(end, Job):
            await self._attach(submission, end)
            return None
        if end is LookupOutcome.SETTLED:
            if submission.repeated_at is None:
                self._repeated.pop(submission.id, None)
            return None
        self._lookups.pop(submission.id)
        return submission  # still uncertain until the next create is committed: killed here, it is looked up again

    # -- steps that are saved ------------------------------------------------------------------------

    async def _change(self, submission: Submission, state: SubmissionState, **changes: Any) -> Submission:
        return await self._save(replace(submission, state=state, **changes))

    async def _save(self, submission: Submission) -> Submission:
        if not submission.may_have_been_created:
            submission = replace(submission, uncertain_since=None)
        await self._store.save_submission(submission)
        self._open[submission.id] = submission
        return submission

    async def _set_uncertain(self, submission: Submission, why: str) -> Submission:
        return await self._change(
            submission,
            SubmissionState.UNCERTAIN,
            error=why,
            hint=f"Created again only after {self._lookup_patience:g} s of lists without it.",
            uncertain_since=submission.uncertain_since or self._now(),
        )

    async def _attach(self, submission: Submission, job: Job) -> None:
        await self._store.attach_job(submission, job)
        self._poller.hurry()
        self._on_created()
        if submission.warning:
            self._emit(Notice("The server accepted the job with a warning", submission.warning, "warning", job.id))

    async def _reject(self, submission: Submission, error: BatchError) -> None:
        await self._change(submission, SubmissionState.REJECTED, error=error.title, hint=error.hint)
        severity = "error" if not isinstance(error, AuthenticationError) else "warning"
        self._emit(Notice(error.title, error.hint, severity, submission_key(submission.id)))
