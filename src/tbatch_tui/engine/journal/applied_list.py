"""What of the server's list of jobs is in the history already."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tbatch_tui.engine.domain.job import Job


class AppliedList:
    """The list that was taken over last, and the jobs of which there is later news than it."""

    def __init__(self) -> None:
        self._jobs: Sequence[Job] | None = None
        self._answered_at: dict[str, float] = {}
        """When an answer other than the list last changed a job: a list asked for before that is older news of it."""

    def is_applied(self, jobs: Sequence[Job]) -> bool:
        """Return whether this list, the same object, was taken over whole: there is nothing to do then."""
        return jobs is self._jobs

    def set(self, jobs: Sequence[Job] | None) -> None:
        """Note the list that was taken over whole; None if the next one must be, whatever it is."""
        self._jobs = jobs

    def note_answer(self, job_id: str) -> None:
        """Note that an answer other than the list says how a job is now."""
        self._answered_at[job_id] = asyncio.get_running_loop().time()

    def without_older_news(self, jobs: Sequence[Job], asked_at: float) -> Sequence[Job]:
        """Return the jobs of a list, asked for at this time of the event loop, that no later answer has changed."""
        later = {job_id for job_id, answered_at in self._answered_at.items() if answered_at > asked_at}
        return [job for job in jobs if job.id not in later] if later else jobs
