"""Parquet: the columns of the source are taken over as they are, with their types, and the new ones put behind them."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, BinaryIO

from tbatch_tui.engine.errors import LocalFileError
from tbatch_tui.engine.tables.cells import cell_text, plain_cell
from tbatch_tui.engine.tables.joined.copies import NewColumn, TableCopy
from tbatch_tui.engine.tables.readers.source import file_hash, read_failed

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from tbatch_tui.engine.tables.cells import Cell
    from tbatch_tui.engine.tables.problems import RowProblems
    from tbatch_tui.engine.tables.readers.source import Cells, TableSource

_BATCH, _BATCH_BYTES = 1_000, 8 << 20
"""Rows that are read at once, at most, and about how many bytes of them."""
_GROUP_ROWS, _GROUP_BYTES = 100_000, 32 << 20
"""Rows and bytes that are held and written as one row group, at most."""


class ParquetCopy(TableCopy):
    """A copy of a Parquet file."""

    def __init__(self, source: TableSource, file: BinaryIO, new: Sequence[NewColumn], needed: Collection[str]) -> None:
        super().__init__(source, file, new, needed)
        import pyarrow as arrow

        self._source = source
        self.columns = tuple(name for name in source.columns if name in needed)
        types = {
            "string": arrow.string(),
            "integer": arrow.int64(),
            "number": arrow.float64(),
            "boolean": arrow.bool_(),
        }
        self._fields = [arrow.field(column.name, types.get(column.type, arrow.string())) for column in new]
        self._batches: deque[Any] = deque()
        self._cells: list[Sequence[Cell]] = []
        self._group: list[Any] = []
        self._writer: Any = None

    def rows(self, problems: RowProblems) -> Iterator[tuple[Cells, Any]]:  # noqa: ARG002 - no row is faulty
        """Yield the cells of each row that are needed; the rows themselves are kept until they are written."""
        import pyarrow as arrow
        from pyarrow import parquet

        path = self._source.path
        try:
            digest = file_hash(path)
            with parquet.ParquetFile(path) as file:
                schema = file.schema_arrow
                for field in self._fields:
                    schema = schema.append(field)
                metadata = file.metadata
                compression = "snappy"
                if metadata.num_row_groups and metadata.num_columns:
                    compression = metadata.row_group(0).column(0).compression.lower()
                compression = "none" if compression == "uncompressed" else compression
                self._writer = parquet.ParquetWriter(self._file, schema, compression=compression)
                for batch in file.iter_batches(batch_size=_rows_at_once(metadata), use_threads=False):
                    self._batches.append(batch)
                    values = [batch.column(name).to_pylist() for name in self.columns]
                    if not values:
                        yield from ((("",), None) for _ in range(batch.num_rows))
                    else:
                        yield from (([plain_cell(cell) for cell in row], None) for row in zip(*values, strict=True))
        except (arrow.ArrowException, ValueError) as error:
            raise LocalFileError(f"{path} cannot be copied: {error}", "It may be damaged: write it again.") from error
        except OSError as error:
            raise read_failed(path, error) from error
        self.sha256 = digest

    def size(self, row: Any) -> int:  # noqa: ARG002 - it is held as a part of its batch
        """Return nothing: rows are held in batches."""
        return 0

    def write(self, rows: Sequence[Any], cells: Sequence[Sequence[Cell]]) -> None:  # noqa: ARG002 - rows are kept
        """Take the new cells of these rows, and write what is whole."""
        self._cells += cells
        while self._batches and len(self._cells) >= self._batches[0].num_rows:
            self._add(self._batches.popleft())

    def _add(self, batch: Any) -> None:
        import pyarrow as arrow

        taken, self._cells = self._cells[: batch.num_rows], self._cells[batch.num_rows :]
        arrays = [
            arrow.array([_typed(row[at], column.type) for row in taken], type=field.type)
            for at, (column, field) in enumerate(zip(self._new, self._fields, strict=True))
        ]
        table = arrow.Table.from_arrays([*batch.columns, *arrays], schema=self._writer.schema)
        self._group.append(table)
        is_full = sum(part.num_rows for part in self._group) >= _GROUP_ROWS
        if is_full or sum(part.nbytes for part in self._group) >= _GROUP_BYTES:
            self._flush()

    def _flush(self) -> None:
        import pyarrow as arrow

        if self._group:
            self._writer.write_table(arrow.concat_tables(self._group))
            self._group = []

    def close(self) -> None:
        """Write the last rows, and the end of the file."""
        self._flush()
        self._writer.close()


def _rows_at_once(metadata: Any) -> int:
    size: int = sum(metadata.row_group(number).total_byte_size for number in range(metadata.num_row_groups))
    rows: int = metadata.num_rows
    return max(1, min(_BATCH, _BATCH_BYTES * rows // max(1, size)))


def _typed(cell: Cell, kind: str) -> Cell:
    if cell is None:
        return None
    if kind == "integer":
        return int(cell)
    if kind == "number":
        return float(cell)
    return cell if kind == "boolean" else cell_text(cell)
