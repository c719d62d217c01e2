"""Read a JSONL file line by line, in pieces, with a bound on the memory that a long line takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PIECE_SIZE = 256 * 1024
"""Bytes read at a time."""
LINE_MAX = 16 * 1024 * 1024
"""Bytes. Of a longer line only the length and the first `HEAD_SIZE` bytes are kept."""
HEAD_SIZE = 4096


class Line(Struct, frozen=True, gc=False):
    """One line that is not blank."""

    number: int
    """From 1. Blank lines count."""
    offset: int
    data: bytes
    """Without the line end. Only the first bytes of a line that is too long."""
    length: int
    """Bytes of the whole line, without the line end."""

    @property
    def is_whole(self) -> bool:
        """Whether `data` is the whole line."""
        return self.length == len(self.data)


def read_lines(file: BinaryIO, on_piece: Callable[[bytes], object]) -> Iterator[Line]:
    """Yield the lines of a file from its beginning.

    Args:
        on_piece: Called with each piece before its lines are yielded. It may raise, to stop.
    """
    number = position = 0
    carried: list[bytes] = []
    offset = held = 0  # of the line whose end has not been read yet
    is_too_long = False
    while block := file.read(PIECE_SIZE):
        on_piece(block)
        start = 0
        while (end := block.find(b"\n", start)) >= 0:
            number += 1
            length = position + end - offset
            if carried:
                data = b"".join((*carried, block[start:end])) if not is_too_long else carried[0]
                carried, held, is_too_long = [], 0, False
            else:
                data = block[start:end]
            if data and not data.isspace():
                yield Line(number, offset, data, length)
            start = end + 1
            offset = position + start
        rest = block[start:]
        if rest and not is_too_long:
            carried.append(rest)
            held += len(rest)
            if held > LINE_MAX:
                carried, is_too_long = [b"".join(carried)[:HEAD_SIZE]], True
        position += len(block)
    if carried:
        data = b"".join(carried)
        if not data.isspace():
            yield Line(number + 1, offset, data, position - offset)
