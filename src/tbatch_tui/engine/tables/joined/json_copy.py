"""JSON Lines and JSON arrays: the bytes of each object are copied, and the new members written behind its last one."""

from __future__ import annotations

import hashlib
import io
import json
import re
from typing import TYPE_CHECKING, Any, BinaryIO

import msgspec

from tbatch_tui.engine.tables.joined.copies import NewColumn, TableCopy
from tbatch_tui.engine.tables.joined.raw_lines import RawLines, TextEncoding, require_same
from tbatch_tui.engine.tables.readers.json_rows import END, JsonSource, decode_line
from tbatch_tui.engine.tables.readers.source import PIECE, HashingFile, read_failed

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from tbatch_tui.engine.tables.cells import Cell
    from tbatch_tui.engine.tables.problems import RowProblems
    from tbatch_tui.engine.tables.readers.source import Cells

_FIRST_MEMBER = re.compile(r'\{(\s*)"(?:[^"\\]|\\.)*"\s*:(\s?)')
"""The beginning of an object: what is before its first name, and what is between colon and value."""


class _Members:
    """Writes members as the others of the file are: with the same spaces, each in a line of its own or not."""

    def __init__(self, new: Sequence[NewColumn], codec: str) -> None:
        """Make them.

        Args:
            new: The columns.
            codec: Of the file: only that of a Unicode encoding has every character.
        """
        self._write = _json if codec.startswith("utf") else json.dumps
        self._names = [self._write(column.name) for column in new]
        self._dialect: tuple[str, str] | None = None

    def insert(self, text: str, cells: Sequence[Cell]) -> tuple[str, str]:
        """Return the members, and the end of the text of an object, which comes behind them.

        The end begins with the spaces before the closing brace.
        """
        brace = text.rindex("}")
        inner_end = len(text[:brace].rstrip(" \t\r\n"))
        if self._dialect is None and (first := _FIRST_MEMBER.match(text.lstrip("[, \t\r\n\ufeff"))):
            gap = first[1] if "\n" in first[1] else first[2]
            self._dialect = gap, first[2]
        gap, space = self._dialect or ("", "")
        is_empty = text[inner_end - 1] == "{"
        members = f",{gap}".join(
            f"{name}:{space}{self._write(cell)}" for name, cell in zip(self._names, cells, strict=True)
        )
        return members if is_empty else f",{gap}{members}", text[inner_end:]


class JsonLinesCopy(TableCopy):
    """A copy of a JSON Lines file."""

    def __init__(self, source: JsonSource, file: BinaryIO, new: Sequence[NewColumn], needed: Collection[str]) -> None:
        super().__init__(source, file, new, needed)
        self.columns = tuple(needed)
        self._rest = b""
        self._lines = RawLines(source.path, source.encoding)
        self._members = _Members(new, self._lines.encoding.codec)

    def rows(self, problems: RowProblems) -> Iterator[tuple[Cells, Any]]:
        """Yield the cells of each line, and the line."""
        self._file.write(self._lines.encoding.bom)
        before, number = b"", 0
        with self._lines.read() as (lines, raws):
            for line_number, (line, raw) in enumerate(zip(lines, raws, strict=False), start=1):
                if line.isspace():
                    before += raw
                    continue
                number += 1
                row = decode_line(line)
                if not isinstance(row, dict):
                    problems.add(number, "", f"line {line_number:,} is not a JSON object")
                    row = None
                cells = () if row is None else [row.get(name) for name in self.columns] or ("",)
                yield cells, (before, raw, line)
                before = b""
        self._rest = before
        self.sha256 = self._lines.sha256

    def size(self, row: Any) -> int:
        """Return the bytes of a line."""
        return len(row[1])

    def write(self, rows: Sequence[Any], cells: Sequence[Sequence[Cell]]) -> None:
        """Write lines, each with its new members."""
        parts: list[bytes] = []
        encode = self._lines.encoding.encode
        for (before, raw, line), new in zip(rows, cells, strict=True):
            members, end = self._members.insert(line, new)
            at = len(raw) - len(encode(end))
            parts += (before, raw[:at], encode(members), raw[at:])
        self._file.write(b"".join(parts))

    def close(self) -> None:
        """Write the blank lines at the end."""
        self._file.write(self._rest)


class JsonArrayCopy(TableCopy):
    """A copy of a JSON array."""

    def __init__(self, source: JsonSource, file: BinaryIO, new: Sequence[NewColumn], needed: Collection[str]) -> None:
        super().__init__(source, file, new, needed)
        self.columns = tuple(needed)
        self._source = source
        self._rest = ""
        try:
            with source.path.open("rb") as head:
                self._encoding = TextEncoding(source.encoding, head.read(4))
        except OSError as error:
            raise read_failed(source.path, error) from error
        self._members = _Members(new, self._encoding.codec)

    def rows(self, problems: RowProblems) -> Iterator[tuple[Cells, Any]]:
        """Yield the cells of each object, and its text."""
        copied = hashlib.sha256(self._encoding.bom)
        self._file.write(self._encoding.bom)
        try:
            with io.BufferedReader(raw := HashingFile(self._source.path), PIECE) as file:
                for row, text in self._source.array_texts(file, problems):
                    copied.update(text.encode(self._encoding.codec))
                    if row is END:
                        self._rest = text
                    else:
                        yield () if row is None else [row.get(name) for name in self.columns] or ("",), text
                self.sha256 = raw.finish()
        except OSError as error:
            raise read_failed(self._source.path, error) from error
        require_same(self._source.path, self._source.encoding, self.sha256, copied.hexdigest())

    def size(self, row: Any) -> int:
        """Return the characters of an object."""
        return len(row)

    def write(self, rows: Sequence[Any], cells: Sequence[Sequence[Cell]]) -> None:
        """Write objects, each with its new members."""
        parts: list[str] = []
        for text, new in zip(rows, cells, strict=True):
            members, end = self._members.insert(text, new)
            parts += (text[: len(text) - len(end)], members, end)
        self._file.write(self._encoding.encode("".join(parts)))

    def close(self) -> None:
        """Write the end of the array."""
        self._file.write(self._encoding.encode(self._rest))


def _json(cell: Cell) -> str:
    return msgspec.json.encode(cell).decode()
