"""Results: every row accounted for, and what was asked beside what came back."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ClassVar

from textual import on, work

from tbatch_tui.engine.errors import BatchError
from tbatch_tui.text import format as fmt
from tbatch_tui.tui.keys import bindings as keys
from tbatch_tui.tui.messages import CheckFile
from tbatch_tui.tui.sanitize import line
from tbatch_tui.tui.screens.base import BaseScreen
from tbatch_tui.tui.screens.results.browser import RowBrowser
from tbatch_tui.tui.screens.results.exporter import Exporter
from tbatch_tui.tui.screens.results.family import Family
from tbatch_tui.tui.screens.results.header import (
    CountsLine,
    ResultCosts,
    activity_text,
    causes_subject,
    rows_subject,
)
from tbatch_tui.tui.screens.results.retry import RetryWriter
from tbatch_tui.tui.screens.results.rows import RowFilter
from tbatch_tui.tui.screens.results.session import ResultsSession
from tbatch_tui.tui.terminal.clipboard import copy_id, copy_record, json_or_text, json_text
from tbatch_tui.tui.widgets.filter_line import FilterLine
from tbatch_tui.tui.widgets.key_bar import KeyBar
from tbatch_tui.tui.widgets.table.table import RecordTable

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from tbatch_tui.engine.engine import BatchEngine
    from tbatch_tui.engine.events import RecordsChanged, ResultsDownloaded
    from tbatch_tui.engine.results import Row
    from tbatch_tui.tui.bridge import Bridge

WIDE = 100
"""Width in cells from which the list and the record stand side by side."""
PRICES_WIDTH = 130
"""Width in cells from which the header names the prices beside the cost."""
PROGRESS_INTERVAL = 0.1
"""Seconds between two updates while a thread is reading, searching or writing."""
SEARCH_DELAY = 0.12
"""Seconds without a key before the text that was typed is searched for."""


class ResultsScreen(BaseScreen):
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
        keys.RETRY,
        keys.EXPORT,
    ]
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (WIDE, "-wide")]  # noqa: RUF012 - declared by Screen

    def __init__(self, engine: BatchEngine, bridge: Bridge, key: str, *, retry: bool = False) -> None:
        """`retry` opens the retry dialog as soon as the files are read."""
        super().__init__()
        self.engine = engine
        self.bridge = bridge
        self.session = ResultsSession()
        self.family = Family(engine, key)
        self.exporter = Exporter(engine, bridge, self._export_changed)
        self.row_filter = RowFilter()
        self._retry_writer = RetryWriter(engine, bridge)
        self._costs = ResultCosts(engine)
        self._opens_retry = retry

    def body(self) -> ComposeResult:
        """Lay out the counts, the list with the record beside it, and the search."""
        yield CountsLine()
        yield RowBrowser(self.session, self.row_filter)
        yield FilterLine(id="filter", placeholder="any text of requests and answers")

    @property
    def browser(self) -> RowBrowser:
        """The list and the record beside it."""
        return self.query_one(RowBrowser)

    @property
    def table(self) -> RecordTable[Row]:
        """The list of rows."""
        return self.browser.table

    def on_mount(self) -> None:
        """Read the files, and follow the job and its retries from now on."""
        self.bridge.downloaded.subscribe(self, self._results_downloaded)
        self.bridge.records.subscribe(self, self._records_changed)
        self._ticker = self.set_interval(PROGRESS_INTERVAL, self._show_rows, pause=True)
        self.table.focus()
        self._load_family()
        self._read_files()

    def on_unmount(self) -> None:
        """Stop the threads."""
        self.session.stop()

    # -- reading -------------------------------------------------------------------------------------

    def _results_downloaded(self, event: ResultsDownloaded) -> None:
        if self.family.is_shown(event.record.key):
            self._read_files()

    def _records_changed(self, event: RecordsChanged) -> None:
        if self.family.is_changed_by(event):
            self._load_family()

    @work(group="family", exclusive=True, exit_on_error=False)
    async def _load_family(self) -> None:
        """Find the retries of the job; if they are merged and one more has results, read again."""
        await self.family.load()
        self.refresh_bindings()
        if self.family.is_outdated(self.session.index):
            self._read_files()
        self._show_header()

    @work(group="read", exclusive=True, exit_on_error=False)
    async def _read_files(self) -> None:
        """Index the files from the beginning; the list shows the rows as they come."""
        self.browser.pane.forget_row()
        self.row_filter.cause = None
        self._costs.clear()
        self._ticker.resume()
        self.engine.recount(self.family.key)
        try:
            if not await self.session.read(self.family.new_index()):
                return
        except BatchError as error:  # these jobs cannot be merged: show this one by itself
            self.bridge.report(error)
            self._set_merged(False)
            return
        self._work_ended()
        if self.browser.by_cause:
            self._load_causes()
        if self._opens_retry:
            self._opens_retry = False
            self.action_retry()
        if self.row_filter.query:
            self._search(self.row_filter.query)

    @work(group="search", exclusive=True, exit_on_error=False)
    async def _search(self, text: str) -> None:
        """Find the rows that hold the text; the list shows them as they are found."""
        await asyncio.sleep(SEARCH_DELAY)
        self._ticker.resume()
        try:
            if await self.session.search(text):
                self._work_ended()
                self.browser.show_current()
        except BatchError as error:
            self._work_ended()
            self.bridge.report(error)

    def _work_ended(self) -> None:
        if self.exporter.progress is None:
            self._ticker.pause()
        self.refresh_bindings()
        self._show_rows()
        self._update_costs()

    @work(group="causes", exclusive=True, exit_on_error=False)
    async def _load_causes(self) -> None:
        causes = await self.session.load_causes()
        self.browser.cause_table.set_rows((f"{group.outcome.words} {group.message}", group) for group in causes)
        self._show_rows()

    @work(group="cost", exclusive=True, exit_on_error=False)
    async def _update_costs(self) -> None:
        """Show what all rows cost, and those that are shown."""
        if await self._costs.compute(self.session, self.family.record, self.browser.chosen_rows()):
            self._show_header()

    # -- showing -------------------------------------------------------------------------------------

    def _show_rows(self) -> None:
        """List the rows that pass the filter, as far as they are read."""
        self.browser.show_rows(self.row_filter.empty_text(self.session, self.family.record))
        self._show_header()

    def _show_header(self) -> None:
        """Show what is listed, how far a thread is or what the rows cost, and the counts."""
        record, by_cause = self.family.record, self.browser.by_cause
        name = fmt.join(record.name if record is not None else "", self.family.text())
        if by_cause:
            subject = causes_subject(name, self.session.causes)
        else:
            subject = rows_subject(name, self.row_filter.text, self.table)
        with_prices = self.size.width >= PRICES_WIDTH
        costs = self._costs.styled_text(self.family.estimate, with_chosen=not by_cause, with_prices=with_prices)
        self.header.show(subject, activity_text(self.session, self.exporter.progress) or costs)
        self.query_one(CountsLine).show(self.session.index, record)

    def _show_by_cause(self, on: bool) -> None:
        """List causes, or rows."""
        self.browser.set_by_cause(on)
        self._show_rows()
        self.browser.show_current()
        self._update_costs()
        self.refresh_bindings()

    def _set_query(self, text: str) -> None:
        """Search for a text; with none, show all rows again."""
        if text == self.row_filter.query:
            return
        self.row_filter.query = text
        self.refresh_bindings()
        if text:
            self._search(text)
            self._show_header()
            return
        self.workers.cancel_group(self, "search")
        self.session.stop_search()
        self.browser.show_current()
        if not self.session.activity:
            self._work_ended()

    # -- what the widgets report ---------------------------------------------------------------------

    @on(RecordTable.Highlighted, "#rows")
    def _cursor_moved(self) -> None:
        if not self.browser.by_cause:
            self._show_header()

    @on(RecordTable.Selected, "#groups")
    def _list_rows_of_cause(self, event: RecordTable.Selected) -> None:
        self.row_filter.show_cause(event.row)
        self._show_by_cause(False)
        self.table.move_cursor(index=0)

    @on(RecordTable.Marked)
    def _marks_changed(self) -> None:
        self._show_header()
        self._update_costs()

    @on(FilterLine.Changed)
    def _query_typed(self, event: FilterLine.Changed) -> None:
        self._set_query(event.text)

    @on(FilterLine.Closed)
    def _search_closed(self, event: FilterLine.Closed) -> None:
        if not event.keep:
            self._set_query("")
        self.table.focus()

    def _export_changed(self) -> None:
        """Show that an export runs, or that it is over."""
        if not self.is_mounted:
            return
        is_running = self.exporter.progress is not None
        if is_running:
            self._ticker.resume()
        elif not self.session.activity:
            self._ticker.pause()
        self.query_one(KeyBar).relabel(keys.EXPORT.id or "", "Stop export" if is_running else "Export")
        self._show_header()

    # -- actions -------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Whether an action can be done with what is shown."""
        if action == "hit":
            return bool(self.row_filter.query) and not self.browser.by_cause
        if action in ("retry", "export"):
            return self.is_mounted and self.session.index.is_built and self.session.has_results
        if action == "merge":
            return self.is_mounted and (self.family.is_merged or len(self.family.records_with_results) > 1)
        if action in ("raw", "reasoning", "copy_id", "copy_record"):
            return self.is_mounted and not self.browser.by_cause and self.table.row_count > 0
        return super().check_action(action, parameters)

    def disabled_reason(self, action: str) -> str:
        """Return why an action cannot be done."""
        match action:
            case "hit" if not self.row_filter.query:
                return "No search yet: press {list.filter}"
            case "retry" | "export":
                return "Still reading the results" if self.session.activity else "There are no results"
            case "merge":
                return "This job has no retry to merge with"
            case "hit" | "raw" | "reasoning" | "copy_id" | "copy_record" if self.browser.by_cause:
                return "{results.errors} first returns to the rows"
            case "hit" | "raw" | "reasoning" | "copy_id" | "copy_record":
                return "No row is selected"
        return super().disabled_reason(action)

    def action_back(self) -> None:
        """Undo the last step: reading, causes, marks, search, one cause; then leave the screen."""
        if self.browser.is_reading:
            self.browser.focus_list()
        elif self.browser.by_cause:
            self._show_by_cause(False)
        elif self.table.marked:
            self.table.mark(())
        elif self.row_filter.query:
            self._set_query("")
        elif self.row_filter.cause is not None:
            self.row_filter.cause = None
            self._show_by_cause(True)
        else:
            super().action_back()

    def action_next_filter(self) -> None:
        """Show the next outcome that has rows."""
        if self.browser.by_cause:
            self._show_by_cause(False)
        self.row_filter.next_kind(self.session.index)
        self._show_rows()
        self._update_costs()

    def action_filter(self) -> None:
        """Type a text to search for."""
        if self.browser.by_cause:
            self._show_by_cause(False)
        self.query_one(FilterLine).open(self.row_filter.query)

    def action_errors(self) -> None:
        """List errors and invalid answers by cause, or the rows again."""
        if not self.browser.by_cause:
            self.row_filter.cause = None
        self._show_by_cause(not self.browser.by_cause)
        if self.browser.by_cause:
            self._load_causes()

    def action_merge(self) -> None:
        """Show each request with its last good answer over all retries, or this job by itself."""
        self._set_merged(not self.family.is_merged)

    def _set_merged(self, on: bool) -> None:
        self.family.is_merged = on
        self.query_one(KeyBar).relabel(keys.MERGE.id or "", "This job" if on else "Merge")
        self.browser.reset()
        self._read_files()

    def action_raw(self) -> None:
        """Show the record as JSON, or as a conversation."""
        self.browser.toggle_raw()

    def action_reasoning(self) -> None:
        """Unfold or fold the reasoning."""
        self.browser.toggle_reasoning()

    @work(group="hit", exclusive=True, exit_on_error=False)
    async def action_hit(self, by: int) -> None:
        """Go to the next hit, or the one before."""
        await self.browser.go_to_hit(by)

    @work(group="retry", exclusive=True, exit_on_error=False)
    async def action_retry(self) -> None:
        """Choose what to ask again, write it as a new input file, and go to Check with that."""
        path = await self._retry_writer.run(self.app, self.session, self.family, self.browser.marked_rows())
        if path is not None:
            self.post_message(CheckFile(path))

    def action_export(self) -> None:
        """Write rows to a file, or stop that while it is going on."""
        if self.exporter.progress is None:
            self._export()
        else:
            self.workers.cancel_group(self, "export")

    @work(group="export", exclusive=True, exit_on_error=False)
    async def _export(self) -> None:
        await self.exporter.run(self.app, self.session.index, self.family.record, self.browser.chosen_rows())

    def action_copy_id(self) -> None:
        """Copy the custom_id, over ssh too (OSC 52)."""
        if (row := self.browser.current_row) is not None:
            copy_id(self.app, self.bridge, row.custom_id)

    @work(group="copy", exclusive=True, exit_on_error=False)
    async def action_copy_record(self) -> None:
        """Copy the lines of the request and of the response, as they are in the files."""
        if (record := await self.browser.read_current()) is not None:
            lines = {"request": json_or_text(record.raw_request), "response": json_or_text(record.raw_response)}
            copy_record(self.app, self.bridge, json_text(lines), line(record.row.custom_id))
