"""What every reader gives: columns, and rows one after the other, while the bytes are hashed."""

from __future__ import annotations

import hashlib
import io
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from tbatch_tui.engine.errors import LocalFileError
from tbatch_tui.engine.local_files.rights import rights_of

if TYPE_CHECKING:
    from pathlib import Path

    from tbatch_tui.engine.tables.cells import Cell
    from tbatch_tui.engine.tables.problems import RowProblems

PIECE = 1 << 18
"""Bytes that are read at once."""
BOM = b"\xef\xbb\xbf"
CELL_MAX = 16 << 20
"""Bytes or characters of a cell: a larger one is over the limit of a line anyway."""

_TOGETHER = 1_000
"""Rows that are given together, at most."""

Cells = Sequence["Cell"]
"""The cells of a row, in the order of `TableRows.columns`; empty for a row that has a problem."""


class SeveralTablesError(LocalFileError):
    """A workbook or a database with several tables, of which none was named. `names` are theirs."""

    def __init__(self, title: str, hint: str, names: Sequence[str]) -> None:
        super().__init__(title, hint)
        self.names = tuple(names)


class TableRows:
    """One reading of a source, from its first row to its last. It can be read once."""

    def __init__(self, columns: Sequence[str], cells: Iterator[Cells]) -> None:
        self.columns = tuple(columns)
        """The columns of the cells, in their order."""
        self._cells = cells

    def __iter__(self) -> Iterator[Cells]:
        return self._cells


class CellColumns:
    """Cells of records that follow each other, column by column: texts in UTF-8, none of which has a NUL."""

    __slots__ = ("columns",)

    def __init__(self, columns: list[list[bytes]]) -> None:
        self.columns = columns

    def __len__(self) -> int:
        return len(self.columns[0])

    def __iter__(self) -> Iterator[Cells]:
        return zip(*[b"\0".join(column).decode().split("\0") for column in self.columns], strict=True)


def rows_together(rows: Iterable[Cells], source: TableSource) -> Iterator[list[Cells]]:
    """Yield rows together: those that were read with one piece of the file, or a large one alone."""
    batch: list[Cells] = []
    position = -1
    for cells in rows:
        reading = source.reading
        if reading is None or reading.position != position or len(batch) >= _TOGETHER:
            if batch:
                yield batch
            batch, position = [], -1 if reading is None else reading.position
        batch.append(cells)
    if batch:
        yield batch


class TableSource(ABC):
    """A table of any format. Opening it reads the header, or enough of it to know the columns.

    The constructor of each format raises LocalFileError where the source cannot be read, and FaultyTableError.
    """

    format = ""
    """The name of the format, as a recipe has it."""
    has_text_only = True
    """Whether every cell is a text."""
    id_column: str | None = None
    """The column that custom_ids are derived from; None: the number of the row."""
    encoding: str | None = None
    """What a recipe has to name so that the same is read again; so are `delimiter` and `sheet`."""
    delimiter: str | None = None
    sheet: str | None = None

    def __init__(self, path: Path) -> None:
        self.path = path
        self.columns: tuple[str, ...] = ()
        self.reading: HashingFile | None = None
        """The file as it is read; None before."""
        self.sha256 = ""
        """The hash of what was read, once all rows were."""

    @property
    def name(self) -> str:
        """What messages call it."""
        return self.path.name or str(self.path)

    @property
    def base(self) -> Path:
        """The folder from which paths in its cells are meant."""
        return self.path.parent

    @property
    def stem(self) -> str:
        """The name of the file that is made of it, without its suffix."""
        return self.path.stem

    def rights(self) -> int:
        """Return the rights of what is made of it."""
        return rights_of(self.path)

    def has_column(self, name: str) -> bool:
        """Return whether there is such a column, in any row."""
        return name in self.columns

    @abstractmethod
    def rows(self, needed: Collection[str], problems: RowProblems) -> TableRows:
        """Return the rows, with these columns at least. Problem with rows is added to the problems.

        Raises LocalFileError and FaultyTableError while the rows are read.
        """

    def batches(self, needed: Sequence[str], problems: RowProblems) -> Iterator[list[Cells] | CellColumns]:
        """Yield the rows, many at once, with these columns alone. Raises as `rows`."""
        rows = self.rows(needed, problems)
        if rows.columns == tuple(needed):
            yield from rows_together(rows, self)
            return
        places = [rows.columns.index(name) for name in needed]
        yield from rows_together((tuple([cells[at] for at in places]) if cells else () for cells in rows), self)


class HashingFile(io.RawIOBase):
    """A file that hashes what is read of it, from its beginning to its end."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb", buffering=0)
        self._hash = hashlib.sha256()
        self.position = 0
        """Bytes that were read."""

    def readable(self) -> bool:
        """Return whether it can be read: it can."""
        return True

    def readinto(self, buffer: object) -> int:
        """Read into a buffer; return the number of bytes."""
        view = memoryview(buffer)  # type: ignore[arg-type]
        size = self._file.readinto(view) or 0
        self._hash.update(view[:size])
        self.position += size
        return size

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        super().close()

    def finish(self) -> str:
        """Read what is left, and return the hash of the whole."""
        while piece := self._file.read(PIECE):
            self._hash.update(piece)
        return self._hash.hexdigest()


def file_hash(path: Path) -> str:
    """Return the SHA-256 of a file. Raises OSError."""
    with HashingFile(path) as file:
        return file.finish()


def read_failed(path: Path, error: OSError | ValueError) -> LocalFileError:
    """Return the error for a source that cannot be read."""
    if isinstance(error, FileNotFoundError):
        return LocalFileError(f"{path} does not exist", "Check the spelling and the current directory.")
    reason = error.strerror if isinstance(error, OSError) else None
    return LocalFileError(f"{path} cannot be read: {reason or error}", "Check the path and its permissions.")


def extra_missing(extra: str, path: Path) -> LocalFileError:
    """Return the error for a format whose library is not installed."""
    return LocalFileError(
        f"{path.name} cannot be read: the extra {extra} is not installed",
        f"Install it: pip install 'tbatch-tui[{extra}]'.",
    )
