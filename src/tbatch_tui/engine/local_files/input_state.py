"""Whether an input file is still there, and still the bytes that were submitted. Read in a thread, each state once."""

from __future__ import annotations

import stat
from enum import StrEnum
from typing import TYPE_CHECKING

from tbatch_tui.engine.errors import LocalFileError, OperationCancelledError
from tbatch_tui.engine.local_files.file_stamp import FileStamp
from tbatch_tui.engine.local_files.fingerprint import read_fingerprint
from tbatch_tui.engine.threads import run_cancellable

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_REMEMBERED = 64


class InputState(StrEnum):
    """What became of an input file."""

    UNCHANGED = "unchanged"
    CHANGED = "changed"
    GONE = "gone"
    UNREADABLE = "unreadable"


class InputWatcher:
    """Remembers what it has read: a file that `stat` says is the same is not read again."""

    def __init__(self) -> None:
        self._known: dict[tuple[Path, FileStamp, int, int], str] = {}

    async def state_of(self, path: Path, size: int, sha256: str) -> InputState:
        """Compare with what was submitted. Cancelling this also stops the reading."""
        return await run_cancellable(self._read, path, size, sha256)

    def _read(self, path: Path, size: int, sha256: str, *, cancelled: Callable[[], bool]) -> InputState:
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
        stamp = (path, FileStamp.of(found), found.st_dev, found.st_ctime_ns)
        if (known := self._known.get(stamp)) is None:
            try:
                known = read_fingerprint(path, cancelled=cancelled).sha256
            except OperationCancelledError:
                return InputState.UNREADABLE  # nobody waits for it any more
            except LocalFileError:
                return InputState.UNREADABLE
            while len(self._known) >= _REMEMBERED:
                self._known.pop(next(iter(self._known)))
            self._known[stamp] = known
        return InputState.UNCHANGED if known == sha256 else InputState.CHANGED
