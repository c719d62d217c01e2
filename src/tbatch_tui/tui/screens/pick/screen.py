"""Pick: choose the input file or the table of a new batch, from a list or by its path."""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from textual import events, on, work
from textual.containers import Container, Horizontal
from textual.widgets import Input, Static

from tbatch_tui.engine.errors import BatchError, LocalFileError
from tbatch_tui.engine.threads import run_reading
from tbatch_tui.text import format as fmt
from tbatch_tui.tui.keys import bindings as keys
from tbatch_tui.tui.keys.hints import fill_keys
from tbatch_tui.tui.messages import OpenPath, OpenPaths
from tbatch_tui.tui.render.path import shorten_path
from tbatch_tui.tui.sanitize import line, lines_content
from tbatch_tui.tui.screens.base import BaseScreen
from tbatch_tui.tui.screens.pick.choices import FileChoices
from tbatch_tui.tui.screens.pick.folder import Entry, EntryKind
from tbatch_tui.tui.screens.pick.marks import FileMarks, can_be_marked, inputs_in
from tbatch_tui.tui.screens.pick.path_input import PathInput
from tbatch_tui.tui.screens.pick.peek import Peek, peek
from tbatch_tui.tui.screens.pick.preview import FilePreview
from tbatch_tui.tui.screens.pick.table import FileRow, FileTable
from tbatch_tui.tui.screens.pick.typed_path import is_folder, resolve_path, shell_words
from tbatch_tui.tui.widgets.key_bar import KeyBar

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from textual.app import ComposeResult
    from textual.binding import BindingType

    from tbatch_tui.engine.engine import BatchEngine
    from tbatch_tui.tui.bridge import Bridge
    from tbatch_tui.tui.widgets.table.table import RecordTable

RECENTS_SHOWN = 5
PLACEHOLDER = "{list.filter} to filter or to type a path (~/…  ../…  /…)"


class PickScreen(BaseScreen):
    """Recent files, samples and a folder below a line for a path. Posts `OpenPath`."""

    NAME = "Pick"
    AUTO_FOCUS = "FileTable"
    BINDINGS: ClassVar[list[BindingType]] = [
        replace(keys.FILTER, description="Path or filter", action="type_path"),
        keys.USE_FOLDER,
    ]
    DEFAULT_CSS = """
    PickScreen {
        #path-line { height: 1; padding: 0 1; }
        #path-line > Static { width: 2; color: $accent-text; text-style: bold; }
        #error { height: auto; max-height: 4; padding: 0 3; }
        #files-and-preview { height: 1fr; layout: vertical; }
        FileTable { height: 3fr; }
        FilePreview { height: 2fr; min-height: 4; }
        &.-wide {
            #files-and-preview { layout: horizontal; }
            FileTable { width: 1fr; height: 1fr; }
            FilePreview { width: 1fr; height: 1fr; border-left: solid $rule; }
        }
    }
    """

    def __init__(self, engine: BatchEngine, bridge: Bridge, start: Path, samples: Path | None) -> None:
        """`start` is the first folder; `samples` the demo's folder of example files, if there is one."""
        super().__init__()
        self.engine = engine
        self.bridge = bridge
        self._choices = FileChoices(start, samples)
        self._marks = FileMarks()
        self._marking = asyncio.Lock()
        """Held while files are marked, so that keys pressed meanwhile wait for it in their order."""
        self._is_first_read = True

    # -- layout --------------------------------------------------------------------------------------

    def body(self) -> ComposeResult:
        """Compose the path line, the list and the preview."""
        with Horizontal(id="path-line"):
            yield Static("›", markup=False)
            yield PathInput(self._choices.complete, placeholder=fill_keys(PLACEHOLDER), id="path")
        yield Static(id="error", markup=False)
        with Container(id="files-and-preview"):
            yield FileTable(self.engine.now, self._marks, id="files")
            yield FilePreview()

    def on_mount(self) -> None:
        """Begin without an error."""
        self._show_error(None)

    def on_screen_resume(self) -> None:
        """Read everything again: files come and go while another screen is open."""
        self._reload()

    @property
    def table(self) -> FileTable:
        """The list of files."""
        return self.query_one(FileTable)

    @property
    def path_input(self) -> PathInput:
        """The path line."""
        return self.query_one(PathInput)

    # -- what there is to choose from ----------------------------------------------------------------

    @work(group="folder", exclusive=True, exit_on_error=False)
    async def _reload(self) -> None:
        """Read recent files, samples and the folder again."""
        try:
            recents = await self.engine.recents(RECENTS_SHOWN)
        except BatchError as error:
            recents = []
            self.bridge.report(error)
        await self._choices.read_recents(recents)
        await self._show_folder(self._choices.folder, fresh=True)
        if self._is_first_read:
            self._is_first_read = False
            if (row := self.table.cursor_row) is not None and row.entry.kind is EntryKind.PARENT:
                self._move_cursor(self._choices.likeliest_key)

    @work(group="folder", exclusive=True, exit_on_error=False)
    async def _enter(self, folder: Path) -> None:
        """Go into a folder, with the cursor on the folder that was left, or on the likeliest file."""
        left = self._choices.folder
        if await self._show_folder(folder):
            self._move_cursor(self._choices.key_of(left) or self._choices.likeliest_key)

    def _move_cursor(self, key: str | None) -> None:
        if key is not None:
            self.table.move_cursor(key=key)

    async def _show_folder(self, folder: Path, *, fresh: bool = False) -> bool:
        """Show a folder; False if it cannot be read: what was shown stays then, below the reason."""
        error = await self._choices.enter(folder, fresh=fresh)
        self._show_error(error)
        if self._choices.folder != folder:
            return False
        await self._show_matches(self.path_input.path_text)
        return True

    def _show_header(self) -> None:
        entries = self._choices.folder_section.entries
        folders = entries.folders
        files = len(entries) - folders
        pieces = [(fmt.plural(folders, "folder") if folders else "", "")]
        if files:
            pieces.append((fmt.plural(files, "file"), ""))
        elif not self._choices.has_samples:  # beside them it would contradict the list
            pieces.append(("no input file and no table here", "$status-attention"))
        marked = self._marks.words
        if marked:
            pieces.append((marked, "bold $accent-text"))
        self.header.show(shorten_path(self._choices.folder, max(20, self.size.width - 44 - len(marked))), pieces)

    def _show_error(self, error: LocalFileError | None) -> None:
        static = self.query_one("#error", Static)
        static.display = error is not None
        if error is not None:
            pieces = [("✗ ", "$status-failed"), (line(error.title), "$status-failed"), (f"  {line(error.hint)}", "")]
            self.update_static(static, pieces)

    # -- typing --------------------------------------------------------------------------------------

    def action_type_path(self) -> None:
        """Go to the path line."""
        self.path_input.focus()

    def on_paste(self, event: events.Paste) -> None:
        """Put a file that was dropped on the list on the path line, and open it if there is such a file."""
        if len([line for line in event.text.splitlines() if line.strip()]) > 1 or len(shell_words(event.text)) > 1:
            return  # several files, which the app deals with
        self.path_input.focus()
        self.path_input.on_paste(event)
        self._open_dropped(self.path_input.path_text)

    @work(group="take", exclusive=True, exit_on_error=False)
    async def _open_dropped(self, text: str) -> None:
        path = await asyncio.to_thread(resolve_path, text, self._choices.folder)
        if await asyncio.to_thread(os.path.lexists, path):
            await self._open(path)

    def on_key(self, event: events.Key) -> None:
        """Begin a path in the home folder when `~` is typed on the list."""
        if event.character == "~" and self.focused is self.table:
            event.stop()
            self.path_input.focus()
            self.path_input.set_path("~/")

    @on(PathInput.Changed, "#path")
    def _filter(self, event: PathInput.Changed) -> None:
        event.stop()
        self._show_error(None)
        self._show_matches_soon(self.path_input.path_text)

    @work(group="narrow", exclusive=True, exit_on_error=False)
    async def _show_matches_soon(self, text: str) -> None:
        await self._show_matches(text)

    async def _show_matches(self, text: str) -> None:
        """Show the choices that the text leaves."""
        matches = await self._choices.match(text)
        self.table.set_empty(lines_content(matches.empty_text))
        self.table.set_source(matches.rows)
        self.table.show_marks()
        if matches.best is not None:
            self.table.move_cursor(index=matches.best)
        if not len(matches.rows):
            self.query_one(FilePreview).clear()
        self._show_header()

    def on_path_input_left(self, event: PathInput.Left) -> None:
        """Go from the path line to the list."""
        if event.cleared:
            self._show_error(None)
        self.table.focus()

    # -- going on ------------------------------------------------------------------------------------

    @on(PathInput.Submitted, "#path")
    def _submit_path(self, event: PathInput.Submitted) -> None:
        event.stop()
        self._open_typed(self.path_input.path_text)

    @work(group="take", exclusive=True, exit_on_error=False)
    async def _open_typed(self, text: str) -> None:
        """Open the path as typed; if it does not exist, the row under the cursor, which begins as the text does."""
        path = await asyncio.to_thread(resolve_path, text, self._choices.folder) if text.strip() else None
        if path is not None and await asyncio.to_thread(os.path.lexists, path):
            await self._open(path)
            return
        await self._show_matches(text)
        if (row := self.table.cursor_row) is not None:
            await self._go_on(row)
        elif path is not None:
            await self._open(path)

    @work(group="take", exclusive=True, exit_on_error=False)
    async def _open_row(self, row: FileRow) -> None:
        await self._go_on(row)

    async def _go_on(self, row: FileRow) -> None:
        """Go on with the marked files; without marks, with the row."""
        async with self._marking:
            paths = self._marks.paths
        if not paths:
            await self._open(row.entry.path)
        elif len(paths) == 1:
            await self._open(paths[0])
        else:
            self._show_error(None)
            self.post_message(OpenPaths(paths))

    async def _open(self, path: Path) -> None:
        """Go into a folder, go on with a file, or show why neither can be."""
        try:
            enters = await asyncio.to_thread(is_folder, path)
        except LocalFileError as error:
            self._show_error(error)
            return
        if not enters:
            self._show_error(None)
            self.post_message(OpenPath(path))
            return
        with self.prevent(Input.Changed):
            self.path_input.value = ""
        self.table.focus()
        self._enter(path)

    def on_record_table_selected(self, event: RecordTable.Selected) -> None:
        """Open the entry."""
        self._open_row(event.row)

    def action_use_folder(self) -> None:
        """Make requests of the files of the folder under the cursor, else of the one that is shown."""
        row = self.table.cursor_row
        is_inner = row is not None and row.entry.kind is EntryKind.FOLDER
        self.post_message(OpenPath(row.entry.path if row is not None and is_inner else self._choices.folder))

    def on_file_table_parent_requested(self) -> None:
        """Go to the folder above."""
        folder = self._choices.folder
        if folder.parent != folder:
            self._enter(folder.parent)
        else:
            self.bridge.notify("This is the top folder")

    def disabled_reason(self, action: str) -> str:
        """Return why an action of this screen cannot be done now."""
        match action:
            case "enter_folder":
                return "This is a file: {go.on} selects it"
        return super().disabled_reason(action)

    def action_back(self) -> None:
        """Clear the path line, then the marks; without either, leave the screen."""
        if self.path_input.value:
            self.path_input.action_clear()
        elif self._marks:
            self._marks.clear()
            self._show_marks()
        else:
            super().action_back()

    # -- marks ---------------------------------------------------------------------------------------

    @work(group="mark", exit_on_error=False)
    async def on_file_table_mark_requested(self, event: FileTable.MarkRequested) -> None:
        """Mark files, or all input files of a folder; those that are marked already lose their marks."""
        async with self._marking:
            entries, folder = await asyncio.to_thread(event.entries), None
            if len(entries) == 1 and entries[0].kind is EntryKind.FOLDER:
                folder = entries[0]
                try:
                    entries = await run_reading(inputs_in, folder.path)
                except LocalFileError as error:
                    self._show_error(error)
                    return
            if not entries or not all(map(can_be_marked, entries)):
                self.bridge.notify(_why_not_marked(folder or next(iter(entries), None)))
                return
            change = self._marks.toggle(entries)
        if folder is not None:
            what = "marked" if change > 0 else "no longer marked"
            name = folder.path.name or str(folder.path)
            self.bridge.notify(f"{fmt.plural(abs(change), 'file')} of {line(name)} {what}")
        self._show_marks()

    def _show_marks(self) -> None:
        self.table.show_marks()
        count = len(self._marks)
        label = f"Check {fmt.plural(count, 'file')}" if count else "Select"
        self.query_one(KeyBar).relabel(keys.SELECT.id or "", label)
        self._show_error(None)
        self._show_header()
        self.refresh_bindings()

    # -- the file under the cursor -------------------------------------------------------------------

    def on_record_table_highlighted(self, event: RecordTable.Highlighted) -> None:
        """Show the beginning of the file under the cursor."""
        self._show_preview(event.row.entry)

    @work(group="preview", exclusive=True, exit_on_error=False)
    async def _show_preview(self, entry: Entry) -> None:
        try:
            content = await run_reading(_look_at, entry)
        except LocalFileError as error:
            self.query_one(FilePreview).show(entry, error)
        else:
            self.query_one(FilePreview).show(entry, content)


def _look_at(entry: Entry, *, cancelled: Callable[[], bool]) -> Peek:
    """Return what is known of a file from its beginning, or of a folder and the input files in it. For a thread."""
    found = peek(entry.path)
    if not found.is_folder or entry.kind is EntryKind.PARENT:
        return found
    inputs = inputs_in(entry.path, cancelled)
    return replace(found, inputs=len(inputs), size=sum(each.size or 0 for each in inputs))


def _why_not_marked(entry: Entry | None) -> str:
    """Return why there is nothing to mark."""
    if entry is None:
        return "No .jsonl file is shown: only input files can be marked"
    if entry.kind is EntryKind.PARENT:
        return fill_keys("{go.on} opens the parent folder, whose files can then be marked")
    if entry.is_folder:
        return f"There is no .jsonl file in {line(entry.path.name)}"
    return fill_keys(f"{line(entry.name)} is no .jsonl file: {{go.on}} opens it alone")
