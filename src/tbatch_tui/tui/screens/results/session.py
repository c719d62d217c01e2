"""Reading and searching result files in threads, so that the screen can show progress and stop them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from tbatch_tui.engine.answers.fields import find_fields
from tbatch_tui.engine.answers.search import Hits, find_hits
from tbatch_tui.engine.errors import LocalFileError, OperationCancelledError
from tbatch_tui.engine.results import ResultIndex, Sources, rows_by_cause
from tbatch_tui.engine.threads import run_cancellable
from tbatch_tui.tui.background import BackgroundWork
from tbatch_tui.tui.screens.results.listing.arrangement import arrange
from tbatch_tui.tui.screens.results.listing.columns import common_ends

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tbatch_tui.engine.answers.columns import ValueColumn
    from tbatch_tui.engine.answers.order import RowOrder, SortedRows
    from tbatch_tui.engine.answers.search import Query
    from tbatch_tui.engine.pricing.prices import PriceList
    from tbatch_tui.engine.results import ErrorGroup


class ResultsSession:
    """The index of the result files, the rows that a search hit, and why rows failed or are invalid.

    Threads fill the index and the hits; the screen reads both on a timer while that goes on.
    """

    def __init__(self) -> None:
        self.index = ResultIndex(Sources())
        self.hits: Hits | None = None
        """The rows that hold the text searched for; None when there is no search."""
        self.order: SortedRows | None = None
        """All rows in the order in which they are listed; None for that of the index."""
        self.values: dict[str, ValueColumn] = {}
        """The values of columns that are read from the answers, by the names of the columns."""
        self.fields: tuple[str, ...] = ()
        """The fields of the JSON that the answers are."""
        self.has_recordings = False
        """Whether an answer is that to a recording."""
        self.common = ("", "")
        """What all ids begin and end with."""
        self.causes: list[ErrorGroup] | None = None
        """Errors and invalid answers by cause; None until `load_causes`."""
        self._work = BackgroundWork()
        self._arranging = BackgroundWork()

    @property
    def activity(self) -> str:
        """What a thread is doing: "reading", "searching", "sorting" or nothing."""
        return self._work.label or self._arranging.label

    @property
    def fraction(self) -> float | None:
        """How far that is, 0 to 1; None where it is not known yet."""
        return (self._work if self._work.label else self._arranging).fraction

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
        self.causes, self.order, self.values = None, None, {}
        if not self.has_results:
            return True
        stop = self._work.begin("reading")
        try:
            await run_cancellable(index.build, stop=stop, progress=self._work.report_progress)
            self.fields, self.common, self.has_recordings = await run_cancellable(_look_over, index)
        except OperationCancelledError:
            return False
        finally:
            self._work.end(stop)
        return True

    async def search(self, query: Query) -> bool:
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
        self.hits = hits = Hits(len(index))
        try:
            await run_cancellable(find_hits, index, query, hits, stop=stop, progress=self._work.report_progress)
        except OperationCancelledError:
            return False
        finally:
            self._work.end(stop)
        return True

    async def arrange(self, order: RowOrder, names: Sequence[str], prices: PriceList | None, model: str | None) -> bool:
        """Read the values of columns, and sort the rows.

        Returns:
            False if the index is not built yet, other files were read meanwhile, or it was stopped.

        Raises:
            LocalFileError: If a file cannot be read.
        """
        index = self.index
        if not index.is_built:
            return False
        stop = self._arranging.begin("sorting")
        report, known = self._arranging.report_progress, self.values
        try:
            values, rows = await run_cancellable(
                arrange, index, order, names, known, prices, model, stop=stop, progress=report
            )
        except OperationCancelledError:
            return False
        finally:
            self._arranging.end(stop)
        if index is not self.index:
            return False
        self.values, self.order = values, rows
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
        """Stop reading, searching and sorting."""
        self.hits = None
        self._work.stop()
        self._arranging.stop()


def _look_over(index: ResultIndex, *, cancelled: Callable[[], bool]) -> tuple[tuple[str, ...], tuple[str, str], bool]:
    """Return the fields of the JSON that the answers are, what all ids begin and end with, and if there are recordings.

    An answer to a recording has a duration.
    """
    try:
        fields = find_fields(index, range(len(index)), cancelled).own
    except LocalFileError:  # the rows say so as soon as one of them is read
        fields = ()
    has_recordings = max(index.responses.seconds, default=-1.0) >= 0
    return tuple(field.name for field in fields), common_ends(index), has_recordings
