"""Results: every row accounted for, and what was asked beside what came back."""

from __future__ import annotations

import asyncio
from array import array
from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.containers import Horizontal
from textual.widgets import Static

from tbatch_tui.engine.errors import BatchError
from tbatch_tui.engine.results import ErrorGroup, MergedIndex, Row
from tbatch_tui.tui.keys import bindings as keys
from tbatch_tui.tui.render.outcome import FILTERS
from tbatch_tui.tui.sanitize import line, lines_content
from tbatch_tui.tui.screens.results.actions import ResultsActions
from tbatch_tui.tui.screens.results.error_groups import group_columns
from tbatch_tui.tui.screens.results.header import ResultsHeader
from tbatch_tui.tui.screens.results.record_pane import RecordPane
from tbatch_tui.tui.screens.results.rows import ResultRows, columns
from tbatch_tui.tui.terminal.clipboard import copy_id, copy_record, json_or_text, json_text
from tbatch_tui.tui.widgets.filter_line import FilterLine
from tbatch_tui.tui.widgets.key_bar import KeyBar
from tbatch_tui.tui.widgets.reader.view import RecordView
from tbatch_tui.tui.widgets.table.table import RecordTable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import ComposeResult
    from textual.binding import BindingType

    from tbatch_tui.engine.engine import BatchEngine
    from tbatch_tui.engine.events import RecordsChanged, ResultsDownloaded
    from tbatch_tui.tui.bridge import Bridge

WIDE = 100
"""Cells from which the list and the record stand side by side."""
LOOKED_AT_EVERY = 0.1
"""Seconds between two looks at how far reading or searching has come."""
TYPED_FOR = 0.12
"""Seconds without a key after which what was typed is searched for."""


class ResultsScreen(ResultsActions, RecordPane, ResultsHeader):
    """The rows of one job's output and error file, joined with its input file."""

    NAME = "Results"
    BINDINGS: ClassVar[list[BindingType]] = [
        keys.FILTER,
        keys.NEXT_FILTER,
        keys.ERRORS,
        keys.RAW,
        keys.REASONING,
        keys.NEXT_HIT,
        keys.PREVIOUS_HIT,
        keys.COPY_ID,
        keys.COPY_RECORD,
        keys.MERGE,
    ]
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (WIDE, "-wide")]  # noqa: RUF012 - declared by Screen
    DEFAULT_CSS = """
    ResultsScreen {
        #sum { height: auto; max-height: 4; padding: 0 1; }
        #rows, #groups { width: 3fr; }
        #groups, &.-by-cause #rows { display: none; }
        &.-by-cause #groups { display: block; }
        #record { width: 2fr; border-left: solid $rule; }
        &.-narrow #record { display: none; }
        &.-narrow.-reading #rows, &.-narrow.-reading #groups { display: none; }
        &.-narrow.-by-cause #both { layout: vertical; }
        &.-narrow.-by-cause #record { display: block; width: 1fr; border-left: none; border-top: solid $rule; }
        &.-narrow.-reading #record { display: block; width: 1fr; border-left: none; }
    }
    """

    def __init__(self, engine: BatchEngine, bridge: Bridge, key: str, *, retry: bool = False) -> None:
        """`retry` asks what is to be asked once more as soon as all is read."""
        super().__init__(engine, bridge, key)
        self._asks_retry = retry

    def body(self) -> ComposeResult:
        yield Static(id="sum", markup=False)
        with Horizontal(id="both"):
            yield RecordTable[Row](columns(), id="rows", enter="Read", can_mark=True)
            yield RecordTable[ErrorGroup](group_columns(), id="groups", enter="Rows", empty=lines_content("No errors."))
            yield RecordView(id="record")
        yield FilterLine(id="filter", placeholder="any text of requests and answers")

    def on_mount(self) -> None:
        self.bridge.collected.subscribe(self, self._collected)
        self.bridge.records.subscribe(self, self._records_changed)
        self._ticker = self.set_interval(LOOKED_AT_EVERY, self._show_rows, pause=True)
        self.table.focus()
        self.find_family()
        self._read_files()

    def on_unmount(self) -> None:
        self.reader.stop()

    # -- reading -------------------------------------------------------------------------------------

    def _collected(self, event: ResultsDownloaded) -> None:
        if event.record.key == self.key or (self.merged and event.record.key in {job.key for job in self.with_results}):
            self._read_files()

    def _records_changed(self, event: RecordsChanged) -> None:
        if self.concerns_family(event):
            self.find_family()

    def family_found(self) -> None:
        """What is merged is read again when the results of one job more are here."""
        index = self.reader.index
        if self.merged and isinstance(index, MergedIndex) and len(index.members) != len(self.with_results):
            self._read_files()
        self.show_sum()

    @work(group="read", exclusive=True, exit_on_error=False)
    async def _read_files(self) -> None:
        """Index the files, from the beginning; the list shows the rows as they come."""
        self.story_of = self.causes = self.cause = self.cost = None
        self._ticker.resume()
        self.engine.recount(self.key)
        try:
            if not await self.reader.read(self.new_index()):
                return
        except BatchError as error:  # what cannot be merged is shown by itself
            self.bridge.report(error)
            self._merge(False)
            return
        self._came_to_an_end()
        if self.by_cause:
            self._find_causes()
        if self._asks_retry:
            self._asks_retry = False
            self.action_retry()
        if self.sought:
            self._search(self.sought)

    @work(group="search", exclusive=True, exit_on_error=False)
    async def _search(self, text: str) -> None:
        """Find the rows that hold the text; the list shows them as they are found."""
        await asyncio.sleep(TYPED_FOR)
        self._ticker.resume()
        try:
            if await self.reader.search(text):
                self._came_to_an_end()
                self.show_again()
        except BatchError as error:
            self._came_to_an_end()
            self.bridge.report(error)

    def export_moved(self) -> None:
        """Tell how far an export has come."""
        if not self.is_mounted:
            return
        if self.exported is not None:
            self._ticker.resume()
        elif not self.reader.busy:
            self._ticker.pause()
        self.query_one(KeyBar).relabel(keys.EXPORT.id or "", "Export" if self.exported is None else "Stop export")
        self.show_sum()

    def _came_to_an_end(self) -> None:
        if self.exported is None:
            self._ticker.pause()
        self.refresh_bindings()
        self._show_rows()
        self.find_cost()

    @work(group="causes", exclusive=True, exit_on_error=False)
    async def _find_causes(self) -> None:
        """Group the errors, once all is read."""
        causes = await self.known_causes()
        self.groups.set_rows((group.message, group) for group in causes)
        self._show_rows()

    # -- showing -------------------------------------------------------------------------------------

    def _show_rows(self) -> None:
        """The rows that are wanted, as far as they are known; cursor and scroll stay."""
        index, hits = self.reader.index, self.reader.hits
        chosen: Sequence[int] | None = None if self.reader.has_results else ()
        if chosen is None and self.cause is not None:
            chosen = self.cause.rows
        elif chosen is None and self.kind != "all":
            chosen = index.select(FILTERS[self.kind])
        if hits is not None:
            chosen = array("I", [row for row in (range(len(hits)) if chosen is None else chosen) if hits[row]])
        rows = ResultRows(index, chosen)
        self.table.set_empty(lines_content(self.empty()))
        self.table.set_source(rows)
        if not len(self.groups.source if self.by_cause else rows):
            self.story_of = None
            self.query_one(RecordView).show([])
        self.show_sum()

    # -- what a person does --------------------------------------------------------------------------

    def on_record_table_highlighted(self, event: RecordTable.Highlighted) -> None:
        if event.table is self.groups:
            if self.by_cause:
                self.read_group(event.row)
        elif not self.by_cause:
            self.read_record(event.row)
            self.show_sum()

    def on_record_table_selected(self, event: RecordTable.Selected) -> None:
        """From a cause to its rows, from a row to its record; where there is no room for both, in the list's place."""
        if event.table is self.groups:
            self.cause, self.kind = event.row, "all"
            self._show_by_cause(False)
            self.table.move_cursor(index=0)
        else:
            self.go_to_record()

    def on_record_table_marked(self) -> None:
        self.show_sum()
        self.find_cost()

    def action_merge(self) -> None:
        """Each request with its last good answer over the family, or this job by itself."""
        self._merge(not self.merged)

    def _merge(self, on: bool) -> None:
        self.merged = on
        self.query_one(KeyBar).relabel(keys.MERGE.id or "", "This job" if on else "Merge")
        self.table.mark(())
        self.table.move_cursor(index=0)
        self.remove_class("-reading")
        self._read_files()

    def _show_by_cause(self, on: bool) -> None:
        """Show causes, or rows."""
        self.set_class(on, "-by-cause")
        self.remove_class("-reading")
        (self.groups if on else self.table).focus()
        self._show_rows()
        self.show_again()
        self.find_cost()
        self.refresh_bindings()

    def action_back(self) -> None:
        """From the record to the list, from what was found to all rows, from there to where the person came from."""
        if self.has_class("-reading") or self.query_one(RecordView).has_focus:
            self.remove_class("-reading")
            (self.groups if self.by_cause else self.table).focus()
        elif self.by_cause:
            self._show_by_cause(False)
        elif self.table.marked:
            self.table.mark(())
        elif self.sought:
            self._look_for("")
        elif self.cause is not None:
            self.cause = None
            self._show_by_cause(True)
        else:
            super().action_back()

    def action_next_filter(self) -> None:
        kinds = list(FILTERS)
        if self.by_cause:
            self._show_by_cause(False)
        self.cause = None
        self.kind = kinds[(kinds.index(self.kind) + 1) % len(kinds)]
        self._show_rows()
        self.find_cost()

    def action_filter(self) -> None:
        if self.by_cause:
            self._show_by_cause(False)
        self.query_one(FilterLine).open(self.sought)

    def action_errors(self) -> None:
        """Errors by cause, or the rows again."""
        if not self.by_cause:
            self.cause = None
        self._show_by_cause(not self.by_cause)
        if self.by_cause:
            self._find_causes()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "hit":
            return bool(self.sought) and not self.by_cause
        if action in ("retry", "export"):
            return self.is_mounted and self.reader.index.is_built and self.reader.has_results
        if action == "merge":
            return self.is_mounted and (self.merged or len(self.with_results) > 1)
        if action in ("raw", "reasoning", "copy_id", "copy_record"):
            return self.is_mounted and not self.by_cause and self.table.row_count > 0
        return super().check_action(action, parameters)

    def disabled_reason(self, action: str) -> str:
        match action:
            case "hit" if not self.sought:
                return "Nothing is searched for: {list.filter} does that"
            case "retry" | "export":
                return "The results are still being read" if self.reader.busy else "There are no results here"
            case "merge":
                return "There is no retry of this job here to merge with it"
            case "hit" | "raw" | "reasoning" | "copy_id" | "copy_record":
                return "{results.errors} goes back to the rows first" if self.by_cause else "There is no row here"
        return super().disabled_reason(action)

    def on_filter_line_changed(self, event: FilterLine.Changed) -> None:
        self._look_for(event.text)

    def on_filter_line_closed(self, event: FilterLine.Closed) -> None:
        if not event.keep:
            self._look_for("")
        self.table.focus()

    def _look_for(self, text: str) -> None:
        if text == self.sought:
            return
        self.sought = text
        self.refresh_bindings()
        if text:
            self._search(text)
            self.show_sum()
            return
        self.workers.cancel_group(self, "search")
        self.reader.stop_search()
        self.show_again()
        if not self.reader.busy:
            self._came_to_an_end()

    def action_copy_id(self) -> None:
        """Copy the custom_id, over ssh too (OSC 52)."""
        if (row := self.table.cursor_row) is not None and not self.by_cause:
            copy_id(self.app, self.bridge, row.custom_id)

    @work(group="copy", exclusive=True, exit_on_error=False)
    async def action_copy_record(self) -> None:
        """Copy what was asked and what came back, as it is in the files."""
        if (row := self.table.cursor_row) is None or self.by_cause:
            return
        record = await asyncio.to_thread(self.reader.index.record, row.number)
        both = {"request": json_or_text(record.raw_request), "response": json_or_text(record.raw_response)}
        copy_record(self.app, self.bridge, json_text(both), line(row.custom_id))
