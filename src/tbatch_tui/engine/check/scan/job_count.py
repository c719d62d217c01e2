"""How many jobs a file goes as that is over the limits of one: counted as `groups.split` writes the parts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tbatch_tui.engine.check.limits import FILE_MEGABYTES, MEGABYTE, REQUESTS_MAX
from tbatch_tui.engine.check.lines.stopping import stop_if

if TYPE_CHECKING:
    from collections.abc import Callable
    from io import FileIO

BYTES_MAX = FILE_MEGABYTES * MEGABYTE
"""Bytes of a part at most: the documented limit, not the larger one that is an error."""
_BLOCK = 1 << 20


def count_jobs(
    file: FileIO,
    start: int,
    size: int,
    requests: int,
    cancelled: Callable[[], bool] | None = None,
    *,
    requests_max: int = REQUESTS_MAX,
    bytes_max: int = BYTES_MAX,
) -> int:
    """Return the number of jobs. A file of more than 100 MB is read again: its parts end where lines end.

    Args:
        start: Where the lines begin.
        size: Bytes of the file.
        requests: Its lines that are not blank.
    """
    if size - start < bytes_max:
        return max(1, -(-requests // requests_max))
    file.seek(start)
    jobs, in_job, bytes_in_job = 1, 0, 0
    rest = b""
    while block := file.read(_BLOCK):
        stop_if(cancelled)
        *lines, rest = (rest + block).split(b"\n")
        for line in lines:
            length = len(line) + 1
            if length == 1 or line.isspace():
                continue
            if in_job and (in_job >= requests_max or bytes_in_job + length + 1 > bytes_max):
                jobs, in_job, bytes_in_job = jobs + 1, 0, 0
            in_job += 1
            bytes_in_job += length
    if rest.strip() and in_job and (in_job >= requests_max or bytes_in_job + len(rest) + 1 > bytes_max):
        jobs += 1
    return jobs
