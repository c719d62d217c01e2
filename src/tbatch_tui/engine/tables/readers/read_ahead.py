"""Reads a large table of text in a child process made by fork, while its rows are made into requests in this one."""

from __future__ import annotations

import gc
import marshal
import os
import threading
from contextlib import suppress
from operator import itemgetter
from typing import TYPE_CHECKING, BinaryIO, NoReturn

import msgspec

from tbatch_tui.engine.errors import BatchError
from tbatch_tui.engine.tables.problems import RowProblem, RowProblems

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from tbatch_tui.engine.tables.readers.source import Cells, TableSource

BYTES_MIN = 8_000_000
"""Under this size of the file a second process costs more than it saves."""
_ROWS = 1_000
"""Rows that are sent at once, at most."""
_LENGTH = 8
_PIPE = 1 << 18
"""Bytes that wait between the two processes, so that neither stops at each batch."""
_CELLS, _OTHER = b"c", b"o"
"""How a message begins: the cells of rows, column by column, or anything else."""
_encode = msgspec.msgpack.Encoder().encode
_decode_cells = msgspec.msgpack.Decoder(list[list[str]]).decode


def can_read_ahead(source: TableSource) -> bool:
    """Return whether it can be done, and pays: with two cores, and no thread that a fork would lose."""
    if not hasattr(os, "fork") or not hasattr(os, "sched_getaffinity") or threading.active_count() > 1:
        return False
    is_file_of_text = source.format in ("csv", "tsv", "lines")
    return is_file_of_text and len(os.sched_getaffinity(0)) > 1 and source.path.stat().st_size >= BYTES_MIN


def batches(rows: Iterable[Cells], source: TableSource) -> Iterator[list[Cells]]:
    """Yield rows together: those that were read with one piece of the file, or a large one alone."""
    batch: list[Cells] = []
    position = -1
    for cells in rows:
        reading = source.reading
        if reading is None or reading.position != position or len(batch) >= _ROWS:
            if batch:
                yield batch
            batch, position = [], -1 if reading is None else reading.position
        batch.append(cells)
    if batch:
        yield batch


def read_ahead(source: TableSource, columns: Sequence[str], problems: RowProblems) -> Iterator[list[Cells]]:
    """Yield the rows of a source together, with these columns alone. `source.sha256` is known at the end.

    Raises as reading the source does.
    """
    reader, writer = _wide_pipe()
    child = os.fork()
    if child == 0:
        _send_and_exit(source, columns, reader, writer)
    os.close(writer)
    last: object = None
    try:
        with open(reader, "rb", buffering=1 << 20) as pipe:  # noqa: PTH123 - a descriptor, not a path
            while kind := pipe.read(1):
                data = pipe.read(int.from_bytes(pipe.read(_LENGTH), "little"))
                last = list(zip(*_decode_cells(data), strict=True)) if kind == _CELLS else marshal.loads(data)
                if isinstance(last, list):
                    yield last
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
        rows = source.rows(columns, problems)
        places = [rows.columns.index(name) for name in columns]
        with open(writer, "wb", buffering=1 << 18) as pipe:
            for batch in batches(rows, source):
                _send_rows(pipe, batch, places)
            named = [tuple(RowProblem(*problem)) for problem in problems.named]
            _send(pipe, _OTHER, marshal.dumps((source.sha256, named, problems.total)))
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


def _send_rows(pipe: BinaryIO, batch: list[Cells], places: Sequence[int]) -> None:
    """Send the cells at these places of each row."""
    try:
        _send(pipe, _CELLS, _encode([list(map(itemgetter(at), batch)) for at in places]))
    except (IndexError, UnicodeEncodeError):  # a row with a problem is empty; some encodings give half a surrogate pair
        rows = [tuple([cells[at] for at in places]) if cells else () for cells in batch]
        _send(pipe, _OTHER, marshal.dumps(rows))


def _send(pipe: BinaryIO, kind: bytes, data: bytes) -> None:
    pipe.write(kind + len(data).to_bytes(_LENGTH, "little"))
    pipe.write(data)
