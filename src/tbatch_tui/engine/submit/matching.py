"""What a submission asks of the engine around it: the connection, the journal, and the list of jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from tbatch_tui.engine.domain.submission import Submission, SubmissionState

if TYPE_CHECKING:
    from tbatch_tui.engine.client.api import TogetherApi
    from tbatch_tui.engine.domain.job import Job
    from tbatch_tui.engine.polling.poller import JobList


_CLOCKS_APART = 3600.0
"""Seconds by which the server's clock may be behind ours when a job is told from one of before."""


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


def may_have_been_created(submission: Submission) -> bool:
    """Whether a create may have been carried out whose job is not known."""
    return submission.state is SubmissionState.CREATING or submission.state.is_uncertain


def has_same_input(job: Job, submission: Submission) -> bool:
    """Whether the job was made of this submission's file, for its endpoint."""
    return job.input_file_id == submission.file_id and job.endpoint in (None, submission.endpoint)


def is_candidate(job: Job, submission: Submission) -> bool:
    """Whether this job can be the one an unanswered create made (product promise: same input, same endpoint, new)."""
    return may_have_been_created(submission) and has_same_input(job, submission) and job.id not in submission.known_ids


def might_match(job: Job, submission: Submission) -> bool:
    """Whether the list tells too little of a job, which may be new, to say that it is not the one."""
    since = submission.uncertain_since or submission.created_at
    is_new = job.created_at is None or job.created_at > since - _CLOCKS_APART
    return (
        may_have_been_created(submission)
        and job.input_file_id is None
        and is_new
        and job.id not in submission.known_ids
    )
