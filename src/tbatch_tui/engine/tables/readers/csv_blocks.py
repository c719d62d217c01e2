"""The plain records of a CSV file in UTF-8, many at once, cut out of its bytes: several times as fast as `csv.reader`.

A piece of the file is split at its quotes: what stands in them is the cells, and what is between them shows where a
record ends. Whatever is not plain is left to the `csv` module, from the record on in whose piece it is: a record of
another width, a quote within a cell that is not quoted, a lone carriage return, a NUL, bytes that are not UTF-8.
"""

from __future__ import annotations

from codecs import utf_8_decode
from itertools import islice, repeat
from typing import TYPE_CHECKING, BinaryIO

from tbatch_tui.engine.tables.readers.source import CELL_MAX, CellColumns

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

PIECE = 1 << 16
"""Bytes that are read at once. Of larger pieces the texts are so large that each takes fresh memory of the system."""
_CHECKED = 1 << 14
"""Bytes that are decoded at once to see whether they are UTF-8."""


class PlainRecords:
    """Reads records until the file ends, or one is not plain. `rest` is then what was read and is in no record."""

    def __init__(self, file: BinaryIO, delimiter: str, width: int, places: Sequence[int], piece: int = PIECE) -> None:
        """Read from where a file is, behind its header.

        Args:
            file: The file.
            delimiter: Between cells.
            width: Cells of a record.
            places: The columns whose cells are wanted.
            piece: Bytes that are read at once.
        """
        self._file = file
        self._delimiter = delimiter.encode()
        self._width = width
        self._places = places
        self._piece = piece
        self.rest = b""
        self.lines = 0
        """Line ends in the records that were given."""

    def __iter__(self) -> Iterator[CellColumns]:
        """Yield the cells of some records together."""
        size = self._piece
        while piece := self._file.read(size):
            data = self.rest + piece
            self.rest = data
            end, outside, inside = _cut(data)
            if not end:
                size = len(data)  # so that a long cell is not split again and again
                if size > CELL_MAX:
                    return
                continue
            size = self._piece
            block = data[:end]
            if end > CELL_MAX or b"\0" in block or not _is_utf8(block):
                return
            columns = self._columns(b'"'.join(outside), inside)
            if columns is None:
                return
            self.rest = data[end:]
            self.lines += block.count(b"\n")
            if columns:
                yield CellColumns(columns)

    def _columns(self, frame: bytes, inside: list[bytes]) -> list[list[bytes]] | None:
        """Return the cells of records, column by column; None where one is not plain, nothing where there is none.

        Args:
            frame: The records, with a quote for each text that stood between two.
            inside: These texts.
        """
        if b"\r" in frame:
            frame = frame.replace(b"\r\n", b"\n")
            if b"\r" in frame:
                return None
        records = frame.split(b"\n")
        records.pop()
        if b"" in records:  # blank lines are none
            records = list(filter(None, records))
        delimiter, width = self._delimiter, self._width
        if not records:
            return []
        if set(map(bytes.count, records, repeat(delimiter))) != {width - 1}:
            return None
        cells = delimiter.join(records).split(delimiter)
        if len(inside) == len(cells) and set(cells) == {b'"'}:
            return [inside[at::width] for at in self._places]
        quoted = [at for at in range(width) if b'"' in b"".join(cells[at::width])]
        if len(quoted) > 1:
            filled = _fill(cells, inside)
            return None if filled is None else [filled[at::width] for at in self._places]
        columns = {at: cells[at::width] for at in {*self._places, *quoted}}
        for at in quoted:
            filled = _fill(columns[at], inside)
            if filled is None:
                return None
            columns[at] = filled
        return [columns[at] for at in self._places]


def _cut(data: bytes) -> tuple[int, list[bytes], list[bytes]]:
    """Return where the last whole record ends, the texts between quotes up to there, and those in quotes."""
    parts = data.split(b'"')
    outside, inside = parts[::2], parts[1::2]
    last = len(outside) - 1
    while last >= 0 and b"\n" not in outside[last]:
        last -= 1
    if last < 0:
        return 0, [], []
    end = outside[last].rfind(b"\n") + 1
    behind = len(outside[last]) - end + sum(len(part) + 1 for part in parts[2 * last + 1 :])
    outside[last] = outside[last][:end]
    return len(data) - behind, outside[: last + 1], inside[:last]


def _fill(cells: list[bytes], inside: list[bytes]) -> list[bytes] | None:
    """Return cells with the texts that stood in quotes; None where a cell has text and quotes.

    A cell with a quote in its text was several texts: the quote is written twice there.
    """
    if any(cell.strip(b'"') for cell in set(cells) if b'"' in cell):
        return None
    texts = iter(inside)
    return [
        next(texts) if cell == b'"' else b'"'.join(islice(texts, len(cell))) if cell[:1] == b'"' else cell
        for cell in cells
    ]


def _is_utf8(data: bytes) -> bool:
    if data.isascii():
        return True
    view, at = memoryview(data), 0
    try:
        while at < len(data):
            at += utf_8_decode(view[at : at + _CHECKED], "strict", at + _CHECKED >= len(data))[1]
    except UnicodeDecodeError:
        return False
    return True
