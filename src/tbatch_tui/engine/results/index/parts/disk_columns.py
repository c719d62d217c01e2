"""Columns of an index in files instead of memory, for groups of many rows.

They are read in pieces, of which one is kept for each column: reading rows in their order costs little more than it
does from memory. A piece is read through a map of the file. A read would give the interpreter away, and the event loop,
which needs some values of many rows, waited 5 ms to have it back each time while a thread was at work.
"""

from __future__ import annotations

import mmap
import os
import tempfile
import weakref
from array import array
from typing import TYPE_CHECKING, Any, cast, overload

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tbatch_tui.engine.results.index.columns import LocationColumns, TextColumn
    from tbatch_tui.engine.results.index.join import Join

_PIECE, _FEW = 1 << 13, 1 << 6
"""Values that are read at once; only a few where the last one that was read is far away."""
_SMALL = 1 << 16
"""Bytes up to which the map is read."""
_MAPPED_READS = 8
"""Reads after which the pages of the map are given back: each may bring 128 KB into the memory of the process."""


class DiskColumn:
    """An array of numbers in a file that has no name and is gone with the column.

    It does of `array` and `bytearray` what the columns of an index need. One thread may add while another reads.
    """

    def __init__(self, typecode: str) -> None:
        """Begin with no value. Raises OSError where there is no room for files."""
        self._typecode = typecode
        self._width = array(typecode).itemsize
        with tempfile.TemporaryFile(prefix="tbatch-tui-") as file:
            self._handle = os.dup(file.fileno())
        weakref.finalize(self, os.close, self._handle)
        self._count = 0
        self._piece: tuple[int, array[Any]] = (-_PIECE, array(typecode))
        self._map: mmap.mmap | None = None
        self._mapped_reads = 0

    def __len__(self) -> int:
        return self._count

    def append(self, value: float) -> None:
        """Add a value."""
        self.extend((value,))

    def extend(self, values: Iterable[float]) -> None:
        """Add values. Raises OSError where there is no room for them."""
        data = memoryview(values if isinstance(values, array | bytes | bytearray) else array(self._typecode, values))
        count, data = len(data), data.cast("B")
        at = self._count * self._width
        while data:
            written = os.pwrite(self._handle, data, at)
            at, data = at + written, data[written:]
        self._count += count

    def __iadd__(self, values: bytes | bytearray | DiskColumn) -> DiskColumn:
        self.extend(values)
        return self

    def __setitem__(self, number: int, value: float) -> None:
        os.pwrite(self._handle, array(self._typecode, [value]), number * self._width)
        self._piece = (self._piece[0], array(self._typecode))

    @overload
    def __getitem__(self, number: int) -> Any: ...
    @overload
    def __getitem__(self, number: slice) -> array[Any]: ...
    def __getitem__(self, number: int | slice) -> Any:
        if isinstance(number, slice):
            start, stop, step = number.indices(self._count)
            return self._read(start, max(start, stop))[::step]
        if number < 0:
            number += self._count
        if not 0 <= number < self._count:
            raise IndexError("column index out of range")
        begin, piece = self._piece
        if not 0 <= number - begin < len(piece):
            size = _PIECE if abs(number - begin) <= _PIECE else _FEW
            begin = number - number % size
            piece = self._read(begin, min(begin + size, self._count))
            self._piece = (begin, piece)
        return piece[number - begin]

    def __iter__(self) -> Iterator[Any]:
        for begin in range(0, self._count, _PIECE):
            yield from self._read(begin, min(begin + _PIECE, self._count))

    def _read(self, begin: int, end: int) -> array[Any]:
        values = array(self._typecode)
        at, end = begin * self._width, end * self._width
        if 0 < end - at <= _SMALL:
            values.frombytes(self._read_map(at, end))
            return values
        while at < end and (data := os.pread(self._handle, end - at, at)):
            values.frombytes(data)
            at += len(data)
        return values

    def _read_map(self, begin: int, end: int) -> bytes:
        """Return bytes of the file, which is as long. Raises OSError."""
        mapped = self._map
        if mapped is None or len(mapped) < end:
            mapped = self._map = mmap.mmap(self._handle, self._count * self._width, prot=mmap.PROT_READ)
        data = mapped[begin:end]
        self._mapped_reads += 1
        if self._mapped_reads % _MAPPED_READS == 0 and hasattr(mmap, "MADV_DONTNEED"):
            mapped.madvise(mmap.MADV_DONTNEED)
        return data


def move_to_disk(join: Join) -> None:
    """Let an empty join keep its columns in files. Raises OSError where there is no room for files."""
    requests, responses = join.requests, join.responses
    for texts in (requests.ids, responses.previews):
        _move_texts(texts)
    for locations in (requests.locations, responses.locations):
        _move_locations(locations)
    requests.response = cast("array[int]", DiskColumn("i"))
    responses.file, responses.model = (cast("array[int]", DiskColumn("H")) for _ in range(2))
    responses.reason = cast("array[int]", DiskColumn("H"))
    responses.outcome = cast("bytearray", DiskColumn("B"))
    responses.tokens, responses.prompt_tokens = (cast("array[int]", DiskColumn("I")) for _ in range(2))
    responses.reasoning_tokens, responses.cached_tokens = (cast("array[int]", DiskColumn("I")) for _ in range(2))
    responses.seconds = cast("array[float]", DiskColumn("d"))


def _move_texts(texts: TextColumn) -> None:
    buffer, ends = DiskColumn("B"), DiskColumn("Q")
    ends.append(0)
    texts.use(cast("bytearray", buffer), cast("array[int]", ends))


def _move_locations(locations: LocationColumns) -> None:
    locations.line = cast("array[int]", DiskColumn("I"))
    locations.offset, locations.length = (cast("array[int]", DiskColumn("Q")) for _ in range(2))
