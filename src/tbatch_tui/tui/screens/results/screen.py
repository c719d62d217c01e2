"""Results: every row accounted for, and what was asked beside what came back."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ClassVar

from textual import on, work

from tbatch_tui.engine.answers.search import NO_QUERY, parse_query
from tbatch_tui.engine.errors import BatchError
from tbatch_tui.tui.keys import bindings as keys
from tbatch_tui.tui.messages import CheckFile
from tbatch_tui.tui.screens.results.answers import answers_message
from tbatch_tui.tui.screens.results.availability import reason_against
from tbatch_tui.tui.screens.results.dialogs.answer_schema import ask_schema
from tbatch_tui.tui.screens.results.dialogs.input_choice import get_input
from tbatch_tui.tui.screens.results.exporting.exporter import Exporter
from tbatch_tui.tui.screens.results.family import Family
from tbatch_tui.tui.screens.results.header import Heading, ResultCosts, show_header
from tbatch_tui.tui.screens.results.listing.browser import RowBrowser
from tbatch_tui.tui.screens.results.listing.outcome_tabs import OutcomeTabs
from tbatch_tui.tui.screens.results.listing.row_list import RowList
from tbatch_tui.tui.screens.results.retry import RetryWriter
from tbatch_tui.tui.screens.results.rows import RowFilter
from tbatch_tui.tui.screens.results.session import ResultsSession
from tbatch_tui.tui.screens.results.trying import ResultTries
from tbatch_tui.tui.widgets.filter_line import FilterLine
from tbatch_tui.tui.widgets.key_bar import KeyBar
from tbatch_tui.tui.widgets.table.table import RecordTable

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from tbatch_tui.engine.engine import BatchEngine
    from tbatch_tui.engine.events import RecordsChanged, ResultsDownloaded
    from tbatch_tui.tui.bridge import Bridge
    from tbatch_tui.tui.messages import ResultSelection

WIDE = 100
"""Width in cells from which the list and the record stand side by side."""
PROGRESS_INTERVAL = 0.1
"""Seconds between two updates while a thread works."""
SEARCH_HINT = "text of the answer, or prompt: id: error: any: or a field of the JSON: before it"
SEARCH_DELAY = 0.12  # seconds without a key before the text that was typed is searched for


class ResultsScreen(ResultTries):
    """The rows of one job's output and error file, joined with its input file."""

    NAME = "Results"
    BINDINGS: ClassVar[list[BindingType]] = [*keys.OF_RESULTS]
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (WIDE, "-wide")]  # noqa: RUF012 - declared by Screen

    def __init__(
        self,
        engine: BatchEngine,
        bridge: Bridge,
        key: str,
        *,
        then: str = "",
        selection: ResultSelection | None = None,
        merged: bool = False,
    ) -> None:
        """Make the screen of a job's results.

        Args:
            engine, bridge, key: What knows the jobs, where reports go to, and the key of the record.
            then: The action that follows as soon as the files are read: `retry`, `export`, or none.
            selection: The rows that are shown at first. Escape then leaves the screen; another key shows all rows.
            merged: Whether the job is shown with its retries at first.
        """
        super().__init__()
        self.engine = engine
        self.bridge = bridge
        self.session = ResultsSession()
        self.family = Family(engine, key)
        self.exporter = Exporter(engine, bridge, self._export_changed)
        self.row_filter = RowFilter(selection=selection)
        self._retry_writer = RetryWriter(engine, bridge)
        self._costs = ResultCosts(engine)
        self._typed, self._then, self._opened_for, self._opens_merged = "", then, selection, merged

    def body(self) -> ComposeResult:
        """Lay out the counts, the list with the record beside it, and the search."""
        yield Heading()
        yield RowBrowser(self.engine, self.bridge, self.family, self.session, self.row_filter)
        yield FilterLine(id="filter", placeholder=SEARCH_HINT)

    @property
    def browser(self) -> RowBrowser:
        """The list and the record beside it."""
        return self.query_one(RowBrowser)

    @property
    def table(self) -> RowList:
        """The list of rows."""
        return self.browser.table

    def on_mount(self) -> None:
        """Read the files, and follow the job and its retries from now on."""
        self.bridge.downloaded.subscribe(self, self._results_downloaded)
        self.bridge.records.subscribe(self, self._records_changed)
        self._ticker = self.set_interval(PROGRESS_INTERVAL, self._show_rows, pause=True)
        self.table.focus()
        self._load_family()
        if not self._opens_merged:  # else that reads them, all together
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
        if self._opens_merged:
            self._opens_merged = False
            self._set_merged(len(self.family.records_with_results) > 1)
        if self.family.is_outdated(self.session.index):
            self._read_files()
        self._show_header()

    @work(group="read", exclusive=True, exit_on_error=False)
    async def _read_files(self) -> None:
        """Index the files from the beginning; the list shows the rows as they come."""
        self.browser.begin_reading(self._show_rows)
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
        then, self._then = self._then, ""
        if then:
            self.action_retry() if then == "retry" else self.action_export()
        if self.row_filter.query.text:
            self._search()
        if self.table.arrangement.columns_to_read() or self.table.arrangement.text:
            self.table.rearrange()

    @work(group="search", exclusive=True, exit_on_error=False)
    async def _search(self) -> None:
        """Find the rows that hold the text; the list shows them as they are found."""
        await asyncio.sleep(SEARCH_DELAY)
        self._ticker.resume()
        try:
            if await self.session.search(self.row_filter.query):
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
        show_header(self, self._costs)

    def _show_by_cause(self, on: bool) -> None:
        """List causes, or rows."""
        self.browser.set_by_cause(on)
        self._show_rows()
        self.browser.show_current()
        self._update_costs()
        self.refresh_bindings()

    def _set_query(self, typed: str) -> None:
        """Search for a text; with none, show all rows again."""
        query = parse_query(typed, self.session.fields)
        if query == self.row_filter.query:
            return
        self.row_filter.query = query if query.text.strip() else NO_QUERY
        self.refresh_bindings()
        if self.row_filter.query.text:
            self._search()
            if query.name:
                self.table.rearrange()
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

    @on(RowList.Arranging)
    def _arranging(self) -> None:
        self._ticker.resume()

    @on(RowList.Arranged)
    def _arranged(self) -> None:
        self._work_ended()

    def on_descendant_focus(self) -> None:
        """Say which record is read."""
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
        self._typed = event.text
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
        if not reason_against(self, action):
            return super().check_action(action, parameters)
        return False

    def disabled_reason(self, action: str) -> str:
        """Return why an action cannot be done."""
        return reason_against(self, action) or super().disabled_reason(action)

    def action_back(self) -> None:
        """Undo the last step: reading, causes, marks, search, one cause; then leave the screen."""
        if self.browser.is_reading:
            self.browser.focus_list()
        elif self.browser.by_cause:
            self._show_by_cause(False)
        elif self.table.marked:
            self.table.mark(())
        elif self.row_filter.query.text:
            self._set_query("")
        elif self.row_filter.cause is not None:
            self.row_filter.cause = None
            self._show_by_cause(True)
        elif (selection := self.row_filter.selection) is not None and selection is not self._opened_for:
            self.show_selection(None)
        else:
            super().action_back()

    def action_next_filter(self, step: int = 1) -> None:
        """Show the next outcome that has rows, or with -1 the one before."""
        self.row_filter.next_kind(self.session.index, step)
        self._show_chosen()

    @on(OutcomeTabs.Chosen)
    def _tab_chosen(self, event: OutcomeTabs.Chosen) -> None:
        self.row_filter.show_kind(event.kind)
        self._show_chosen()

    def show_selection(self, selection: ResultSelection | None) -> None:
        """Show only these rows, or all again."""
        self.row_filter.selection = selection
        self.row_filter.show_kind("all")
        self._show_chosen()
        self.refresh_bindings()

    def action_all_rows(self) -> None:
        """Show all rows, not only those that were selected elsewhere."""
        self.show_selection(None)

    def _show_chosen(self) -> None:
        if self.browser.by_cause:
            self._show_by_cause(False)
        self._show_rows()
        self._update_costs()

    def action_filter(self) -> None:
        """Type a text to search for."""
        if self.browser.by_cause:
            self._show_by_cause(False)
        self.query_one(FilterLine).open(self._typed if self.row_filter.query.text else "")

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

    @work(group="schema", exclusive=True, exit_on_error=False)
    async def action_answer_schema(self) -> None:
        """Judge the answers by a schema that their requests did not ask for."""
        if await ask_schema(self.app, self.engine, self.bridge, self.family):
            self._read_files()

    def action_answers(self, where: str) -> None:
        """Go to Values, or Compare, with the answers that are listed."""
        self.post_message(answers_message(self, where))

    @work(group="input-file", exclusive=True, exit_on_error=False)
    async def action_fetch_input(self) -> None:
        """Download or choose the input file of results that have none, and read them again with it."""
        if await get_input(self.app, self.engine, self.bridge, self.family):
            self._read_files()

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
