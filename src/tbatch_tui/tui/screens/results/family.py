"""A job and its retries: which jobs belong together, and the index of one of them or of all merged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tbatch_tui.engine.results import MergedIndex, ResultIndex, Sources
from tbatch_tui.engine.results.index.family import family_with_results, group_of_family, merged_index

if TYPE_CHECKING:
    from tbatch_tui.engine.domain.cost import Estimate
    from tbatch_tui.engine.domain.record import FamilyMember, JobRecord
    from tbatch_tui.engine.domain.submission import JobGroup
    from tbatch_tui.engine.engine import BatchEngine
    from tbatch_tui.engine.events import RecordsChanged


def name_of_shown(record: JobRecord | None, *, is_merged: bool) -> str:
    """Return the name of the job; merged with the other parts of its file, that of the file. Empty without a job."""
    if record is None:
        return ""
    return record.name_of_file if is_merged and record.group is not None else record.name


class Family:
    """The jobs that asked the requests of one input file: the original, its parts, and their retries."""

    def __init__(self, engine: BatchEngine, key: str) -> None:
        """`key` is the key of the record whose results are shown."""
        self.key = key
        self.members: tuple[FamilyMember, ...] = ()
        self.is_merged = False
        """Whether each request is shown with its last good answer over all jobs."""
        self._engine = engine

    async def load(self) -> None:
        """Look up which jobs this one is a retry of, and which are retries of it."""
        self.members = tuple(await self._engine.family(self.key))

    @property
    def record(self) -> JobRecord | None:
        """The record whose results are shown; None when it has left the history."""
        return self._engine.record(self.key)

    @property
    def estimate(self) -> Estimate | None:
        """What the job was estimated to cost; None for merged jobs."""
        record = None if self.is_merged else self.record
        return record.submission.estimate if record is not None and record.submission is not None else None

    @property
    def records_with_results(self) -> list[JobRecord]:
        """The records with files on this machine, the original first; none without the original's files."""
        return family_with_results(self.members)

    @property
    def group(self) -> JobGroup | None:
        """The input file, where it was submitted as several jobs."""
        return group_of_family(self.members)

    @property
    def retry_parent(self) -> str:
        """The key that a new retry is recorded under.

        A retry of merged results belongs to the whole file if that was split, else to the newest job.
        """
        if self.is_merged and self.group is not None:
            return self.group.key
        return self.records_with_results[-1].key if self.is_merged else self.key

    def new_index(self) -> ResultIndex:
        """Return an index, not built yet, over this job's files, or over all jobs' if merged."""
        if self.is_merged:
            merged = merged_index(self.members, self._engine.results)
            return merged if merged is not None else ResultIndex(Sources())
        record = self.record
        return self._engine.results(record) if record is not None else ResultIndex(Sources())

    @property
    def name(self) -> str:
        """The name of what is shown: of all parts of a file, that of the file."""
        return name_of_shown(self.record, is_merged=self.is_merged)

    def text(self) -> str:
        """Return `merged from 3 jobs`, or which of how many jobs is shown."""
        count = len(self.members)
        if count < 2:
            return ""
        if self.is_merged:
            merged = len(self.records_with_results)
            return f"merged from {merged} jobs" if merged == count else f"merged from {merged} of {count} jobs"
        record = self.record
        if record is not None and record.group is not None:
            return ""  # its name says which part it is
        number = next((n for n, member in enumerate(self.members, start=1) if member.record.key == self.key), None)
        if number is None:
            return ""
        return f"job {number} of {count}" if number == 1 else f"job {number} of {count}, a retry"

    def is_shown(self, key: str) -> bool:
        """Whether the results of this record are shown: its own, or with others merged."""
        return key == self.key or (self.is_merged and key in {record.key for record in self.records_with_results})

    def is_outdated(self, index: ResultIndex) -> bool:
        """Whether a merged index lacks results that have come since."""
        if not self.is_merged or not isinstance(index, MergedIndex):
            return False
        merged = {member.job_id for member in index.members if member.job_id}  # the whole file has none
        return merged != {record.key for record in self.records_with_results}

    def is_changed_by(self, event: RecordsChanged) -> bool:
        """Whether a job of the family has changed, or a new retry belongs to it."""
        keys = {self.key, *(member.record.key for member in self.members)}
        return any(
            record.key in keys or (record.submission is not None and record.submission.parent in keys)
            for record in event.changed
        )
