"""A file as pieces of whole lines, each with its byte offset; a line too long to hold is passed over and measured."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tbatch_tui.engine.check.limits import LINE_BYTES_MAX
from tbatch_tui.engine.errors import LocalFileError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import FileIO
    from pathlib import Path

PIECE = 256 * 1024
_SHORT = 600
_LF, _BRACKET = b"\n["


class Piece(NamedTuple):
    """Whole lines in a row. It lasts until the next piece is asked for: its block is read into again."""

    offset: int
    """Byte offset of the first one in the file."""
    length: int
    """Bytes of the lines with their LF; only the file's very last line may lack it."""
    block: bytearray = bytearray()
    """Holds the lines from its second byte on; the first, and two after them, are room for the brackets of a list.
    Empty when the line was too long to be held."""
    ending: int = 0
    """Of such a line: how many bytes its line end has."""

    @classmethod
    def of(cls, offset: int, lines: bytes) -> Piece:
        """A piece of lines that are at hand."""
        return cls(offset, len(lines), bytearray(b"[%b]]" % lines))

    @property
    def view(self) -> memoryview:
        """The lines, not copied."""
        return memoryview(self.block)[1 : 1 + self.length]

    @property
    def data(self) -> bytes:
        """The lines, to be taken apart."""
        return bytes(self.view)

    @property
    def is_ended(self) -> bool:
        """Whether the last line has its LF."""
        return self.block[self.length] == _LF

    @property
    def has_cr(self) -> bool:
        return self.block.find(b"\r", 1, 1 + self.length) >= 0

    def as_list(self) -> memoryview:
        """The lines as one JSON list, line ends turned to commas; after a last line that is ended comes a 0.

        A copy of so many bytes costs as much as half of the parsing, so that there is to be no more than one.
        """
        end = 1 + self.length
        self.block[end : end + 2] = b"0]" if self.is_ended else b"] "
        return memoryview(self.block.replace(b"\n", b","))[: end + 2]


def pieces(file: FileIO, start: int, stop: int) -> Iterator[Piece]:
    """The lines that begin in [start, stop), in pieces of about 256 KB. `start` is the beginning of a line."""
    buffer = _room(PIECE)
    offset = start
    while offset < stop:
        wanted = min(PIECE, stop - offset)
        file.seek(offset)
        block = buffer
        size = file.readinto(memoryview(buffer)[1 : 1 + wanted])
        cut = max(buffer.rfind(b"\n", 1, 1 + size), 0)
        while not cut and size == wanted < min(stop - offset, LINE_BYTES_MAX + 1):  # a line longer than the block
            wanted = min(4 * wanted, LINE_BYTES_MAX + 1, stop - offset)
            file.seek(offset)
            block = _room(wanted)
            size = file.readinto(memoryview(block)[1 : 1 + wanted])
            cut = max(block.find(b"\n", 1, 1 + size), 0)
        if not cut and size > LINE_BYTES_MAX:
            end, ending = _end_of_line(file, offset + size, stop)
            yield Piece(offset, end - offset, ending=ending)
            offset = end
            continue
        length = cut or size  # what follows the last line end is read again, with its own end
        if not length:  # the file has shrunk
            return
        yield Piece(offset, length, block)
        offset += length


def _room(size: int) -> bytearray:
    room = bytearray(size + 3)
    room[0] = _BRACKET
    return room


def next_line_start(file: FileIO, position: int, stop: int) -> int:
    """The offset of the first line that begins at or after `position`; `stop` when there is none."""
    return _end_of_line(file, position - 1, stop)[0] if position else 0


def _end_of_line(file: FileIO, position: int, stop: int) -> tuple[int, int]:
    """Read on to the end of the line: the offset after it, and how many bytes its line end has."""
    file.seek(position)
    while position < stop and (block := file.read(min(PIECE, stop - position))):
        found = block.find(b"\n")
        if found >= 0:
            return position + found + 1, 1
        position += len(block)
    return position, 0


def longest(piece: Piece, known: int, lines: int = 0) -> int:
    """The length of the longest line of a piece if over `known`, else `known`.

    Of many short lines (`lines` of them, if that is known) each is measured; over long ones it leaps: where a line
    ends within the next `known` bytes, everything up to there is in lines no longer than that.
    """
    size, block = piece.length, piece.block
    if known < _SHORT and lines * _SHORT > size:
        return max(known, *map(len, piece.data.split(b"\n")))
    position, size, last_end = 1, size + 1, block.rfind
    while size - position > known:
        end = last_end(b"\n", position, min(position + known + 1, size))
        if end < 0:
            end = block.find(b"\n", position, size)
            end = size if end < 0 else end
            known = end - position
        position = end + 1
    return known


def read_line(path: Path, offset: int, length: int) -> bytes:
    """The bytes of one line as a Problem places it; fewer if the file has become shorter."""
    with path.open("rb", buffering=0) as file:
        file.seek(offset)
        return file.read(length)


def unreadable(path: Path, error: OSError | ValueError) -> LocalFileError:
    """Why a file cannot be read, in words for a person."""
    if isinstance(error, FileNotFoundError):
        return LocalFileError(f"{path} does not exist", "Look at the spelling, and at the folder you are in.")
    if isinstance(error, PermissionError):
        return LocalFileError(f"{path} cannot be read: permission denied", "Give yourself the right to read it.")
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return LocalFileError(f"{path} cannot be read: {reason}", "See that it is a file that you can read.")
