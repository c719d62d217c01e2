"""Whether a list of jobs proves what is not in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tbatch_tui.engine.journal.store import JobStore
    from tbatch_tui.engine.polling.poller import JobList

_NAMED = 3
"""How many of the jobs that are missing are named."""


async def why_no_proof(answer: JobList, store: JobStore) -> str:
    """Return why a job that is not in this list may be on the server all the same; empty if it is not there.

    A list has to have every job that had not ended when it was last seen, by this app or another, before this start or
    after it.
    """
    missing = sorted(await store.submissions.unended_jobs() - {job.id for job in answer.jobs})
    if missing:
        names = ", ".join(job_id[:8] for job_id in missing[:_NAMED])
        more = f" and {len(missing) - _NAMED} more" if len(missing) > _NAMED else ""
        jobs, them = ("jobs", "them") if len(missing) > 1 else ("job", "it")
        return f"{jobs} {names}{more} had not ended, and the list lacks {them}"
    return "" if answer.is_whole else "the list is incomplete, or part of it is unreadable"
