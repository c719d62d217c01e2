"""Why an action on a job is disabled, in a few words, shown when its key is pressed all the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tbatch_tui.engine.domain.job import JobStatus, LocalStatus

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tbatch_tui.engine.domain.record import JobRecord

_NONE_OF_SEVERAL = {
    "cancel_job": "None of the selected jobs can be cancelled",
    "download": "None of the selected jobs has result files",
    "acknowledge": "None of the selected jobs needs attention",
    "remove": "None of the selected jobs has ended: running jobs stay in the list",
}


def disabled_reason(action: str, records: Sequence[JobRecord]) -> str:
    """Return why the action applies to none of these records; empty if there is nothing to explain.

    Other actions are named in it by their binding ids, such as `{job.settle}`.
    """
    if not records:
        return "There is no job under the cursor"
    if len(records) > 1 and action in _NONE_OF_SEVERAL:
        return _NONE_OF_SEVERAL[action]
    record = records[0]
    match action:
        case "cancel_job":
            return _why_not_cancelled(record)
        case "download" | "results" | "retry" | "merge" | "export":
            return _why_no_results(record)
        case "acknowledge":
            return _why_not_acknowledged(record)
        case "settle":
            return _why_nothing_to_decide(record)
        case "remove":
            return "It has not ended: only ended jobs can be removed from the list"
        case _:
            return ""


def _why_not_cancelled(record: JobRecord) -> str:
    if record.status == LocalStatus.UNCERTAIN:
        return "Not known yet whether there is a job to cancel: {job.settle} lets you decide"
    if record.status == JobStatus.CANCELLING:
        return "It is already being cancelled"
    return "It has already ended"


def _why_nothing_to_decide(record: JobRecord) -> str:
    if record.job is not None:
        return "Nothing to decide: this job was created"
    return "Nothing to decide: it is being sent"


def _why_not_acknowledged(record: JobRecord) -> str:
    if record.can_decide:
        return "It waits for your decision ({job.settle})"
    if record.is_active:
        return "It is still running, and needs no attention"
    if record.attention is not None:
        return "It was not submitted from here and is old: it needs no attention"
    return "It needs no attention"


def _why_no_results(record: JobRecord) -> str:
    if record.is_active:
        return "No results yet: the job has not ended"
    return "It has no result files" if record.job is not None else "It never became a job, so there are no results"
