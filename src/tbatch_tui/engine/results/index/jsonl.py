"""A JSONL file as lines with their place, read in pieces: no line, however long, is held beyond a bound."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PIECE_SIZE = 256 * 1024
LINE_MAX = 16 * 1024 * 1024
"""A longer line is passed over and measured; its first `HEAD` bytes stand for it."""
HEAD_SIZE = 4096


class Line(Struct, frozen=True, gc=False):
    """One line that is not blank."""

    number: int
    """1-based; blank lines count."""
    offset: int
    data: bytes
    """Without its line end; only the first bytes of a line that is too long to be held."""
    length: int

    @property
    def is_whole(self) -> bool:
        """Whether `data` is all of it."""
        return self.length == len(self.data)


def read_lines(file: BinaryIO, seen: Callable[[bytes], object]) -> Iterator[Line]:
    """The lines of a file from its beginning. `seen` is given each piece before its lines; it may raise to stop."""
    number = position = 0
    carried: list[bytes] = []
    offset = held = 0  # of the line whose end has not been read yet
    is_too_long = False
    while block := file.read(PIECE_SIZE):
        seen(block)
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
