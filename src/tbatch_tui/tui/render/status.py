"""A status as the user sees it: a glyph, a word and a colour, never a colour alone."""

from __future__ import annotations

from typing import NamedTuple

from tbatch_tui.engine.domain.job import JobStatus, LocalStatus, known_status
from tbatch_tui.engine.domain.record import JobRecord, Rank
from tbatch_tui.tui.sanitize import line

ACTIVE, OK, ATTENTION, FAILED, QUIET = (
    "$status-active",
    "$status-ok",
    "$status-attention",
    "$status-failed",
    "$status-quiet",
)


class StatusStyle(NamedTuple):
    """How a status is shown. `colour` is a theme variable."""

    glyph: str
    word: str
    colour: str


_STYLES: dict[JobStatus | LocalStatus, tuple[str, str]] = {
    JobStatus.VALIDATING: ("◌", ACTIVE),
    JobStatus.IN_PROGRESS: ("◐", ACTIVE),
    JobStatus.COMPLETED: ("✓", OK),
    JobStatus.FAILED: ("✗", FAILED),
    JobStatus.EXPIRED: ("⊘", FAILED),
    JobStatus.CANCELLING: ("◍", ATTENTION),
    JobStatus.CANCELLED: ("○", QUIET),
    LocalStatus.UPLOADING: ("↑", ACTIVE),
    LocalStatus.SUBMITTING: ("→", ACTIVE),
    LocalStatus.UNCERTAIN: ("?", ATTENTION),
    LocalStatus.NOT_SUBMITTED: ("✗", FAILED),
    LocalStatus.WAITING: ("◇", QUIET),
    LocalStatus.READY: ("◆", ATTENTION),
}


def status_style(status: str) -> StatusStyle:
    """Return how a status is shown; an unknown one as the server spells it."""
    known = known_status(status)
    if known is None:
        return StatusStyle("·", line(status)[:40], ACTIVE)
    glyph, colour = _STYLES[known]
    return StatusStyle(glyph, known.words, colour)


def record_style(record: JobRecord) -> StatusStyle:
    """Return how the status of a job is shown. A completed job that needs the user is `! Completed`."""
    style = status_style(record.status)
    if record.status == JobStatus.COMPLETED and record.rank is Rank.ATTENTION:
        return StatusStyle("!", style.word, ATTENTION)
    return style
