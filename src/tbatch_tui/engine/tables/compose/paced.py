"""A source that is read in a thread beside an event loop: it makes room for the loop, and can be stopped."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any, TypeVar

from tbatch_tui.engine.errors import OperationCancelledError
from tbatch_tui.engine.tables.problems import RowProblems
from tbatch_tui.engine.tables.readers.json_rows import JsonSource
from tbatch_tui.engine.tables.readers.source import TableRows, TableSource
from tbatch_tui.engine.threads import yield_to_loop

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator
    from pathlib import Path


Row = TypeVar("Row")
_LONGEST = 0.002
"""Seconds after which the loop gets the interpreter: a key needs it several times before it is answered."""
_ROWS = 16
"""Rows after which the time is looked at."""


class PacedSource(TableSource):
    """Another source, read with breaks. Its columns are those that are known: no file is read for another name."""

    def __init__(
        self, source: TableSource, cancelled: Callable[[], bool], report: Callable[[int, int], object] | None = None
    ) -> None:
        """Read a source with breaks.

        Args:
            source: The table.
            cancelled: Asked between rows whether to stop, which raises OperationCancelledError.
            report: Called now and then with the bytes that were read and those that there are, 0 if unknown.
        """
        super().__init__(source.path)
        self._source = source
        self._cancelled = cancelled
        self._report = report
        self.format, self.has_text_only = source.format, source.has_text_only
        self.id_column, self.columns = source.id_column, source.columns
        self.encoding, self.delimiter, self.sheet = source.encoding, source.delimiter, source.sheet
        self._size = _size_of(source.path)
        self._until = 0.0

    @property
    def name(self) -> str:
        """What messages call it."""
        return self._source.name

    @property
    def base(self) -> Path:
        """The folder from which paths in its cells are meant."""
        return self._source.base

    @property
    def stem(self) -> str:
        """The name of the file that is made of it, without its suffix."""
        return self._source.stem

    def rights(self) -> int:
        """Return the rights of what is made of it."""
        return self._source.rights()

    def rows(self, needed: Collection[str], problems: RowProblems) -> TableRows:
        """Return the rows. While they are read, OperationCancelledError may be raised."""
        rows = self._source.rows(needed, problems)
        return TableRows(rows.columns, self._paced(rows))

    def objects(self) -> Iterator[dict[str, Any] | None] | None:
        """Return the rows of a file of JSON with all their keys, None for one with a problem; None for another file."""
        return self._paced(self._source.objects(RowProblems())) if isinstance(self._source, JsonSource) else None

    def learn_columns(self, names: Iterable[str]) -> None:
        """Add columns that were found in later rows."""
        self.columns = self._source.columns = tuple(dict.fromkeys([*self.columns, *names]))

    def _paced(self, rows: Iterable[Row]) -> Iterator[Row]:
        left = 1
        for row in rows:
            yield row
            left -= 1
            if left <= 0:
                left = _ROWS
                self.reading = self._source.reading
                self.take_a_break_if_due()
        self.reading = self._source.reading
        self.sha256 = self._source.sha256

    def take_a_break_if_due(self) -> None:
        """Make room for the event loop, if the last time is a while ago. May raise OperationCancelledError."""
        if time.perf_counter() >= self._until:
            self._take_a_break()
            self._until = time.perf_counter() + _LONGEST

    def _take_a_break(self) -> None:
        if self._cancelled():
            raise OperationCancelledError(f"Reading {self.name} was stopped")
        if self._report is not None and self.reading is not None:
            self._report(self.reading.position, self._size)
        yield_to_loop()


def _size_of(path: Path) -> int:
    try:
        return path.stat().st_size if os.path.isfile(path) else 0
    except OSError:
        return 0
