"""Pick: choose the input file of a new batch, from a list or by its path."""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from textual import events, work
from textual.containers import Container, Horizontal
from textual.widgets import Input, Static

from tbatch_tui.engine.errors import BatchError, LocalFileError
from tbatch_tui.text import format as fmt
from tbatch_tui.tui.keys import bindings as keys
from tbatch_tui.tui.keys.hints import fill_keys
from tbatch_tui.tui.messages import CheckFile
from tbatch_tui.tui.render.path import shorten_path
from tbatch_tui.tui.sanitize import fit, line, lines_content
from tbatch_tui.tui.screens.base import BaseScreen
from tbatch_tui.tui.screens.pick.folder import NOTHING, SUFFIX, Entry, EntryKind, FolderReader, entry_of, list_folder
from tbatch_tui.tui.screens.pick.path_input import PathInput
from tbatch_tui.tui.screens.pick.peek import peek
from tbatch_tui.tui.screens.pick.preview import FilePreview
from tbatch_tui.tui.screens.pick.table import FileRow, FileRows, FileTable, Section, key_of
from tbatch_tui.tui.screens.pick.typed_path import is_folder, parts_of, resolved

if TYPE_CHECKING:
    from pathlib import Path

    from textual.app import ComposeResult
    from textual.binding import BindingType

    from tbatch_tui.engine.engine import BatchEngine
    from tbatch_tui.tui.bridge import Bridge
    from tbatch_tui.tui.widgets.table.table import RecordTable

RECENTS_SHOWN = 5
PLACEHOLDER = "{list.filter} to filter or to type a path (~/…  ../…  /…)"
NOT_HERE = "Nothing here is called “{}”."
NOTHING_IN = "No folder and no .jsonl file in {}"
ESCAPE = "\n\n{filter.clear} clears the line."
NOTHING_HERE = (
    "No folder and no .jsonl file here.\n\n{pick.parent} goes to the folder above; {list.filter} takes a path."
)


class PickScreen(BaseScreen):
    """Recent files, samples and a folder below a line for a path. Posts `CheckFile`."""

    NAME = "Pick"
    AUTO_FOCUS = "FileTable"
    BINDINGS: ClassVar[list[BindingType]] = [replace(keys.FILTER, description="Path or filter", action="type_path")]
    DEFAULT_CSS = """
    PickScreen {
        #path-line { height: 1; padding: 0 1; }
        #path-line > Static { width: 2; color: $accent-text; text-style: bold; }
        #trouble { height: auto; max-height: 4; padding: 0 3; }
        #files-and-preview { height: 1fr; layout: vertical; }
        FileTable { height: 3fr; }
        FilePreview { height: 2fr; min-height: 4; }
        &.-wide {
            #files-and-preview { layout: horizontal; }
            FileTable { width: 3fr; height: 1fr; }
            FilePreview { width: 2fr; height: 1fr; border-left: solid $rule; }
        }
    }
    """

    def __init__(self, engine: BatchEngine, bridge: Bridge, start: Path, samples: Path | None) -> None:
        super().__init__()
        self.engine = engine
        self.bridge = bridge
        self._folder = start.absolute()
        self._samples = samples
        self._reader = FolderReader()
        self._aside: tuple[Section, ...] = ()
        self._here = Section("Folder")
        self._was_read = False

    # -- layout --------------------------------------------------------------------------------------

    def body(self) -> ComposeResult:
        with Horizontal(id="path-line"):
            yield Static("›", markup=False)
            yield PathInput(self._completion, placeholder=fill_keys(PLACEHOLDER), id="path")
        yield Static(id="trouble", markup=False)
        with Container(id="files-and-preview"):
            yield FileTable(self.engine.now, id="files")
            yield FilePreview()

    def on_mount(self) -> None:
        self._say(None)

    def on_screen_resume(self) -> None:
        """Files come and go while one is elsewhere."""
        self._reload()

    @property
    def table(self) -> FileTable:
        return self.query_one(FileTable)

    @property
    def path_input(self) -> PathInput:
        return self.query_one(PathInput)

    # -- what there is -------------------------------------------------------------------------------

    @work(group="folder", exclusive=True, exit_on_error=False)
    async def _reload(self) -> None:
        """Recent files, samples and the folder, read again."""
        try:
            recents = await self.engine.recents(RECENTS_SHOWN)
        except BatchError as error:
            recents = []
            self.bridge.report(error)
        self._aside = await asyncio.to_thread(_sections, recents, self._samples)
        await self._read_folder(self._folder, fresh=True)
        if not self._was_read:
            self._was_read = True
            if (row := self.table.cursor_row) is not None and row.entry.kind is EntryKind.PARENT:
                self._to_likeliest()

    @work(group="folder", exclusive=True, exit_on_error=False)
    async def _go_into(self, folder: Path) -> None:
        came_from = self._folder
        if await self._read_folder(folder):
            here = self._here
            landed = here.entries.place(str(came_from))
            if landed is not None:
                self.table.move_cursor(key=key_of(here, here.entries[landed]))
            else:
                self._to_likeliest()

    def _to_likeliest(self) -> None:
        """Put the cursor on what one came for, not on the way out; that only in an empty folder."""
        here = self._here
        if (first := here.entries.likeliest or next(iter(here.above), None)) is not None:
            self.table.move_cursor(key=key_of(here, first))

    async def _read_folder(self, folder: Path, *, fresh: bool = False) -> bool:
        """Show a folder; one that cannot be read is said, and what was shown stays."""
        entries = NOTHING
        try:
            entries = await self._reader.read(folder, fresh=fresh)
        except LocalFileError as error:
            self._say(error)
            if folder != self._folder:
                return False
        else:
            self._folder = folder
            self._say(None)
        above = (Entry(str(folder.parent), "..", EntryKind.PARENT),) if folder.parent != folder else ()
        self._here = Section("Folder", entries, above)
        await self._narrow(self.path_input.path_text)
        return True

    def _show_header(self) -> None:
        folders = self._here.entries.folders
        files = len(self._here.entries) - folders
        said = [(fmt.plural(folders, "folder") if folders else "", "")]
        said.append(
            (fmt.plural(files, f"{SUFFIX} file"), "") if files else (f"no {SUFFIX} file here", "$status-attention")
        )
        self.header.show(shorten_path(self._folder, max(20, self.size.width - 44)), said)

    def _say(self, error: LocalFileError | None) -> None:
        trouble = self.query_one("#trouble", Static)
        trouble.display = error is not None
        if error is not None:
            said = [("✗ ", "$status-failed"), (line(error.title), "$status-failed"), (f"  {line(error.hint)}", "")]
            self.update_static(trouble, said)

    # -- typing --------------------------------------------------------------------------------------

    def action_type_path(self) -> None:
        self.path_input.focus()

    def on_paste(self, event: events.Paste) -> None:
        """A file dropped on the list belongs on the path line."""
        self.path_input.focus()
        self.path_input.on_paste(event)

    def on_key(self, event: events.Key) -> None:
        if event.character == "~" and self.focused is self.table:
            event.stop()
            self.path_input.focus()
            self.path_input.put("~/")

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self._say(None)
        self._narrow_soon(self.path_input.path_text)

    @work(group="narrow", exclusive=True, exit_on_error=False)
    async def _narrow_soon(self, text: str) -> None:
        await self._narrow(text)

    async def _narrow(self, text: str) -> None:
        """Show what the text leaves: of all there is by its name, or of the folder it names."""
        folder, name = parts_of(text.strip())
        sections, empty = (*self._aside, self._here), fill_keys(NOTHING_HERE)
        if folder:
            where = await asyncio.to_thread(resolved, folder, self._folder)
            try:
                sections = (Section("Path", await self._reader.read(where)),)
                empty = NOTHING_IN.format(fit(folder, 40, keep="end").rstrip())
            except LocalFileError as error:
                sections, empty = (), f"{error.title}."
        if name and sections:
            empty = NOT_HERE.format(fit(name, 40).rstrip())
        rows = FileRows(sections, name)
        self.table.set_empty(lines_content(empty + (fill_keys(ESCAPE) if text else "")))
        self.table.set_source(rows)
        if name:
            self.table.move_cursor(index=rows.likeliest(name))
        if not len(rows):
            self.query_one(FilePreview).clear()
        self._show_header()

    async def _completion(self, text: str) -> str | None:
        """The first name of a folder that begins as the text does, with a slash behind a folder."""
        folder, name = parts_of(text)
        if not folder and not name:
            return None
        try:
            where = await asyncio.to_thread(resolved, folder, self._folder) if folder else self._folder
            entries = await self._reader.read(where)
        except LocalFileError:
            return None
        entry = entries.beginning(name) if name else None
        return None if entry is None else f"{folder}{entry.name}{'/' if entry.is_folder else ''}"

    def on_path_input_left(self, event: PathInput.Left) -> None:
        if event.cleared:
            self._say(None)
        self.table.focus()

    # -- going on ------------------------------------------------------------------------------------

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self._take_typed(self.path_input.path_text)

    @work(group="take", exclusive=True, exit_on_error=False)
    async def _take_typed(self, text: str) -> None:
        """The path as typed; where there is no such thing, the row that its beginning has left."""
        path = await asyncio.to_thread(resolved, text, self._folder) if text.strip() else None
        if path is None or not await asyncio.to_thread(os.path.lexists, path):
            await self._narrow(text)
            if (row := self.table.cursor_row) is not None:
                path = row.entry.path
        if path is not None:
            await self._take(path)

    @work(group="take", exclusive=True, exit_on_error=False)
    async def _take_row(self, row: FileRow) -> None:
        await self._take(row.entry.path)

    async def _take(self, path: Path) -> None:
        """Go into a folder, go on with a file, or say why not."""
        try:
            enters = await asyncio.to_thread(is_folder, path)
        except LocalFileError as error:
            self._say(error)
            return
        if not enters:
            self._say(None)
            self.post_message(CheckFile(path))
            return
        with self.prevent(Input.Changed):
            self.path_input.value = ""
        self.table.focus()
        self._go_into(path)

    def on_record_table_selected(self, event: RecordTable.Selected) -> None:
        self._take_row(event.row)

    def on_file_table_parent_wanted(self) -> None:
        if self._folder.parent != self._folder:
            self._go_into(self._folder.parent)
        else:
            self.bridge.notify("There is no folder above this one")

    def disabled_reason(self, action: str) -> str:
        match action:
            case "enter_folder":
                return "Only a folder can be gone into: {go.on} takes a file"
        return super().disabled_reason(action)

    def action_back(self) -> None:
        """A text on the path line is given up before the screen is left."""
        if self.path_input.value:
            self.path_input.action_clear()
        else:
            super().action_back()

    # -- the file under the cursor -------------------------------------------------------------------

    def on_record_table_highlighted(self, event: RecordTable.Highlighted) -> None:
        self._look(event.row.entry)

    @work(group="preview", exclusive=True, exit_on_error=False)
    async def _look(self, entry: Entry) -> None:
        try:
            found = await asyncio.to_thread(peek, entry.path)
        except LocalFileError as error:
            self.query_one(FilePreview).show(entry, error, self.engine.now())
        else:
            self.query_one(FilePreview).show(entry, found, self.engine.now())


def _sections(recents: list[Path], samples: Path | None) -> tuple[Section, ...]:
    """What stands above the folder. Looks at the disk: in a thread."""
    recent = tuple(entry for entry in map(entry_of, recents) if entry.kind is EntryKind.FILE)
    found = [Section("Recent", above=recent, with_folder=True)] if recent else []
    if samples is not None:
        try:
            found.append(Section("Samples", list_folder(samples)))
        except LocalFileError:
            pass  # the demo's folder went away: there are no samples then
    return tuple(found)
