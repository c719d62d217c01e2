"""The status of a job as a function of the time: no state, no waiting.

VALIDATING → IN_PROGRESS → COMPLETED | FAILED | EXPIRED; a cancel makes it CANCELING for a while, then CANCELLED.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tbatch_tui.sandbox.jobs.records import End, ServedJob, Status
    from tbatch_tui.sandbox.jobs.validation import ValidationResult

ENDED: frozenset[str] = frozenset({"COMPLETED", "FAILED", "EXPIRED", "CANCELLED"})
"""Final statuses."""

BROKEN_LINE = "error reading input file"
"""The error of a job with a line over 10 MB, which validation lets pass (seen on the live API)."""


@dataclass(frozen=True, slots=True)
class JobSnapshot:
    """A job as it is at one time."""

    status: str
    done: int = 0
    """Rows that have an answer or an error."""

    rows: int = 0
    error: str | None = None
    ended_at: float | None = None
    """When it ended, in seconds since the epoch; None before."""

    @property
    def progress(self) -> float:
        """Share of the rows that are done, in percent."""
        if self.status == "COMPLETED":
            return 100.0
        return round(100.0 * self.done / self.rows, 1) if self.rows else 0.0


@dataclass(frozen=True, slots=True)
class _Timeline:
    """How a job runs unless it is cancelled."""

    started: float
    """When it is IN_PROGRESS, in seconds since the epoch."""
    running: float
    """How long it takes from there to the last row, in seconds."""
    status: Status
    """How it ends."""
    ends_at: float
    error: str | None = None


def snapshot(job: ServedJob, validation: ValidationResult | None, now: float) -> JobSnapshot:
    """Return what a job is at a time.

    Args:
        validation: What validating its file has given; None while that is running.
        now: Seconds since the epoch.
    """
    if job.end is not None:
        return _ended(job.end)
    timeline = _timeline(job, validation)
    rows = validation.rows if validation is not None and validation.error is None else 0
    if job.cancelled_at is not None:
        done = _rows_done(timeline, rows, job.cancelled_at)
        cancelled = job.cancelled_at + job.pace.canceling
        if now < cancelled:
            return JobSnapshot("CANCELING", done, rows)
        return JobSnapshot("CANCELLED", done, rows, ended_at=cancelled)
    if timeline is None or now < min(timeline.started, timeline.ends_at):
        return JobSnapshot("VALIDATING")
    if now < timeline.ends_at:
        return JobSnapshot("IN_PROGRESS", _rows_done(timeline, rows, now), rows)
    return JobSnapshot(
        timeline.status, _rows_done(timeline, rows, timeline.ends_at), rows, timeline.error, timeline.ends_at
    )


def _ended(end: End) -> JobSnapshot:
    return JobSnapshot(end.status, end.done, end.rows, end.error, end.at if end.status in ENDED else None)


def _timeline(job: ServedJob, validation: ValidationResult | None) -> _Timeline | None:
    if validation is None:
        return None
    pace = job.pace
    started = max(job.created_at + pace.validating, validation.reached_at)
    if validation.error is not None:
        return _Timeline(started, 0.0, "FAILED", started, validation.error)
    running = pace.starting + pace.per_row * validation.rows
    deadline = job.created_at + pace.window
    if validation.has_oversized_line:
        return _Timeline(started, running, "FAILED", started + running / 2, BROKEN_LINE)
    if pace.expires and started + running > deadline:
        return _Timeline(started, running, "EXPIRED", max(started, deadline))
    return _Timeline(started, running, "COMPLETED", started + running)


def _rows_done(timeline: _Timeline | None, rows: int, at: float) -> int:
    if timeline is None or at <= timeline.started:
        return 0
    if at >= timeline.started + timeline.running:
        return rows
    return int(rows * (at - timeline.started) / timeline.running)
