"""Any row of a source by its number. Rows around the last one are held; for another the source is read to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tbatch_tui.engine.tables.problems import RowProblem, RowProblems

if TYPE_CHECKING:
    from tbatch_tui.engine.tables.compose.paced import PacedSource
    from tbatch_tui.engine.tables.readers.source import Cells

AROUND = 100
"""Rows that are held on each side of the one that was asked for."""
_BYTES_HELD = 8 << 20
"""Characters of text, about, that are held at most."""


class TableRow:
    """A row with its problem, if it cannot be read."""

    __slots__ = ("cells", "columns", "number", "problem")

    def __init__(self, number: int, columns: tuple[str, ...], cells: Cells, problem: str) -> None:
        self.number = number
        """Counted from 1."""
        self.columns = columns
        self.cells = cells
        """In the order of `columns`; empty where the row has a problem."""
        self.problem = problem


class RowWindow:
    """Reads rows of one source. For a thread at a time."""

    def __init__(self) -> None:
        self._held: dict[int, TableRow] = {}

    def clear(self) -> None:
        """Forget what was read: the source has changed."""
        self._held = {}

    def held(self, number: int) -> TableRow | None:
        """Return a row if it is held; nothing is read for it."""
        return self._held.get(number)

    def row(self, source: PacedSource, number: int) -> TableRow | None:
        """Return a row, counted from 1; None if there is none.

        Raises LocalFileError, FaultyTableError and OperationCancelledError.
        """
        if (row := self._held.get(number)) is not None:
            return row
        first, last, size = number - AROUND, number + AROUND, 0
        problems = _ByRow()
        rows = source.rows(source.columns, problems)
        held: dict[int, TableRow] = {}
        for at, cells in enumerate(rows, start=1):
            if at < first:
                continue
            if at > last or (at > number and size > _BYTES_HELD):
                break
            held[at] = TableRow(at, rows.columns, cells, "" if cells else problems.of(at))
            size += sum(len(cell) for cell in cells if isinstance(cell, str))
            if at < number and size > _BYTES_HELD:
                held, size = {}, 0
        self._held = held
        return held.get(number)


class _ByRow(RowProblems):
    """Keeps the last problem of each row that is being read."""

    def __init__(self) -> None:
        super().__init__()
        self._last = RowProblem(0, "", "")

    def add(self, row: int, column: str, message: str) -> None:
        """Note a problem."""
        super().add(row, column, message)
        self._last = RowProblem(row, column, message)

    def of(self, row: int) -> str:
        """Return the problem of this row."""
        return str(self._last) if self._last.row == row else "the row cannot be read"
