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

from tbatch_tui.engine.costs import Cost, cost
from tbatch_tui.engine.errors import BatchError
from tbatch_tui.engine.events import Collected
from tbatch_tui.engine.model import FileKind, JobRecord
from tbatch_tui.engine.results import ErrorGroup, ResultIndex, Row, Sources, spending
from tbatch_tui.tui import format as fmt
from tbatch_tui.tui import keys
from tbatch_tui.tui.bridge import Bridge
from tbatch_tui.tui.clipboard import copy_id, copy_record, json_or_text, json_text
from tbatch_tui.tui.frame import Frame
from tbatch_tui.tui.result_actions import ResultActions
from tbatch_tui.tui.result_reader import ResultReader, lacking
from tbatch_tui.tui.text import line, shown
from tbatch_tui.tui.widgets.error_groups import group_columns, group_story
from tbatch_tui.tui.widgets.filter_line import FilterLine
from tbatch_tui.tui.widgets.key_bar import KeyBar
from tbatch_tui.tui.widgets.money_words import cost_words, money_words, price_words
from tbatch_tui.tui.widgets.record_table import RecordTable
from tbatch_tui.tui.widgets.record_view import RecordView
from tbatch_tui.tui.widgets.result_rows import ResultRows, columns
from tbatch_tui.tui.widgets.result_story import raw_story, story
from tbatch_tui.tui.widgets.result_words import FILTERS, no_files, nothing_here, trouble_words
from tbatch_tui.tui.widgets.status import QUIET
from tbatch_tui.tui.widgets.tally_words import sum_style, sum_words
from tbatch_tui.tui.widgets.wrap import Block

if TYPE_CHECKING:
    from tbatch_tui.engine.controller import Controller

WIDE = 100
"""Cells from which the list and the record stand side by side."""
LOOKED_AT_EVERY = 0.1
"""Seconds between two looks at how far reading or searching has come."""
_PRICES_FROM = 130
"""Cells from which the prices are told beside what it cost."""
TYPED_FOR = 0.12
"""Seconds without a key after which what was typed is searched for."""

_LACKING = {
    FileKind.OUTPUT: "the output file is not here yet (d on the job)",
    FileKind.ERRORS: "the error file is not here yet (d on the job)",
}


class ResultsScreen(ResultActions, Frame):
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

    def __init__(self, engine: Controller, bridge: Bridge, key: str, *, retry: bool = False) -> None:
        """`retry` asks what is to be asked once more as soon as all is read."""
        super().__init__()
        self.engine = engine
        self.bridge = bridge
        self._key = key
        self.reader = ResultReader()
        self._asks_retry = retry
        self._filter, self._text = "all", ""
        self._story_of: Row | None = None
        """The row that is shown beside the list."""
        self._group: ErrorGroup | None = None
        """The cause whose rows alone are shown."""
        self._cost: Cost | None = None
        self._cost_of_shown: Cost | None = None
        """Of the rows that are shown, where they are not all."""
        self._raw = self._unfolded = False
        self._to_hit = False
        """The record that is shown next begins at its first hit."""

    def body(self) -> ComposeResult:
        yield Static(id="sum", markup=False)
        with Horizontal(id="both"):
            yield RecordTable[Row](columns(), id="rows", enter="Read")
            yield RecordTable[ErrorGroup](group_columns(), id="groups", enter="Rows", empty=shown("No errors."))
            yield RecordView(id="record")
        yield FilterLine(id="filter", placeholder="any text of requests and answers")

    def on_mount(self) -> None:
        self.bridge.collected.subscribe(self, self._collected)
        self._ticker = self.set_interval(LOOKED_AT_EVERY, self._show_rows, pause=True)
        self.table.focus()
        self._read_files()

    def on_unmount(self) -> None:
        self.reader.stop()

    @property
    def table(self) -> RecordTable[Row]:
        return self.query_one("#rows", RecordTable)

    @property
    def groups(self) -> RecordTable[ErrorGroup]:
        return self.query_one("#groups", RecordTable)

    @property
    def by_cause(self) -> bool:
        """Whether errors are shown by cause, instead of row by row."""
        return self.has_class("-by-cause")

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
        self._story_of = self.causes = self._group = self._cost = None
        self._ticker.resume()
        self.engine.recount(self._key)
        job = self.job
        if await self.reader.read(self.engine.index_of(job) if job is not None else ResultIndex(Sources())):
            self._came_to_an_end()
            if self.by_cause:
                self._find_causes()
            if self._asks_retry:
                self._asks_retry = False
                self.action_retry()
            if self._text:
                self._search(self._text)

    @work(group="search", exclusive=True, exit_on_error=False)
    async def _search(self, text: str) -> None:
        """Find the rows that hold the text; the list shows them as they are found."""
        await asyncio.sleep(TYPED_FOR)
        self._ticker.resume()
        try:
            if await self.reader.search(text):
                self._came_to_an_end()
                self._show_again()
        except BatchError as error:
            self._came_to_an_end()
            self.bridge.report(error)

    def shown_rows(self) -> tuple[str, Sequence[int]]:
        """What the rows that are shown are, and which; no words where they are all."""
        rows = self.table.source
        kind = self._group.message if self._group is not None else self._filter
        words = fmt.joined(kind if kind != "all" else "", f"“{self._text}”" if self._text else "")
        if not words or not isinstance(rows, ResultRows):
            return "", range(len(rows))
        return words, array("I", (rows.number(at) for at in range(len(rows))))

    def export_moved(self) -> None:
        """Tell how far an export has come."""
        if not self.is_mounted:
            return
        if self.exported is not None:
            self._ticker.resume()
        elif not self.reader.busy:
            self._ticker.pause()
        self.query_one(KeyBar).relabel(keys.EXPORT.id or "", "Export" if self.exported is None else "Stop export")
        self._show_sum()

    def _came_to_an_end(self) -> None:
        if self.exported is None:
            self._ticker.pause()
        self.refresh_bindings()
        self._show_rows()
        self._find_cost()

    @work(group="cost", exclusive=True, exit_on_error=False)
    async def _find_cost(self) -> None:
        """What all rows cost, and those that are shown."""
        self._cost_of_shown = None
        index, job = self.reader.index, self.job
        of, rows = self.shown_rows()
        if not index.is_built or not self.reader.has_results:
            return
        tariff = await self.engine.tariff()
        model = job.job.model if job is not None and job.job is not None else None

        def sums() -> list[Cost]:
            return [cost(spending(index, chosen), tariff, model) for chosen in (None, rows)[: 2 if of else 1]]

        found = await asyncio.to_thread(sums)
        if index is self.reader.index:
            self._cost, self._cost_of_shown = found[0], found[-1] if of else None
            self._show_sum()

    @work(group="record", exclusive=True, exit_on_error=False)
    async def _read_record(self, row: Row) -> None:
        """Show the row under the cursor beside the list."""
        index = self.reader.index
        stay = self._story_of is not None and self._story_of.number == row.number
        self._story_of = row
        raw, unfolded, sought = self._raw, self._unfolded, self._text

        def read() -> list[Block]:
            record = index.record(row.number)
            return raw_story(record) if raw else story(record, unfolded=unfolded, sought=sought)

        blocks = await asyncio.to_thread(read)
        if index is self.reader.index and not self.by_cause:
            view = self.query_one(RecordView)
            view.show(blocks, stay=stay, sought=sought)
            if self._to_hit:
                self._to_hit = False
                await view.go_to_hit(1)

    @work(group="causes", exclusive=True, exit_on_error=False)
    async def _find_causes(self) -> None:
        """Group the errors, once all is read."""
        causes = await self.known_causes()
        self.groups.set_rows((group.message, group) for group in causes)
        self._show_rows()

    @work(group="record", exclusive=True, exit_on_error=False)
    async def _read_group(self, group: ErrorGroup) -> None:
        """Show a cause, with its first row, beside the list of causes."""
        index = self.reader.index
        blocks = group_story(group, await asyncio.to_thread(index.record, group.sample))
        if index is self.reader.index and self.by_cause:
            self._story_of = None
            self.query_one(RecordView).show(blocks)

    # -- showing -------------------------------------------------------------------------------------

    def _show_rows(self) -> None:
        """The rows that are wanted, as far as they are known; cursor and scroll stay."""
        index, hits = self.reader.index, self.reader.hits
        chosen: Sequence[int] | None = None if self.reader.has_results else ()
        if chosen is None and self._group is not None:
            chosen = self._group.rows
        elif chosen is None and self._filter != "all":
            chosen = index.select(FILTERS[self._filter])
        if hits is not None:
            chosen = array("I", [row for row in (range(len(hits)) if chosen is None else chosen) if hits[row]])
        rows = ResultRows(index, chosen)
        self.table.set_empty(shown(self._empty()))
        self.table.set_source(rows)
        if not len(self.groups.source if self.by_cause else rows):
            self._story_of = None
            self.query_one(RecordView).show([])
        self._show_sum()

    def _show_sum(self) -> None:
        name = self.job.name if self.job is not None else ""
        if self.by_cause:
            causes = fmt.plural(len(self.causes), "cause") if self.causes is not None else ""
            self.header.show(fmt.joined(name, "errors by cause", causes), self._busy())
        else:
            kind = self._group.message if self._group is not None else self._filter
            text = f"“{line(self._text)}”" if self._text else ""
            narrowed = kind != "all" or text
            self.header.show(
                fmt.joined(name, kind if kind != "all" else "", text, self._place() if narrowed else ""), self._busy()
            )
        self._show_below(self._sum())

    def _place(self) -> str:
        """`2 of 17 rows`: how many there are, and where one is."""
        count, at = self.table.row_count, self.table.cursor_index
        return fmt.plural(count, "row") if at is None or not at else f"{at + 1:,} of {fmt.plural(count, 'row')}"

    def _busy(self) -> list[tuple[str, str]]:
        """How far reading or searching has come."""
        reader = self.reader
        if self.exported is not None:
            done, total = self.exported
            return [(f"exporting {fmt.percent(done / max(1, total))}", "$status-active")]
        if not reader.busy or reader.fraction is None:
            return self._money()
        return [(f"{reader.busy} {fmt.percent(reader.fraction)}", "$status-active")]

    def _money(self) -> list[tuple[str, str]]:
        """What it cost, beside what was said before; where there is room, by which prices."""
        job, whole, part = self.job, self._cost, self._cost_of_shown
        if whole is None or whole.usd is None:
            return []
        submission = job.submission if job is not None else None
        words = cost_words(whole, submission.estimate if submission is not None else None)
        if part is not None and part.usd is not None and not self.by_cause:
            words = f"{money_words(part)} of {words}"
        return [(price_words(whole), QUIET)] * (self.size.width >= _PRICES_FROM) + [(words, "")]

    def _show_below(self, said: list[tuple[str, str]]) -> None:
        """The sum, and what keeps it from being the whole truth."""
        if trouble := self._trouble():
            said = [*said, (" · " if said else "", "$rule"), (trouble, "$status-attention")]
        below = self.query_one("#sum", Static)
        below.display = bool(said)
        self.set_pieces(below, said)

    def _sum(self) -> list[tuple[str, str]]:
        """The sum that must come out even."""
        reader, found = self.reader, self.reader.index.reconciliation
        if found is None or not reader.has_results:
            return []
        return [(sum_words(found), "$status-attention" if self._trouble() else sum_style(found))]

    def _trouble(self) -> str:
        index = self.reader.index
        if not index.is_built or not self.reader.has_results:
            return ""
        return fmt.joined(*(_LACKING[kind] for kind in lacking(self.job)), line(trouble_words(index)))

    def _empty(self) -> str:
        if self.reader.busy:
            return f"{self.reader.busy.capitalize()} …"
        if self.reader.has_results:
            return nothing_here(self._filter, self._text)
        return no_files(self.job, self.reader.index)

    # -- what a person does --------------------------------------------------------------------------

    def on_record_table_highlighted(self, event: RecordTable.Highlighted) -> None:
        if event.table is self.groups:
            if self.by_cause:
                self._read_group(event.row)
        elif not self.by_cause:
            self._read_record(event.row)
            self._show_sum()

    def on_record_table_selected(self, event: RecordTable.Selected) -> None:
        """From a cause to its rows, from a row to its record; where there is no room for both, in the list's place."""
        if event.table is self.groups:
            self._group, self._filter = event.row, "all"
            self._show_by_cause(False)
            self.table.move_cursor(index=0)
        else:
            self._go_to_record()

    def _go_to_record(self) -> None:
        self.add_class("-reading")
        self.query_one(RecordView).focus()

    def _show_by_cause(self, on: bool) -> None:
        """Show causes, or rows."""
        self.set_class(on, "-by-cause")
        self.remove_class("-reading")
        (self.groups if on else self.table).focus()
        self._show_rows()
        self._show_again()
        self._find_cost()
        self.refresh_bindings()

    def _show_again(self) -> None:
        """Read what stands beside the list once more: it is to be shown in another way."""
        group, row = self.groups.cursor_row, self.table.cursor_row
        if self.by_cause and group is not None:
            self._read_group(group)
        elif not self.by_cause and row is not None:
            self._read_record(row)

    def action_back(self) -> None:
        """From the record to the list, from what was found to all rows, from there to where the person came from."""
        if self.has_class("-reading") or self.query_one(RecordView).has_focus:
            self.remove_class("-reading")
            (self.groups if self.by_cause else self.table).focus()
        elif self.by_cause:
            self._show_by_cause(False)
        elif self._text:
            self._look_for("")
        elif self._group is not None:
            self._group = None
            self._show_by_cause(True)
        else:
            super().action_back()

    def action_next_filter(self) -> None:
        kinds = list(FILTERS)
        if self.by_cause:
            self._show_by_cause(False)
        self._group = None
        self._filter = kinds[(kinds.index(self._filter) + 1) % len(kinds)]
        self._show_rows()
        self._find_cost()

    def action_filter(self) -> None:
        if self.by_cause:
            self._show_by_cause(False)
        self.query_one(FilterLine).open(self._text)

    def action_errors(self) -> None:
        """Errors by cause, or the rows again."""
        if not self.by_cause:
            self._group = None
        self._show_by_cause(not self.by_cause)
        if self.by_cause:
            self._find_causes()

    def action_raw(self) -> None:
        """The record as JSON, or as it is read; in a narrow terminal it takes the list's place."""
        self._raw = not self._raw
        self._show_again()
        if self._raw and self.has_class("-narrow") and not self.has_class("-reading"):
            self._go_to_record()

    def action_reasoning(self) -> None:
        """Unfold or fold what the model thought."""
        self._unfolded = not self._unfolded
        self._raw = False
        self._show_again()

    @work(group="hit", exclusive=True, exit_on_error=False)
    async def action_hit(self, by: int) -> None:
        """To the next hit in the record, and when there is no more of them, to the next row."""
        view, table = self.query_one(RecordView), self.table
        if (view.display and await view.go_to_hit(by)) or table.cursor_index is None:
            return
        index = table.cursor_index + by
        if 0 <= index < table.row_count:
            self._to_hit = True
            table.move_cursor(index=index)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "hit":
            return bool(self._text) and not self.by_cause
        if action in ("retry", "export"):
            return self.is_mounted and self.reader.index.is_built and self.reader.has_results
        if action in ("raw", "reasoning"):
            return self.is_mounted and not self.by_cause and self.table.row_count > 0
        return super().check_action(action, parameters)

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
        self.refresh_bindings()
        if text:
            self._search(text)
            self._show_sum()
            return
        self.workers.cancel_group(self, "search")
        self.reader.stop_search()
        self._show_again()
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
