"""The file that is about to be submitted: still the one that was checked, and have its bytes run before?"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NamedTuple

from tbatch_tui.engine.local_files.file_stamp import read_stamp

if TYPE_CHECKING:
    from tbatch_tui.engine.domain.check_report import CheckReport
    from tbatch_tui.engine.domain.record import JobRecord
    from tbatch_tui.engine.endpoint import Endpoint
    from tbatch_tui.engine.engine import BatchEngine
    from tbatch_tui.engine.local_files.fingerprint import Fingerprint


class Identity(NamedTuple):
    """Which bytes are in the file, and what became of them before."""

    fingerprint: Fingerprint
    earlier_runs: list[JobRecord]


class CheckedFile:
    """The fingerprint of a checked file, and the earlier runs of its bytes by endpoint."""

    def __init__(self, engine: BatchEngine, report: CheckReport) -> None:
        self.report = report
        self.fingerprint: Fingerprint | None = None
        """None until the file was read once."""
        self.earlier_runs: dict[Endpoint, list[JobRecord]] = {}
        """Submissions of these bytes, for the endpoints that were asked about."""
        self._engine = engine
        self._reading = asyncio.Lock()

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
        return Identity(self.fingerprint, earlier_runs)
