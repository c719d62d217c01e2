"""Which records may be removed from the list: only those that are over and would not come back by themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Set

    from tbatch_tui.engine.domain.record import JobRecord

NOT_OVER = "it has not ended, and may still cost money"
NOT_SENT = "it is on hold, and can still be sent"
NOT_FETCHED = "its results are not downloaded yet"
NOT_KNOWN = "the server's list has not come yet"
LISTED = "the server still lists it, so it would reappear"


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
