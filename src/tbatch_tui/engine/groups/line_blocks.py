"""Read an input file in blocks of whole lines, without its blank lines."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from tbatch_tui.engine.errors import LocalFileError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from io import FileIO
    from pathlib import Path

_BOM = b"\xef\xbb\xbf"
_BLOCK = 1 << 19
"""Bytes that are read at once: few enough to be in the processor's cache when they are hashed and written."""
_TAIL = 64
"""How many of the last bytes of a block tell whether it ends in blank lines."""


class LineBlock(NamedTuple):
    """Some whole lines of a file."""

    raw: memoryview
    """The bytes as they are in the file."""
    lines: memoryview
    """Its requests, each with its line end: without blank lines and byte order mark."""
    requests: int
    begin: int | None
    """Where these bytes begin in the file; None where blank lines lie between them. The last line end may be added."""


class BlockPlace(NamedTuple):
    """Where a block was read, and what is in it."""

    offset: int
    size: int
    """Bytes of the block in the file."""
    requests: int
    is_plain: bool
    """Whether its bytes are those of its requests, and no others."""


def read_blocks(path: Path, *, has_blanks: bool) -> Iterator[LineBlock]:
    """Yield the blocks of a file. Raises LocalFileError if it cannot be read.

    Args:
        has_blanks: whether to look for blank lines everywhere. Else only the first block and the end of each are
            looked at, and a blank line elsewhere counts as a request: whoever knows how many there are sees that.
    """
    offset = 0
    with opened(path) as file:
        for data, end in raw_blocks(file):
            raw = memoryview(data)[:end]
            if has_blanks or offset == 0 or _may_end_blank(data, end):
                yield _without_blanks(raw, offset)
            else:
                yield LineBlock(raw, raw, data.count(b"\n", 0, end), offset)
            offset += end


def read_places(path: Path, places: Iterable[BlockPlace]) -> Iterator[LineBlock]:
    """Yield the blocks that are at these places, taking what is in them from there. Raises as `read_blocks` does."""
    with opened(path) as file:
        for place in places:
            file.seek(place.offset)
            raw = memoryview(file.read(place.size))
            if place.is_plain:
                yield LineBlock(raw, raw, place.requests, place.offset)
            else:
                yield _without_blanks(raw, place.offset)


@contextmanager
def opened(path: Path) -> Iterator[FileIO]:
    """Open a file that is read here. An OSError, also one of reading it, becomes a LocalFileError."""
    try:
        with path.open("rb", buffering=0) as file:
            yield file
    except OSError as error:
        raise LocalFileError(f"{path} cannot be read: {error.strerror or error}", "Nothing was submitted.") from error


def raw_blocks(file: FileIO) -> Iterator[tuple[bytes, int]]:
    """Yield the blocks of a file as they are: bytes, and how many of them are whole lines."""
    offset, size = 0, _BLOCK
    while True:
        file.seek(offset)
        data = file.read(size)
        if not data:
            return
        end = data.rfind(b"\n") + 1
        if not end and len(data) == size:
            size *= 2  # a line that is longer
            continue
        end = end or len(data)
        yield data, end
        offset, size = offset + end, _BLOCK


def line_begin(data: bytes, offset: int) -> int:
    """Return where the lines of the block at `offset` begin: after the byte order mark of the file."""
    return len(_BOM) if offset == 0 and data.startswith(_BOM) else 0


def _without_blanks(raw: memoryview, offset: int) -> LineBlock:
    data = bytes(raw)
    begin = line_begin(data, offset)
    lines = data[begin:].split(b"\n")
    requests = [line for line in lines if line and not line.isspace()]
    joined = b"\n".join([*requests, b""])
    for line in lines:
        if line and not line.isspace():
            break
        begin += len(line) + 1
    is_together = data.startswith(joined, begin) or data[begin:] + b"\n" == joined
    return LineBlock(raw, memoryview(joined), len(requests), offset + begin if is_together else None)


def _may_end_blank(data: bytes, end: int) -> bool:
    """Return whether the lines up to `end` may end in a blank one, or one without a line end."""
    tail = data[max(0, end - _TAIL) : end]
    return not tail.endswith(b"\n") or tail[len(tail.rstrip()) :].count(b"\n") > 1
