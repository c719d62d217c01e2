"""A status as a person reads it: a glyph, a word and a colour, never a colour alone."""

from __future__ import annotations

from dataclasses import dataclass

from tbatch_tui.engine.model import JobRecord, JobStatus, LocalStatus, Rank
from tbatch_tui.tui.text import line

ACTIVE, OK, ATTENTION, FAILED, QUIET = (
    "$status-active",
    "$status-ok",
    "$status-attention",
    "$status-failed",
    "$status-quiet",
)


@dataclass(frozen=True, slots=True)
class StatusLook:
    """How a status is shown. `colour` is a theme variable."""

    glyph: str
    word: str
    colour: str


_LOOKS = {
    JobStatus.VALIDATING: StatusLook("◌", "Validating", ACTIVE),
    JobStatus.IN_PROGRESS: StatusLook("◐", "In progress", ACTIVE),
    JobStatus.COMPLETED: StatusLook("✓", "Completed", OK),
    JobStatus.FAILED: StatusLook("✗", "Failed", FAILED),
    JobStatus.EXPIRED: StatusLook("⊘", "Expired", FAILED),
    JobStatus.CANCELLING: StatusLook("◍", "Cancelling", ATTENTION),
    JobStatus.CANCELLED: StatusLook("○", "Cancelled", QUIET),
    LocalStatus.UPLOADING: StatusLook("↑", "Uploading", ACTIVE),
    LocalStatus.SUBMITTING: StatusLook("→", "Submitting", ACTIVE),
    LocalStatus.UNCERTAIN: StatusLook("?", "Uncertain", ATTENTION),
    LocalStatus.NOT_SUBMITTED: StatusLook("✗", "Not submitted", FAILED),
}
_OTHER_SPELLINGS = {"CANCELLING": JobStatus.CANCELLING, "CANCELED": JobStatus.CANCELLED}


def look_of(status: str) -> StatusLook:
    """The look of a status; one that nobody knows as the server spells it."""
    known = _LOOKS.get(_OTHER_SPELLINGS.get(status, status))  # type: ignore[call-overload]
    return known or StatusLook("·", line(status)[:40], ACTIVE)


def look_of_record(record: JobRecord) -> StatusLook:
    """As `look_of`, but a completed job that needs a person says so: `! Completed`."""
    look = look_of(record.status)
    if record.status == JobStatus.COMPLETED and record.rank is Rank.ATTENTION:
        return StatusLook("!", look.word, ATTENTION)
    return look
