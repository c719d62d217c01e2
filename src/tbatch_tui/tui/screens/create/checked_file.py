"""The file that is about to be submitted: still the one that was checked, and have its bytes run before?"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from tbatch_tui.engine.local_files.file_stamp import read_stamp
from tbatch_tui.tui.screens.create.notes import file_facts, format_earlier_runs

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tbatch_tui.engine.domain.check_report import CheckReport
    from tbatch_tui.engine.domain.cost import Estimate
    from tbatch_tui.engine.domain.record import JobRecord
    from tbatch_tui.engine.endpoint import Endpoint
    from tbatch_tui.engine.engine import BatchEngine
    from tbatch_tui.engine.local_files.fingerprint import Fingerprint
    from tbatch_tui.tui.render.styled import StyledText
    from tbatch_tui.tui.screens.create.stages import Stages


class Identity(NamedTuple):
    """Which bytes are in the file, and what became of them before."""

    fingerprint: Fingerprint
    earlier_runs: list[JobRecord]
    runs_of_all: list[JobRecord]
    """Those of them that were of all the bytes, not of one file among several."""


class Choices(NamedTuple):
    """What a person has chosen on the form."""

    endpoint: Endpoint
    label: str
    first: int
    """How many requests go first; 0 for none."""
    auto_continue: bool
    """Whether the rest follows by itself when those are good enough."""
    stages: Stages


class CheckedFile:
    """The fingerprint of a checked file, and the earlier runs of its bytes by endpoint."""

    LABEL: ClassVar = ("Label", "the name of the job on this machine")
    """The field of what it is called, and what stands there while it is empty."""
    AGAIN: ClassVar = "Submit this file again?"
    """What is asked where the bytes ran before."""

    def __init__(self, engine: BatchEngine, report: CheckReport) -> None:
        self.report = report
        self.reports: Sequence[CheckReport] = [report]
        """Those of all files that are submitted."""
        self.fingerprint: Fingerprint | None = None
        """None until the file was read once."""
        self.earlier_runs: dict[Endpoint, list[JobRecord]] = {}
        """Submissions of these bytes, for the endpoints that were asked about."""
        self.changed = report.path.name
        """What has changed when `identify` returns None."""
        self._engine = engine
        self._reading = asyncio.Lock()

    @property
    def title(self) -> str:
        """What stands in the header."""
        return self.report.path.name

    @property
    def goes_in_parts(self) -> bool:
        """Whether it goes as several jobs."""
        return self.report.can_be_split

    def facts(self, output_dir: Path) -> list[tuple[str, StyledText]]:
        """Return what is known of the file, and where its results will be."""
        return file_facts(self.report, output_dir)

    def format_runs(self, runs: Sequence[JobRecord], now: float) -> StyledText:
        """Return that these bytes ran before; nothing without runs."""
        return format_earlier_runs(runs, now)

    async def estimate(self) -> Estimate:
        """Return what it may cost. Raises BatchError."""
        return await self._engine.estimates.of_file(self.report.path)

    async def identify(self, endpoint: Endpoint) -> Identity | None:
        """Fingerprint the file and look up earlier runs of its bytes; None if it changed since it was checked.

        The file is read once, however often this is called.

        Raises:
            BatchError: The file or the history cannot be read.
        """
        report = self.report
        async with self._reading:
            if self.fingerprint is None:
                self.fingerprint = await self._engine.fingerprint(report.path)
        stamp = await asyncio.to_thread(read_stamp, report.path)
        now = (stamp.size, stamp.mtime_ns) if stamp is not None else None
        if not (self.fingerprint.size, self.fingerprint.mtime_ns) == now == (report.size, report.mtime_ns):
            self.fingerprint = None
            return None
        earlier_runs = await self._engine.earlier_runs(self.fingerprint.sha256, endpoint)
        self.earlier_runs[endpoint] = earlier_runs
        return Identity(self.fingerprint, earlier_runs, earlier_runs)

    async def commit(
        self,
        choices: Choices,
        fingerprint: Fingerprint,
        estimate: Estimate | None,
        known_runs: Sequence[JobRecord],
        over_budget: bool,
    ) -> str:
        """Submit as one job, or as several, and return the key of the first. Raises BatchError."""
        report = self.report
        if not choices.first and not self.goes_in_parts:
            return await self._engine.submit_checked(
                report.path,
                choices.endpoint,
                requests=report.requests,
                label=choices.label,
                fingerprint=fingerprint,
                estimate=estimate,
                known_runs=known_runs,
                over_budget=over_budget,
            )
        return await self._engine.groups.submit(
            report.path,
            choices.endpoint,
            requests=report.requests,
            label=choices.label,
            fingerprint=fingerprint,
            first=choices.first,
            auto_continue=choices.auto_continue,
            stages=choices.stages.parts,
            gates=choices.stages.gates,
            known_runs=known_runs,
            over_budget=over_budget,
        )
