"""JSON Lines, and a JSON array of objects, which is read piece by piece. The first character says which it is."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import msgspec

from tbatch_tui.engine.tables.problems import FaultyTableError, RowProblem, RowProblems
from tbatch_tui.engine.tables.readers.encoding import encoding_of, not_decodable, text_lines
from tbatch_tui.engine.tables.readers.source import (
    BOM,
    PIECE,
    Cells,
    HashingFile,
    TableRows,
    TableSource,
    read_failed,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

_FIRST_ROWS = 1_000
"""Rows whose keys are the columns; another key is looked for in the others when it is asked for."""
_SPACES = " \t\r\n"

_decode = msgspec.json.Decoder().decode
_parse_loosely = json.JSONDecoder(parse_constant=lambda _: None)
"""For what Python writes and JSON does not know: NaN is nothing."""


class JsonSource(TableSource):
    """A file of JSON objects: one a line, or in an array."""

    has_text_only = False

    def __init__(self, path: Path, *, encoding: str | None = None) -> None:
        super().__init__(path)
        try:
            with path.open("rb") as file:
                head = file.read(PIECE)
        except (OSError, ValueError) as error:
            raise read_failed(path, error) from error
        self._encoding = encoding_of(head, encoding)
        self.encoding = None if self._encoding == "utf-8-sig" else self._encoding
        start = head.removeprefix(BOM) if self.encoding is None else head.decode(self._encoding, "ignore").encode()
        self.format = "json" if start.lstrip()[:1] == b"[" else "jsonl"
        self.columns = self._find_columns()

    def _find_columns(self) -> tuple[str, ...]:
        columns: dict[str, None] = {}
        for number, row in enumerate(self.objects(RowProblems())):
            if row is not None:
                columns.update(dict.fromkeys(row))
            if number >= _FIRST_ROWS:
                break
        return tuple(columns)

    def has_column(self, name: str) -> bool:
        """Return whether any row has such a key; reads the whole file where the first rows have none."""
        if name in self.columns:
            return True
        if any(row is not None and name in row for row in self.objects(RowProblems())):
            self.columns += (name,)
            return True
        return False

    def rows(self, needed: Collection[str], problems: RowProblems) -> TableRows:
        """Return the rows, with the columns that are needed."""
        columns = tuple(needed)
        return TableRows(columns, self._records(columns, problems))

    def _records(self, columns: tuple[str, ...], problems: RowProblems) -> Iterator[Cells]:
        for row in self.objects(problems):
            # A row without columns is a row all the same.
            yield () if row is None else [row.get(name) for name in columns] or ("",)

    def objects(self, problems: RowProblems) -> Iterator[dict[str, Any] | None]:
        """Yield each row; None for one that is no object, which is added to the problems.

        Raises LocalFileError, FaultyTableError and EncodingError.
        """
        try:
            with io.BufferedReader(raw := HashingFile(self.path), PIECE) as file:
                self.reading = raw
                read = self._array if self.format == "json" else self._lines
                yield from read(file, problems)
                self.sha256 = raw.finish()
        except OSError as error:
            raise read_failed(self.path, error) from error

    def _lines(self, file: io.BufferedReader[Any], problems: RowProblems) -> Iterator[dict[str, Any] | None]:
        number = line_number = 0
        lines = text_lines(file, self._encoding)
        try:
            for line in lines:
                line_number += 1
                if line.isspace():
                    continue
                number += 1
                row = decode_line(line)
                if not isinstance(row, dict):
                    what = "is not JSON" if row is _FAULTY else "is not a JSON object"
                    problems.add(number, "", f"line {line_number:,} {what}")
                    row = None
                yield row
        except UnicodeDecodeError as error:
            raise not_decodable(self.name, error, line_number + 1, self._encoding) from None

    def _array(self, file: io.BufferedReader[Any], problems: RowProblems) -> Iterator[dict[str, Any] | None]:
        for row, _ in self.array_texts(file, problems):
            if row is not END:
                yield row

    def array_texts(self, file: io.BufferedReader[Any], problems: RowProblems) -> Iterator[tuple[Any, str]]:
        """Yield each row of an array with the text that ends with it and begins behind the row before it.

        None stands for a row that is no object, and `END` for what comes behind the last one.
        Raises FaultyTableError and EncodingError.
        """
        pieces = _Pieces(text := io.TextIOWrapper(file, self._encoding, newline=""))
        number = 0
        try:
            pieces.skip("[")
            while pieces.peek() not in ("]", ""):
                number += 1
                row = pieces.value()
                if not isinstance(row, dict):
                    problems.add(number, "", "the row is not a JSON object")
                    row = None
                yield row, pieces.take()
                if pieces.peek() == ",":
                    pieces.skip(",")
                elif pieces.peek() != "]":
                    raise ValueError("a comma is missing after the row")
            pieces.skip("]")
            if pieces.peek():
                raise ValueError("there is more after the end of the array")
            yield END, pieces.take()
            text.detach()  # else it closes the file, which is read to its end for its hash
        except UnicodeDecodeError as error:
            line = error.object.count(b"\n", 0, error.start) + 1
            raise not_decodable(self.name, error, line, self._encoding) from None
        except (ValueError, RecursionError) as error:
            reason = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
            raise FaultyTableError(self.name, (RowProblem(number, "", f"this is not JSON: {reason}"),), 1) from None


_FAULTY = object()
END = object()
"""Stands for the end of an array."""


def decode_line(line: str) -> object:
    """Return the value of a line; something that is no object where it is not JSON."""
    try:
        return _decode(line)
    except (ValueError, RecursionError):  # msgspec's errors are ValueErrors
        pass
    try:
        value, end = _parse_loosely.raw_decode(line.lstrip(_SPACES))
    except (ValueError, RecursionError):
        return _FAULTY
    is_sound = not line.lstrip(_SPACES)[end:].strip() and _is_text(value)
    return value if is_sound else _FAULTY


def _is_text(value: object) -> bool:
    """Return whether all texts of a value can be written as UTF-8: no half of a character is escaped in them."""
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


class _Pieces:
    """The text of a file, of which only the value that is read and what was read with it are held."""

    def __init__(self, file: io.TextIOWrapper) -> None:
        self._file = file
        self._text = ""
        self._at = 0
        self._taken_to = 0
        self._untaken = ""

    def take(self) -> str:
        """Return the text that was read over since the last call."""
        text = self._untaken + self._text[self._taken_to : self._at]
        self._untaken, self._taken_to = "", self._at
        return text

    def peek(self) -> str:
        """Return the next character that is no space; empty at the end."""
        while True:
            while self._at < len(self._text):
                if self._text[self._at] not in _SPACES:
                    return self._text[self._at]
                self._at += 1
            if not self._read():
                return ""

    def skip(self, character: str) -> None:
        """Go on after this character. Raises ValueError for another one."""
        if self.peek() != character:
            raise ValueError(f"{character} is expected")
        self._at += 1

    def value(self) -> object:
        """Return the next value. Raises ValueError."""
        self.peek()
        while True:
            try:
                value, end = _parse_loosely.raw_decode(self._text, self._at)
            except ValueError as error:
                if not self._read():
                    raise ValueError(getattr(error, "msg", "a value is expected").lower()) from None
                continue
            if end == len(self._text) and self._read():
                continue  # a number may go on in the next piece
            self._at = end
            if not _is_text(value):
                raise ValueError("half of a surrogate pair, which is not valid text")
            return value

    def _read(self) -> bool:
        # As much again as is held: a large value is not parsed again for each small piece.
        piece = self._file.read(max(PIECE, len(self._text) - self._at))
        self._untaken += self._text[self._taken_to : self._at]
        self._text = self._text[self._at :] + piece
        self._at = self._taken_to = 0
        return bool(piece)
