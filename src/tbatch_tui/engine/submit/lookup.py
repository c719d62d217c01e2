"""Look up a job whose create request got no answer.

The list is asked until the job is in it, certainly is not, or the person decides.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING, Any

from tbatch_tui.engine.domain.submission import Submission, SubmissionState
from tbatch_tui.engine.journal.tables.submissions import JobClaimedError, SubmissionLostError
from tbatch_tui.engine.next_step import NextStep
from tbatch_tui.engine.submit.matching import could_be_ours, is_ours
from tbatch_tui.engine.submit.proof import why_no_proof

if TYPE_CHECKING:
    from tbatch_tui.engine.domain.job import Job
    from tbatch_tui.engine.journal.store import JobStore
    from tbatch_tui.engine.polling.poller import JobList, Poller
    from tbatch_tui.engine.submit.steps import SubmissionSteps

_LONGEST_GAP = 10.0
"""Seconds between two lists that count as searched, at most."""
_COULD_BE = "could be this submission"
_NO_PROOF = "It is unknown whether a job was created"
HELD = "You chose to wait: it won't be created again until you say so."


@dataclass(frozen=True, slots=True)
class LookupDecision:
    """What a person decided about an uncertain submission: one of the four."""

    job_id: str | None = None
    """It is this one of the candidates."""
    again: bool = False
    """It is none of the candidates: create it again, without looking any longer."""
    wait: bool = False
    """Go on looking, and do not create it again automatically, however long it takes."""
    give_up: bool = False
    """Look no longer, and create nothing."""

    def __post_init__(self) -> None:
        """Raise ValueError unless it is one thing."""
        if (self.job_id is not None) + self.again + self.wait + self.give_up != 1:
            raise ValueError("a decision is exactly one of job_id, again, wait and give_up")


class LookupOutcome(Enum):
    """How a look-up ended without a job."""

    NOT_MADE = "not made"  # enough lists have shown that it is not there
    AGAIN = "again"  # the person wants another
    SETTLED = "settled"  # the person said which job it is, or wants none, and that is committed
    LOST = "lost"  # another app works on it


class CreateLookup:
    """The look-up of one uncertain submission. Call `resolve` once, and `decide` at any time while that runs."""

    def __init__(
        self,
        submission: Submission,
        store: JobStore,
        poller: Poller,
        steps: SubmissionSteps,
        patience: float,
    ) -> None:
        """Prepare to look up `submission`.

        Args:
            steps: saves what becomes of the submission.
            patience: seconds of lists that arrived without the job, after which it counts as not made.
        """
        self.submission = submission
        self.candidates: tuple[Job, ...] = ()
        """The jobs of the last list that could be it. The person has to tell them apart."""
        self._store = store
        self._poller = poller
        self._steps = steps
        self._patience = patience
        # Else it is what a look-up before this start said of its last list.
        is_own = _NO_PROOF not in (submission.error or "") and _COULD_BE not in (submission.error or "")
        self._why = (submission.error if is_own else "The answer to the create was lost", submission.hint)
        """What the row says while the list can decide it."""
        self._end: LookupOutcome | None = None
        """How a decision of the person ended it."""
        self._decided = asyncio.Event()
        self._writing = asyncio.Lock()
        """Held by a list or a decision until what follows from it is committed."""
        self._is_over = False
        self._searched = 0.0
        """Seconds of lists that arrived without the job."""
        self._last_at: float | None = None
        """When the last list was asked for that counts."""

    @property
    def is_hurried(self) -> bool:
        """Whether the list will decide it: it is asked every few seconds until then, and no longer."""
        return self.submission.state is not SubmissionState.HELD and not self.candidates

    async def decide(self, decision: LookupDecision) -> bool:
        """Commit what the person decided, and carry it out.

        False if the list has settled it, another app works on it, or for a job that is not, or no longer, among the
        candidates.
        """
        async with self._writing:
            if self._is_over:
                return False
            try:
                return await self._decide(decision)
            except SubmissionLostError:
                self._end_with(LookupOutcome.LOST)
                return False

    async def _decide(self, decision: LookupDecision) -> bool:
        if decision.wait:
            await self._change(SubmissionState.HELD, hint=HELD)
            return True
        if decision.job_id is not None and not await self._adopt(decision.job_id):
            return False
        if decision.again:
            known = {*self.submission.known_ids, *(job.id for job in self.candidates)}
            self.candidates = ()
            await self._change(SubmissionState.UNCERTAIN, known_ids=tuple(sorted(known)), redirected_to=None)
        if decision.give_up:
            self.submission = replace(
                self.submission, create_sent_at=None, create_sent_server_at=None, repeated_at=None
            )
            await self._change(SubmissionState.STOPPED, error="You gave it up while uncertain", hint=None)
        self._end_with(LookupOutcome.AGAIN if decision.again else LookupOutcome.SETTLED)
        return True

    def _end_with(self, end: LookupOutcome) -> None:
        self._is_over = True
        self._end = end
        self._decided.set()

    async def _adopt(self, job_id: str) -> bool:
        """Commit that it has become this candidate. False if it is none, or another submission has become it."""
        job = next((candidate for candidate in self.candidates if candidate.id == job_id), None)
        if job is None:
            return False
        try:
            await self._steps.attach(self.submission, job)
        except JobClaimedError:
            return False
        return True

    async def resolve(self) -> Job | LookupOutcome:
        """Ask for the list again and again; return the submission's job, or why there is none."""
        while True:
            answer = await self._next_list_or_decision()
            if self._end is not None:
                return self._end
            if answer is None:
                continue
            async with self._writing:
                if not self._is_over and (end := await self._compare(answer)) is not None:
                    self._is_over = True
                    return end

    async def _compare(self, answer: JobList) -> Job | LookupOutcome | None:
        """Look for the job in a list; None to go on looking."""
        claimed = await self._store.submissions.claimed_jobs()
        possible = {j.id: j for j in answer.jobs if could_be_ours(j, self.submission) and j.id not in claimed}
        matching = {key: job for key, job in possible.items() if is_ours(job, self.submission)}
        if len(matching) == 1:
            return next(iter(matching.values()))
        # A new job of which the list says too little is no proof that ours was not made: a person decides.
        self.candidates = tuple((matching or possible).values())
        gap = await why_no_proof(answer, self._store)
        # Only the time between whole lists counts: an outage of an hour shows nothing of the server's jobs.
        if self._last_at is not None and not gap and not self.candidates:
            self._searched += min(_LONGEST_GAP, answer.asked_at - self._last_at)
        self._last_at = answer.asked_at if not gap else None
        if self.candidates:
            await self._ask_person()
        elif self.submission.state is not SubmissionState.HELD:
            await self._explain_search(gap)
            if not gap and self._searched >= self._patience:
                if self.submission.redirected_to is None:
                    return LookupOutcome.NOT_MADE
                await self._hold_redirected(self.submission.redirected_to)
        return None

    async def _explain_search(self, gap: str) -> None:
        """Say why the list cannot decide it, and when it can again."""
        error, hint = self._why
        if gap:
            error = f"{_NO_PROOF}: {gap}"
            hint = f"Nothing is created again until a complete list arrives; {NextStep.SETTLE} lets you decide sooner."
        if (self.submission.error, self.submission.hint) != (error, hint):
            await self._change(self.submission.state, error=error, hint=hint)

    async def _next_list_or_decision(self) -> JobList | None:
        """Return the next list, or None when the person has decided first."""
        listing = asyncio.ensure_future(self._poller.next_list())
        deciding = asyncio.ensure_future(self._decided.wait())
        either: set[asyncio.Future[Any]] = {listing, deciding}
        try:
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            return None if self._decided.is_set() else listing.result()
        finally:
            listing.cancel()
            deciding.cancel()

    async def _hold_redirected(self, address: str) -> None:
        """Leave it to the person: the server pointed elsewhere, and may have carried the create out before."""
        await self._change(
            SubmissionState.HELD,
            error=f"The server has moved to {address}" if address else "The server redirected the request",
            hint=f"The list shows no job for it. Set the base URL to the server's new address; {NextStep.SETTLE} "
            f"lets you decide.",
        )

    async def _ask_person(self) -> None:
        many = f"{len(self.candidates)} jobs" if len(self.candidates) > 1 else "1 job"
        why = ""
        if any(job.input_file_id is None for job in self.candidates):
            why = ", as the list does not say what is in them"
        elif not all(is_ours(job, self.submission) for job in self.candidates):
            why = ", although the list doesn't say that it was created after the request"
        question = f"{many} {_COULD_BE}{why}: " + ", ".join(j.id[:8] for j in self.candidates)
        hint = "Nothing is created until you say which one it is."
        if (self.submission.error, self.submission.hint) != (question, hint):
            await self._change(self.submission.state, error=question, hint=hint)

    async def _change(self, state: SubmissionState, **changes: Any) -> None:
        self.submission = await self._steps.change(self.submission, state, **changes)
