"""A job, its retries and theirs as one: whether they are shown merged, and what is said of the family."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import work

from tbatch_tui.engine.results import MergedIndex, MergedMember, ResultIndex, Sources
from tbatch_tui.tui.screens.results.base import BaseResults

if TYPE_CHECKING:
    from tbatch_tui.engine.domain.record import FamilyMember, JobRecord
    from tbatch_tui.engine.domain.submission import JobGroup
    from tbatch_tui.engine.events import RecordsChanged


class ResultsFamily(BaseResults):
    """`merged` says whether each request is shown with its last good answer over the family."""

    kin: tuple[FamilyMember, ...] = ()
    merged = False

    @property
    def with_results(self) -> list[JobRecord]:
        """The jobs of the family whose files are here, the original first; none without the original's."""
        here = [kin.record for kin in self.kin if any(transfer.path for transfer in kin.record.transfers)]
        return here if here and (self.group is not None or here[0].key == self.kin[0].record.key) else []

    @property
    def group(self) -> JobGroup | None:
        """The file that the family began with, where that was submitted as several jobs."""
        return next((kin.record.group for kin in self.kin if kin.record.group is not None), None)

    @property
    def parent_of_retry(self) -> str:
        """The key of what a retry written now is a retry of: of what is merged, the whole file, or the newest job."""
        if self.merged and self.group is not None:
            return self.group.key
        return self.with_results[-1].key if self.merged else self.key

    def new_index(self) -> ResultIndex:
        """The index to be read: over this job's files, or over the family's."""
        if self.merged:
            return MergedIndex([*self._whole_file(), *map(self._member, self.with_results)])
        job = self.job
        return self.engine.results(job) if job is not None else ResultIndex(Sources())

    def _member(self, job: JobRecord) -> MergedMember:
        return MergedMember(job.key, _name(job), self.engine.results(job), is_part=job.group is not None)

    def _whole_file(self) -> list[MergedMember]:
        """What was asked in all, where the parts were asked some of it each."""
        group = self.group
        if group is None:
            return []
        return [MergedMember("", group.path.name, ResultIndex(Sources(input=group.path, input_sha256=group.sha256)))]

    def family_text(self) -> str:
        """`merged from 3 jobs`; of one that is shown by itself, which of how many it is."""
        if len(self.kin) < 2:
            return ""
        if self.merged:
            here, all_ = len(self.with_results), len(self.kin)
            return f"merged from {here} jobs" if here == all_ else f"merged from {here} of {all_} jobs"
        if self.job is not None and self.job.group is not None:
            return ""  # its name says which part it is
        own = next((number for number, kin in enumerate(self.kin, start=1) if kin.record.key == self.key), None)
        if own is None:
            return ""
        return f"job {own} of {len(self.kin)}" if own == 1 else f"job {own} of {len(self.kin)}, a retry"

    @work(group="family", exclusive=True, exit_on_error=False)
    async def find_family(self) -> None:
        """Look up what this job is a retry of, and what was retried of it."""
        self.kin = tuple(await self.engine.family(self.key))
        self.refresh_bindings()
        self.family_found()

    def family_found(self) -> None:
        """The family is another one than before, or has come further."""
        raise NotImplementedError

    def concerns_family(self, event: RecordsChanged) -> bool:
        """Whether a job of the family has changed, or come to it."""
        keys = {self.key, *(kin.record.key for kin in self.kin)}
        submitted = (record.submission for record in event.changed)
        return any(record.key in keys for record in event.changed) or any(
            submission is not None and submission.parent in keys for submission in submitted
        )


def _name(job: JobRecord) -> str:
    return f"{job.name} ({job.key[:8]})"
