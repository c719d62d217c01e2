"""What is in a folder, as far as a batch is concerned: folders and `*.jsonl`. Read in a thread, kept for a moment."""

from __future__ import annotations

import os
import stat
import time
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import overload

from tbatch_tui.engine.errors import OperationCancelledError
from tbatch_tui.engine.threads import run_cancellable
from tbatch_tui.tui.render.path import shorten_path
from tbatch_tui.tui.screens.pick.typed_path import trouble

SUFFIX = ".jsonl"
_KEPT_FOR = 2.0
"""Seconds that a listing is taken for what is there, so that each key typed does not list a folder again."""


class EntryKind(StrEnum):
    """What an entry is."""

    PARENT = "parent"
    FOLDER = "folder"
    FILE = "file"
    OTHER = "other"  # a pipe, a device, a link that leads nowhere: shown, never opened


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a listing."""

    where: str
    """The whole path."""
    name: str
    kind: EntryKind
    size: int | None = None
    modified: float | None = None

    @property
    def path(self) -> Path:
        return Path(self.where)

    @property
    def is_folder(self) -> bool:
        return self.kind in (EntryKind.FOLDER, EntryKind.PARENT)


class Listing(Sequence[Entry]):
    """Entries in order, kept as plain tuples: 50,000 of those cost the garbage collector nothing."""

    def __init__(self, folder: str, rows: list[_Row]) -> None:
        self._folder = folder
        self._rows = rows

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, index: int) -> Entry: ...
    @overload
    def __getitem__(self, index: slice) -> Listing: ...
    def __getitem__(self, index: int | slice) -> Entry | Listing:
        if isinstance(index, slice):
            return Listing(self._folder, self._rows[index])
        _, name, kind, size, modified = self._rows[index]
        return Entry(os.path.join(self._folder, name), name, EntryKind(kind), size, modified)  # noqa: PTH118

    def holding(self, text: str) -> Sequence[int]:
        """Which entries have this in their name, whatever the case."""
        if not (wanted := text.casefold()):
            return range(len(self))
        return [index for index, row in enumerate(self._rows) if wanted in row[0]]

    def beginning(self, text: str) -> Entry | None:
        """The first entry whose name begins so."""
        index = next((index for index, row in enumerate(self._rows) if row[1].startswith(text)), None)
        return None if index is None else self[index]

    def place(self, where: str) -> int | None:
        """Which entry has this path."""
        folder, name = os.path.split(where)
        if folder != self._folder:
            return None
        return next((index for index, row in enumerate(self._rows) if row[1] == name), None)

    @property
    def likeliest(self) -> Entry | None:
        """What one came for: the newest file; where there is none, the first entry."""
        files = [(row[4] or 0.0, -index) for index, row in enumerate(self._rows) if row[2] == EntryKind.FILE]
        return self[-max(files)[1]] if files else next(iter(self), None)

    @property
    def folders(self) -> int:
        """How many of them are folders; those come first."""
        return bisect_left(self._rows, True, key=lambda row: row[2] != EntryKind.FOLDER)


_Row = tuple[str, str, str, int | None, float | None]
"""Folded name, name, kind, size, time."""
NOTHING = Listing("", [])


def entry_of(path: Path) -> Entry:
    """A file that was named, whatever became of it."""
    _, name, kind, size, modified = _row(str(path), path.name)
    return Entry(str(path), name, EntryKind(kind), size, modified)


def list_folder(folder: Path, cancelled: Callable[[], bool] | None = None) -> Listing:
    """Folders, then `*.jsonl`, each by name; hidden ones are left out. Raises LocalFileError, and
    OperationCancelledError.
    """
    folders: list[_Row] = []
    files: list[_Row] = []
    try:
        with os.scandir(folder) as found:
            for item in found:
                if cancelled is not None and cancelled():
                    raise OperationCancelledError("The folder is not wanted any more")
                if item.name.startswith("."):
                    continue
                is_wanted = item.name[-len(SUFFIX) :].lower() == SUFFIX
                if not is_wanted and not _is_folder(item):
                    continue
                row = _row(item.path, item.name)
                if row[2] == EntryKind.FOLDER:
                    folders.append(row)
                elif is_wanted:
                    files.append(row)
    except (OSError, ValueError) as error:
        raise trouble(shorten_path(folder), error) from error
    folders.sort(key=_by_name)
    files.sort(key=_by_name)
    return Listing(str(folder), folders + files)


def _by_name(row: _Row) -> tuple[str, str]:
    return row[:2]


def _is_folder(item: os.DirEntry[str]) -> bool:
    try:
        return item.is_dir()
    except OSError:
        return False


def _row(where: str, name: str) -> _Row:
    try:
        status = os.stat(where)  # noqa: PTH116 - of each of many
    except (OSError, ValueError):
        return name.casefold(), name, EntryKind.OTHER.value, None, None
    if stat.S_ISDIR(status.st_mode):
        return name.casefold(), name, EntryKind.FOLDER.value, None, status.st_mtime
    if stat.S_ISREG(status.st_mode):
        return name.casefold(), name, EntryKind.FILE.value, status.st_size, status.st_mtime
    return name.casefold(), name, EntryKind.OTHER.value, None, status.st_mtime


class FolderReader:
    """Lists folders in a thread; the last listing is kept for two seconds."""

    def __init__(self) -> None:
        self._last: tuple[Path, float, Listing] | None = None

    async def read(self, folder: Path, *, fresh: bool = False) -> Listing:
        """The entries of a folder. Raises LocalFileError. When the caller is cancelled, the thread stops too."""
        last = self._last
        if not fresh and last is not None and last[0] == folder and time.monotonic() - last[1] < _KEPT_FOR:
            return last[2]
        entries = await run_cancellable(list_folder, folder)
        self._last = (folder, time.monotonic(), entries)
        return entries
