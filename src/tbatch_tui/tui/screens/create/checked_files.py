"""Several files that are about to be submitted as one group: still those that were checked, and did any run before?"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ClassVar

from tbatch_tui.engine.check.together import sum_reports
from tbatch_tui.engine.groups.joined_input import hash_joined
from tbatch_tui.engine.local_files.file_stamp import read_stamp
from tbatch_tui.engine.local_files.fingerprint import Fingerprint, fingerprint_file
from tbatch_tui.engine.threads import run_reading
from tbatch_tui.text import format as fmt
from tbatch_tui.tui.screens.create.checked_file import CheckedFile, Identity
from tbatch_tui.tui.screens.create.notes import format_runs_of_files, group_facts

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tbatch_tui.engine.domain.check_report import CheckReport
    from tbatch_tui.engine.domain.cost import Estimate
    from tbatch_tui.engine.domain.record import JobRecord
    from tbatch_tui.engine.endpoint import Endpoint
    from tbatch_tui.engine.engine import BatchEngine
    from tbatch_tui.engine.groups.joined_input import JoinedHashes
    from tbatch_tui.tui.render.styled import StyledText
    from tbatch_tui.tui.screens.create.checked_file import Choices


class CheckedFiles(CheckedFile):
    """The same of several files, in the order in which they are sent."""

    LABEL: ClassVar = ("Group", "what the jobs are called together")
    AGAIN: ClassVar = "Submit these files again?"

    def __init__(self, engine: BatchEngine, reports: Sequence[CheckReport], name: str) -> None:
        """`name` is what the group is called if the person names it no other way."""
        super().__init__(engine, sum_reports(reports, reports[0].path.with_name(f"{name}.jsonl")))
        self.reports = reports
        self._name = name
        self._hashes: JoinedHashes | None = None
        self._ran: dict[str, int] = {}
        """By the key of an earlier run, which of the files it was of."""

    @property
    def title(self) -> str:
        """How many files there are."""
        return fmt.plural(len(self.reports), "file")

    @property
    def goes_in_parts(self) -> bool:
        """Each file is a part, or several."""
        return True

    def facts(self, output_dir: Path) -> list[tuple[str, StyledText]]:
        """Return what is known of the files, and where their results will be."""
        return group_facts(self.report, self.reports, output_dir)

    def format_runs(self, runs: Sequence[JobRecord], now: float) -> StyledText:
        """Return which of the files ran before, as which job."""
        of_all = [run for run in runs if run.key not in self._ran]
        files = {index: run for run in reversed(runs) if (index := self._ran.get(run.key)) is not None}
        named = [(self.reports[index].path.name, files[index]) for index in sorted(files)]
        return format_runs_of_files(of_all, named, len(self.reports), now)

    async def estimate(self) -> Estimate:
        """Return what all of them may cost. Raises BatchError."""
        return await self._engine.estimates.of_files([report.path for report in self.reports], "")

    async def identify(self, endpoint: Endpoint) -> Identity | None:
        """Hash the files and look up earlier runs of each, and of all; None if one changed since it was checked."""
        if await self._has_changed():
            return None
        async with self._reading:
            if (hashes := self._hashes) is None:
                paths = [report.path for report in self.reports]
                hashes = self._hashes = await run_reading(hash_joined, paths)
        if await self._has_changed():
            return None
        self.fingerprint = Fingerprint(hashes.size, hashes.sha256, self.report.mtime_ns)
        runs_of_all = await self._engine.earlier_runs(hashes.sha256, endpoint)
        runs = {run.key: run for run in runs_of_all}
        for index, sha256 in enumerate(hashes.files):
            for run in await self._engine.earlier_runs(sha256, endpoint):
                if run.key not in runs:
                    self._ran[run.key] = index
                    runs[run.key] = run
        self.earlier_runs[endpoint] = list(runs.values())
        return Identity(self.fingerprint, self.earlier_runs[endpoint], runs_of_all)

    async def _has_changed(self) -> bool:
        """Whether one of the files is not as it was checked; `changed` names it."""
        changed = await asyncio.to_thread(_first_changed, self.reports)
        if changed is not None:
            self.changed, self._hashes = changed.name, None
        return changed is not None

    async def commit(
        self,
        choices: Choices,
        fingerprint: Fingerprint,  # noqa: ARG002 - that of what is written
        estimate: Estimate | None,  # noqa: ARG002 - each part has its own
        known_runs: Sequence[JobRecord],
        over_budget: bool,
    ) -> str:
        """Submit all files as one group, and return the key of its first part. Raises BatchError."""
        name = choices.label or self._name
        async with self._engine.groups.joined(self.reports, name) as joined:
            return await self._engine.groups.submit(
                joined.path,
                choices.endpoint,
                requests=self.report.requests,
                fingerprint=await fingerprint_file(joined.path),
                first=choices.first,
                auto_continue=choices.auto_continue,
                name=name,
                stages=choices.stages.parts,
                gates=choices.stages.gates,
                known_runs=known_runs,
                over_budget=over_budget,
                files=joined.files,
            )


def _first_changed(reports: Sequence[CheckReport]) -> Path | None:
    """Return the first file that is not as it was checked. Reads the disk."""
    for report in reports:
        stamp = read_stamp(report.path)
        if stamp is None or (stamp.size, stamp.mtime_ns) != (report.size, report.mtime_ns):
            return report.path
    return None
