"""Read the lines of a JSONL file, in pieces, with a bound on the memory that a long line takes."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, BinaryIO

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PIECE_SIZE = 200 * 1024
"""Bytes read at a time."""
LINE_MAX = 16 * 1024 * 1024
"""Bytes. Of a longer line only the length and the first `HEAD_SIZE` bytes are kept."""
HEAD_SIZE = 4096
_OPEN, _CLOSE = b"{}"
_BOM = b"\xef\xbb\xbf"


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


class LineBatch(Struct, frozen=True, gc=False):
    """Lines that follow each other in a file, blank ones too."""

    number: int
    """Of the first line, from 1."""
    offset: int
    """Of the first line."""
    block: bytes
    """The lines, without the end of the last. Of a line that is too long, which is alone, the first bytes."""
    ends: list[int]
    """Where each line ends in the block; of a line that is too long, where it would."""

    @property
    def has_an_object_a_line(self) -> bool:
        """Whether each line begins and ends with a brace: then no JSON object goes over a line end."""
        block, ends = self.block, self.ends
        if block[:1] != b"{" or block[-1:] != b"}" or ends[-1] != len(block):
            return False
        return not any([block[end - 1] != _CLOSE or block[end + 1] != _OPEN for end in ends[:-1]])  # noqa: C419

    def offsets(self) -> list[int]:
        """Return the offset of each line."""
        first = self.offset
        return [first, *[first + end + 1 for end in self.ends[:-1]]]

    def lengths(self) -> list[int]:
        """Return the bytes of each line, without its end."""
        ends = self.ends
        return [ends[0], *[end - before - 1 for before, end in pairwise(ends)]]

    def lines(self) -> Iterator[Line]:
        """Yield the lines that are not blank."""
        lines = self.block.split(b"\n")
        for at, (data, offset, length) in enumerate(zip(lines, self.offsets(), self.lengths(), strict=True)):
            text = data.removeprefix(_BOM) if not offset else data
            if text and not text.isspace():
                yield Line(self.number + at, offset, data, length)


def read_batches(file: BinaryIO, on_piece: Callable[[bytes], object]) -> Iterator[LineBatch]:
    """Yield the lines of a file from its beginning, many at once.

    Args:
        file: Opened for reading bytes.
        on_piece: Called with each piece before its lines are yielded. It may raise, to stop.
    """
    number, offset = 1, 0  # of the line that begins the next batch
    carried: list[bytes] = []
    held = 0  # bytes of the line whose end has not been read yet
    is_too_long = False
    while piece := file.read(PIECE_SIZE):
        on_piece(piece)
        start, end = 0, piece.rfind(b"\n")
        if is_too_long and end >= 0:
            start = piece.find(b"\n") + 1
            length = held + start - 1
            yield LineBatch(number, offset, carried[0], [length])
            number, offset, carried, held, is_too_long = number + 1, offset + length + 1, [], 0, False
        if end >= start:
            block = b"".join((*carried, memoryview(piece)[start:end]))
            ends = _line_ends(block)
            yield LineBatch(number, offset, block, ends)
            number, offset = number + len(ends), offset + len(block) + 1
            carried, held, start = [], 0, end + 1
        rest = piece[start:] if start else piece
        held += len(rest)
        if rest and not is_too_long:
            carried.append(rest)
            if held > LINE_MAX:
                carried, is_too_long = [b"".join(carried)[:HEAD_SIZE]], True
    if carried:
        yield LineBatch(number, offset, b"".join(carried), [held])


def _line_ends(block: bytes) -> list[int]:
    ends: list[int] = []
    add, find = ends.append, block.find
    end = find(b"\n")
    while end >= 0:
        add(end)
        end = find(b"\n", end + 1)
    add(len(block))
    return ends
