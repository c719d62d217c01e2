"""Cancel a job, or stop a submission that has no job yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tbatch_tui.engine.errors import BatchError, OutcomeUnknownError, RequestRejectedError
from tbatch_tui.engine.journal.mapping import SUBMISSION_KEYS
from tbatch_tui.engine.next_step import NextStep

if TYPE_CHECKING:
    from tbatch_tui.engine.domain.record import JobRecord
    from tbatch_tui.engine.journal.store import JobStore
    from tbatch_tui.engine.runtime.runtime import Runtime
    from tbatch_tui.engine.submit.submitter import Submitter

_CONFLICT = 409


async def cancel_job(job_id: str, runtime: Runtime, store: JobStore) -> bool:
    """Ask the server once to cancel a job; False if it had ended already. Raises BatchError.

    A request whose answer is lost is not repeated: the list, which is asked for soon, shows what became of it.
    """
    if job_id.startswith(SUBMISSION_KEYS):
        raise BatchError("There is no such submission", "Nothing was cancelled: list the jobs again.")
    api = runtime.api
    await runtime.account.require_account()
    try:
        job = await api.cancel(job_id)
    except RequestRejectedError as error:
        if error.status != _CONFLICT:
            raise
        runtime.refresh_soon()
        return False
    except OutcomeUnknownError as error:
        runtime.refresh_soon()
        raise OutcomeUnknownError(
            "It is not yet known whether the job was cancelled",
            f"{error.title}. The list will show it; {NextStep.CANCEL} asks again.",
        ) from error
    if job is not None:
        await store.apply_answer(job, runtime.listed_at)
    runtime.refresh_soon()
    return True


async def stop_submission(record: JobRecord, submitter: Submitter | None) -> bool:
    """Stop a submission that has no job yet. False if it is not at work.

    Raises BatchError when a create may already have been sent, or another app works on the submission.
    """
    if not record.is_active:
        return False
    submission = record.submission
    if submission is None or submitter is None or not await submitter.stop(submission.id):
        raise BatchError(
            "It is too late to stop it",
            f"The job may already be on its way to the server. When it shows up, {NextStep.CANCEL} cancels it.",
        )
    return True
