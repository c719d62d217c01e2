"""What every copy of a table does: it gives the rows of the source, and writes each with its new cells."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from tbatch_tui.engine.tables.cells import Cell
    from tbatch_tui.engine.tables.problems import RowProblems
    from tbatch_tui.engine.tables.readers.source import Cells, TableSource


class NewColumn(NamedTuple):
    """A column that is written behind those of the source."""

    name: str
    type: str
    """The type of a JSON Schema: string, integer, number, boolean; empty for any other, which is written as JSON."""


class TableCopy(ABC):
    """One copy of a source, from its first row to its last."""

    sha256 = ""
    """The hash of what was copied, once all rows were read."""
    replaced = 0
    """Characters of answers that the encoding of the source does not have."""

    def __init__(
        self,
        source: TableSource,
        file: BinaryIO,
        new: Sequence[NewColumn],
        needed: Collection[str],  # noqa: ARG002
    ) -> None:
        """Make a copy; nothing is read or written yet.

        Args:
            source: The table.
            file: Where the copy is written.
            new: The columns behind those of the source.
            needed: The columns whose cells `rows` has to yield.
        """
        self.columns: tuple[str, ...] = source.columns
        """The columns of the cells that `rows` yields."""
        self._file = file
        self._new = tuple(new)

    @abstractmethod
    def rows(self, problems: RowProblems) -> Iterator[tuple[Cells, Any]]:
        """Yield the cells of each row, and what `write` has to be given of it. What comes before them is written.

        Raises LocalFileError and FaultyTableError.
        """

    @abstractmethod
    def size(self, row: Any) -> int:
        """Return about how many bytes a row takes that `rows` yielded."""

    @abstractmethod
    def write(self, rows: Sequence[Any], cells: Sequence[Sequence[Cell]]) -> None:
        """Write these rows, each with its new cells."""

    @abstractmethod
    def close(self) -> None:
        """Write what comes behind the last row."""
