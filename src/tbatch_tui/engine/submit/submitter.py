"""Submit exactly once: intent → upload → create → the job, each step saved before the next begins.

A create request whose answer is lost is never simply repeated. The list is asked until the job shows up (it is
adopted), or until 30 s of successful lists have shown that it was not made.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from tbatch_tui.engine.domain.job import Job
from tbatch_tui.engine.domain.submission import Submission, SubmissionState
from tbatch_tui.engine.errors import (
    LocalFileError,
    RequestRejectedError,
)
from tbatch_tui.engine.journal.mapping import submission_key
from tbatch_tui.engine.journal.tables.submissions import JobClaimedError, SubmissionLostError
from tbatch_tui.engine.next_step import NextStep
from tbatch_tui.engine.submit.create import CreateAttempt, JobCreator, lookup_hint
from tbatch_tui.engine.submit.input_upload import LONGEST_WAIT, InputUploader
from tbatch_tui.engine.submit.lookup import CreateLookup, LookupDecision, LookupOutcome
from tbatch_tui.engine.submit.matching import could_be_ours, has_same_input, might_be_stray
from tbatch_tui.engine.submit.steps import SubmissionSteps

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from tbatch_tui.engine.client.api import TogetherApi
    from tbatch_tui.engine.events import Event
    from tbatch_tui.engine.journal.store import JobStore
    from tbatch_tui.engine.options import EngineOptions
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
        options: EngineOptions,
        *,
        on_upload: Callable[[str, int, int, bool], None],
        on_created: Callable[[], object],
    ) -> None:
        """Make a submitter that has nothing to do yet.

        Args:
            options: the pace of look-ups and repeats, and where recordings are.
            on_upload: called from any thread with key, bytes sent, bytes in all, and whether the upload has ended.
            on_created: called when a submission has become a job.
        """
        self._api = api
        self._store = store
        self._poller = poller
        self._now = now = options.now
        self._lookup_patience = options.lookup_patience
        self._create_patience = options.create_patience
        self._steps = SubmissionSteps(store, poller, emit, on_created=on_created, now=now)
        self._open = self._steps.open
        self._creator = JobCreator(api, store, poller, self._steps, on_repeat=self._note_repeat, now=now)
        self._first_retry_delay = options.first_retry_delay
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._lookups: dict[int, CreateLookup] = {}
        self._repeated: dict[int, Submission] = {}
        """Those whose create was sent again: the job of a create before may yet show up."""
        self._has_read_repeated = False
        self._has_removed_copies = False
        self._stopping: set[int] = set()
        self._ended: dict[int, Submission] = {}
        """Those that are being stopped and whose task has ended, as they were saved last."""
        self._commits: set[asyncio.Task[Any]] = set()
        """What the person decided, while it is being committed."""
        self._creates: dict[tuple[str, str], asyncio.Lock] = {}
        """By the bytes of the file, and endpoint. Two creates for one file must not be in flight together: their jobs
        could not be told apart."""
        self._queues: dict[tuple[str, str], list[int]] = {}
        """The submissions that wait for that lock, by the same."""
        self._uploader = InputUploader(api, self._steps.save, on_upload, options)

    def resume(
        self, submissions: list[Submission], spawn: Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]]
    ) -> None:
        """Begin, or go on with, those of these submissions that have no task yet. `spawn` makes tasks."""
        # First those whose job may be there already: a new create for the same file must be told apart from theirs.
        for submission in sorted(submissions, key=lambda s: (not s.may_have_been_created, s.id)):
            is_taken = submission.id in self._tasks or self._steps.is_lost(submission.id)
            if not is_taken and submission.state.is_open:
                self._open[submission.id] = submission
                task = spawn(self._work(submission.id))
                self._tasks[submission.id] = task
                task.add_done_callback(partial(self._forget_task, submission.id))

    async def let_go_waiting(self) -> None:
        """End the work on what was put on hold, here or by another app: no step of it can be saved any more."""
        waiting = []
        for number, task in self._tasks.items():
            record = self._store.record(submission_key(number))
            if record is not None and record.is_waiting:
                task.cancel()
                waiting.append(task)
        if waiting:
            await asyncio.wait(waiting)

    async def prepare(self) -> None:
        """Do what has to be done before submissions are read and resumed. Call it when this app has the lock.

        It is made sure that the history is no copy, of which they would be sent once more. What apps that were killed
        left of uploads is removed, once.
        """
        await self._store.place.confirm()
        await self.let_go_waiting()
        if not self._has_removed_copies:
            self._has_removed_copies = True
            await self._uploader.remove_left_copies()

    def forget_lost(self) -> None:
        """Take up what another app had taken over as well: this one has taken the lock anew, so the other has ended."""
        self._steps.forget_lost()

    def pop_overdue(self) -> bool:
        """Return whether submissions that another app took over long ago are to be taken back; once for each."""
        return self._steps.pop_overdue()

    def _forget_task(self, number: int, _: asyncio.Task[None]) -> None:
        self._tasks.pop(number, None)

    def might_be_ours(self, job: Job) -> bool:
        """Return whether a job new in the list may be what an unanswered create made: then it is left to us."""
        # A copy: the journal's thread asks, while the event loop changes it.
        return any(could_be_ours(job, s) and has_same_input(job, s) for s in list(self._open.values()))

    def might_be_stray(self, job: Job) -> bool:
        """Return whether a job of no submission may be what a lost create made after all, after its look-up ended."""
        return any(number not in self._open and might_be_stray(job, s) for number, s in self._repeated.items())

    def _note_repeat(self, submission: Submission) -> None:
        self._repeated[submission.id] = submission

    async def read_repeated(self) -> bool:
        """Read once what was sent again before this start; return whether anything ever was."""
        if not self._has_read_repeated:
            earlier = await self._store.submissions.repeated()
            self._repeated = {submission.id: submission for submission in earlier} | self._repeated
            self._has_read_repeated = True
        return bool(self._repeated)

    @property
    def is_looking_up(self) -> bool:
        """Whether a create waits for the list, which is asked for more often then."""
        return bool(self._creator.listing) or any(lookup.is_hurried for lookup in self._lookups.values())

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
        try:
            return await self._steps.stop(self._ended.pop(submission.id, submission))
        finally:
            self._open.pop(submission.id, None)
            self._stopping.discard(submission.id)

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

    async def _work(self, submission_id: int) -> None:
        """Take a submission to its end, or until it is stopped or held, or another app takes it over."""
        try:
            while (submission := await self._steps.claim(submission_id)) is not None:
                try:
                    await self._carry_out(submission)
                except SubmissionLostError:
                    if await self._steps.is_taken_over(submission_id):
                        raise
                else:
                    break
        except SubmissionLostError:
            self._steps.lose(submission_id)
        except asyncio.CancelledError:
            if submission_id not in self._stopping:
                raise
            self._ended[submission_id] = self._open[submission_id]
        finally:
            self._creator.listing.discard(submission_id)
            self._lookups.pop(submission_id, None)
            self._open.pop(submission_id, None)

    async def _carry_out(self, submission: Submission) -> None:
        """Upload unless that is done, then create when it is its turn."""
        must_list = submission.state is not SubmissionState.INTENT
        if submission.state is SubmissionState.INTENT:
            uploaded = await self._upload(submission)
            if uploaded is None:
                return
            submission, is_new_file = uploaded
            must_list = not is_new_file
        file = _file_of(submission)
        queue = self._queues.setdefault(file, [])
        queue.append(submission.id)
        try:
            await self._explain_queue(file)
            async with self._creates.setdefault(file, asyncio.Lock()):
                queue.remove(submission.id)
                await self._create_and_look_up(self._open[submission.id], must_list=must_list)
        finally:
            if submission.id in queue:
                queue.remove(submission.id)

    async def _create_and_look_up(self, submission: Submission, *, must_list: bool) -> None:
        """Create and look up in turns until there is a job or certainly none."""
        wait, by_person, repeats = self._first_retry_delay, False, 0
        # Sent by an app that was killed, or that has lost its lock: the server may still be at work on it.
        patience = self._create_patience_left(submission)
        asked: CreateAttempt | None = CreateAttempt(submission) if submission.may_have_been_created else None
        while True:
            # The more often an answer is lost, the longer it is looked for: a list may lag further than 30 s.
            longer = self._lookup_patience * min(_LONGEST_PATIENCE, 2 ** max(0, repeats - 1))
            if asked is None:
                if (fresh := await self._with_fresh_links(submission)) is None:
                    return
                asked = await self._creator.create(fresh, longer, must_list=must_list, by_person=by_person)
                if asked is None:
                    return
                submission = asked.submission
                if not submission.may_have_been_created:
                    await asyncio.sleep(asked.delay or wait)
                    wait, asked = min(LONGEST_WAIT, wait * 2), None
                    continue
            ended = await self._look_up(asked, max(patience, longer, asked.delay or 0.0))
            if ended is None:
                return
            submission, by_person = ended
            asked, must_list, wait, repeats, patience = None, True, self._first_retry_delay, repeats + 1, 0.0

    async def _with_fresh_links(self, submission: Submission) -> Submission | None:
        """Upload a file again whose links have waited too long for its create; None if that was rejected.

        Once a create may be out, its file is the one that is looked for: it is never uploaded again.
        """
        if submission.state is not SubmissionState.UPLOADED or submission.may_have_been_created:
            return submission
        if not await self._uploader.has_old_links(submission):
            return submission
        uploaded = await self._upload(submission)
        return uploaded[0] if uploaded is not None else None

    def _create_patience_left(self, submission: Submission) -> float:
        """Return for how long a create may still be carried out whose connection nobody here saw end.

        Also of one that is uncertain already: the app that found it so may not have seen that end either.
        """
        sent_at = submission.repeated_at or submission.create_sent_at
        if sent_at is None:
            return 0.0
        return self._create_patience - max(0.0, self._now() - sent_at)  # a clock that was set back proves nothing

    async def _explain_queue(self, file: tuple[str, str]) -> None:
        """Tell those that wait for an undecided submission of the same file what they wait for."""
        looked_up = [lookup.submission for lookup in self._lookups.values() if _file_of(lookup.submission) == file]
        if not looked_up:
            return
        first = looked_up[0]
        name = f"“{first.label}”" if first.label else f"number {first.id}"
        why = f"It waits for submission {name} of the same file, whose outcome is still unknown"
        hint = f"{NextStep.SETTLE} there lets you decide, or the list does; then this one continues automatically."
        for number in list(self._queues.get(file, ())):
            waiting = self._open.get(number)
            if waiting is not None and (waiting.error, waiting.hint) != (why, hint) and number not in self._stopping:
                with suppress(SubmissionLostError):  # its own task finds out
                    await self._steps.save(replace(waiting, error=why, hint=hint))

    async def _upload(self, submission: Submission) -> tuple[Submission, bool] | None:
        """Upload the file; return the submission, and whether the server is new to it. None if it was rejected."""
        number = submission.id
        try:
            return await self._uploader.upload(submission, lambda: number in self._stopping or number not in self._open)
        except (LocalFileError, RequestRejectedError) as error:
            await self._steps.reject(submission, error)
            return None

    async def _look_up(self, asked: CreateAttempt, patience: float) -> tuple[Submission, bool] | None:
        """Look up the job of an uncertain create.

        None: there is a job, or the person wants none. Else the submission, whose create is to be sent again, and
        whether that is what the person wants.
        """
        submission = asked.submission
        if submission.state is not SubmissionState.HELD:
            why = submission.error or "The app closed while the job was being created"
            hint = lookup_hint(patience, is_refused=asked.is_refused)
            if submission.state is not SubmissionState.UNCERTAIN or submission.hint != hint:
                submission = await self._steps.set_uncertain(submission, why, hint)
        while True:
            lookup = CreateLookup(submission, self._store, self._poller, self._steps, patience)
            self._lookups[submission.id] = lookup
            self._creator.listing.discard(submission.id)
            self._poller.hurry()
            await self._explain_queue(_file_of(submission))
            end = await lookup.resolve()
            submission = lookup.submission
            if not isinstance(end, Job):
                break
            with suppress(JobClaimedError):  # by a submission of another app, a moment ago: it is not this one's
                await self._steps.attach(submission, end)
                return None
        if end is LookupOutcome.LOST:
            raise SubmissionLostError
        if end is LookupOutcome.SETTLED:
            if submission.repeated_at is None:
                self._repeated.pop(submission.id, None)
            return None
        self._lookups.pop(submission.id)
        # Still uncertain until the next create is committed: killed here, it is looked up again.
        return submission, end is LookupOutcome.AGAIN


def _file_of(submission: Submission) -> tuple[str, str]:
    """Return what tells whose jobs could be taken for one another: the bytes, and the endpoint.

    Of a file with links in place of addresses, which is another one each time it is uploaded, the bytes without them.
    """
    return submission.sha256, submission.endpoint
