"""Checks one file off the loop: the reading, the rows of what is wrong, and whether the file is still the same."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from tbatch_tui.engine.check import RULES, apply_catalogue, check_file
from tbatch_tui.engine.domain.check_report import CheckReport, Severity
from tbatch_tui.engine.errors import LocalFileError, OperationCancelledError
from tbatch_tui.engine.local_files.file_stamp import read_stamp
from tbatch_tui.engine.threads import run_cancellable
from tbatch_tui.tui.background import BackgroundWork
from tbatch_tui.tui.screens.check.problem_rows import ProblemRows

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from tbatch_tui.engine.domain.catalogue import ModelInfo

_MANY = 5_000
"""Problems that are not looked through for every letter, but when no more come."""
_TYPED_FOR = 0.1


class CheckSession:
    """What is known of a file so far. The threads write here, the screen looks when it likes."""

    def __init__(self, path: Path, busy_changed: Callable[[], None]) -> None:
        """`busy_changed` is called, on the loop, when a reading of the file begins and when it is over."""
        self.path = path
        self._busy_changed = busy_changed
        self.report: CheckReport | None = None
        self.rows = ProblemRows((), ())
        """The problems that hold `words`, as rows."""
        self.words = ""
        self.can_fix = False
        """Whether a mended copy would be another file: something can be mended, or left out."""
        self._work = BackgroundWork()
        self._catalogue: Mapping[str, ModelInfo] | None = None
        self._checked: tuple[int, int] | None = None
        """Size and time of the file as it was checked; None when it was gone."""
        self._last_seen: tuple[int, int] | None = None
        self._looking = False

    # -- reading -------------------------------------------------------------------------------------

    async def check(self) -> bool:
        """Read the file through; False when that was stopped. Raises LocalFileError, and then there is no report."""
        stop = self.begin("Reading every line again" if self.report is not None else "Reading every line")
        try:
            report = await run_cancellable(self._read, stop=stop)
            rows = await self._rows_of(report)
        except OperationCancelledError:
            return False
        except LocalFileError:
            self.report, self.can_fix = None, False
            self._checked = await self._size_and_time()
            raise
        finally:
            self.end(stop)
        rows.open_like(self.rows)
        self.report, self.rows, self.can_fix = report, rows, _can_fix(report)
        self._checked = self._last_seen = (report.size, report.mtime_ns)
        return True

    def _read(self, *, cancelled: Callable[[], bool]) -> CheckReport:
        return check_file(self.path, catalogue=self._catalogue, progress=self.report_progress, cancelled=cancelled)

    async def _rows_of(self, report: CheckReport) -> ProblemRows:
        """The problems that hold `words`, whatever is typed meanwhile."""
        while True:
            words = self.words
            rows = await asyncio.to_thread(ProblemRows.of, report, words)
            if words == self.words:
                return rows

    async def apply_catalogue(self, catalogue: Mapping[str, ModelInfo]) -> bool:
        """Judge the models by the catalogue, without reading the file again; False when that changes nothing."""
        if catalogue is self._catalogue or not catalogue:
            return False
        self._catalogue = catalogue
        if (report := self.report) is None:
            return False
        refined = await asyncio.to_thread(apply_catalogue, report, catalogue)
        rows = await self._rows_of(refined)
        if report is not self.report or refined.problems == report.problems:
            return False
        rows.open_like(self.rows)
        self.report, self.rows = refined, rows
        return True

    async def narrow(self, words: str) -> None:
        """Leave only the problems that hold these words."""
        self.words = words
        if (report := self.report) is None:
            return
        if len(report.problems) > _MANY:
            await asyncio.sleep(_TYPED_FOR)
        rows = await self._rows_of(report)
        if report is self.report:
            self.rows = rows

    @property
    def has_catalogue(self) -> bool:
        """Whether the rules about models were judged by one."""
        return self._catalogue is not None

    # -- how far it is -------------------------------------------------------------------------------

    def begin(self, label: str) -> threading.Event:
        """Something begins that reads the file through: what to set to stop it. What went on before is stopped."""
        stop = self._work.begin(label)
        self._busy_changed()
        return stop

    def end(self, stop: threading.Event) -> None:
        """It is over, or its thread is to end; unless something else has begun, nothing goes on now."""
        if self._work.end(stop):
            self._busy_changed()

    def stop(self) -> None:
        """Let the thread end."""
        self._work.stop()

    def report_progress(self, done: int, total: int) -> None:
        """Take how far the reading is; called in its thread."""
        self._work.report_progress(done, total)

    @property
    def busy(self) -> str:
        """What goes on in a thread, in words; empty when nothing does."""
        return self._work.label

    @property
    def progress(self) -> tuple[int, int, float]:
        """Bytes done, bytes in all (0 where that is not known yet), bytes a second."""
        return self._work.progress

    # -- the file on disk ----------------------------------------------------------------------------

    async def _size_and_time(self) -> tuple[int, int] | None:
        stamp = await asyncio.to_thread(read_stamp, self.path)
        return (stamp.size, stamp.mtime_ns) if stamp is not None else None

    async def has_changed(self, *, at_once: bool = False) -> bool:
        """Whether the file is another than was checked, or gone, or back.

        One that is being written counts when it was left alone between two looks; `at_once` does not wait for that.
        """
        if self.busy or self._looking:  # a disk of the network may take its time: one thread at most waits for it
            return False
        self._looking = True
        try:
            now = await self._size_and_time()
        finally:
            self._looking = False
        last, self._last_seen = self._last_seen, now
        return now != self._checked and (at_once or now == last) and not self.busy


def _can_fix(report: CheckReport) -> bool:
    if any(RULES[rule].is_fixable for rule in report.counts):
        return True
    of_lines = (RULES[rule] for rule in report.counts if not RULES[rule].whole_file)
    return report.requests > 1 and any(rule.severity is Severity.ERROR for rule in of_lines)
