"""The list of files to choose from: recent ones, samples, and a folder, each with its size and age."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from rich.cells import cell_len
from textual.message import Message

from tbatch_tui.text import format as fmt
from tbatch_tui.tui.keys import bindings as keys
from tbatch_tui.tui.render.path import shorten_path
from tbatch_tui.tui.sanitize import line
from tbatch_tui.tui.screens.pick.folder import EMPTY_LISTING, Entry, EntryKind, Listing
from tbatch_tui.tui.screens.pick.marks import can_be_marked
from tbatch_tui.tui.widgets.table.columns import Column
from tbatch_tui.tui.widgets.table.table import RecordTable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from textual.binding import BindingType

    from tbatch_tui.tui.render.styled import StyledText
    from tbatch_tui.tui.screens.pick.marks import FileMarks


@dataclass(frozen=True, slots=True)
class Section:
    """Entries under a title, which stands in the margin."""

    title: str
    entries: Listing = EMPTY_LISTING
    above: tuple[Entry, ...] = ()
    """Entries before those of the listing: the folder above, or files from all over."""
    with_folder: bool = False
    """Whether each entry is shown with its folder, because they are from all over."""


@dataclass(frozen=True, slots=True)
class FileRow:
    """One row of the table."""

    entry: Entry
    section: str
    is_first: bool = False
    with_folder: bool = False


class FileRows:
    """The entries of some sections, filtered by a text in their names. Each row is made when it is drawn."""

    def __init__(self, sections: Iterable[Section], text: str = "") -> None:
        """Filter the sections by `text`, whatever the case; sections without a match are left out."""
        self._parts: list[tuple[Section, tuple[Entry, ...], Sequence[int]]] = []
        self._starts = [0]
        for section in sections:
            above = tuple(entry for entry in section.above if _matches(entry, text))
            indices = section.entries.matching(text)
            if above or indices:
                self._parts.append((section, above, indices))
                self._starts.append(self._starts[-1] + len(above) + len(indices))

    def __len__(self) -> int:
        return self._starts[-1]

    def row(self, index: int) -> FileRow:
        """Return the row at an index."""
        section, entry, within = self._at(index)
        return FileRow(entry, section.title, within == 0, section.with_folder)

    def key(self, index: int) -> str:
        """Return the key of the row at an index."""
        section, entry, _ = self._at(index)
        return key_of(section, entry)

    def find(self, key: str) -> int | None:
        """Return the index of the row with this key; None if it is filtered out."""
        title, _, path_text = key.partition("\0")
        for start, (section, above, indices) in zip(self._starts, self._parts, strict=False):
            if section.title != title:
                continue
            for position, entry in enumerate(above):
                if key_of(section, entry) == key:
                    return start + position
            if (index := section.entries.index_of_path(path_text)) is None:
                return None
            within = bisect_left(indices, index)
            is_shown = within < len(indices) and indices[within] == index
            return start + len(above) + within if is_shown else None
        return None

    @property
    def titles(self) -> list[str]:
        """The titles of the sections that are shown."""
        return [section.title for section, _, _ in self._parts]

    def inputs(self) -> list[Entry]:
        """Return the files that can be marked; once each that is in more than one section."""
        entries = (self._at(index)[1] for index in range(len(self)))
        return list({entry.path_text: entry for entry in entries if can_be_marked(entry)}.values())

    def likeliest(self, text: str) -> int:
        """Return the row that the beginning of a name most likely means; the folder comes before files from elsewhere.

        The first row, if no name begins so.
        """
        for start, (section, above, indices) in reversed(list(zip(self._starts, self._parts, strict=False))):
            first = section.entries.first_with_prefix(text)
            if first is not None and (index := section.entries.index_of_path(first.path_text)) is not None:
                return start + len(above) + bisect_left(indices, index)
        return 0

    def _at(self, index: int) -> tuple[Section, Entry, int]:
        """Return the section and the entry of a row, and the row's index within its section."""
        part = bisect_right(self._starts, index) - 1
        section, above, indices = self._parts[part]
        within = index - self._starts[part]
        entry = above[within] if within < len(above) else section.entries[indices[within - len(above)]]
        return section, entry, within


def key_of(section: Section, entry: Entry) -> str:
    """Return the key of an entry's row; the same file may be in more than one section."""
    return f"{section.title}\0{entry.path_text}"


def _matches(entry: Entry, text: str) -> bool:
    return not text or (entry.kind is not EntryKind.PARENT and text.casefold() in entry.name.casefold())


_AGE_INTERVAL = 10.0
"""Seconds between two updates of the ages."""


class FileTable(RecordTable[FileRow]):
    """The list: ← goes up a folder, → into one."""

    BINDINGS: ClassVar[list[BindingType]] = [
        keys.SELECT,
        *keys.MOVING,
        *keys.MARKING,
        keys.PARENT,
        keys.INTO,
    ]

    class ParentRequested(Message):
        """The person wants to go to the folder above."""

    class MarkRequested(Message):
        """The person marks a file, or those of a folder, or takes the marks away again."""

        def __init__(self, entries: Callable[[], Sequence[Entry]]) -> None:
            super().__init__()
            self.entries = entries
            """Returns what is meant: files that can be marked, or one entry of any kind. For a thread."""

    def __init__(self, now: Callable[[], float], marks: FileMarks, *, id: str | None = None) -> None:
        """Make an empty list.

        Args:
            now: The clock that ages are measured by.
            marks: The marked files.
        """
        columns = _columns(lambda: self._moment, marks)
        super().__init__(columns, group=lambda row: row.section, enter="Select", can_mark=True, id=id)
        self._file_marks = marks
        self._now = now
        self._moment = now()
        """The one moment that all ages shown are measured from, whenever their rows are drawn."""

    def on_mount(self) -> None:
        """Keep the ages up to date."""
        self.set_interval(_AGE_INTERVAL, self.refresh_rows)

    def refresh_rows(self) -> None:
        """Draw the rows again, with their ages as of now."""
        self._moment = self._now()
        super().refresh_rows()

    def show_marks(self) -> None:
        """Show which of the rows are marked now, and how many files of each folder."""
        if isinstance(self.source, FileRows):
            self.mark(self._file_marks.keys(self.source.titles))
        super().refresh_rows()

    def action_mark(self) -> None:
        """Ask the screen to mark what is under the cursor, or to take its mark away; move to the next row."""
        if (row := self.cursor_row) is not None:
            self.post_message(self.MarkRequested(lambda: [row.entry]))
            self.action_cursor_down()

    def action_mark_all(self) -> None:
        """Ask the screen to mark every file shown that can be one of a group, or to take their marks away."""
        if isinstance(self.source, FileRows):
            self.post_message(self.MarkRequested(self.source.inputs))

    def action_parent(self) -> None:
        """Ask the screen for the folder above."""
        self.post_message(self.ParentRequested())

    def action_enter_folder(self) -> None:
        """Go into the folder under the cursor."""
        self.action_select()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Return whether an action can be done now."""
        if action == "enter_folder":
            return self.cursor_row is not None and self.cursor_row.entry.is_folder
        return super().check_action(action, parameters)


def _columns(now: Callable[[], float], marks: FileMarks) -> list[Column[FileRow]]:
    def name(row: FileRow, width: int) -> StyledText:
        return _name_cell(row, width, marks)

    return [
        Column("from", "", render=_section_cell, width=7, priority=2, base=True),
        Column(
            "name",
            "Name",
            draw=lambda row, width: _name_cell(row, width, marks),
            min=18,
            max=48,
            priority=9,
            keep="middle",
            base=True,
        ),
        Column("size", "Size", render=_size_cell, width=8, align="right", priority=8, base=True),
        Column(
            "modified",
            "Modified",
            render=lambda row: fmt.age(row.entry.modified, now()) if row.entry.modified is not None else "",
            width=9,
            align="right",
            priority=7,
            base=True,
            style="$status-quiet",
        ),
    ]


def _section_cell(row: FileRow) -> StyledText:
    return [(row.section, "$status-quiet")] if row.is_first else []


def _name_cell(row: FileRow, width: int, marks: FileMarks) -> StyledText:
    entry = row.entry
    if entry.kind is EntryKind.PARENT:
        return [("..", ""), ("  parent folder", "$status-quiet")]
    if entry.kind is EntryKind.FOLDER:
        marked = f"  {marks.count_in(entry.path_text):,} marked" if marks.count_in(entry.path_text) else ""
        fits = cell_len(entry.name) + 1 + len(marked) <= width
        return [(line(entry.name), ""), ("/", "$accent-text"), (marked if fits else "", "$accent-text")]
    if row.with_folder:
        room = max(0, width - len(entry.name) - 3)
        folder = shorten_path(entry.path.parent, room) if room >= 8 else ""
        return [(line(entry.name), ""), (f"  {folder}", "$status-quiet")]
    return [(line(entry.name), "")]


def _size_cell(row: FileRow) -> str:
    return "" if row.entry.is_folder else fmt.size(row.entry.size)
