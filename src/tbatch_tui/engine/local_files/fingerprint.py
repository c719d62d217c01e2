"""The size and SHA-256 of a file, which identify an input file."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tbatch_tui.engine.errors import LocalFileError, OperationCancelledError
from tbatch_tui.engine.threads import run_reading

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_PIECE = 1 << 20


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """The identity of a file's bytes. `mtime_ns` is from before they were read."""

    size: int
    sha256: str
    mtime_ns: int


async def fingerprint_file(path: Path) -> Fingerprint:
    """Read a whole file in a thread, which stops when this is cancelled. Raises LocalFileError."""
    return await run_reading(read_fingerprint, path)


def read_fingerprint(path: Path, *, cancelled: Callable[[], bool] = lambda: False) -> Fingerprint:
    """Read a whole file on this thread. A pipe or device is refused before it could block.

    Args:
        cancelled: Asked after each MB whether to stop.

    Raises:
        LocalFileError: It cannot be read, or is no regular file.
        OperationCancelledError: `cancelled` returned true.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise LocalFileError(f"{path} is not a file", "Choose a .jsonl file.")
        import hashlib

        hasher = hashlib.sha256()
        size = 0
        with path.open("rb", buffering=0) as file:
            mtime_ns = os.fstat(file.fileno()).st_mtime_ns
            while piece := file.read(_PIECE):
                if cancelled():
                    raise OperationCancelledError(f"Reading {path.name} was stopped")
                hasher.update(piece)
                size += len(piece)
    except OSError as error:
        raise LocalFileError(
            f"{path} cannot be read: {error.strerror or error}", "Check the path and its permissions; nothing was sent."
        ) from error
    return Fingerprint(size, hasher.hexdigest(), mtime_ns)
