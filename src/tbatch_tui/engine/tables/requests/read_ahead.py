"""Reads the rows of a table of text, many at once; a large one in a child process, made by fork."""

from __future__ import annotations

import gc
import marshal
import os
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any, BinaryIO, NoReturn

from tbatch_tui.engine.errors import BatchError
from tbatch_tui.engine.tables.problems import RowProblem, RowProblems
from tbatch_tui.engine.tables.requests.json_cells import JsonCells, json_columns

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tbatch_tui.engine.tables.readers.source import Cells, TableSource

BYTES_MIN = 8_000_000
"""Under this size of the file a second process costs more than it saves."""
_LENGTH = 8
_PIPE = 1 << 18
"""Bytes that wait between the two processes, so that neither stops at each batch."""


def can_read_ahead(source: TableSource) -> bool:
    """Return whether it can be done, and pays: with two cores, and no thread that a fork would lose."""
    if not hasattr(os, "fork") or not hasattr(os, "sched_getaffinity") or threading.active_count() > 1:
        return False
    is_file_of_text = source.format in ("csv", "tsv", "lines")
    return is_file_of_text and len(os.sched_getaffinity(0)) > 1 and source.path.stat().st_size >= BYTES_MIN


def read_batches(
    source: TableSource, columns: Sequence[str], problems: RowProblems
) -> Iterator[JsonCells | list[Cells]]:
    """Yield the rows of a source together, with these columns alone; as they are where one needs a closer look.

    Raises as reading the source does.
    """
    for batch in source.batches(columns, problems):
        lines = json_columns(batch, len(columns))
        yield list(batch) if lines is None else JsonCells(lines)


def read_ahead(source: TableSource, columns: Sequence[str], problems: RowProblems) -> Iterator[JsonCells | list[Cells]]:
    """Yield the same as `read_batches`, read by another process. `source.sha256` is known at the end."""
    reader, writer = _wide_pipe()
    child = os.fork()
    if child == 0:
        _send_and_exit(source, columns, reader, writer)
    os.close(writer)
    last: object = None
    try:
        with open(reader, "rb", buffering=1 << 20) as pipe:  # noqa: PTH123 - a descriptor, not a path
            while size := pipe.read(_LENGTH):
                last = marshal.loads(pipe.read(int.from_bytes(size, "little")))
                if isinstance(last, list):
                    yield JsonCells(last) if isinstance(last[0], bytes) else last
    except BaseException:
        os.kill(child, 9)
        raise
    finally:
        os.waitpid(child, 0)
    if not isinstance(last, tuple):
        for _ in source.rows(columns, RowProblems()):  # raises what the child could not say
            pass
        raise BatchError(f"{source.name} could not be read to its end", "Nothing was written. Try again.")
    source.sha256, named, total = last
    for problem in named:
        problems.add(*problem)
    problems.count(total - len(named))


def _send_and_exit(source: TableSource, columns: Sequence[str], reader: int, writer: int) -> NoReturn:
    """Read in the child, and send. Exits by `_exit`, so that no exit handler runs twice."""
    status = 1
    try:
        gc.disable()
        os.close(reader)
        problems = RowProblems()
        with open(writer, "wb", buffering=1 << 18) as pipe:
            for batch in source.batches(columns, problems):
                lines = json_columns(batch, len(columns))
                _send(pipe, [tuple(cells) for cells in batch] if lines is None else lines)
            named = [tuple(RowProblem(*problem)) for problem in problems.named]
            _send(pipe, (source.sha256, named, problems.total))
        status = 0
    finally:
        os._exit(status)


def _wide_pipe() -> tuple[int, int]:
    """Return the two ends of a pipe that holds more than usual, where the system has such."""
    import fcntl

    reader, writer = os.pipe()
    with suppress(AttributeError, OSError):
        fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, _PIPE)
    return reader, writer


def _send(pipe: BinaryIO, message: Any) -> None:
    data = marshal.dumps(message)
    pipe.write(len(data).to_bytes(_LENGTH, "little"))
    pipe.write(data)
