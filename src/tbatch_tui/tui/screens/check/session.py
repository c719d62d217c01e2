"""One file's check, off the event loop: the reading, the rows of problems, and whether the file is still the same."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from tbatch_tui.engine.check import RULES, apply_catalogue, check_file
from tbatch_tui.engine.check.rules import FIXABLE_IN_SOME_FORMS
from tbatch_tui.engine.domain.check_report import CheckReport, Severity
from tbatch_tui.engine.errors import LocalFileError, OperationCancelledError
from tbatch_tui.engine.local_files.file_stamp import read_stamp
from tbatch_tui.engine.threads import run_reading
from tbatch_tui.tui.background import BackgroundWork
from tbatch_tui.tui.screens.check.problem_rows import ProblemRows

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from tbatch_tui.engine.check.links import LinkUse
    from tbatch_tui.engine.domain.catalogue import ModelInfo
    from tbatch_tui.engine.domain.link import LinkLook

_MANY = 5_000
"""Problems from which a search waits for a pause in the typing."""
_TYPING_PAUSE = 0.1
"""Seconds without a letter that are a pause in the typing."""
_LOOKING = "Checking the links"


class CheckSession:
    """What is known of a file so far. Threads write it, the screen reads it when it likes."""

    def __init__(
        self,
        path: Path,
        activity_changed: Callable[[], None],
        store: str = "",
        add: Callable[[CheckReport], CheckReport] = lambda report: report,
    ) -> None:
        """Create a session; nothing is read before `check`.

        Args:
            path: The file.
            activity_changed: Called on the loop when a reading of the file begins and when it has ended.
            store: `s3://bucket/prefix`, where its recordings may be; empty for none.
            add: Adds to each report what is known of the file from elsewhere; called in a thread.
        """
        self.path = path
        self._add = add
        self._activity_changed = activity_changed
        self._store = store
        self.report: CheckReport | None = None
        self.rows = ProblemRows((), ())
        """The problems that contain `query`, as rows."""
        self.query = ""
        self.can_fix = False
        """Whether a fixed copy would differ from the file: a line can be fixed, or left out."""
        self._work = BackgroundWork()
        self._catalogue: Mapping[str, ModelInfo] | None = None
        self._checked: tuple[int, int] | None = None
        """Size and time of the file as it was checked; None if it did not exist."""
        self._last_seen: tuple[int, int] | None = None
        self._is_reading_stamp = False

    # -- reading -------------------------------------------------------------------------------------

    async def check(self) -> bool:
        """Read the whole file and report on it; False if that was stopped.

        Raises:
            LocalFileError: The file cannot be read; there is no report then.
        """
        stop = self.begin("Reading every line again" if self.report is not None else "Reading every line")
        try:
            report = await asyncio.to_thread(self._add, await run_reading(self._read, stop=stop))
            rows = await self._rows_of(report)
        except OperationCancelledError:
            return False
        except LocalFileError:
            self.report, self.can_fix = None, False
            self._checked = await self._size_and_time()
            raise
        finally:
            self.end(stop)
        rows.copy_open_state(self.rows)
        self.report, self.rows, self.can_fix = report, rows, _can_fix(report)
        self._checked = self._last_seen = (report.size, report.mtime_ns)
        return True

    def _read(self, *, cancelled: Callable[[], bool]) -> CheckReport:
        return check_file(
            self.path,
            catalogue=self._catalogue,
            progress=self.report_progress,
            cancelled=cancelled,
            store=self._store,
        )

    async def _rows_of(self, report: CheckReport) -> ProblemRows:
        """Return the problems that contain `query`, as it is when this ends: the person may type meanwhile."""
        while True:
            query = self.query
            rows = await asyncio.to_thread(ProblemRows.of, report, query)
            if query == self.query:
                return rows

    async def apply_catalogue(self, catalogue: Mapping[str, ModelInfo]) -> bool:
        """Check the models against the catalogue, without reading the file again; False if that changes nothing."""
        if catalogue is self._catalogue or not catalogue:
            return False
        self._catalogue = catalogue
        if (report := self.report) is None:
            return False
        refined = await asyncio.to_thread(apply_catalogue, report, catalogue)
        rows = await self._rows_of(refined)
        if report is not self.report or refined.problems == report.problems:
            return False
        rows.copy_open_state(self.rows)
        self.report, self.rows = refined, rows
        return True

    async def look_at_links(self) -> dict[str, int] | None:
        """Look at what the links lead to, and add what is wrong to the report; None if that was stopped.

        Returns how many were `looked` at, and how many of them are `fine`. Raises LocalFileError.
        """
        from tbatch_tui.engine.check.links import add_looks, sum_up

        stop = self.begin(_LOOKING)
        try:
            links, looks = await run_reading(_look_at_links, self.path, progress=self.report_progress, stop=stop)
            while (report := self.report) is not None:
                refined = await asyncio.to_thread(add_looks, report, links, looks)
                rows = await self._rows_of(refined)
                if report is self.report:  # else the catalogue has arrived meanwhile
                    break
        except OperationCancelledError:
            return None
        finally:
            self.end(stop)
        if report is None:
            return None
        rows.copy_open_state(self.rows)
        self.report, self.rows = refined, rows
        return sum_up(links, looks)

    @property
    def is_looking_at_links(self) -> bool:
        """Whether the links are being looked at now."""
        return self.activity == _LOOKING

    async def search(self, query: str) -> None:
        """Leave only the problems that contain these words."""
        self.query = query
        if (report := self.report) is None:
            return
        if len(report.problems) > _MANY:
            await asyncio.sleep(_TYPING_PAUSE)
        rows = await self._rows_of(report)
        if report is self.report:
            self.rows = rows

    @property
    def has_catalogue(self) -> bool:
        """Whether the models were checked against a catalogue."""
        return self._catalogue is not None

    # -- progress ------------------------------------------------------------------------------------

    def begin(self, label: str) -> threading.Event:
        """Begin something that reads the whole file, stop what went on before, and return the event that stops this."""
        stop = self._work.begin(label)
        self._activity_changed()
        return stop

    def end(self, stop: threading.Event) -> None:
        """End what `begin` began, unless something else has begun since."""
        if self._work.end(stop):
            self._activity_changed()

    def stop(self) -> None:
        """Let the thread end."""
        self._work.stop()

    def report_progress(self, done: int, total: int) -> None:
        """Note how far the reading is; called in its thread."""
        self._work.report_progress(done, total)

    @property
    def activity(self) -> str:
        """What a thread is doing with the file, for the person to read; empty when it does nothing."""
        return self._work.label

    @property
    def progress(self) -> tuple[int, int, float]:
        """Bytes done, bytes in all (0 where that is not known yet), bytes a second; of links their number."""
        return self._work.progress

    # -- the file on disk ----------------------------------------------------------------------------

    async def _size_and_time(self) -> tuple[int, int] | None:
        stamp = await asyncio.to_thread(read_stamp, self.path)
        return (stamp.size, stamp.mtime_ns) if stamp is not None else None

    async def has_changed(self, *, at_once: bool = False) -> bool:
        """Return whether the file is not the one that was checked: it has changed, is gone, or is there again.

        Args:
            at_once: Count any change. Else a file that is being written counts only once it was the same in two looks.
        """
        if self.activity or self._is_reading_stamp:  # a network disk may stall: at most one thread waits for it
            return False
        self._is_reading_stamp = True
        try:
            now = await self._size_and_time()
        finally:
            self._is_reading_stamp = False
        last, self._last_seen = self._last_seen, now
        return now != self._checked and (at_once or now == last) and not self.activity


def _look_at_links(
    path: Path, *, progress: Callable[[int, int], None], cancelled: Callable[[], bool]
) -> tuple[dict[str, list[LinkUse]], dict[str, LinkLook]]:
    """Find the links of a file and look at each. For a thread."""
    from tbatch_tui.engine.check.links import find_links
    from tbatch_tui.engine.client.probe import look_at  # loads httpx

    links = find_links(path, cancelled=cancelled)
    return links, look_at([*links], progress=progress, cancelled=cancelled) if links else {}


def _can_fix(report: CheckReport) -> bool:
    if any(RULES[rule].is_fixable or rule in FIXABLE_IN_SOME_FORMS for rule in report.counts):
        return True
    line_rules = (RULES[rule] for rule in report.counts if not RULES[rule].whole_file)
    return report.requests > 1 and any(rule.severity is Severity.ERROR for rule in line_rules)
