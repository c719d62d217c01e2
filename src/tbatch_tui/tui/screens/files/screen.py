"""Files: what lies on the server for this key, what uses it, and deleting what nothing needs any more."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ClassVar

from textual import work

from tbatch_tui.engine.domain.server_file import FileRole, ServerFile
from tbatch_tui.engine.errors import BatchError
from tbatch_tui.text import format as fmt
from tbatch_tui.tui.keys import bindings as keys
from tbatch_tui.tui.keys.hints import fill_keys
from tbatch_tui.tui.messages import OpenJob
from tbatch_tui.tui.render.styled import StyledText, marked_pieces
from tbatch_tui.tui.sanitize import line, shown
from tbatch_tui.tui.screens.base import BaseScreen
from tbatch_tui.tui.screens.files.rows import FileDetails, FileListModel, describe_removal, describe_use, file_columns
from tbatch_tui.tui.terminal.clipboard import copy_id
from tbatch_tui.tui.widgets.divider import Divider
from tbatch_tui.tui.widgets.filter_line import FilterLine
from tbatch_tui.tui.widgets.table.table import RecordTable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from textual.app import ComposeResult
    from textual.binding import BindingType

    from tbatch_tui.engine.engine import BatchEngine
    from tbatch_tui.engine.events import FileDeleted
    from tbatch_tui.tui.bridge import Bridge

LISTING = "Asking the server what is there …"
EMPTY = (
    "Nothing lies on the server for this key.\n\nInputs are there once a batch was submitted, results once it ended."
)
ASK_AGAIN = "Nothing was changed. Press {jobs.refresh} to ask again."
NO_MATCH = "No file matches. Press {go.back} to show all again."


class FilesScreen(BaseScreen):
    """The list of files. It is asked for when one comes here and on `r`, not by itself."""

    NAME = "Files"
    BINDINGS: ClassVar[list[BindingType]] = [
        keys.DELETE_FILES,
        keys.FILTER,
        keys.SORT,
        keys.COPY_ID,
        keys.REFRESH,
        keys.MORE_COLUMNS,
        keys.FEWER_COLUMNS,
    ]

    def __init__(self, engine: BatchEngine, bridge: Bridge) -> None:
        super().__init__()
        self.engine = engine
        self.bridge = bridge
        self._order = FileListModel()
        self._empty = LISTING
        self._moved: FileDeleted | None = None

    def body(self) -> ComposeResult:
        yield RecordTable[ServerFile](
            file_columns(self.engine.now),
            id="files",
            empty=shown(LISTING),
            enter="Job",
            can_mark=True,
            can_turn=True,
        )
        yield Divider()
        yield FileDetails(describe_use, id="what")
        yield FileDetails(describe_removal, id="whether")
        yield FilterLine(id="filter")

    def on_mount(self) -> None:
        self.table.focus()
        self.bridge.deleted.subscribe(self, self._deleting)
        self._load()

    @property
    def table(self) -> RecordTable[ServerFile]:
        return self.query_one("#files", RecordTable)

    # -- what is there -------------------------------------------------------------------------------

    @work(group="files", exclusive=True, exit_on_error=False)
    async def _load(self) -> None:
        try:
            files = await self.engine.files.list()
        except BatchError as error:
            self._empty = f"{error.title}.\n\n{fill_keys(error.hint)}\n\n{fill_keys(ASK_AGAIN)}"
            if self._order.files:
                self.bridge.report(error)
            self._arrange()
            return
        self._empty = EMPTY
        order = await asyncio.to_thread(FileListModel, files)
        order.sort, order.text = self._order.sort, self._order.text
        self._order = order
        self._arrange()
        self.table.mark(self.table.marked & {file.id for file in files if file.is_deletable})

    def _arrange(self) -> None:
        """Filter and sort; the table keeps cursor and scroll."""
        self.table.set_empty(shown(fill_keys(NO_MATCH) if self._order.files else self._empty))
        self.table.set_rows(self._order.shown())
        column, descending = self._order.sorted_column
        self.table.mark_sorted(column, descending=descending)
        self._show()

    def _show(self) -> None:
        order, marked = self._order, self.table.marked
        parts: StyledText = []
        if self._moved is not None:
            parts.append((f"deleting {self._moved.number:,} of {self._moved.total:,}", "$status-active"))
        if order.files:
            parts.append((f"{fmt.plural(len(order.files), 'file')}, {fmt.size(order.size_of(order.files))}", ""))
        if marked:
            parts += [*marked_pieces(len(marked), self._hidden(marked)), (fmt.size(order.size_of(marked)), "")]
        self.header.show(f"“{line(order.text)}”" if order.text else "", parts)
        for foot in self.query(FileDetails):
            foot.show(self.table.cursor_row)
        self.refresh_bindings()

    def _deleting(self, event: FileDeleted) -> None:
        self._moved = event if event.number < event.total else None
        self._show()

    # -- what a person does --------------------------------------------------------------------------

    def on_record_table_highlighted(self) -> None:
        self._show()

    def on_record_table_marked(self) -> None:
        """What must stay cannot be marked, and why is said."""
        files = self._order.files
        stay = [key for key in self.table.marked if key not in files or files[key].keep_reason]
        if stay:
            self.table.mark(self.table.marked.difference(stay))
            first = files.get(stay[0])
            if len(stay) == 1 and first is not None:
                self._say_why(first)
            else:
                self.bridge.notify(
                    f"{len(stay):,} of them must stay and are not marked",
                    "Each row says why; {jobs.refresh} looks again.",
                    "warning",
                )
        self._show()

    def _say_why(self, file: ServerFile) -> None:
        self.bridge.notify(
            f"{file.name or file.id} must stay", f"{file.keep_reason}. {{jobs.refresh}} looks again.", "warning"
        )

    def on_record_table_selected(self, event: RecordTable.Selected) -> None:
        file = self._order.files.get(event.key)
        if file is not None and file.uses:
            self.post_message(OpenJob(file.uses[0].key))
        elif file is not None:
            self.bridge.notify("No job here names this file")

    def on_filter_line_changed(self, event: FilterLine.Changed) -> None:
        self._order.text = event.text
        self._arrange()

    def on_filter_line_closed(self, event: FilterLine.Closed) -> None:
        if not event.keep:
            self._order.text = ""
            self._arrange()
        self.table.focus()

    def action_filter(self) -> None:
        self.query_one(FilterLine).open(self._order.text)

    def action_next_sort(self) -> None:
        self._order.next_sort()
        self._arrange()

    def action_copy_id(self) -> None:
        if (key := self.table.cursor_key) is not None:
            copy_id(self.app, self.bridge, key)

    def action_refresh_now(self) -> None:
        self._empty = LISTING
        if not self._order.files:
            self._arrange()
        self._load()

    def action_turn_columns(self, step: int) -> None:
        self.table.turn_columns(step)

    def action_back(self) -> None:
        """First what hides rows goes, then the screen."""
        if self._order.text:
            self._order.text = ""
            self._arrange()
        else:
            super().action_back()

    @work(group="delete", exit_on_error=False)
    async def action_delete_files(self) -> None:
        """Delete what is marked, or what is under the cursor, once that was typed."""
        from tbatch_tui.tui.dialogs.type_to_confirm import TypeToConfirm

        chosen = self._chosen()
        if len(chosen) == 1 and chosen[0].keep_reason:
            self._say_why(chosen[0])
        chosen = [file for file in chosen if file.is_deletable]
        if not chosen:
            return
        meaning = _meaning(chosen, self._hidden(file.id for file in chosen))
        asked = TypeToConfirm(_question(chosen), meaning, words=(str(len(chosen)), "delete"), verb="Delete")
        if not await self.app.push_screen_wait(asked):
            return
        try:
            done = await self.engine.files.delete([file.id for file in chosen])
        except BatchError as error:
            self.bridge.report(error)
            return
        finally:
            self._moved = None
        self._order.drop(done.deleted)
        self.table.mark(self.table.marked.difference(done.deleted))
        self._arrange()

    def _hidden(self, ids: Iterable[str]) -> int:
        """How many of these the filter hides."""
        return sum(self.table.source.find(file_id) is None for file_id in ids)

    def _chosen(self) -> list[ServerFile]:
        marked = [self._order.files[key] for key in self.table.marked if key in self._order.files]
        under = self.table.cursor_row
        return marked or ([under] if under is not None else [])

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action in ("delete_files", "copy_id"):
            return self.table.row_count > 0
        if action == "turn_columns":
            return self.table.has_hidden_columns
        return super().check_action(action, parameters)

    def disabled_reason(self, action: str) -> str:
        match action:
            case "delete_files" | "copy_id":
                return "There is no file under the cursor"
            case "turn_columns":
                return "All columns are shown"
        return super().disabled_reason(action)


def _question(files: list[ServerFile]) -> str:
    if len(files) == 1:
        return f"Delete {line(files[0].name or files[0].id)} from the server?"
    return f"Delete {len(files):,} files from the server?"


def _meaning(files: list[ServerFile], hidden: int) -> str:
    """What deleting them means, in full."""
    roles = [{use.role for use in file.uses} for file in files]
    inputs = sum(FileRole.INPUT in found for found in roles)
    lone = sum(not found for found in roles)
    results = len(files) - inputs - lone
    parts = [
        f"{fmt.plural(inputs, 'input')} of jobs that are over" if inputs else "",
        f"{fmt.plural(results, 'result file')} of which a copy is here" if results else "",
        f"{lone:,} that no job here names" if lone else "",
    ]
    size = fmt.size(sum(file.size or 0 for file in files))
    said = f"{fmt.joined(*parts, by=', ')}: {size}."
    if hidden:
        said += f" {hidden:,} of them the filter hides now."
    return said + " What is deleted cannot be had back from Together. Files on this machine stay."
