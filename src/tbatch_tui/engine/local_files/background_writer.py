"""Writes to a file in a thread, so that what is written next is made meanwhile."""

from __future__ import annotations

import os
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from io import UnsupportedOperation
from typing import TYPE_CHECKING, BinaryIO, Self

if TYPE_CHECKING:
    from types import TracebackType

_SYNC_AFTER = 16 << 20
"""Bytes after which what was written begins to go to the disk: a file that is synced at its end waits less then."""


_AHEAD = 8 << 20
"""Bytes that may wait to be written: to sync a file takes as long as to make some of what comes next."""


class BackgroundWriter:
    """Writes pieces in their order, one at a time: `write` waits while there are too many before."""

    def __init__(self, file: BinaryIO) -> None:
        """`file` is used by the thread alone until the block ends."""
        self._file = file
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="writer")
        self._pending: deque[tuple[int, Future[None]]] = deque()
        """What is not known to be written yet, with its bytes."""
        self._ahead = self._unsynced = 0

    def __enter__(self) -> Self:
        return self

    def write(self, *pieces: bytes) -> None:
        """Write pieces. Raises the OSError of those before."""
        size = sum(map(len, pieces))
        self._wait(_AHEAD - size)
        self._pending.append((size, self._pool.submit(self._write, pieces)))
        self._ahead += size

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._wait(0)
        finally:
            self._pool.shutdown(cancel_futures=True)

    def _wait(self, most: int) -> None:
        """Wait until no more than so many bytes are ahead. Raises the OSError of what is known to be written or not."""
        while self._pending and (self._ahead > most or self._pending[0][1].done()):
            size, written = self._pending.popleft()
            self._ahead -= size
            written.result()

    def _write(self, pieces: tuple[bytes, ...]) -> None:
        for piece in pieces:
            self._file.write(piece)
            self._unsynced += len(piece)
        if self._unsynced >= _SYNC_AFTER:
            self._unsynced = 0
            with suppress(UnsupportedOperation, AttributeError):  # no file on a disk
                descriptor = self._file.fileno()
                self._file.flush()
                with suppress(OSError):  # a pipe; a disk that is full says so at the end as well
                    os.fdatasync(descriptor)
