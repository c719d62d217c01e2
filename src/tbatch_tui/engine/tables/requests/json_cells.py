"""Cells of many rows as they stand between the quotes of a JSON text, so that requests are put together of bytes."""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tbatch_tui.engine.tables.readers.source import CellColumns, Cells

_encode_lines = msgspec.json.Encoder().encode_lines
_decode_texts = msgspec.json.Decoder(list[str]).decode
_RARE = bytes(set(range(32)) - set(b"\0\n\r\t"))
"""Control characters that JSON writes by their number, or that few texts have."""


def json_lines(texts: Sequence[str]) -> bytes:
    """Return texts as JSON without the quotes, a line each. Raises UnicodeEncodeError for half of a surrogate pair."""
    return bytes(_encode_lines(texts))[1:-2].replace(b'"\n"', b"\n")


def json_lines_of_utf8(texts: Sequence[bytes]) -> bytes:
    """Return the same for texts in UTF-8 that have no NUL."""
    data = b"\0".join(texts)
    if len(data.translate(None, _RARE)) != len(data):
        return json_lines(data.decode().split("\0"))
    data = data.replace(b"\\", b"\\\\").replace(b'"', b'\\"').replace(b"\n", b"\\n").replace(b"\r", b"\\r")
    return data.replace(b"\t", b"\\t").replace(b"\0", b"\n")


class JsonCells:
    """Cells of rows that follow each other, column by column."""

    __slots__ = ("columns",)

    def __init__(self, lines: Iterable[bytes]) -> None:
        """Take the cells of each column, a line each."""
        self.columns = [column.split(b"\n") for column in lines]

    def __len__(self) -> int:
        return len(self.columns[0])

    def texts(self, at: int) -> list[str]:
        """Return the cells of a column as text."""
        return _decode_texts(b'["%b"]' % b'","'.join(self.columns[at]))

    def rows(self) -> list[Cells]:
        """Return the cells of each row as text."""
        return list(zip(*map(self.texts, range(len(self.columns))), strict=True))


def json_columns(cells: list[Cells] | CellColumns, width: int) -> list[bytes] | None:
    """Return what `JsonCells` takes; None where a row has a problem, or half of a surrogate pair.

    Args:
        cells: Of rows that follow each other; all are text.
        width: How many each has.
    """
    if not isinstance(cells, list):
        return list(map(json_lines_of_utf8, cells.columns))
    try:
        return [json_lines(list(map(itemgetter(at), cells))) for at in range(width)]
    except (IndexError, UnicodeEncodeError):
        return None
