"""What may be taken out of the list: only what is over, costs nothing any more, and would not come back by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Set

    from tbatch_tui.engine.domain.record import JobRecord

NOT_OVER = "not over, and may still cost money"
NOT_SENT = "waiting to be sent, or not"
NOT_FETCHED = "with results that are not fetched yet"
NOT_KNOWN = "the server's list has not come yet"
LISTED = "still on the server's list, and would come back"


def removal_blocker(record: JobRecord, listed: Set[str] | None) -> str:
    """Why a record stays in the list; empty when it may go. `listed` are the ids of the server's last whole list.

    A submission that is uncertain is not over: its job may be there, and be running.
    """
    if record.is_active:
        return NOT_OVER
    if record.is_waiting:
        return NOT_SENT
    if record.job is None:
        return ""
    if record.has_files_to_fetch:
        return NOT_FETCHED
    if listed is None:
        return NOT_KNOWN
    return LISTED if record.job.id in listed else ""
