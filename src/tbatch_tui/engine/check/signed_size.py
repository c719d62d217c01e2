"""How large an input file is once links stand for the addresses of its recordings: what is sent is that copy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tbatch_tui.engine.check.limits import FILE_MEGABYTES, MEGABYTE

if TYPE_CHECKING:
    from io import FileIO

_MARK = b'"s3:'
_LONGER = 280
"""Bytes that a link has more than its address, at least: server, key, date, region and signature."""


def signed_size(file: FileIO, size: int, requests: int) -> int:
    """Return how many bytes a file has with links, at least. It is only read where that may be over the limit.

    Args:
        file: An input file of audio requests.
        size: Its bytes.
        requests: How many requests it has, each with one address at most.
    """
    if size + requests * _LONGER <= FILE_MEGABYTES * MEGABYTE:
        return size
    file.seek(0)
    held, count = b"", 0
    while piece := file.read(1 << 20):
        data = held + piece
        count += data.count(_MARK)
        held = data[-len(_MARK) + 1 :]
    return size + min(count, requests) * _LONGER
