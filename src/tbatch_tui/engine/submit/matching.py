"""Decide whether a job on the server can be the one that a submission created."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tbatch_tui.engine.domain.job import Job
    from tbatch_tui.engine.domain.submission import Submission


_CLOCKS_APART = 3600.0
"""Seconds by which the server's clock may be behind ours: a job that is older by its clock was there before."""


def has_same_input(job: Job, submission: Submission) -> bool:
    """Return whether the job was made of this submission's file, for its endpoint."""
    return job.input_file_id == submission.file_id and job.endpoint in (None, submission.endpoint)


def is_candidate(job: Job, submission: Submission) -> bool:
    """Return whether this job can be the one that an unanswered create request made.

    It has the same input and endpoint, and is new (product promise).
    """
    return submission.may_have_been_created and has_same_input(job, submission) and job.id not in submission.known_ids


def might_be_stray(job: Job, submission: Submission) -> bool:
    """Return whether a create of this submission may have made the job although the submission became another."""
    first, last = submission.create_sent_at, submission.repeated_at
    if first is None or last is None or not has_same_input(job, submission) or job.id in submission.known_ids:
        return False
    return job.created_at is None or first - _CLOCKS_APART < job.created_at < last + _CLOCKS_APART


def might_match(job: Job, submission: Submission) -> bool:
    """Return whether the job may be new, and the list does not say what it was made of.

    Then it cannot be ruled out that it is the submission's.
    """
    since = submission.uncertain_since or submission.created_at
    is_new = job.created_at is None or job.created_at > since - _CLOCKS_APART
    return (
        submission.may_have_been_created and job.input_file_id is None and is_new and job.id not in submission.known_ids
    )
