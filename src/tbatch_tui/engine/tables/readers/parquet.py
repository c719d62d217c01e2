"""Parquet, a batch of rows at a time. Needs the extra `parquet`."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING, Any

from tbatch_tui.engine.errors import LocalFileError
from tbatch_tui.engine.tables.cells import plain_cell
from tbatch_tui.engine.tables.problems import FaultyTableError, RowProblem
from tbatch_tui.engine.tables.readers.source import (
    Cells,
    TableRows,
    TableSource,
    extra_missing,
    file_hash,
    read_failed,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from tbatch_tui.engine.tables.problems import RowProblems

_BATCH = 1_000
"""Rows that are held at once."""


class ParquetSource(TableSource):
    """A Parquet file."""

    format = "parquet"
    has_text_only = False

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        if importlib.util.find_spec("pyarrow") is None:
            raise extra_missing("parquet", path)
        with self._open() as file:
            self.columns = tuple(file.schema_arrow.names)
        if doubled := [name for name in self.columns if self.columns.count(name) > 1]:
            raise FaultyTableError(self.name, (RowProblem(0, "", f"the column {doubled[0]} is there twice"),), 1)

    def _open(self) -> Any:
        import pyarrow as arrow  # takes half a second to import
        from pyarrow import parquet

        try:
            with self.path.open("rb"):
                pass
            return parquet.ParquetFile(self.path)
        except arrow.ArrowException as error:
            reason = str(error).partition("\n")[0].rstrip(".")
            raise LocalFileError(
                f"{self.path} cannot be read as Parquet: {reason}", "It may be incomplete: write it again."
            ) from error
        except (OSError, ValueError) as error:
            raise read_failed(self.path, error) from error

    def rows(self, needed: Collection[str], problems: RowProblems) -> TableRows:  # noqa: ARG002 - no row is faulty
        """Return the rows, with the columns that are needed."""
        columns = tuple(name for name in self.columns if name in needed) or self.columns[:1]
        return TableRows(columns, self._cells(columns))

    def _cells(self, columns: tuple[str, ...]) -> Iterator[Cells]:
        import pyarrow as arrow

        try:
            digest = file_hash(self.path)
            with self._open() as file:
                for batch in file.iter_batches(batch_size=_BATCH, columns=list(columns), use_threads=False):
                    # Columns of a nested one are read by the name of the whole.
                    values = [batch.column(name).to_pylist() for name in columns]
                    yield from ([plain_cell(cell) for cell in row] for row in zip(*values, strict=True))
            self.sha256 = digest
        except (arrow.ArrowException, OSError) as error:
            raise LocalFileError(
                f"{self.path} cannot be read: {error}", "It may be damaged: write it again."
            ) from error
