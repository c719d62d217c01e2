"""Reads the result files of a job off the loop: the index and the search, each in a thread that can be stopped."""

from __future__ import annotations

import asyncio
import threading
import time

from tbatch_tui.engine.domain.job import FileKind
from tbatch_tui.engine.domain.record import JobRecord
from tbatch_tui.engine.errors import BatchError, OperationCancelledError
from tbatch_tui.engine.results import ResultIndex, Sources, search


class ResultsSession:
    """What is known of the files so far. The threads write here, the screen looks when it likes."""

    def __init__(self) -> None:
        self.index = ResultIndex(Sources())
        self.hits: bytearray | None = None
        """Which rows hold the text that was searched for, a byte a row; filled as the search goes on."""
        self.busy = ""
        """What goes on in a thread, in a word."""
        self._moved = (0, 0)
        self._stop_reading = threading.Event()
        self._stop_search = threading.Event()

    @property
    def fraction(self) -> float | None:
        """How far that has come; None where that is not known yet."""
        done, total = self._moved
        return done / total if total else None

    @property
    def has_results(self) -> bool:
        """Whether there is an output or an error file that can be read: without one nothing is known to be missing."""
        return self.index.has_results

    async def read(self, index: ResultIndex) -> bool:
        """Build this index; False when another reading took its place. Raises BatchError where that cannot be."""
        self.stop()
        self._stop_reading = stop = threading.Event()
        self.index = index
        if self.has_results:
            self.busy, self._moved = "reading", (0, 0)
            try:
                await asyncio.to_thread(index.build, cancelled=stop.is_set, progress=self._has_moved)
            except OperationCancelledError:
                return False
            except BatchError:
                self.busy = ""
                raise
        self.busy = ""
        return True

    async def search(self, text: str) -> bool:
        """Find the rows that hold the text; False when there is no index yet, or the search was stopped.

        Raises LocalFileError.
        """
        self.stop_search()
        index = self.index
        if not index.is_built:
            return False
        self._stop_search = stop = threading.Event()
        self.hits = hits = bytearray(len(index))
        self.busy, self._moved = "searching", (0, 0)
        try:
            await asyncio.to_thread(search, index, text, hits=hits, cancelled=stop.is_set, progress=self._has_moved)
        except OperationCancelledError:
            return False
        finally:
            if self.hits is hits:
                self.busy = ""
        return True

    def stop_search(self) -> None:
        """Show all rows again."""
        self._stop_search.set()
        self.hits = None
        if self.busy == "searching":
            self.busy = ""

    def stop(self) -> None:
        """Let the threads end."""
        self._stop_reading.set()
        self.stop_search()

    def _has_moved(self, done: int, total: int) -> None:
        self._moved = (done, total)
        # Lets the screen's loop have the interpreter between two pieces; costs a quarter of a second per 100 MB.
        time.sleep(0.0005)


def lacking(job: JobRecord | None) -> list[FileKind]:
    """Result files that the server has and that are not here."""
    if job is None or job.job is None:
        return []
    here = {FileKind.OUTPUT: job.output, FileKind.ERRORS: job.errors}
    return [kind for kind, file in here.items() if job.job.file_id(kind) and (file is None or file.path is None)]
