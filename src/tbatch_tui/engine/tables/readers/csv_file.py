"""CSV and TSV: records of text, read by the `csv` module in its strict mode."""

from __future__ import annotations

import csv
import io
from collections import Counter
from contextlib import contextmanager
from itertools import chain
from typing import TYPE_CHECKING, cast

from tbatch_tui.engine.errors import LocalFileError
from tbatch_tui.engine.tables.problems import FaultyTableError, RowProblem, RowProblems
from tbatch_tui.engine.tables.readers.csv_blocks import PlainRecords
from tbatch_tui.engine.tables.readers.delimiter import NO_DELIMITER, find_delimiter
from tbatch_tui.engine.tables.readers.encoding import encoding_of, has_utf8_lines, lines_from, not_decodable, text_lines
from tbatch_tui.engine.tables.readers.source import (
    CELL_MAX,
    PIECE,
    CellColumns,
    Cells,
    HashingFile,
    TableRows,
    TableSource,
    read_failed,
    rows_together,
)
from tbatch_tui.text.plural import plural

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from pathlib import Path

_ESCAPED = {"\\t": "\t", "tab": "\t"}
"""How a tab can be written in a shell."""


class CsvSource(TableSource):
    """A CSV or TSV file."""

    def __init__(self, path: Path, *, encoding: str | None = None, delimiter: str | None = None) -> None:
        super().__init__(path)
        self.format = "tsv" if path.suffix.lower() in (".tsv", ".tab") else "csv"
        csv.field_size_limit(CELL_MAX)
        with self._errors(), path.open("rb") as file:
            self._encoding = encoding_of(file.read(4), encoding)
        self.encoding = None if self._encoding == "utf-8-sig" else self._encoding
        self.delimiter = self._delimiter = self._choose_delimiter(delimiter)
        if self._delimiter == NO_DELIMITER:
            self.delimiter = None
        with self._open() as lines:
            self.columns = self._header(csv.reader(lines, delimiter=self._delimiter, strict=True))

    def _choose_delimiter(self, wanted: str | None) -> str:
        if wanted is None:
            return find_delimiter(self.name, self.format == "tsv", self._first_lines)
        delimiter = _ESCAPED.get(wanted, wanted)
        if len(delimiter) != 1 or delimiter in '"\r\n':
            raise LocalFileError(f"{wanted} is not a delimiter", "Use one character, for example --delimiter ';'.")
        return delimiter

    def _first_lines(self) -> Iterator[str]:
        with self._open() as lines:
            yield from lines

    @contextmanager
    def _open(self) -> Iterator[Iterator[str]]:
        with self._errors(), io.BufferedReader(self.path.open("rb", buffering=0), PIECE) as file:
            numbered = _NumberedLines(text_lines(file, self._encoding))
            try:
                yield numbered
            except UnicodeDecodeError as error:
                raise not_decodable(self.name, error, numbered.count + 1, self._encoding) from None

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except (OSError, ValueError) as error:
            if isinstance(error, UnicodeDecodeError):
                raise
            raise read_failed(self.path, error) from error

    def _header(self, reader: Iterator[list[str]]) -> tuple[str, ...]:
        try:
            columns = next(filter(None, reader), None)
        except csv.Error as error:
            raise self._faulty(f"the header cannot be read: {error}") from None
        if columns is None:
            raise self._faulty("it is empty, without even a header")
        if doubled := [name for name, count in Counter(columns).items() if count > 1]:
            places = [number for number, name in enumerate(columns, start=1) if name == doubled[0]]
            where = " and ".join(map(str, places[:2]))
            raise self._faulty(f"the header has {doubled[0] or 'an empty name'} twice: columns {where}")
        return tuple(columns)

    def _faulty(self, message: str) -> FaultyTableError:
        return FaultyTableError(self.name, (RowProblem(0, "", message),), 1)

    def rows(self, needed: Collection[str], problems: RowProblems) -> TableRows:
        """Return the rows, with the columns that are needed."""
        columns = tuple(name for name in self.columns if name in needed) or self.columns[:1]
        return TableRows(columns, self._rows(columns, problems))

    def _rows(self, columns: Sequence[str], problems: RowProblems) -> Iterator[Cells]:
        for taken in self._read(columns, problems):
            if isinstance(taken, CellColumns):
                yield from taken
            else:
                yield taken

    def batches(self, needed: Sequence[str], problems: RowProblems) -> Iterator[list[Cells] | CellColumns]:
        """Yield the rows, many at once, with these columns alone."""
        taken = self._read(needed, problems)
        for first in taken:
            if not isinstance(first, CellColumns):  # and no one that follows is
                yield from rows_together(chain([first], cast("Iterator[Cells]", taken)), self)
                return
            yield first

    def _read(self, columns: Sequence[str], problems: RowProblems) -> Iterator[CellColumns | Cells]:
        """Yield the cells of plain records together; from the first on that is not plain, each record alone."""
        places = [self.columns.index(name) for name in columns]
        number, lines = 0, 0
        with self._errors(), io.BufferedReader(raw := HashingFile(self.path), PIECE) as file:
            self.reading = raw
            is_utf8 = has_utf8_lines(file, self._encoding)
            reader = csv.reader(text_lines(file, self._encoding), delimiter=self._delimiter, strict=True)
            try:
                for record in reader:  # blank lines are no records
                    if record:
                        break
                if is_utf8:
                    lines = reader.line_num
                    plain = PlainRecords(file, self._delimiter, len(self.columns), places)
                    for together in plain:
                        number += len(together)
                        yield together
                    lines += plain.lines
                    texts = map(bytes.decode, lines_from(plain.rest, file))
                    reader = csv.reader(texts, delimiter=self._delimiter, strict=True)
                for record in reader:
                    if len(record) == len(self.columns):
                        number += 1
                        yield [record[at] for at in places]
                    elif record:
                        number += 1
                        line = f"line {lines + reader.line_num:,}"
                        problems.add(
                            number, "", f"{plural(len(record), 'cell')} instead of {len(self.columns):,} ({line})"
                        )
                        yield ()
            except UnicodeDecodeError as error:
                raise not_decodable(self.name, error, lines + reader.line_num + 1, self._encoding) from None
            except csv.Error as error:
                problems.add(number + 1, "", _reason(str(error), self._line_of(number + 1)))
            self.sha256 = raw.finish()

    def _line_of(self, row: int) -> int:
        """Return the line on which a row begins. Reads the file again: most files have no fault to be placed."""
        with self._open() as lines:
            reader = csv.reader(lines, delimiter=self._delimiter, strict=True)
            for number, _ in enumerate(filter(None, reader)):  # the header is the first one
                if number + 1 == row:
                    break
            return reader.line_num + 1


def _reason(error: str, line: int) -> str:
    """Return what the `csv` module complains about, in other words; `line` is where the record begins."""
    if "end of data" in error:
        return f"a quote that is opened in this row is never closed (the row begins on line {line:,})"
    if "field limit" in error:
        return (
            f"a cell has more than {CELL_MAX >> 20} MB, perhaps because a quote is never closed "
            f"(the row begins on line {line:,})"
        )
    if "expected after" in error:
        return f"there is text after the quote that closes a cell (the row begins on line {line:,})"
    return f"{error} (the row begins on line {line:,})"


class _NumberedLines:
    """Counts the lines that were taken."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines
        self.count = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        self.count += 1
        return line
