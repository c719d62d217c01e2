"""The two halves of a large file at once: the second in a child process made by fork."""

from __future__ import annotations

import gc
import os
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from tbatch_tui.engine.check.scan.partial import PartialReport
from tbatch_tui.engine.check.scan.reader import next_line_start
from tbatch_tui.engine.check.scan.scan import scan

if TYPE_CHECKING:
    from collections.abc import Callable
    from io import FileIO

    from tbatch_tui.engine.check.lines.params import Kind

LARGE = 4_000_000
"""Bytes under which a second process costs more than it saves."""


def scan_parallel(
    file: FileIO,
    start: int,
    stop: int,
    kind: Kind,
    progress: Callable[[int], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
    measure: bool = True,
) -> PartialReport:
    """As `scan`, with the later half in a child. Hashes of ids agree, since a fork shares the hash seed.

    Only for a process without other threads. If the child fails for any reason, its half is done here.
    """
    middle = next_line_start(file, start + (stop - start) // 2, stop)
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        _work(file, reader, writer, middle, stop, kind, measure)
    os.close(writer)
    try:
        with open(reader, "rb") as pipe:  # noqa: PTH123 - a descriptor, not a path
            twice = None if progress is None else (lambda done: progress(2 * done))
            part = scan(file, start, middle, kind, twice, cancelled, measure)
            answer = pipe.read()
    except BaseException:
        os.kill(child, 9)
        raise
    finally:
        _, status = os.waitpid(child, 0)
    if status == 0:
        later = msgspec.msgpack.decode(answer, type=PartialReport)
    else:
        later = scan(file, middle, stop, kind, None, cancelled, measure)
    part.append(later)
    return part


def _work(file: FileIO, reader: int, writer: int, start: int, stop: int, kind: Kind, measure: bool) -> None:
    """The child's whole life: it must leave by `_exit`, or it would run the parent's own endings."""
    status = 1
    try:
        gc.disable()
        os.close(reader)
        # A descriptor's position is shared with the parent: the file is opened anew, if its name still bears it.
        with Path(file.name).open("rb", buffering=0) as mine:
            if os.path.sameopenfile(mine.fileno(), file.fileno()):
                part = scan(mine, start, stop, kind, measure=measure)
                with open(writer, "wb") as pipe:
                    pipe.write(msgspec.msgpack.encode(part))
                status = 0
    finally:
        os._exit(status)
