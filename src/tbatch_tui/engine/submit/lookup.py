"""An uncertain create: the list is asked until its job is there, certainly is not, or the person decides."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, Protocol

from tbatch_tui.engine.domain.submission import Submission, SubmissionState
from tbatch_tui.engine.submit.matching import Desk, is_candidate, might_match

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from tbatch_tui.engine.domain.job import Job
    from tbatch_tui.engine.polling.poller import JobList

_LONGEST_LOOK = 10.0
"""Seconds between two lists that count as looked at, at most."""
HELD = "You chose to wait: it is not created again until you say so."


@dataclass(frozen=True, slots=True)
class LookupDecision:
    """What a person decided about an uncertain submission; none of the three gives it up."""

    job_id: str | None = None
    """It is this one of the candidates."""
    again: bool = False
    """None of the candidates is it: create it again, without looking any longer."""
    wait: bool = False
    """Look on, and do not create it again by itself, however long it takes."""


class LookupOutcome(Enum):
    """How a look-up ended without a job."""

    NOT_MADE = "not made"  # lists enough have shown that it is not there
    AGAIN = "again"  # the person wants another
    GIVEN_UP = "given up"  # the person wants none


class Commit(Protocol):
    """Commits a step of a submission."""

    def __call__(self, submission: Submission, state: SubmissionState, **changes: Any) -> Awaitable[Submission]: ...


class CreateLookup:
    """One uncertain submission while it is looked up. `settle` once; `decide` at any time while that runs."""

    def __init__(self, desk: Desk, commit: Commit, submission: Submission, patience: float) -> None:
        """`patience`: seconds of lists that arrived without the job, after which it counts as not made."""
        self.submission = submission
        self.candidates: tuple[Job, ...] = ()
        """The jobs that could be it, as the last list has them; more than one is for the person to tell apart."""
        self._is_plain = True
        """Whether they are of its input, as the list says; else the list does not say what they are of."""
        self._desk = desk
        self._commit = commit
        self._patience = patience
        self._verdict: LookupDecision | None = None
        self._decided = asyncio.Event()

    @property
    def is_hurried(self) -> bool:
        """Whether the list decides it: it is asked every few seconds until then, and no longer."""
        return self.submission.state is not SubmissionState.HELD and not self.candidates

    def decide(self, verdict: LookupDecision) -> bool:
        """The person's word; False for a job that is not, or not any more, among the candidates."""
        if verdict.job_id is not None and verdict.job_id not in (job.id for job in self.candidates):
            return False
        self._verdict = verdict
        self._decided.set()
        return True

    async def resolve(self) -> Job | LookupOutcome:
        """Ask the list again and again: the submission's job, or why there is none."""
        last_at: float | None = None
        looked_for = 0.0
        while True:
            answer = await self._list_or_word()
            claimed = await self._desk.claimed()
            if answer is None:
                self._decided.clear()
                end = await self._apply(claimed)
                if end is not None:
                    return end
                continue
            found = {j.id: j for j in answer.jobs if is_candidate(j, self.submission) and j.id not in claimed}
            if len(found) == 1:
                return next(iter(found.values()))
            # A new job whose input the list does not name is no proof that ours was not made: a person decides.
            told_little = {j.id: j for j in answer.jobs if might_match(j, self.submission) and j.id not in claimed}
            self.candidates = tuple((found or told_little).values())
            self._is_plain = bool(found)
            # Only the time between lists that arrived counts: an outage of an hour is no look at the server's truth.
            if last_at is not None and not self.candidates:
                looked_for += min(_LONGEST_LOOK, answer.asked_at - last_at)
            last_at = answer.asked_at
            if self.candidates:
                await self._ask_person()
            elif looked_for >= self._patience and self.submission.state is not SubmissionState.HELD:
                return LookupOutcome.NOT_MADE

    async def _list_or_word(self) -> JobList | None:
        """The next list; None when the person has decided first."""
        listing = asyncio.ensure_future(self._desk.next_list())
        word = asyncio.ensure_future(self._decided.wait())
        either: set[asyncio.Future[Any]] = {listing, word}
        try:
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            return None if self._decided.is_set() else listing.result()
        finally:
            listing.cancel()
            word.cancel()

    async def _apply(self, claimed: set[str]) -> Job | LookupOutcome | None:
        """Do what the person decided; None to look on."""
        verdict = self._verdict
        if verdict is None:
            return None
        if verdict.job_id is not None:
            # Another submission may have become it meanwhile.
            return next((j for j in self.candidates if j.id == verdict.job_id and j.id not in claimed), None)
        if verdict.again:
            known = {*self.submission.known_ids, *(job.id for job in self.candidates)}
            self.candidates = ()
            await self._change(SubmissionState.UNCERTAIN, known_ids=tuple(sorted(known)))
            return LookupOutcome.AGAIN
        if verdict.wait:
            await self._change(SubmissionState.HELD, hint=HELD)
            return None
        return LookupOutcome.GIVEN_UP

    async def _ask_person(self) -> None:
        many = f"{len(self.candidates)} jobs" if len(self.candidates) > 1 else "1 job"
        why = "" if self._is_plain else ", as the list does not say what is in them"
        said = f"{many} could be this submission{why}: " + ", ".join(j.id[:8] for j in self.candidates)
        if self.submission.error != said:
            await self._change(
                self.submission.state, error=said, hint="Nothing is created until you say which one it is."
            )

    async def _change(self, state: SubmissionState, **changes: Any) -> None:
        self.submission = await self._commit(self.submission, state, **changes)
