"""Scan the two halves of a large file at the same time, the second in a child process made by fork."""

from __future__ import annotations

import gc
import os
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import msgspec

from tbatch_tui.engine.check.scan.partial import PartialReport
from tbatch_tui.engine.check.scan.reader import next_line_start
from tbatch_tui.engine.check.scan.scan import scan

if TYPE_CHECKING:
    from collections.abc import Callable
    from io import FileIO

    from tbatch_tui.engine.check.lines.params import Kind

PARALLEL_BYTES_MIN = 4_000_000
"""Under this size of the file a second process costs more than it saves."""


def scan_parallel(
    file: FileIO,
    start: int,
    stop: int,
    kind: Kind,
    progress: Callable[[int], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
    measure: bool = True,
    store: str = "",
    now: float | None = None,
) -> PartialReport:
    """Like `scan`, but check the later half in a child process.

    Only for a process without other threads. If the child fails for any reason, its half is scanned here. The hashes
    of ids agree because a fork shares the hash seed.
    """
    middle = next_line_start(file, start + (stop - start) // 2, stop)
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        _scan_and_exit(file, reader, writer, middle, stop, kind, measure, now, store)
    os.close(writer)
    try:
        with open(reader, "rb") as pipe:  # noqa: PTH123 - a descriptor, not a path
            doubled = None if progress is None else (lambda done: progress(2 * done))
            part = scan(file, start, middle, kind, doubled, cancelled, measure, now, store)
            answer = pipe.read()
    except BaseException:
        os.kill(child, 9)
        raise
    finally:
        _, status = os.waitpid(child, 0)
    if status == 0:
        later = msgspec.msgpack.decode(answer, type=PartialReport)
    else:
        later = scan(file, middle, stop, kind, None, cancelled, measure, now, store)
    part.append(later)
    return part


def _scan_and_exit(
    file: FileIO,
    reader: int,
    writer: int,
    start: int,
    stop: int,
    kind: Kind,
    measure: bool,
    now: float | None,
    store: str,
) -> NoReturn:
    """Scan in the child and send the report to the parent. Exits by `_exit`, so that no exit handler runs twice."""
    status = 1
    try:
        gc.disable()
        os.close(reader)
        # The parent shares the position of its descriptor: the file is opened again, if its name still leads to it.
        with Path(file.name).open("rb", buffering=0) as own_file:
            if os.path.sameopenfile(own_file.fileno(), file.fileno()):
                part = scan(own_file, start, stop, kind, measure=measure, now=now, store=store)
                with open(writer, "wb") as pipe:
                    pipe.write(msgspec.msgpack.encode(part))
                status = 0
    finally:
        os._exit(status)
