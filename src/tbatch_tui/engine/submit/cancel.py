"""Ask the server to cancel a job."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tbatch_tui.engine.errors import OutcomeUnknownError, RequestRejectedError
from tbatch_tui.engine.next_step import NextStep

if TYPE_CHECKING:
    from tbatch_tui.engine.client.api import TogetherApi
    from tbatch_tui.engine.domain.job import Job

_CONFLICT = 409


async def cancel_job(api: TogetherApi, job_id: str) -> tuple[bool, Job | None]:
    """Ask once. Return whether the job was cancelled, and the job if the answer holds it. Raises BatchError.

    False if the job had ended already. A lost answer is never repeated: the list shows what became of it.
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
