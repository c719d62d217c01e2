"""What there is to choose from on Pick: recent files, samples and a folder, and what a typed text leaves of them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NamedTuple

from tbatch_tui.engine.errors import LocalFileError
from tbatch_tui.tui.keys.hints import fill_keys
from tbatch_tui.tui.sanitize import fit
from tbatch_tui.tui.screens.pick.folder import EMPTY_LISTING, Entry, EntryKind, FolderReader, entry_of, list_folder
from tbatch_tui.tui.screens.pick.table import FileRows, Section, key_of
from tbatch_tui.tui.screens.pick.typed_path import resolve_path, split_typed

if TYPE_CHECKING:
    from pathlib import Path

NO_MATCH = "No match for “{}”."
EMPTY_FOLDER = "No folder, input file or table in {}"
CLEAR_HINT = "\n\n{filter.clear} to clear."
EMPTY_START = (
    "No folder, input file or table here.\n\n{pick.parent} opens the parent folder; {list.filter} lets you type a path."
)


class Matches(NamedTuple):
    """What a text leaves of the choices."""

    rows: FileRows
    empty_text: str
    """What the table says if there are no rows."""
    best: int | None
    """The row that the beginning of a name means; None where no name was typed."""


class FileChoices:
    """The folder that is shown, and what stands above it. Reads the disk in threads; knows no widget."""

    def __init__(self, start: Path, samples: Path | None) -> None:
        """`start` is the first folder; `samples` the demo's folder of example files, if there is one."""
        self.folder = start.absolute()
        self.folder_section = Section("Folder")
        self._samples = samples
        self.has_samples = samples is not None
        """Whether the demo's example files are listed."""
        self._other_sections: tuple[Section, ...] = ()
        self._reader = FolderReader()

    async def read_recents(self, recents: list[Path]) -> None:
        """Read again what stands above the folder: recent files, and the samples."""
        self._other_sections = await asyncio.to_thread(_sections, recents, self._samples)

    async def enter(self, folder: Path, *, fresh: bool = False) -> LocalFileError | None:
        """Read a folder and make it the one that is shown; return the error if it cannot be read.

        Another folder that cannot be read is not entered. If it is this one, it is empty from then on.
        """
        error = None
        entries = EMPTY_LISTING
        try:
            entries = await self._reader.read(folder, fresh=fresh)
        except LocalFileError as failure:
            if folder != self.folder:
                return failure
            error = failure
        self.folder = folder
        above = (Entry(str(folder.parent), "..", EntryKind.PARENT),) if folder.parent != folder else ()
        self.folder_section = Section("Folder", entries, above)
        return error

    @property
    def likeliest_key(self) -> str | None:
        """The row in the folder that the person most likely came for; the folder above only if this one is empty."""
        section = self.folder_section
        entry = section.entries.likeliest or next(iter(section.above), None)
        return None if entry is None else key_of(section, entry)

    def key_of(self, path: Path) -> str | None:
        """Return the row of a path in the folder; None if it is not there."""
        section = self.folder_section
        index = section.entries.index_of_path(str(path))
        return None if index is None else key_of(section, section.entries[index])

    async def match(self, text: str) -> Matches:
        """Return what the text leaves: of all choices by their name, or of the folder that it names."""
        folder, name = split_typed(text.strip())
        sections, empty_text = (*self._other_sections, self.folder_section), fill_keys(EMPTY_START)
        if folder:
            path = await asyncio.to_thread(resolve_path, folder, self.folder)
            try:
                sections = (Section("Path", await self._reader.read(path)),)
                empty_text = EMPTY_FOLDER.format(fit(folder, 40, keep="end").rstrip())
            except LocalFileError as error:
                sections, empty_text = (), f"{error.title}."
        if name and sections:
            empty_text = NO_MATCH.format(fit(name, 40).rstrip())
        rows = FileRows(sections, name)
        return Matches(
            rows, empty_text + (fill_keys(CLEAR_HINT) if text else ""), rows.likeliest(name) if name else None
        )

    async def complete(self, text: str) -> str | None:
        """Return the text with the first name that begins so, and a slash after a folder; None if nothing does."""
        folder, name = split_typed(text)
        if not folder and not name:
            return None
        try:
            path = await asyncio.to_thread(resolve_path, folder, self.folder) if folder else self.folder
            entries = await self._reader.read(path)
        except LocalFileError:
            return None
        entry = entries.first_with_prefix(name) if name else None
        return None if entry is None else f"{folder}{entry.name}{'/' if entry.is_folder else ''}"


def _sections(recents: list[Path], samples: Path | None) -> tuple[Section, ...]:
    """Return what stands above the folder. Reads the disk: for a thread."""
    recent = tuple(entry for entry in map(entry_of, recents) if entry.kind is EntryKind.FILE)
    sections = [Section("Recent", above=recent, with_folder=True)] if recent else []
    if samples is not None:
        try:
            sections.append(Section("Samples", list_folder(samples)))
        except LocalFileError:
            pass  # the demo's folder was removed: there are no samples then
    return tuple(sections)
