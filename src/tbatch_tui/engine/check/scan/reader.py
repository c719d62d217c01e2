"""Read a file as pieces of whole lines, each with its byte offset. A line too long to hold is skipped and measured."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tbatch_tui.engine.check.limits import LINE_BYTES_MAX
from tbatch_tui.engine.errors import LocalFileError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import FileIO
    from pathlib import Path

PIECE_BYTES = 256 * 1024
_SHORT_LINE = 600
_LF, _BRACKET = b"\n["


class Piece(NamedTuple):
    """Whole lines in a row. Valid until the next piece is read, which reuses its block."""

    offset: int
    """Byte offset of the first line in the file."""
    length: int
    """Bytes of the lines with their LF; only the file's very last line may lack it."""
    block: bytearray = bytearray()
    """The lines from the second byte on: the byte before them and two after them are for the brackets of a list.
    Empty if the piece is one line that is too long to hold."""
    line_end_bytes: int = 0
    """For a line that is too long: how many bytes its line end has, 0 or 1."""

    @classmethod
    def from_lines(cls, offset: int, lines: bytes) -> Piece:
        """Make a piece of lines that are already in memory."""
        return cls(offset, len(lines), bytearray(b"[%b]]" % lines))

    @property
    def view(self) -> memoryview:
        """The lines, not copied."""
        return memoryview(self.block)[1 : 1 + self.length]

    @property
    def data(self) -> bytes:
        """A copy of the lines."""
        return bytes(self.view)

    @property
    def ends_with_newline(self) -> bool:
        """Whether the last line has its LF."""
        return self.block[self.length] == _LF

    @property
    def has_cr(self) -> bool:
        """Whether there is a carriage return anywhere in the lines."""
        return self.block.find(b"\r", 1, 1 + self.length) >= 0

    def as_list(self) -> memoryview:
        """Return the lines as one JSON list: line ends become commas, and a 0 follows the last comma.

        To copy so many bytes costs half as much as to parse them, so they are copied only once.
        """
        end = 1 + self.length
        self.block[end : end + 2] = b"0]" if self.ends_with_newline else b"] "
        return memoryview(self.block.replace(b"\n", b","))[: end + 2]


def read_pieces(file: FileIO, start: int, stop: int) -> Iterator[Piece]:
    """Yield the lines that begin in [start, stop), in pieces of about 256 KB. A line has to begin at `start`."""
    buffer = _new_block(PIECE_BYTES)
    offset = start
    while offset < stop:
        wanted = min(PIECE_BYTES, stop - offset)
        file.seek(offset)
        block = buffer
        size = file.readinto(memoryview(buffer)[1 : 1 + wanted])
        cut = max(buffer.rfind(b"\n", 1, 1 + size), 0)
        while not cut and size == wanted < min(stop - offset, LINE_BYTES_MAX + 1):  # a line longer than the block
            wanted = min(4 * wanted, LINE_BYTES_MAX + 1, stop - offset)
            file.seek(offset)
            block = _new_block(wanted)
            size = file.readinto(memoryview(block)[1 : 1 + wanted])
            cut = max(block.find(b"\n", 1, 1 + size), 0)
        if not cut and size > LINE_BYTES_MAX:
            end, ending = _end_of_line(file, offset + size, stop)
            yield Piece(offset, end - offset, line_end_bytes=ending)
            offset = end
            continue
        length = cut or size  # what follows the last line end is read again, with its own end
        if not length:  # the file has shrunk
            return
        yield Piece(offset, length, block)
        offset += length


def _new_block(size: int) -> bytearray:
    block = bytearray(size + 3)
    block[0] = _BRACKET
    return block


def next_line_start(file: FileIO, position: int, stop: int) -> int:
    """Return the offset of the first line that begins at or after `position`; `stop` if there is none."""
    return _end_of_line(file, position - 1, stop)[0] if position else 0


def _end_of_line(file: FileIO, position: int, stop: int) -> tuple[int, int]:
    """Read on to the end of the line; return the offset after it, and how many bytes its line end has, 0 or 1."""
    file.seek(position)
    while position < stop and (block := file.read(min(PIECE_BYTES, stop - position))):
        end = block.find(b"\n")
        if end >= 0:
            return position + end + 1, 1
        position += len(block)
    return position, 0


def longest_line(piece: Piece, known: int, lines: int = 0) -> int:
    """Return the length of the longest line of a piece if it is over `known`, else `known`.

    Short lines are all measured. Longer ones are jumped over: if a line ends within the next `known` bytes, every line
    up to there is no longer than that.

    Args:
        known: The length of the longest line so far.
        lines: How many lines the piece has; 0 if that is not known.
    """
    size, block = piece.length, piece.block
    if known < _SHORT_LINE and lines * _SHORT_LINE > size:
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
    """Return the bytes of the line of a Problem; fewer if the file has become shorter."""
    with path.open("rb", buffering=0) as file:
        file.seek(offset)
        return file.read(length)


def read_error(path: Path, error: OSError | ValueError) -> LocalFileError:
    """Return the error that explains to a person why a file cannot be read."""
    if isinstance(error, FileNotFoundError):
        return LocalFileError(f"{path} does not exist", "Check the spelling and the current directory.")
    if isinstance(error, PermissionError):
        return LocalFileError(
            f"{path} cannot be read: permission denied", "Change its permissions so that you can read it."
        )
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return LocalFileError(f"{path} cannot be read: {reason}", "Make sure it is a file you can read.")


def lines_of(data: bytes) -> Iterator[bytes]:
    """Yield the lines of a piece with their line ends. Only LF ends a line."""
    start = 0
    while start < len(data):
        end = data.find(b"\n", start) + 1 or len(data)
        yield data[start:end]
        start = end


def blocks_of(source: FileIO, piece: Piece) -> Iterator[bytes]:
    """Yield the bytes of a line that is too long to hold, block by block. The file is then where it was before."""
    position = source.tell()
    source.seek(piece.offset)
    remaining = piece.length
    while remaining > 0 and (block := source.read(min(PIECE_BYTES, remaining))):
        yield block
        remaining -= len(block)
    source.seek(position)
