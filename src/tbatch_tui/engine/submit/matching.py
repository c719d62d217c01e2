"""Decide whether a job on the server can be the one that a submission created."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tbatch_tui.engine.domain.job import Job
    from tbatch_tui.engine.domain.submission import Submission

_SLACK = 60.0
"""Seconds by which a job's time may be before the create's, both by the server's clock: it is many machines."""
_CLOCKS_APART = 3600.0
"""The same where the server does not say its time: its clock may be behind ours."""


def has_same_input(job: Job, submission: Submission) -> bool:
    """Return whether the job was made of this submission's file, for its endpoint as far as that is known."""
    return job.input_file_id == submission.file_id and job.endpoint in (None, submission.endpoint)


def could_be_ours(job: Job, submission: Submission) -> bool:
    """Return whether nothing rules out that a create of this submission made the job.

    It is new, not older than the create, and the list names no other input or endpoint. While there is such a job,
    nothing is created again.
    """
    return (
        submission.may_have_been_created
        and job.id not in submission.known_ids
        and job.input_file_id in (None, submission.file_id)
        and job.endpoint in (None, submission.endpoint)
        and (job.created_at is None or job.created_at >= _sent_at(submission) - _slack(submission))
    )


def is_ours(job: Job, submission: Submission) -> bool:
    """Return whether the job is adopted without a question if it is the only one (product promise).

    It has the same input and endpoint, is new, and was created after the create was sent.
    """
    return (
        could_be_ours(job, submission)
        and job.input_file_id == submission.file_id
        and job.endpoint == submission.endpoint
        and job.created_at is not None
        and job.created_at >= math.floor(_sent_at(submission))  # a Date, and some servers' times, are whole seconds
    )


def might_be_stray(job: Job, submission: Submission) -> bool:
    """Return whether a create of this submission may have made the job although the submission became another."""
    first, last = submission.create_sent_at, submission.repeated_at
    if first is None or last is None or not has_same_input(job, submission) or job.id in submission.known_ids:
        return False
    if submission.create_sent_server_at is not None:  # in the server's time
        first, last = submission.create_sent_server_at, submission.create_sent_server_at + last - first
    return job.created_at is None or first - _CLOCKS_APART < job.created_at < last + _CLOCKS_APART


def _sent_at(submission: Submission) -> float:
    """Return when the first create was sent, by the server's clock where that is known."""
    if submission.create_sent_server_at is not None:
        return submission.create_sent_server_at
    return submission.create_sent_at or 0.0


def _slack(submission: Submission) -> float:
    return _CLOCKS_APART if submission.create_sent_server_at is None else _SLACK
