"""Cancel a job, or stop a submission that has no job yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tbatch_tui.engine.errors import BatchError, OutcomeUnknownError, RequestRejectedError
from tbatch_tui.engine.next_step import NextStep

if TYPE_CHECKING:
    from tbatch_tui.engine.client.api import TogetherApi
    from tbatch_tui.engine.domain.job import Job
    from tbatch_tui.engine.domain.record import JobRecord
    from tbatch_tui.engine.submit.submitter import Submitter

_CONFLICT = 409


async def cancel_job(api: TogetherApi, job_id: str) -> tuple[bool, Job | None]:
    """Ask the server once to cancel a job. Raises BatchError.

    A request whose answer is lost is not repeated: the list shows what became of it.

    Returns:
        Whether the job was cancelled (not if it had ended already), and the job if the answer holds it.
    """
    try:
        return True, await api.cancel(job_id)
    except RequestRejectedError as error:
        if error.status != _CONFLICT:
            raise
        return False, None
    except OutcomeUnknownError as error:
        raise OutcomeUnknownError(
            "Whether the job was cancelled is not known yet",
            f"{error.title}. The list will show it; {NextStep.CANCEL} asks again.",
        ) from error


def stop_submission(record: JobRecord, submitter: Submitter | None) -> bool:
    """Stop a submission that has no job yet. False if it is not at work.

    Raises BatchError when a create may already have been sent, or another app works on the submission.
    """
    if not record.is_active:
        return False
    submission = record.submission
    if submission is None or submitter is None or not submitter.stop(submission.id):
        raise BatchError(
            "It is too late to stop it here",
            f"The create may be on its way. When the job shows up, {NextStep.CANCEL} cancels it.",
        )
    return True
