"""Which records may be removed from the list: only those that are over and would not come back by themselves."""

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
    """Return why a record may not be removed; empty if it may.

    A submission that is uncertain is not over: its job may exist, and be running.

    Args:
        listed: The ids of the server's last complete list; None before there was one.
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
