"""Warnings of jobs that a create may have made whose answer was lost, after it was sent again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tbatch_tui.engine.events import Event, Notice
from tbatch_tui.engine.next_step import NextStep

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tbatch_tui.engine.domain.job import Job
    from tbatch_tui.engine.domain.record import JobRecord


class StrayWarnings:
    """Tells once of each job that nobody knows and that may be ours."""

    def __init__(self, emit: Callable[[Event], object]) -> None:
        self._emit = emit
        self._told: set[str] = set()

    def look(self, records: Iterable[JobRecord], might_be_stray: Callable[[Job], bool]) -> None:
        """Warn of those records that no submission has become and that may be what a lost create made after all."""
        for record in records:
            job = record.job
            if record.submission is not None or job is None or job.id in self._told:
                continue
            if might_be_stray(job):
                self._told.add(job.id)
                self._emit(
                    Notice(
                        f"Job {job.id[:8]} has shown up late, of a file that was submitted here",
                        "If you didn't create it somewhere else, it is from a submission whose answer was lost, and "
                        f"would be billed in addition: {NextStep.CANCEL} cancels it.",
                        "warning",
                        job.id,
                    )
                )
