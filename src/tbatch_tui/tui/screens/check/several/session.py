"""The check of several files, off the event loop: one after the other, then all of them together."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tbatch_tui.engine.check import RULES, apply_catalogue, check_file
from tbatch_tui.engine.check.together import Together, check_together
from tbatch_tui.engine.check.totals import with_problems
from tbatch_tui.engine.errors import LocalFileError, OperationCancelledError
from tbatch_tui.engine.local_files.file_stamp import read_stamp
from tbatch_tui.engine.threads import run_reading, yield_to_loop

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from tbatch_tui.engine.domain.catalogue import ModelInfo
    from tbatch_tui.engine.domain.check_report import CheckReport, Problem
    from tbatch_tui.engine.endpoint import Endpoint

_KEPT = 500
"""Problems of each file that are kept."""
_Stamp = tuple[int, int] | None
"""Size and time of a file; None if there is none."""


@dataclass(frozen=True, slots=True)
class FileCheck:
    """What is known of one of the files."""

    path: Path
    report: CheckReport | None = None
    error: LocalFileError | None = None
    """Why there is no report."""
    shared: tuple[Problem, ...] = ()
    """What is wrong with it only beside the others."""
    shared_count: int = 0
    """How many lines that are, those beyond `shared` too."""
    other_endpoint: str = ""
    """That it is for another endpoint than the others; empty if it is not."""
    stamp: _Stamp = None
    """What the file was when it was checked."""

    @property
    def is_checked(self) -> bool:
        """Whether it was read."""
        return self.report is not None or self.error is not None

    @property
    def errors(self) -> int:
        """How many errors it has."""
        own = self.report.errors if self.report is not None else 1 if self.error is not None else 0
        return own + self.shared_count + bool(self.other_endpoint)

    @property
    def warnings(self) -> int:
        """How many warnings it has."""
        return self.report.warnings if self.report is not None else 0


class FilesSession:
    """What is known of several files so far. Written on the loop; files are read in threads."""

    def __init__(self, paths: Sequence[Path], changed: Callable[[], None], store: str = "") -> None:
        """Create a session; nothing is read before `check`.

        Args:
            paths: The files, in the order in which they are sent.
            changed: Called when something else is known.
            store: `s3://bucket/prefix`, where their recordings may be; empty for none.
        """
        self._files = {path: FileCheck(path) for path in paths}
        self.activity = ""
        """What is being done, for the person to read; empty when nothing is."""
        self.is_compared = False
        """Whether all files were compared with each other as they are now."""
        self.error: LocalFileError | None = None
        """Why they could not be compared."""
        self._changed = changed
        self._store = store
        self._catalogue: Mapping[str, ModelInfo] | None = None
        self._is_looking = False
        self._stop = threading.Event()
        self._done = self._total = self._of_file = 0
        self._began = 0.0

    @property
    def files(self) -> list[FileCheck]:
        """The files, in the order in which they are sent."""
        return list(self._files.values())

    # -- reading -------------------------------------------------------------------------------------

    async def check(self) -> None:
        """Read the files that were not checked, one after the other, and compare all of them; may be stopped."""
        self._stop.set()
        self._stop = stop = threading.Event()
        self.is_compared, self.error = False, None
        self.activity, self._total = "Reading", 0
        waiting = [file.path for file in self.files if not file.is_checked]
        try:
            sizes = await asyncio.to_thread(_sizes, waiting)
            self._done, self._total, self._of_file, self._began = 0, sum(sizes), 0, time.monotonic()
            for number, (path, size) in enumerate(zip(waiting, sizes, strict=True), start=1):
                self.activity = f"File {number:,} of {len(waiting):,}" if len(waiting) > 1 else "Reading"
                self._changed()
                self._keep(await self._check_file(path, stop))
                self._done, self._of_file = self._done + size, 0
            await self._compare(stop)
        except OperationCancelledError:
            return
        finally:
            stop.set()
            if stop is self._stop:
                self.activity = ""
                self._changed()

    async def _check_file(self, path: Path, stop: threading.Event) -> FileCheck:
        try:
            report = await run_reading(self._read, path, stop=_Linked(stop))
        except LocalFileError as error:
            return FileCheck(path, error=error, stamp=await asyncio.to_thread(_stamp, path))
        except OperationCancelledError:
            raise
        except Exception as error:  # noqa: BLE001 - a bug in the check: the other files can be checked
            bug = LocalFileError(f"The check failed: {type(error).__name__}: {error}", "Nothing was sent.")
            return FileCheck(path, error=bug, stamp=await asyncio.to_thread(_stamp, path))
        return FileCheck(path, report, stamp=(report.size, report.mtime_ns))

    def _keep(self, checked: FileCheck) -> None:
        """Keep what was found, unless the file was left out or replaced meanwhile."""
        if checked.path in self._files:
            self._files[checked.path] = checked

    def _read(self, path: Path, *, cancelled: Callable[[], bool]) -> CheckReport:
        report = check_file(
            path,
            catalogue=self._catalogue,
            progress=self._report_progress,
            cancelled=cancelled,
            store=self._store,
            keep_ids=True,
        )
        return report._replace(problems=_fewer(report.problems))

    def _report_progress(self, done: int, _total: int) -> None:
        """Note how far the reading of one file is; called in its thread."""
        self._of_file = done
        yield_to_loop()

    async def _compare(self, stop: threading.Event) -> None:
        """Find what is wrong only in the files together."""
        self.activity = "Comparing the files"
        self._changed()
        compared = [file for file in self.files if file.report is not None]
        together: Together | None = None
        try:
            together = await run_reading(check_together, self.reports, stop=_Linked(stop))
        except LocalFileError as error:
            self.error = error
        problems = together.problems if together is not None else [()] * len(compared)
        counts = together.counts if together is not None else [0] * len(compared)
        shared = {file.path: (its, count) for file, its, count in zip(compared, problems, counts, strict=True)}
        endpoints = _other_endpoints(compared)
        for file in self.files:
            if file.report is not None and file.path in shared:
                its, count = shared[file.path]
                other = endpoints.get(file.path, "")
                self._keep(replace(file, shared=its, shared_count=count, other_endpoint=other))
        self.is_compared = self.error is None and all(file.is_checked for file in self.files)

    async def apply_catalogue(self, catalogue: Mapping[str, ModelInfo]) -> None:
        """Check the models against the catalogue, without reading the files again."""
        if catalogue is self._catalogue or not catalogue:
            return
        self._catalogue = catalogue
        for file in self.files:
            if file.report is not None:
                refined = await asyncio.to_thread(apply_catalogue, file.report, catalogue)
                current = self._files.get(file.path)
                if current is not None and current.report is file.report:
                    self._keep(replace(current, report=refined))
        self._changed()

    @property
    def has_catalogue(self) -> bool:
        """Whether the models were checked against a catalogue."""
        return self._catalogue is not None

    def stop(self) -> None:
        """Let the threads end."""
        self._stop.set()

    @property
    def progress(self) -> tuple[int, int, float]:
        """Bytes done, bytes in all, bytes a second."""
        done = min(self._total, self._done + self._of_file)
        return done, self._total, done / max(0.05, time.monotonic() - self._began)

    # -- which files -----------------------------------------------------------------------------------

    @property
    def reports(self) -> list[CheckReport]:
        """The reports of the files that could be read."""
        return [file.report for file in self.files if file.report is not None]

    @property
    def errors(self) -> int:
        """How many of the files have errors."""
        return sum(file.errors > 0 for file in self.files)

    @property
    def can_be_submitted(self) -> bool:
        """Whether all of them were checked, and none has an error."""
        return self.is_compared and not self.activity and bool(self.files) and not self.errors

    def replace(self, path: Path, copy: Path) -> None:
        """Take a copy in the place of a file: it was fixed or edited. It is checked next."""
        files = (FileCheck(copy) if file.path == path else file for file in self.files)
        self._files = {file.path: file for file in files}  # it may be among them already
        self.is_compared = False

    def leave_out(self, path: Path) -> None:
        """Do without a file."""
        self._files.pop(path, None)
        self.is_compared = False

    def forget(self, paths: Iterable[Path] | None = None) -> None:
        """Let `check` read these files again; all of them without `paths`."""
        for path in paths if paths is not None else list(self._files):
            self._keep(FileCheck(path))
        self.is_compared = False

    async def changed_files(self) -> list[Path]:
        """Return those that are not what was checked: they have changed, are gone, or are there again."""
        if self._is_looking:  # a network disk may stall: at most one thread waits for it
            return []
        checked = [file for file in self.files if file.is_checked]
        self._is_looking = True
        try:
            now = await asyncio.to_thread(lambda: [_stamp(file.path) for file in checked])
        finally:
            self._is_looking = False
        return [file.path for file, stamp in zip(checked, now, strict=True) if stamp != file.stamp]

    def add_shared(self, report: CheckReport) -> CheckReport:
        """Return the report of one of the files with what is wrong beside the others, if it is still that file."""
        file = self._files.get(report.path)
        if file is None or not file.shared or file.stamp != (report.size, report.mtime_ns):
            return report
        counts = Counter(report.counts) + Counter({file.shared[0].rule: file.shared_count})
        return with_problems(report, [*report.problems, *file.shared], counts)

    def shared_ids(self, path: Path) -> frozenset[str]:
        """Return the ids of one of the files that another has as well, in front of it."""
        file = self._files.get(path)
        shared = file.shared if file is not None else ()
        return frozenset(problem.custom_id for problem in shared if problem.custom_id)


class _Linked(threading.Event):
    """An event that is set when another is, or by itself: each reading ends its own."""

    def __init__(self, other: threading.Event) -> None:
        super().__init__()
        self._other = other

    def is_set(self) -> bool:
        """Whether one of the two is set."""
        return super().is_set() or self._other.is_set()


def _fewer(problems: tuple[Problem, ...]) -> tuple[Problem, ...]:
    """Return the first problems of a file, and those of the file as a whole: of hundreds of files all are too many."""
    rest = (problem for problem in problems[_KEPT:] if RULES[problem.rule].once_per_file)
    return (*problems[:_KEPT], *rest)


def _stamp(path: Path) -> _Stamp:
    stamp = read_stamp(path)
    return (stamp.size, stamp.mtime_ns) if stamp is not None else None


def _sizes(paths: Sequence[Path]) -> list[int]:
    return [stamp[0] if (stamp := _stamp(path)) is not None else 0 for path in paths]


def _other_endpoints(files: Sequence[FileCheck]) -> dict[Path, str]:
    """Return what to say of each file that is for another endpoint than most are, by its path."""
    found: dict[Path, Endpoint] = {
        file.path: file.report.endpoint
        for file in files
        if file.report is not None and file.report.endpoint is not None
    }
    if len(set(found.values())) < 2:
        return {}
    [(most, _)] = Counter(found.values()).most_common(1)
    return {
        path: f"It is for {endpoint.words.lower()}, others for {most.words.lower()}: a group has one endpoint"
        for path, endpoint in found.items()
        if endpoint is not most
    }
