"""Whether an input file is still there, and still the bytes that were submitted. Read in a thread, each state once."""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path

from tbatch_tui.engine.errors import LocalFileError, OperationCancelledError
from tbatch_tui.engine.local_files.fingerprint import read_fingerprint

_REMEMBERED = 64
Stamp = tuple[int, int, int, int, int]


class InputState(StrEnum):
    """What became of an input file."""

    UNCHANGED = "unchanged"
    CHANGED = "changed"
    GONE = "gone"
    UNREADABLE = "unreadable"


class InputWatcher:
    """Remembers what it has read: a file that `stat` says is the same is not read again."""

    def __init__(self) -> None:
        self._known: dict[tuple[Path, Stamp], str] = {}

    async def state_of(self, path: Path, size: int, sha256: str) -> InputState:
        """Compare with what was submitted. Cancelling this also stops the reading."""
        is_stopped = False
        try:
            return await asyncio.to_thread(self._look, path, size, sha256, lambda: is_stopped)
        finally:
            is_stopped = True

    def _look(self, path: Path, size: int, sha256: str, is_stopped: Callable[[], bool]) -> InputState:
        try:
            found = path.stat()
        except (FileNotFoundError, NotADirectoryError):
            return InputState.GONE
        except (OSError, ValueError):
            return InputState.UNREADABLE
        if not stat.S_ISREG(found.st_mode):
            return InputState.CHANGED
        if found.st_size != size:
            return InputState.CHANGED  # no need to read it
        stamp = (path, _stamp(found))
        if (known := self._known.get(stamp)) is None:
            try:
                known = read_fingerprint(path, is_stopped).sha256
            except OperationCancelledError:
                return InputState.UNREADABLE  # nobody waits for it any more
            except LocalFileError:
                return InputState.UNREADABLE
            while len(self._known) >= _REMEMBERED:
                self._known.pop(next(iter(self._known)))
            self._known[stamp] = known
        return InputState.UNCHANGED if known == sha256 else InputState.CHANGED


def _stamp(found: os.stat_result) -> Stamp:
    return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
