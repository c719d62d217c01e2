"""The list of files to choose from: recent ones, samples, and a folder, each with its size and age."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual.message import Message

from tbatch_tui.text import format as fmt
from tbatch_tui.tui.keys import bindings as keys
from tbatch_tui.tui.render.path import shorten_path
from tbatch_tui.tui.sanitize import line
from tbatch_tui.tui.screens.pick.folder import NOTHING, Entry, EntryKind, Listing
from tbatch_tui.tui.widgets.table.columns import Column
from tbatch_tui.tui.widgets.table.table import RecordTable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from textual.binding import BindingType

    from tbatch_tui.tui.render.styled import StyledText


@dataclass(frozen=True, slots=True)
class Section:
    """Entries under a word in the margin."""

    title: str
    entries: Listing = NOTHING
    above: tuple[Entry, ...] = ()
    """Entries before those of the listing: the way to the folder above, or files from all over."""
    with_folder: bool = False
    """Whether each entry says where it is: they are from all over."""


@dataclass(frozen=True, slots=True)
class FileRow:
    """One row."""

    entry: Entry
    section: str
    is_first: bool = False
    with_folder: bool = False


class FileRows:
    """The entries of some sections whose names hold a text. A row is made when it is looked at."""

    def __init__(self, sections: Iterable[Section], narrowed_by: str = "") -> None:
        self._parts: list[tuple[Section, tuple[Entry, ...], Sequence[int]]] = []
        self._starts = [0]
        for section in sections:
            above = tuple(entry for entry in section.above if _holds(entry, narrowed_by))
            found = section.entries.holding(narrowed_by)
            if above or found:
                self._parts.append((section, above, found))
                self._starts.append(self._starts[-1] + len(above) + len(found))

    def __len__(self) -> int:
        return self._starts[-1]

    def row(self, index: int) -> FileRow:
        section, entry, within = self._at(index)
        return FileRow(entry, section.title, within == 0, section.with_folder)

    def key(self, index: int) -> str:
        section, entry, _ = self._at(index)
        return key_of(section, entry)

    def find(self, key: str) -> int | None:
        title, _, where = key.partition("\0")
        for start, (section, above, found) in zip(self._starts, self._parts, strict=False):
            if section.title != title:
                continue
            for place, entry in enumerate(above):
                if key_of(section, entry) == key:
                    return start + place
            if (index := section.entries.place(where)) is None:
                return None
            within = bisect_left(found, index)
            is_there = within < len(found) and found[within] == index
            return start + len(above) + within if is_there else None
        return None

    def likeliest(self, text: str) -> int:
        """The row that is meant by the beginning of a name: what is in the folder comes before files from elsewhere."""
        for start, (section, above, found) in reversed(list(zip(self._starts, self._parts, strict=False))):
            first = section.entries.beginning(text)
            if first is not None and (index := section.entries.place(first.where)) is not None:
                return start + len(above) + bisect_left(found, index)
        return 0

    def _at(self, index: int) -> tuple[Section, Entry, int]:
        part = bisect_right(self._starts, index) - 1
        section, above, found = self._parts[part]
        within = index - self._starts[part]
        entry = above[within] if within < len(above) else section.entries[found[within - len(above)]]
        return section, entry, within


def key_of(section: Section, entry: Entry) -> str:
    """The same file may be in more than one section."""
    return f"{section.title}\0{entry.where}"


def _holds(entry: Entry, text: str) -> bool:
    return not text or (entry.kind is not EntryKind.PARENT and text.casefold() in entry.name.casefold())


_AGES_EVERY = 10.0
"""Seconds between two looks at the clock."""


class FileTable(RecordTable[FileRow]):
    """The list itself; ← goes up a folder, → into one."""

    BINDINGS: ClassVar[list[BindingType]] = [
        keys.SELECT,
        *keys.MOVING,
        keys.PARENT,
        keys.INTO,
    ]

    class ParentWanted(Message):
        """Up, to the folder above."""

    def __init__(self, now: Callable[[], float], *, id: str | None = None) -> None:
        super().__init__(_columns(lambda: self._at), group=lambda row: row.section, enter="Take it", id=id)
        self._now = now
        self._at = now()
        """The one moment that all ages shown are told from, whenever their rows are drawn."""

    def on_mount(self) -> None:
        self.set_interval(_AGES_EVERY, self.refresh_rows)

    def refresh_rows(self) -> None:
        self._at = self._now()
        super().refresh_rows()

    def action_parent(self) -> None:
        self.post_message(self.ParentWanted())

    def action_enter_folder(self) -> None:
        self.action_select()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "enter_folder":
            return self.cursor_row is not None and self.cursor_row.entry.is_folder
        return super().check_action(action, parameters)


def _columns(now: Callable[[], float]) -> list[Column[FileRow]]:
    return [
        Column("from", "", render=_from_cell, width=7, priority=2),
        Column("name", "Name", draw=_name_cell, min=18, priority=9),
        Column("size", "Size", render=_size_cell, width=8, align="right", priority=8),
        Column(
            "modified",
            "Modified",
            render=lambda row: fmt.age(row.entry.modified, now()) if row.entry.modified is not None else "",
            width=9,
            align="right",
            priority=7,
            style="$status-quiet",
        ),
    ]


def _from_cell(row: FileRow) -> StyledText:
    return [(row.section, "$status-quiet")] if row.is_first else []


def _name_cell(row: FileRow, width: int) -> StyledText:
    entry = row.entry
    if entry.kind is EntryKind.PARENT:
        return [("..", ""), ("  the folder above", "$status-quiet")]
    if entry.kind is EntryKind.FOLDER:
        return [(line(entry.name), ""), ("/", "$accent-text")]
    if row.with_folder:
        room = max(0, width - len(entry.name) - 3)
        where = shorten_path(entry.path.parent, room) if room >= 8 else ""
        return [(line(entry.name), ""), (f"  {where}", "$status-quiet")]
    return [(line(entry.name), "")]


def _size_cell(row: FileRow) -> str:
    return "" if row.entry.is_folder else fmt.size(row.entry.size)
