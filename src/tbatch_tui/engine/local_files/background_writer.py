"""Writes to a file in a thread, so that what is written next is made meanwhile."""

from __future__ import annotations

import os
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from io import UnsupportedOperation
from typing import TYPE_CHECKING, BinaryIO, Self

if TYPE_CHECKING:
    from types import TracebackType

_SYNC_AFTER = 16 << 20
"""Bytes after which what was written begins to go to the disk: a file that is synced at its end waits less then."""


class BackgroundWriter:
    """Writes pieces in their order, one at a time: `write` waits for those before."""

    def __init__(self, file: BinaryIO) -> None:
        """`file` is used by the thread alone until the block ends."""
        self._file = file
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="writer")
        self._pending: Future[None] | None = None
        self._unsynced = 0

    def __enter__(self) -> Self:
        return self

    def write(self, *pieces: bytes) -> None:
        """Write pieces. Raises the OSError of those before."""
        self._wait()
        self._pending = self._pool.submit(self._write, pieces)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._wait()
        finally:
            self._pool.shutdown()

    def _wait(self) -> None:
        if self._pending is not None:
            self._pending.result()

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
