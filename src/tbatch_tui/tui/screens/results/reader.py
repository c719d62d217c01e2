"""Reads the result files of a job off the loop: the index and the search, each in a thread that can be stopped."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tbatch_tui.engine.domain.job import FileKind
from tbatch_tui.engine.errors import OperationCancelledError
from tbatch_tui.engine.results import ResultIndex, Sources, search
from tbatch_tui.engine.threads import run_cancellable
from tbatch_tui.tui.background import BackgroundWork

if TYPE_CHECKING:
    from tbatch_tui.engine.domain.record import JobRecord


class ResultsSession:
    """What is known of the files so far. The threads write here, the screen looks when it likes."""

    def __init__(self) -> None:
        self.index = ResultIndex(Sources())
        self.hits: bytearray | None = None
        """Which rows hold the text that was searched for, a byte a row; filled as the search goes on."""
        self._work = BackgroundWork()

    @property
    def busy(self) -> str:
        """What goes on in a thread, in a word: reading or searching."""
        return self._work.label

    @property
    def fraction(self) -> float | None:
        """How far that is, 0 to 1; None where that is not known yet."""
        return self._work.fraction

    @property
    def has_results(self) -> bool:
        """Whether there is an output or an error file that can be read: without one nothing is known to be missing."""
        return self.index.has_results

    async def read(self, index: ResultIndex) -> bool:
        """Build this index; False when another reading took its place. Raises BatchError where that cannot be."""
        self.stop()
        self.index = index
        if not self.has_results:
            return True
        stop = self._work.begin("reading")
        try:
            await run_cancellable(index.build, stop=stop, progress=self._work.report_progress)
        except OperationCancelledError:
            return False
        finally:
            self._work.end(stop)
        return True

    async def search(self, text: str) -> bool:
        """Find the rows that hold the text; False when there is no index yet, or the search was stopped.

        Raises LocalFileError.
        """
        self.stop_search()
        index = self.index
        if not index.is_built:
            return False
        stop = self._work.begin("searching")
        self.hits = hits = bytearray(len(index))
        try:
            await run_cancellable(search, index, text, stop=stop, hits=hits, progress=self._work.report_progress)
        except OperationCancelledError:
            return False
        finally:
            self._work.end(stop)
        return True

    def stop_search(self) -> None:
        """Show all rows again."""
        if self.hits is not None:
            self.hits = None
            self._work.stop()

    def stop(self) -> None:
        """Let the thread end."""
        self.hits = None
        self._work.stop()


def lacking(job: JobRecord | None) -> list[FileKind]:
    """Result files that the server has and that are not here."""
    if job is None or job.job is None:
        return []
    here = {FileKind.OUTPUT: job.output, FileKind.ERRORS: job.errors}
    return [kind for kind, file in here.items() if job.job.file_id(kind) and (file is None or file.path is None)]
