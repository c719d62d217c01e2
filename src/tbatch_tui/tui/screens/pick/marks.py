"""Which files are marked on Pick, to become one group: input files only, in the order of their names."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from tbatch_tui.text import format as fmt
from tbatch_tui.text.natural import path_key
from tbatch_tui.tui.screens.pick.folder import Entry, EntryKind, list_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

SUFFIX = ".jsonl"
"""How the names of files end that can be marked."""


class FileMarks:
    """The marked files and their sizes. A mark stays on a file that is not shown for now."""

    def __init__(self) -> None:
        self._sizes: dict[str, int] = {}
        self._of_folders: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._sizes)

    def __contains__(self, path_text: str) -> bool:
        return path_text in self._sizes

    def toggle(self, entries: Iterable[Entry]) -> int:
        """Mark files, or remove their marks if all of them are marked; return how many are more, or fewer, now."""
        sizes, before = {entry.path_text: entry.size or 0 for entry in entries}, len(self)
        if sizes.keys() <= self._sizes.keys():
            for path_text in sizes:
                del self._sizes[path_text]
        else:
            self._sizes |= sizes
        self._of_folders = Counter(map(os.path.dirname, self._sizes))
        return len(self) - before

    def clear(self) -> None:
        """Remove all marks."""
        self._sizes.clear()
        self._of_folders.clear()

    def count_in(self, folder: str) -> int:
        """Return how many of the files directly in a folder are marked."""
        return self._of_folders[folder]

    def keys(self, sections: Iterable[str]) -> Iterator[str]:
        """Yield the keys of the rows of the marked files, and of their folders, in sections with these titles."""
        marked = (*self._sizes, *self._of_folders)
        return (f"{title}\0{path_text}" for title in sections for path_text in marked)

    @property
    def paths(self) -> list[Path]:
        """The files, in the order in which they are sent: by folder and name, whose numbers count as numbers."""
        return sorted(map(Path, self._sizes), key=path_key)

    @property
    def words(self) -> str:
        """`3 files marked · 1.2 GB`; empty without marks."""
        return f"{fmt.plural(len(self), 'file')} marked · {fmt.size(sum(self._sizes.values()))}" if self._sizes else ""


def can_be_marked(entry: Entry) -> bool:
    """Return whether a file can be one of a group, by its name."""
    return entry.kind is EntryKind.FILE and entry.name.lower().endswith(SUFFIX)


def inputs_in(folder: Path, cancelled: Callable[[], bool] | None = None) -> list[Entry]:
    """Return the files directly in a folder that can be marked. For a thread. Raises as `list_folder` does."""
    return [entry for entry in list_folder(folder, cancelled) if can_be_marked(entry)]
