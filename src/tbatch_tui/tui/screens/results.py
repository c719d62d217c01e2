"""Results: every row accounted for, and what was asked beside what came back."""

from __future__ import annotations

import asyncio
from array import array
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.widgets import Static

from tbatch_tui.engine.errors import BatchError
from tbatch_tui.engine.events import Collected
from tbatch_tui.engine.model import FileKind, JobRecord
from tbatch_tui.engine.results import Row
from tbatch_tui.tui import format as fmt
from tbatch_tui.tui import keys
from tbatch_tui.tui.bridge import Bridge
from tbatch_tui.tui.frame import Frame
from tbatch_tui.tui.result_reader import ResultReader, lacking, sources_of
from tbatch_tui.tui.text import line, shown
from tbatch_tui.tui.widgets.filter_line import FilterLine
from tbatch_tui.tui.widgets.record_table import RecordTable
from tbatch_tui.tui.widgets.record_view import RecordView
from tbatch_tui.tui.widgets.result_rows import ResultRows, columns
from tbatch_tui.tui.widgets.result_story import story
from tbatch_tui.tui.widgets.result_words import FILTERS, no_files, nothing_here, sum_style, sum_words, trouble_words

if TYPE_CHECKING:
    from tbatch_tui.engine.controller import Controller

WIDE = 100
"""Cells from which the list and the record stand side by side."""
LOOKED_AT_EVERY = 0.1
"""Seconds between two looks at how far reading or searching has come."""
TYPED_FOR = 0.12
"""Seconds without a key after which what was typed is searched for."""

_LACKING = {
    FileKind.OUTPUT: "the output file is not here yet (d on the job)",
    FileKind.ERRORS: "the error file is not here yet (d on the job)",
}


class ResultsScreen(Frame):
    """The rows of one job's output and error file, joined with its input file."""

    NAME = "Results"
    BINDINGS: ClassVar[list[BindingType]] = [keys.FILTER, keys.NEXT_FILTER, keys.COPY_ID]
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (WIDE, "-wide")]  # noqa: RUF012 - declared by Screen
    DEFAULT_CSS = """
    ResultsScreen {
        #sum { height: auto; max-height: 4; padding: 0 1; }
        #rows { width: 3fr; }
        #record { width: 2fr; border-left: solid $rule; }
        &.-narrow #record { display: none; }
        &.-narrow.-reading #rows { display: none; }
        &.-narrow.-reading #record { display: block; width: 1fr; border-left: none; }
    }
    """

    def __init__(self, engine: Controller, bridge: Bridge, key: str) -> None:
        super().__init__()
        self.engine = engine
        self.bridge = bridge
        self._key = key
        self._reader = ResultReader()
        self._filter, self._text = "all", ""
        self._story_of: Row | None = None
        """The row that is shown beside the list."""

    def body(self) -> ComposeResult:
        yield Static(id="sum", markup=False)
        with Horizontal():
            yield RecordTable[Row](columns(), id="rows", enter="Read")
            yield RecordView(id="record")
        yield FilterLine(id="filter", placeholder="any text of requests and answers")

    def on_mount(self) -> None:
        self.bridge.collected.subscribe(self, self._collected)
        self._ticker = self.set_interval(LOOKED_AT_EVERY, self._show_rows, pause=True)
        self.table.focus()
        self._read_files()

    def on_unmount(self) -> None:
        self._reader.stop()

    @property
    def table(self) -> RecordTable[Row]:
        return self.query_one("#rows", RecordTable)

    @property
    def job(self) -> JobRecord | None:
        """The record whose results these are."""
        return self.engine.record(self._key)

    # -- reading -------------------------------------------------------------------------------------

    def _collected(self, event: Collected) -> None:
        if event.record.key == self._key:
            self._read_files()

    @work(group="read", exclusive=True, exit_on_error=False)
    async def _read_files(self) -> None:
        """Index the files, from the beginning; the list shows the rows as they come."""
        self._story_of = None
        self._ticker.resume()
        if await self._reader.read(sources_of(self.job)):
            self._came_to_an_end()
            if self._text:
                self._search(self._text)

    @work(group="search", exclusive=True, exit_on_error=False)
    async def _search(self, text: str) -> None:
        """Find the rows that hold the text; the list shows them as they are found."""
        await asyncio.sleep(TYPED_FOR)
        self._ticker.resume()
        try:
            if await self._reader.search(text):
                self._came_to_an_end()
        except BatchError as error:
            self._came_to_an_end()
            self.bridge.report(error)

    def _came_to_an_end(self) -> None:
        self._ticker.pause()
        self._show_rows()

    @work(group="record", exclusive=True, exit_on_error=False)
    async def _read_record(self, row: Row) -> None:
        """Show the row under the cursor beside the list."""
        index = self._reader.index
        stay = self._story_of is not None and self._story_of.number == row.number
        self._story_of = row
        record = await asyncio.to_thread(index.record, row.number)
        if index is self._reader.index:
            self.query_one(RecordView).show(story(record), stay=stay)

    # -- showing -------------------------------------------------------------------------------------

    def _show_rows(self) -> None:
        """The rows that are wanted, as far as they are known; cursor and scroll stay."""
        index, hits = self._reader.index, self._reader.hits
        chosen: Sequence[int] | None = None if self._reader.has_results else ()
        if chosen is None and self._filter != "all":
            chosen = index.select(FILTERS[self._filter])
        if hits is not None:
            chosen = array("I", [row for row in (range(len(hits)) if chosen is None else chosen) if hits[row]])
        rows = ResultRows(index, chosen)
        self.table.set_empty(shown(self._empty()))
        self.table.set_source(rows)
        if not len(rows):
            self._story_of = None
            self.query_one(RecordView).show([])
        self._show_sum(len(rows))

    def _show_sum(self, count: int) -> None:
        name = self.job.name if self.job is not None else ""
        narrowed = self._filter != "all" or bool(self._text)
        kind = self._filter if self._filter != "all" else ""
        text = f"“{line(self._text)}”" if self._text else ""
        rows = fmt.plural(count, "row") if narrowed else ""
        self.header.show(fmt.joined(name, kind, text, rows), self._sum() if self.size.width >= WIDE else [])
        self._show_below(self._sum() if self.size.width < WIDE else [])

    def _show_below(self, said: list[tuple[str, str]]) -> None:
        """What has no room in the header, and what keeps the sum from being the whole truth."""
        if trouble := self._trouble():
            said = [*said, (" · " if said else "", "$rule"), (trouble, "$status-attention")]
        below = self.query_one("#sum", Static)
        below.display = bool(said)
        self.set_pieces(below, said)

    def _sum(self) -> list[tuple[str, str]]:
        """The sum, or how far reading or searching has come."""
        reader, found = self._reader, self._reader.index.reconciliation
        if reader.busy and reader.fraction is not None:
            return [(f"{reader.busy} {fmt.percent(reader.fraction)}", "$status-active")]
        if found is None or not reader.has_results:
            return []
        return [(sum_words(found), "$status-attention" if self._trouble() else sum_style(found))]

    def _trouble(self) -> str:
        index = self._reader.index
        if not index.is_built or not self._reader.has_results:
            return ""
        return fmt.joined(*(_LACKING[kind] for kind in lacking(self.job)), line(trouble_words(index)))

    def _empty(self) -> str:
        if self._reader.busy:
            return f"{self._reader.busy.capitalize()} …"
        if self._reader.has_results:
            return nothing_here(self._filter, self._text)
        return no_files(self.job, self._reader.index)

    def on_resize(self) -> None:
        self._show_sum(self.table.row_count)

    # -- what a person does --------------------------------------------------------------------------

    def on_record_table_highlighted(self, event: RecordTable.Highlighted) -> None:
        self._read_record(event.row)

    def on_record_table_selected(self) -> None:
        """Go over to the record; where there is no room for both, it takes the list's place."""
        self.add_class("-reading")
        self.query_one(RecordView).focus()

    def action_back(self) -> None:
        """From the record to the list, from rows found to all rows, from there to where the person came from."""
        if self.has_class("-reading") or self.query_one(RecordView).has_focus:
            self.remove_class("-reading")
            self.table.focus()
        elif self._text:
            self._look_for("")
        else:
            super().action_back()

    def action_next_filter(self) -> None:
        kinds = list(FILTERS)
        self._filter = kinds[(kinds.index(self._filter) + 1) % len(kinds)]
        self._show_rows()

    def action_filter(self) -> None:
        self.query_one(FilterLine).open(self._text)

    def on_filter_line_changed(self, event: FilterLine.Changed) -> None:
        self._look_for(event.text)

    def on_filter_line_closed(self, event: FilterLine.Closed) -> None:
        if not event.keep:
            self._look_for("")
        self.table.focus()

    def _look_for(self, text: str) -> None:
        if text == self._text:
            return
        self._text = text
        if text:
            self._search(text)
            self._show_sum(self.table.row_count)
            return
        self.workers.cancel_group(self, "search")
        self._reader.stop_search()
        if not self._reader.busy:
            self._came_to_an_end()

    def action_copy_id(self) -> None:
        """Copy the custom_id, over ssh too (OSC 52)."""
        if (row := self.table.cursor_row) is not None:
            clean = row.custom_id.encode("utf-8", "replace").decode()  # a lone surrogate cannot be sent
            self.app.copy_to_clipboard(clean)
            self.bridge.say(f"Copied {clean}")
