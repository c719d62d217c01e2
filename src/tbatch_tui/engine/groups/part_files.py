"""Write the parts of a file: each is hashed in a thread, and written in another, while the next block is read."""

from __future__ import annotations

import hashlib
import os
import secrets
import sys
from bisect import bisect_left
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from itertools import accumulate
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, Self

from tbatch_tui.engine.local_files.rights import PRIVATE, create_file

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from types import TracebackType

    from tbatch_tui.engine.groups.line_blocks import LineBlock

_MOST_SLICES = 10_000
"""Slices of the file up to which it is noted where a part has its bytes from. One that goes ahead may have many."""
_IN_FLIGHT = 16
"""Blocks that wait to be written at most: they are all the memory that this takes."""


class Part:
    """One part while it is written, with its hash."""

    def __init__(self, path: Path) -> None:
        """Make the file at `path`."""
        self.path = path
        self.file: BinaryIO = create_file(path, PRIVATE)
        self.hash = hashlib.sha256()
        self.requests = self.size = 0
        self.slices: list[tuple[int, int]] | None = []
        """Offset and size of the slices of the file that it is made of; None where that cannot be told."""

    def add(self, begin: int | None, size: int, requests: int) -> None:
        """Count so many bytes, which begin there in the file."""
        self.requests += requests
        self.size += size
        if self.slices is None:
            return
        if begin is None or len(self.slices) >= _MOST_SLICES:
            self.slices = None
        elif self.slices and sum(self.slices[-1]) == begin:
            self.slices[-1] = self.slices[-1][0], self.slices[-1][1] + size
        else:
            self.slices.append((begin, size))

    def sync(self) -> None:
        """Have what was written on the disk, and close the file."""
        with self.file:
            self.file.flush()
            os.fsync(self.file.fileno())


class _Piece(NamedTuple):
    part: Part
    lines: memoryview


class PartFiles:
    """The files of a folder while they are written. As a context manager it waits until all are on the disk."""

    def __init__(self, folder: Path, counts: Sequence[int], ahead: Sequence[int]) -> None:
        """Begin with no file.

        Args:
            counts: how many requests each part has, in their order.
            ahead: the requests that are a part before those, from 0, in their order.
        """
        self._folder = folder
        self._counts = counts
        self._ahead_numbers = ahead
        self.ahead = self._new() if ahead else None
        self.rest: list[Part] = []
        self.requests = 0
        """How many were added."""
        self.largest = 0
        """Bytes of the largest part, of those after the requests ahead."""
        self._hashing = ThreadPoolExecutor(1, thread_name_prefix="hash")
        self._writing = ThreadPoolExecutor(1, thread_name_prefix="parts")
        self._syncing = ThreadPoolExecutor(1, thread_name_prefix="sync")
        self._in_flight: deque[tuple[Future[None], ...]] = deque()
        self._full: list[Part] = []
        """Parts of which all is about to be written."""
        self._synced: list[Future[None]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                for part in (self.ahead, *self.rest[-1:]):
                    if part is not None:
                        self._finish(part)
                while self._in_flight:
                    self._wait()
                for future in self._synced:
                    future.result()
        finally:
            self._hashing.shutdown(cancel_futures=True)
            self._writing.shutdown(cancel_futures=True)
            self._syncing.shutdown(cancel_futures=True)
            for part in self.parts:
                with suppress(OSError):  # of parts that are not wanted any more
                    part.file.close()

    @property
    def parts(self) -> list[Part]:
        """All that were begun, in the order in which they are sent."""
        return [*([self.ahead] if self.ahead is not None else []), *self.rest]

    def remove(self) -> None:
        """Remove the files."""
        for part in self.parts:
            part.path.unlink()

    def add(self, block: LineBlock) -> None:
        """Write the requests of a block to their parts, soon. Raises the OSError of blocks before."""
        if not block.requests:
            return
        pieces = self._cut(block)
        self._in_flight.append((self._hashing.submit(_hash, pieces), self._writing.submit(_write, pieces)))
        self.requests += block.requests
        while self._full:
            self._finish(self._full.pop())
        while len(self._in_flight) > _IN_FLIGHT:
            self._wait()

    def _wait(self) -> None:
        """Wait until the first of what is in flight is done. Raises what it raised."""
        for future in self._in_flight.popleft():
            future.result()

    def _cut(self, block: LineBlock) -> list[_Piece]:
        """Return the pieces of a block: one, unless requests of several parts are in it."""
        first, last = (bisect_left(self._ahead_numbers, at) for at in (self.requests, self.requests + block.requests))
        ahead = [number - self.requests for number in self._ahead_numbers[first:last]]
        ahead.append(block.requests)  # none
        ends: Sequence[int] = ()
        pieces: list[_Piece] = []
        at = 0
        while at < block.requests:
            if at == ahead[0] and self.ahead is not None:
                part, stop = self.ahead, at + 1
                del ahead[0]
            else:
                part, room = self._with_room()
                stop = min(ahead[0], at + room)
            if at == 0 and stop >= block.requests:
                return [self._piece(part, block.lines, block.requests, block.begin)]
            ends = ends or [0, *accumulate(len(line) + 1 for line in bytes(block.lines).split(b"\n")[:-1])]
            begin = block.begin + ends[at] if block.begin is not None else None
            pieces.append(self._piece(part, block.lines[ends[at] : ends[stop]], stop - at, begin))
            at = stop
        return pieces

    def _piece(self, part: Part, lines: memoryview, requests: int, begin: int | None) -> _Piece:
        part.add(begin, len(lines), requests)
        if part is not self.ahead:
            self.largest = max(self.largest, part.size)
        return _Piece(part, lines)

    def _with_room(self) -> tuple[Part, int]:
        """Return the part to write, after a full one the next, and how many requests it has room for."""
        number = len(self.rest) - 1
        if number >= 0:
            part = self.rest[number]
            if number >= len(self._counts):  # more than there should be
                return part, sys.maxsize
            if room := self._counts[number] - part.requests:
                return part, room
            self._full.append(part)
        self.rest.append(self._new())
        return self._with_room()

    def _finish(self, part: Part) -> None:
        """Sync a part in a thread of its own once all of it is written."""
        written = self._writing.submit(lambda: self._synced.append(self._syncing.submit(part.sync)))
        self._in_flight.append((written,))

    def _new(self) -> Part:
        return Part(self._folder / secrets.token_hex(6))


def _hash(pieces: Sequence[_Piece]) -> None:
    for part, lines in pieces:
        part.hash.update(lines)


def _write(pieces: Sequence[_Piece]) -> None:
    for part, lines in pieces:
        part.file.write(lines)
