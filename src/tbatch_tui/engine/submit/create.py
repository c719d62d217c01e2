"""Send the create request of a submission once, and save what came of it."""

from __future__ import annotations

from dataclasses import replace
from math import ceil
from typing import TYPE_CHECKING, NamedTuple

from tbatch_tui.engine.domain.submission import Submission, SubmissionState
from tbatch_tui.engine.errors import (
    ConnectionFailedError,
    OutcomeUnknownError,
    RateLimitError,
    RedirectError,
    RequestRejectedError,
)
from tbatch_tui.engine.journal.tables.submissions import JobClaimedError
from tbatch_tui.engine.next_step import NextStep
from tbatch_tui.engine.submit.input_upload import retry_hint
from tbatch_tui.engine.submit.matching import could_be_ours, has_same_input
from tbatch_tui.engine.submit.proof import why_no_proof

if TYPE_CHECKING:
    from collections.abc import Callable

    from tbatch_tui.engine.client.api import TogetherApi
    from tbatch_tui.engine.journal.store import JobStore
    from tbatch_tui.engine.polling.poller import Poller
    from tbatch_tui.engine.submit.steps import SubmissionSteps


class CreateAttempt(NamedTuple):
    """What came of a create that made no job that is known."""

    submission: Submission
    delay: float | None = None
    """The seconds that the server asked for before the next create."""
    is_refused: bool = False
    """Whether the server refused to make it again, after a create that was lost."""


class JobCreator:
    """Sends the creates of an app's submissions."""

    def __init__(
        self,
        api: TogetherApi,
        store: JobStore,
        poller: Poller,
        steps: SubmissionSteps,
        *,
        on_repeat: Callable[[Submission], object],
        now: Callable[[], float],
    ) -> None:
        """Make a creator. See `Submitter` for the arguments.

        Args:
            on_repeat: called before a create is sent although an earlier one may have been carried out.
        """
        self.listing: set[int] = set()
        """Submissions that wait for a list before they create."""
        self._api = api
        self._store = store
        self._poller = poller
        self._steps = steps
        self._on_repeat = on_repeat
        self._now = now

    async def create(
        self, submission: Submission, patience: float, *, must_list: bool, by_person: bool
    ) -> CreateAttempt | None:
        """Send the create request once. None: there is a job, or it was certainly rejected.

        Args:
            patience: seconds for which it is looked up if its answer is lost.
            must_list: whether jobs made elsewhere may exist for the file, which are noted before ours is made.
            by_person: whether the person wants another create, whatever the list can prove.
        """
        hint, is_repeat = lookup_hint(patience), submission.may_have_been_created
        known = set(submission.known_ids)
        if must_list:
            self.listing.add(submission.id)
            self._poller.hurry()
            answer = await self._poller.next_list()
            listed = answer.jobs
            if is_repeat and not by_person and await why_no_proof(answer, self._store):
                return CreateAttempt(submission)  # it does not show that the job is not there
            claimed = await self._store.submissions.claimed_jobs()
            if any(could_be_ours(job, submission) and job.id not in claimed for job in listed):
                return CreateAttempt(
                    submission
                )  # what an earlier create made shows up only now: it is looked up once more
            if not is_repeat:
                known |= {job.id for job in listed if has_same_input(job, submission)}
        if not is_repeat:  # what came after the first create may be its job, and stays a candidate
            known |= await self._store.submissions.jobs_on(submission)
        submission = await self._save_before_create(submission, known)
        self.listing.discard(submission.id)
        assert submission.file_id is not None
        try:
            job, warning = await self._api.create(submission.file_id, submission.endpoint)
        except (RateLimitError, ConnectionFailedError) as error:
            delay = error.retry_after if isinstance(error, RateLimitError) else None
            if is_repeat:
                return CreateAttempt(await self._steps.set_uncertain(submission, error.title, hint), delay)
            certain = replace(submission, create_sent_at=None, create_sent_server_at=None)
            waiting = replace(certain, state=SubmissionState.UPLOADED, error=error.title, hint=retry_hint(delay))
            return CreateAttempt(await self._steps.save(waiting), delay)
        except RequestRejectedError as error:
            return await self._end_refused(submission, error, patience, is_repeat=is_repeat)
        except OutcomeUnknownError as error:
            if isinstance(error, RedirectError):
                submission = replace(submission, redirected_to=error.location)
            return CreateAttempt(await self._steps.set_uncertain(submission, str(error), hint))
        if job is None:
            submission = replace(submission, warning=warning)
            return CreateAttempt(
                await self._steps.set_uncertain(submission, "The server's answer contains no job", hint)
            )
        try:
            await self._steps.attach_answer(replace(submission, warning=warning), job)
        except JobClaimedError:
            already = RequestRejectedError(
                f"The server answered with job {job.id[:8]}, which already belongs to another submission",
                "There is no second job; both share its results.",
            )
            return await self._end_refused(submission, already, patience, is_repeat=is_repeat)
        return None

    async def _save_before_create(self, submission: Submission, known_ids: set[str]) -> Submission:
        """Commit that a create may be out from now on, before it is sent."""
        if submission.may_have_been_created:
            submission = replace(submission, repeated_at=self._now())
            self._on_repeat(submission)
        else:
            submission = replace(
                submission,
                create_sent_at=self._now(),
                create_sent_server_at=self._api.clock.last_date,
                known_ids=tuple(sorted(known_ids)),
            )
        return await self._steps.change(submission, SubmissionState.CREATING, error=None, hint=None, redirected_to=None)

    async def _end_refused(
        self, submission: Submission, error: RequestRejectedError, patience: float, *, is_repeat: bool
    ) -> CreateAttempt | None:
        """Reject a submission; one whose earlier create may have been carried out stays uncertain."""
        if is_repeat:
            hint = lookup_hint(patience, is_refused=True)
            return CreateAttempt(await self._steps.set_uncertain(submission, error.title, hint), is_refused=True)
        await self._steps.reject(replace(submission, create_sent_at=None, create_sent_server_at=None), error)
        return None


def lookup_hint(patience: float, *, is_refused: bool = False) -> str:
    """Return what becomes of a submission that is being looked up, and what a person can do.

    Args:
        is_refused: Whether the server refused to make it again, after a create that was lost.
    """
    seconds = ceil(patience) if patience > 1 else patience
    if is_refused:
        return (
            f"The server refused to create it again. Trying again after {seconds:g} s of lists without the "
            f"job, and then ever more slowly; {NextStep.SETTLE} can end that."
        )
    return f"If it isn't listed for {seconds:g} s, it will be created again."
