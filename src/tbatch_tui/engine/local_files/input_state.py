"""Whether an input file is still there, with the bytes that were submitted."""

from __future__ import annotations

import errno
import stat
from enum import StrEnum
from typing import TYPE_CHECKING

from tbatch_tui.engine.domain.submission import parse_slices
from tbatch_tui.engine.errors import LocalFileError, OperationCancelledError
from tbatch_tui.engine.local_files.file_slices import InputPlace, is_there
from tbatch_tui.engine.local_files.file_stamp import FileStamp
from tbatch_tui.engine.local_files.fingerprint import read_fingerprint
from tbatch_tui.engine.threads import run_reading

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_MAX_KNOWN = 64
"""Files whose hash is remembered."""


class InputState(StrEnum):
    """What has become of an input file since it was submitted."""

    UNCHANGED = "unchanged"
    CHANGED = "changed"
    GONE = "gone"
    UNREADABLE = "unreadable"


class InputWatcher:
    """Compares input files with what was submitted. A file that `stat` says is the same is not read again."""

    def __init__(self) -> None:
        self._known: dict[tuple[Path, FileStamp, int, int], str] = {}

    async def state_of(self, path: Path, size: int, sha256: str, slices: str = "") -> InputState:
        """Read the file in a thread and compare it. Cancelling this also stops the reading.

        Args:
            path: The file. Of a part without a file of its own, its slices are read.
            size: Bytes of the file that was submitted; `sha256` is its hash.
            slices: Where they are in other files, as `format_slices` writes it.
        """
        return await run_reading(self._read, path, size, sha256, slices)

    def _read(self, path: Path, size: int, sha256: str, slices: str, *, cancelled: Callable[[], bool]) -> InputState:
        place = InputPlace(path, parse_slices(slices))
        if place.is_sliced:
            return self._read_slices(place, size, sha256, cancelled)
        try:
            stats = path.stat()
        except (FileNotFoundError, NotADirectoryError):
            return InputState.GONE
        except (OSError, ValueError):
            return InputState.UNREADABLE
        if not stat.S_ISREG(stats.st_mode):
            return InputState.CHANGED
        if stats.st_size != size:
            return InputState.CHANGED  # no need to read it
        key = (path, FileStamp.of(stats), stats.st_dev, stats.st_ctime_ns)
        if (known := self._known.get(key)) is None:
            try:
                known = read_fingerprint(path, cancelled=cancelled).sha256
            except OperationCancelledError:
                return InputState.UNREADABLE  # nobody waits for it any more
            except LocalFileError:
                return InputState.UNREADABLE
            self._remember(key, known)
        return InputState.UNCHANGED if known == sha256 else InputState.CHANGED

    def _read_slices(self, place: InputPlace, size: int, sha256: str, cancelled: Callable[[], bool]) -> InputState:
        if not all(is_there(each) for each in place.files):
            return InputState.GONE
        if (stamp := place.stamp) is None:
            return InputState.UNREADABLE
        key = (place.path, stamp, 0, 0)
        if (known := self._known.get(key)) is None:
            try:
                known = place.read(cancelled=cancelled).sha256
            except OSError as error:
                return InputState.CHANGED if error.errno == errno.ESTALE else InputState.UNREADABLE
            except OperationCancelledError:
                return InputState.UNREADABLE
            self._remember(key, known)
        return InputState.UNCHANGED if known == sha256 and stamp.size == size else InputState.CHANGED

    def _remember(self, key: tuple[Path, FileStamp, int, int], sha256: str) -> None:
        while len(self._known) >= _MAX_KNOWN:
            self._known.pop(next(iter(self._known)))
        self._known[key] = sha256
