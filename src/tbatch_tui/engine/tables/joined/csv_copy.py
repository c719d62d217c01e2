"""CSV and TSV: the bytes of each record are copied, and the new cells written behind them as the others are."""

from __future__ import annotations

import csv
import io
import re
from itertools import islice
from typing import TYPE_CHECKING, Any, BinaryIO

from tbatch_tui.engine.results.export.tables import escape_formula
from tbatch_tui.engine.tables.cells import CellError, cell_text
from tbatch_tui.engine.tables.joined.copies import NewColumn, TableCopy
from tbatch_tui.engine.tables.joined.raw_lines import RawLines
from tbatch_tui.engine.tables.problems import FaultyTableError, RowProblem
from tbatch_tui.engine.tables.readers.delimiter import NO_DELIMITER

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence
    from typing import Protocol

    from tbatch_tui.engine.tables.cells import Cell
    from tbatch_tui.engine.tables.problems import RowProblems
    from tbatch_tui.engine.tables.readers.source import Cells, TableSource

    class CsvReader(Protocol):
        """What `csv.reader` returns."""

        line_num: int

        def __iter__(self) -> Iterator[list[str]]: ...


_END = "\r\n"
"""Ends a row of new cells, and is cut off: cells with one of its characters are put in quotes."""
_MAY_BE_FORMULA = re.compile(r"[=+\-@＝＋－＠\t\r]").search
"""Finds what a cell must have that `escape_formula` changes."""


class _Sink:
    """Collects what a writer of the `csv` module writes, a row at a time."""

    def __init__(self, texts: list[str]) -> None:
        self.write = texts.append


class CsvCopy(TableCopy):
    """A copy of a CSV or TSV file in its own dialect: delimiter, quotes, line ends, byte order mark and encoding."""

    def __init__(self, source: TableSource, file: BinaryIO, new: Sequence[NewColumn], needed: Collection[str]) -> None:
        super().__init__(source, file, new, needed)
        self._source = source
        self._lines = RawLines(source.path, source.encoding)
        self._encode = self._lines.encoding.encode
        self._extends_ascii = self._lines.encoding.extends_ascii
        self._is_single = source.delimiter is None
        """Whether there is one column, and so no delimiter: its cells may hold what becomes one."""
        self._delimiter = source.delimiter or ("\t" if source.format == "tsv" else ",")
        self._mark = self._encode(self._delimiter)
        self._quotes_all = False
        self._rest = b""

    def rows(self, problems: RowProblems) -> Iterator[tuple[Cells, Any]]:
        """Yield each record and its bytes; the header is written."""
        self._file.write(self._lines.encoding.bom)
        with self._lines.read() as (texts, raws):
            reader = csv.reader(texts, delimiter=self._source.delimiter or NO_DELIMITER, strict=True)
            try:
                yield from self._records(reader, raws, problems)
            except csv.Error as error:
                problem = RowProblem(0, "", f"{error} (line {reader.line_num:,})")
                raise FaultyTableError(self._source.name, (problem,), 1) from None
        self.sha256 = self._lines.sha256

    def _records(self, reader: CsvReader, raws: Iterator[bytes], problems: RowProblems) -> Iterator[tuple[Cells, Any]]:
        width, is_single = len(self.columns), self._is_single
        number, before, line = -1, b"", 0
        for record in reader:
            raw = next(raws) if reader.line_num == line + 1 else b"".join(islice(raws, reader.line_num - line))
            line = reader.line_num
            if not record:  # a blank line
                before += raw
                continue
            number += 1
            if len(record) == width and number > 1:
                yield record, (before, raw, record if is_single else None)
            elif not number:
                self._write_header(record, before + raw)
            else:
                if number == 1:
                    self._quotes_all = self._is_quoted(record, raw)
                if len(record) != width:
                    problems.add(number, "", f"{len(record):,} cells instead of {width:,} (line {line:,})")
                yield (record if len(record) == width else ()), (before, raw, record if is_single else None)
            before = b""
        self._rest = before

    def _write_header(self, record: list[str], raw: bytes) -> None:
        body, end = self._split(raw)
        head = self._single(body, record) if self._is_single else body
        names = [escape_formula(column.name) for column in self._new]
        self._file.write(head + self._behind([names], self._is_quoted(record, raw))[0] + end)

    def _is_quoted(self, record: list[str], raw: bytes) -> bool:
        """Return whether every cell of a record stands in quotes."""
        text = self._delimiter.join(_quoted(cell) for cell in record)
        return raw.decode(self._lines.encoding.codec, "replace").strip("\r\n") == text

    def _behind(self, cells: Iterable[Sequence[Cell]], is_quoted: bool) -> list[bytes]:
        """Return what is written behind each record: its new cells, and a delimiter before each."""
        texts: list[str] = []
        writer = csv.writer(
            _Sink(texts),
            delimiter=self._delimiter,
            lineterminator=_END,
            quoting=csv.QUOTE_ALL if is_quoted else csv.QUOTE_MINIMAL,
        )
        writer.writerows(cells)
        delimiter, encode, length = self._delimiter, self._encode, -len(_END)
        return [encode(delimiter + text[:length]) for text in texts]

    def _split(self, raw: bytes) -> tuple[bytes, bytes]:
        """Return the bytes of a record, and those of its line end."""
        if self._extends_ascii:
            body = raw.rstrip(b"\r\n")
            return body, raw[len(body) :]
        text = raw.decode(self._lines.encoding.codec)
        end = self._encode(text[len(text.rstrip("\r\n")) :])
        return raw[: len(raw) - len(end)], end

    def _single(self, body: bytes, record: list[str]) -> bytes:
        """Return the only cell of a record; in quotes where it would be read as several ones now."""
        if self._mark not in body or body.lstrip().startswith(self._encode('"')):
            return body
        return self._encode(_quoted(record[0]))

    def size(self, row: Any) -> int:
        """Return the bytes of a record."""
        return len(row[1])

    def write(self, rows: Sequence[Any], cells: Sequence[Sequence[Cell]]) -> None:
        """Write records, each with its new cells."""
        parts: list[bytes] = []
        behind = self._behind([[_guarded(cell) for cell in new] for new in cells], self._quotes_all)
        for (before, raw, record), new in zip(rows, behind, strict=True):
            body, end = self._split(raw)
            if record is not None:
                body = self._single(body, record)
            parts += (before, body, new, end)
        self._file.write(b"".join(parts))
        self.replaced = self._lines.encoding.replaced

    def close(self) -> None:
        """Write the blank lines at the end."""
        self._file.write(self._rest)


class PlainCsv(TableCopy):
    """A CSV file of a source that is none: a workbook, a database, a folder, a list, the results of a job."""

    def __init__(self, source: TableSource, file: BinaryIO, new: Sequence[NewColumn], needed: Collection[str]) -> None:
        super().__init__(source, file, new, needed)
        self._source = source

    def rows(self, problems: RowProblems) -> Iterator[tuple[Cells, Any]]:
        """Yield each row."""
        rows = self._source.rows(self.columns, problems)
        self._file.write(_csv_line([*self.columns, *(str(escape_formula(column.name)) for column in self._new)]))
        for cells in rows:
            yield cells, cells
        self.sha256 = self._source.sha256

    def size(self, row: Any) -> int:
        """Return the characters of a row."""
        return sum(len(cell) for cell in row if isinstance(cell, str | bytes))

    def write(self, rows: Sequence[Any], cells: Sequence[Sequence[Cell]]) -> None:
        """Write rows, each with its new cells."""
        for row, new in zip(rows, cells, strict=True):
            self._file.write(_csv_line([*map(_plain, row), *map(_guarded, new)]))

    def close(self) -> None:
        """Nothing comes behind the last row."""


def _quoted(text: str) -> str:
    return f'"{text.replace(chr(34), chr(34) * 2)}"'


def _guarded(cell: Cell) -> str | None:
    """Return a new cell as text that no spreadsheet takes for a formula."""
    if cell is None:
        return None
    text = cell if isinstance(cell, str) else cell_text(cell)
    return str(escape_formula(text)) if _MAY_BE_FORMULA(text) else text


def _plain(cell: Cell) -> str:
    """Return a cell of the source as text; bytes, which are no text, in hexadecimal digits."""
    try:
        return cell_text(cell)
    except CellError:
        return bytes(cell).hex() if isinstance(cell, bytes) else str(cell)


def _csv_line(cells: Sequence[str | None]) -> bytes:
    line = io.StringIO()
    csv.writer(line).writerow(cells)
    return line.getvalue().encode("utf-8", "surrogateescape")
