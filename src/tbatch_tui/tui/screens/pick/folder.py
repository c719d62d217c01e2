"""What a folder has for a batch: folders, input files, tables and recipes. Read in a thread and cached for a moment."""

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
from tbatch_tui.engine.tables.compose.opening import TABLE_SUFFIXES
from tbatch_tui.engine.tables.output_names import SUFFIX as RECIPE_SUFFIX
from tbatch_tui.engine.threads import run_reading
from tbatch_tui.text.natural import natural_key
from tbatch_tui.tui.render.path import shorten_path
from tbatch_tui.tui.screens.pick.typed_path import path_error

SUFFIXES = (*TABLE_SUFFIXES, RECIPE_SUFFIX)
"""How the names of files end that are listed."""
_UNLIKELY = (".json", ".txt", RECIPE_SUFFIX)
"""How those of files end that are there for other reasons more often."""
_CACHED_FOR = 2.0
"""Seconds that a listing is cached, so that not every key typed reads the folder again."""


class EntryKind(StrEnum):
    """The kind of an entry."""

    PARENT = "parent"
    FOLDER = "folder"
    FILE = "file"
    OTHER = "other"  # a pipe, a device, a link that leads nowhere: shown, never opened


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a listing."""

    path_text: str
    """The whole path; see `path`."""
    name: str
    kind: EntryKind
    size: int | None = None
    modified: float | None = None

    @property
    def path(self) -> Path:
        """The path; made when asked for, because most entries of a large folder are never looked at."""
        return Path(self.path_text)

    @property
    def is_folder(self) -> bool:
        """Whether it can be gone into."""
        return self.kind in (EntryKind.FOLDER, EntryKind.PARENT)


class Listing(Sequence[Entry]):
    """Entries in order, stored as plain tuples: 50,000 of those cost the garbage collector nothing."""

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

    def matching(self, text: str) -> Sequence[int]:
        """Return the indices of the entries with this text in their name, whatever the case."""
        if not (folded := text.casefold()):
            return range(len(self))
        return [index for index, row in enumerate(self._rows) if folded in row[0]]

    def first_with_prefix(self, text: str) -> Entry | None:
        """Return the first entry whose name begins with this text."""
        index = next((index for index, row in enumerate(self._rows) if row[1].startswith(text)), None)
        return None if index is None else self[index]

    def index_of_path(self, path_text: str) -> int | None:
        """Return the index of the entry with this path."""
        folder, name = os.path.split(path_text)
        if folder != self._folder:
            return None
        return next((index for index, row in enumerate(self._rows) if row[1] == name), None)

    @property
    def likeliest(self) -> Entry | None:
        """What the person most likely came for: the newest file; where there is none, the first entry."""
        files = [
            (not row[0].endswith(_UNLIKELY), row[4] or 0.0, -index)
            for index, row in enumerate(self._rows)
            if row[2] == EntryKind.FILE
        ]
        return self[-max(files)[2]] if files else next(iter(self), None)

    @property
    def folders(self) -> int:
        """How many of the entries are folders; those come first."""
        return bisect_left(self._rows, True, key=lambda row: row[2] != EntryKind.FOLDER)


_Row = tuple[str, str, str, int | None, float | None]
"""Case-folded name, name, kind, size, time of the last change."""
EMPTY_LISTING = Listing("", [])


def entry_of(path: Path) -> Entry:
    """Return the entry of a path; of kind OTHER if it does not exist any more."""
    _, name, kind, size, modified = _row(str(path), path.name)
    return Entry(str(path), name, EntryKind(kind), size, modified)


def list_folder(folder: Path, cancelled: Callable[[], bool] | None = None) -> Listing:
    """Return folders, then files that a batch can be made of, each sorted by name and number; hidden ones are left out.

    Args:
        folder: Which folder.
        cancelled: Asked for each entry; the listing ends when it returns True.

    Raises:
        LocalFileError: The folder cannot be read.
        OperationCancelledError: It was cancelled.
    """
    folders: list[_Row] = []
    files: list[_Row] = []
    try:
        with os.scandir(folder) as items:
            for item in items:
                if cancelled is not None and cancelled():
                    raise OperationCancelledError("The folder is no longer needed")
                if item.name.startswith("."):
                    continue
                is_input = item.name.lower().endswith(SUFFIXES)
                if not is_input and not _is_folder(item):
                    continue
                row = _row(item.path, item.name)
                if row[2] == EntryKind.FOLDER:
                    folders.append(row)
                elif is_input:
                    files.append(row)
    except (OSError, ValueError) as error:
        raise path_error(shorten_path(folder), error) from error
    folders.sort(key=_by_name)
    files.sort(key=_by_name)
    return Listing(str(folder), folders + files)


def _by_name(row: _Row) -> tuple[list[str | int], str]:
    return natural_key(row[0]), row[1]


def _is_folder(item: os.DirEntry[str]) -> bool:
    try:
        return item.is_dir()
    except OSError:
        return False


def _row(path_text: str, name: str) -> _Row:
    try:
        status = os.stat(path_text)  # noqa: PTH116 - of each of many
    except (OSError, ValueError):
        return name.casefold(), name, EntryKind.OTHER.value, None, None
    if stat.S_ISDIR(status.st_mode):
        return name.casefold(), name, EntryKind.FOLDER.value, None, status.st_mtime
    if stat.S_ISREG(status.st_mode):
        return name.casefold(), name, EntryKind.FILE.value, status.st_size, status.st_mtime
    return name.casefold(), name, EntryKind.OTHER.value, None, status.st_mtime


class FolderReader:
    """Lists folders in a thread, and caches the last listing for two seconds."""

    def __init__(self) -> None:
        self._last: tuple[Path, float, Listing] | None = None

    async def read(self, folder: Path, *, fresh: bool = False) -> Listing:
        """Return the entries of a folder; the thread stops when the caller is cancelled.

        Args:
            folder: Which folder.
            fresh: Whether to read it again even if it was read a moment ago.

        Raises:
            LocalFileError: The folder cannot be read.
        """
        last = self._last
        if not fresh and last is not None and last[0] == folder and time.monotonic() - last[1] < _CACHED_FOR:
            return last[2]
        entries = await run_reading(list_folder, folder)
        self._last = (folder, time.monotonic(), entries)
        return entries
