"""Files: the files on the server for this key, what uses each, and deleting those that nothing needs any more."""

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
from tbatch_tui.tui.render.styled import StyledText, format_marked
from tbatch_tui.tui.sanitize import line, lines_content
from tbatch_tui.tui.screens.base import BaseScreen
from tbatch_tui.tui.screens.files.rows import (
    FileDetails,
    FileListModel,
    describe_removal,
    describe_use,
    file_columns,
    use_of,
)
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

LISTING = "Asking for the list …"
EMPTY = "No files on the server for this key.\n\nInputs appear when a batch is submitted, results when it ends."
ASK_AGAIN = "Nothing was changed. Press {jobs.refresh} to try again."
_NAMED = 5
"""Files that the question before a deletion names."""
_LONGEST_NAME = 60
NO_MATCH = "No file matches. Press {go.back} to show all again."


class FilesScreen(BaseScreen):
    """The list of files. It is fetched when the screen opens and when the person asks for it, never by itself."""

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
        self._model = FileListModel()
        self._empty_text = LISTING
        self._deletion: FileDeleted | None = None
        """The last file that was deleted, while more are to be."""

    def body(self) -> ComposeResult:
        """Compose the table, two lines about the row under the cursor, and the filter line."""
        yield RecordTable[ServerFile](
            file_columns(self.engine.now),
            id="files",
            empty=lines_content(LISTING),
            enter="Job",
            can_mark=lambda file: file.is_deletable,
            can_turn=True,
        )
        yield Divider()
        yield FileDetails(describe_use, id="what")
        yield FileDetails(describe_removal, id="whether")
        yield FilterLine(id="filter")

    def on_mount(self) -> None:
        """Fetch the list."""
        self.table.focus()
        self.bridge.deleted.subscribe(self, self._show_deletion)
        self._load()

    @property
    def table(self) -> RecordTable[ServerFile]:
        """The list of files."""
        return self.query_one("#files", RecordTable)

    # -- the list ------------------------------------------------------------------------------------

    @work(group="files", exclusive=True, exit_on_error=False)
    async def _load(self) -> None:
        try:
            files = await self.engine.files.list()
        except BatchError as error:
            self._empty_text = f"{error.title}.\n\n{fill_keys(error.hint)}\n\n{fill_keys(ASK_AGAIN)}"
            if self._model.files:
                self.bridge.report(error)
            self._arrange()
            return
        self._empty_text = EMPTY
        model = await asyncio.to_thread(FileListModel, files)
        model.sort, model.text = self._model.sort, self._model.text
        self._model = model
        self._arrange()
        self.table.mark(self.table.marked & {file.id for file in files if file.is_deletable})

    def _arrange(self) -> None:
        """Filter and sort; the table keeps cursor and scroll."""
        self.table.set_empty(lines_content(fill_keys(NO_MATCH) if self._model.files else self._empty_text))
        self.table.set_rows(self._model.shown())
        column, descending = self._model.sorted_column
        self.table.mark_sorted(column, descending=descending)
        self._show()

    def _show(self) -> None:
        """Show what surrounds the table and depends on its rows: the header, the details, the keys."""
        model, marked = self._model, self.table.marked
        pieces: StyledText = []
        if self._deletion is not None:
            pieces.append((f"deleting {self._deletion.number:,} of {self._deletion.total:,}", "$status-active"))
        if model.files:
            pieces.append((f"{fmt.plural(len(model.files), 'file')}, {fmt.size(model.size_of(model.files))}", ""))
        if marked:
            pieces += [*format_marked(len(marked), self._count_hidden(marked)), (fmt.size(model.size_of(marked)), "")]
        self.header.show(f"“{line(model.text)}”" if model.text else "", pieces)
        for details in self.query(FileDetails):
            details.show(self.table.cursor_row)
        self.refresh_bindings()

    def _show_deletion(self, event: FileDeleted) -> None:
        self._deletion = event if event.number < event.total else None
        self._show()

    def _count_hidden(self, ids: Iterable[str]) -> int:
        """Return how many of these files the filter hides."""
        return sum(self.table.source.find(file_id) is None for file_id in ids)

    def on_record_table_highlighted(self) -> None:
        """Describe the file under the cursor."""
        self._show()

    def on_record_table_marked(self) -> None:
        """Take the mark from a file that must stay, and explain why it must."""
        files = self._model.files
        unmarkable = [key for key in self.table.marked if key not in files or files[key].keep_reason]
        if unmarkable:
            self.table.mark(self.table.marked.difference(unmarkable))
            if (first := files.get(unmarkable[0])) is not None:
                self._explain_keep(first)
        self._show()

    def _explain_keep(self, file: ServerFile) -> None:
        self.bridge.notify(
            f"{file.name or file.id} must stay", f"{file.keep_reason}. {{jobs.refresh}} looks again.", "warning"
        )

    def on_record_table_selected(self, event: RecordTable.Selected) -> None:
        """Open the first job that the file belongs to."""
        file = self._model.files.get(event.key)
        if file is not None and file.uses:
            self.post_message(OpenJob(file.uses[0].key))
        elif file is not None:
            self.bridge.notify("No job here names this file")

    def on_filter_line_changed(self, event: FilterLine.Changed) -> None:
        """Filter as the person types."""
        self._model.text = event.text
        self._arrange()

    def on_filter_line_closed(self, event: FilterLine.Closed) -> None:
        """Keep the text or drop it, and go back to the list."""
        if not event.keep:
            self._model.text = ""
            self._arrange()
        self.table.focus()

    # -- actions -------------------------------------------------------------------------------------

    def action_filter(self) -> None:
        """Open the filter line."""
        self.query_one(FilterLine).open(self._model.text)

    def action_next_sort(self) -> None:
        """Go on to the next sort."""
        self._model.next_sort()
        self._arrange()

    def action_copy_id(self) -> None:
        """Copy the file's id, over ssh too (OSC 52)."""
        if (key := self.table.cursor_key) is not None:
            copy_id(self.app, self.bridge, key)

    def action_refresh_now(self) -> None:
        """Fetch the list again."""
        self._empty_text = LISTING
        if not self._model.files:
            self._arrange()
        self._load()

    def action_turn_columns(self, step: int) -> None:
        """Show the columns that have no room now."""
        self.table.turn_columns(step)

    def action_back(self) -> None:
        """Clear the marks, then the filter; without either, leave the screen."""
        if self.table.marked:
            self.table.mark(())
        elif self._model.text:
            self._model.text = ""
            self._arrange()
        else:
            super().action_back()

    @work(group="delete", exit_on_error=False)
    async def action_delete_files(self) -> None:
        """Delete the marked files, or the one under the cursor, after the person has typed how many."""
        from tbatch_tui.tui.dialogs.type_to_confirm import TypeToConfirm

        targets = self._targets()
        is_last_copy = len(targets) == 1 and targets[0].is_last_copy
        if len(targets) == 1 and targets[0].keep_reason and not is_last_copy:
            self._explain_keep(targets[0])
        files = targets if is_last_copy else [file for file in targets if file.is_deletable]
        if not files:
            return
        if is_last_copy:
            dialog = TypeToConfirm(
                f"Delete {line(files[0].name or files[0].id)} anyway?",
                _last_copy_explanation(files[0]),
                words=("only copy",),
                verb="Delete",
            )
        else:
            places = {file.id: self.table.source.find(file.id) for file in files}
            files.sort(key=lambda file: (places[file.id] is None, places[file.id] or 0))  # as they are listed
            explanation = _explanation(files, self._count_hidden(file.id for file in files))
            dialog = TypeToConfirm(_question(files), explanation, words=(str(len(files)), "delete"), verb="Delete")
        if not await self.app.push_screen_wait(dialog):
            return
        try:
            result = await self.engine.files.delete([file.id for file in files], last_copies=is_last_copy)
        except BatchError as error:
            self.bridge.report(error)
            return
        finally:
            self._deletion = None
        self._model.drop(result.deleted)
        self.table.mark(self.table.marked.difference(result.deleted))
        self._arrange()

    def _targets(self) -> list[ServerFile]:
        """Return the marked files; without marks, the one under the cursor."""
        marked = [self._model.files[key] for key in self.table.marked if key in self._model.files]
        row = self.table.cursor_row
        return marked or ([row] if row is not None else [])

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Return whether an action can be done now."""
        if action in ("delete_files", "copy_id"):
            return self.table.row_count > 0
        if action == "turn_columns":
            return self.table.has_hidden_columns
        return super().check_action(action, parameters)

    def disabled_reason(self, action: str) -> str:
        """Return why an action of this screen cannot be done now."""
        match action:
            case "delete_files" | "copy_id":
                return "There is no file under the cursor"
            case "turn_columns":
                return "All columns are shown"
        return super().disabled_reason(action)


def _question(files: list[ServerFile]) -> str:
    if len(files) == 1:
        return f"Delete {line(_known_as(files[0]))} from the server?"
    return f"Delete {len(files):,} files from the server?"


def _last_copy_explanation(file: ServerFile) -> str:
    """Return what deleting the only known copy of an input means."""
    return (
        f"It stays for one reason: {file.keep_reason}. This can't be undone, and without it the requests can't be "
        f"shown next to the answers, nor retried."
    )


def _known_as(file: ServerFile) -> str:
    """Return what a person knows the file by: results are all called alike, so that their job is named."""
    is_input = any(use.role is FileRole.INPUT for use in file.uses)
    return (file.name or file.id) if is_input or not file.uses else use_of(file)


def _explanation(files: list[ServerFile], hidden: int) -> str:
    """Return which files they are and what deleting them means; `hidden` of them the filter hides."""
    roles_of_each = [{use.role for use in file.uses} for file in files]
    inputs = sum(FileRole.INPUT in roles for roles in roles_of_each)
    unused = sum(not roles for roles in roles_of_each)
    results = len(files) - inputs - unused
    parts = [
        f"{fmt.plural(inputs, 'input')} of ended jobs, with a copy on this machine" if inputs else "",
        f"{fmt.plural(results, 'result file')} with a copy on this machine" if results else "",
        f"{unused:,} not used by any job on this machine" if unused else "",
    ]
    size = fmt.size(sum(file.size or 0 for file in files))
    named = files[:_NAMED] if len(files) > 1 else []
    names = "".join(f"  {fmt.cut(line(_known_as(file)), _LONGEST_NAME)}\n" for file in named)
    if len(files) > _NAMED:
        names += f"  and {len(files) - _NAMED:,} more\n"
    text = f"{names}{fmt.join(*parts, by=', ')}: {size}."
    if hidden:
        text += f" {hidden:,} are hidden by the filter."
    return text + " This can't be undone. Files on this machine are not touched."
