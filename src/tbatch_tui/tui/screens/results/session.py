"""Reading and searching result files in threads, so that the screen can show progress and stop them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from tbatch_tui.engine.errors import OperationCancelledError
from tbatch_tui.engine.results import ResultIndex, Sources, rows_by_cause, search
from tbatch_tui.engine.threads import run_cancellable
from tbatch_tui.tui.background import BackgroundWork

if TYPE_CHECKING:
    from tbatch_tui.engine.results import ErrorGroup


class ResultsSession:
    """The index of the result files, the rows that a search hit, and why rows failed or are invalid.

    Threads fill the index and the hits; the screen reads both on a timer while that goes on.
    """

    def __init__(self) -> None:
        self.index = ResultIndex(Sources())
        self.hits: bytearray | None = None
        """One byte for each row, 1 if the row holds the text searched for; None when there is no search."""
        self.causes: list[ErrorGroup] | None = None
        """Errors and invalid answers by cause; None until `load_causes`."""
        self._work = BackgroundWork()

    @property
    def activity(self) -> str:
        """What a thread is doing: "reading", "searching" or nothing."""
        return self._work.label

    @property
    def fraction(self) -> float | None:
        """How far that is, 0 to 1; None where it is not known yet."""
        return self._work.fraction

    @property
    def has_results(self) -> bool:
        """Whether an output or an error file can be read. Without one, no row counts as missing."""
        return self.index.has_results

    async def read(self, index: ResultIndex) -> bool:
        """Build this index and make it the session's.

        Returns:
            False if another call of `read` took over meanwhile.

        Raises:
            BatchError: If the jobs of a merged index cannot be merged.
        """
        self.stop()
        self.index = index
        self.causes = None
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
        """Find the rows that hold a text, and mark them in `hits` as the search goes on.

        Returns:
            False if the index is not built yet, or the search was stopped.

        Raises:
            LocalFileError: If a file cannot be read.
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

    async def load_causes(self) -> list[ErrorGroup]:
        """Return errors and invalid answers by cause, the most frequent first; none while the files are being read."""
        index = self.index
        if self.causes is None and index.is_built:
            causes = await asyncio.to_thread(rows_by_cause, index)
            if index is self.index:
                self.causes = causes
        return self.causes or []

    def stop_search(self) -> None:
        """Stop a search and forget its hits."""
        if self.hits is not None:
            self.hits = None
            self._work.stop()

    def stop(self) -> None:
        """Stop reading and searching."""
        self.hits = None
        self._work.stop()
