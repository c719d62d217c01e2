"""Read an input file in blocks of whole lines, without its blank lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tbatch_tui.engine.errors import LocalFileError

if TYPE_CHECKING:
    from collections.abc import Iterator
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


def read_blocks(path: Path, *, has_blanks: bool) -> Iterator[LineBlock]:
    """Yield the blocks of a file. Raises LocalFileError if it cannot be read.

    Args:
        has_blanks: whether to look for blank lines everywhere. Else only the first block and the end of each are
            looked at, and a blank line elsewhere counts as a request: whoever knows how many there are sees that.
    """
    try:
        with path.open("rb", buffering=0) as file:
            yield from _read(file, has_blanks)
    except OSError as error:
        raise LocalFileError(f"{path} cannot be read: {error.strerror or error}", "Nothing was submitted.") from error


def _read(file: FileIO, has_blanks: bool) -> Iterator[LineBlock]:
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
        raw = memoryview(data)[:end]
        if has_blanks or offset == 0 or _may_end_blank(data, end):
            begin = len(_BOM) if offset == 0 and data.startswith(_BOM) else 0
            requests = [line for line in data[begin:end].split(b"\n") if line and not line.isspace()]
            yield LineBlock(raw, memoryview(b"\n".join([*requests, b""])), len(requests))
        else:
            yield LineBlock(raw, raw, data.count(b"\n", 0, end))
        offset, size = offset + end, _BLOCK


def _may_end_blank(data: bytes, end: int) -> bool:
    """Return whether the lines up to `end` may end in a blank one, or one without a line end."""
    tail = data[max(0, end - _TAIL) : end]
    return not tail.endswith(b"\n") or tail[len(tail.rstrip()) :].count(b"\n") > 1
