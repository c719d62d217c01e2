"""The life of a job, as a function of the clock: nothing here runs, waits or remembers.

VALIDATING → IN_PROGRESS → COMPLETED | FAILED | EXPIRED; a cancel makes it CANCELING for a while, then CANCELLED.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tbatch_tui.sandbox.jobs.records import End, ServedJob, Status
    from tbatch_tui.sandbox.jobs.validation import ValidationResult

ENDED: frozenset[str] = frozenset({"COMPLETED", "FAILED", "EXPIRED", "CANCELLED"})
"""Statuses that do not change any more."""

BROKEN_LINE = "error reading input file"
"""What a line over 10 MB ends in, after a validation that let it pass (seen on the live API)."""


@dataclass(frozen=True, slots=True)
class JobSnapshot:
    """A job at one moment."""

    status: str
    done: int = 0
    """Rows that have an answer or an error by now."""

    rows: int = 0
    error: str | None = None
    ended_at: float | None = None
    """When it ended; None before."""

    @property
    def progress(self) -> float:
        """Rows done, 0-100."""
        if self.status == "COMPLETED":
            return 100.0
        return round(100.0 * self.done / self.rows, 1) if self.rows else 0.0


@dataclass(frozen=True, slots=True)
class _Timeline:
    """How a job goes if nobody cancels it."""

    started: float
    running: float
    status: Status
    ends_at: float
    error: str | None = None


def snapshot(job: ServedJob, verdict: ValidationResult | None, now: float) -> JobSnapshot:
    """What `job` is at `now`, given the verdict on its file (None while that is still being read)."""
    if job.end is not None:
        return _ended(job.end)
    course = _timeline(job, verdict)
    rows = verdict.rows if verdict is not None and verdict.error is None else 0
    if job.cancelled_at is not None:
        done = _rows_done(course, rows, job.cancelled_at)
        cancelled = job.cancelled_at + job.pace.canceling
        if now < cancelled:
            return JobSnapshot("CANCELING", done, rows)
        return JobSnapshot("CANCELLED", done, rows, ended_at=cancelled)
    if course is None or now < min(course.started, course.ends_at):
        return JobSnapshot("VALIDATING")
    if now < course.ends_at:
        return JobSnapshot("IN_PROGRESS", _rows_done(course, rows, now), rows)
    return JobSnapshot(course.status, _rows_done(course, rows, course.ends_at), rows, course.error, course.ends_at)


def _ended(end: End) -> JobSnapshot:
    return JobSnapshot(end.status, end.done, end.rows, end.error, end.at if end.status in ENDED else None)


def _timeline(job: ServedJob, verdict: ValidationResult | None) -> _Timeline | None:
    if verdict is None:
        return None
    pace = job.pace
    started = max(job.created_at + pace.validating, verdict.reached_at)
    if verdict.error is not None:
        return _Timeline(started, 0.0, "FAILED", started, verdict.error)
    running = pace.starting + pace.per_row * verdict.rows
    deadline = job.created_at + pace.window
    if verdict.has_oversized_line:
        return _Timeline(started, running, "FAILED", started + running / 2, BROKEN_LINE)
    if pace.expires and started + running > deadline:
        return _Timeline(started, running, "EXPIRED", max(started, deadline))
    return _Timeline(started, running, "COMPLETED", started + running)


def _rows_done(course: _Timeline | None, rows: int, at: float) -> int:
    if course is None or at <= course.started:
        return 0
    if at >= course.started + course.running:
        return rows
    return int(rows * (at - course.started) / course.running)
