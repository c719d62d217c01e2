"""The list of results and the record beside it: which rows are listed, which one is current, how it is read."""

from __future__ import annotations

import asyncio
from array import array
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.containers import Horizontal

from tbatch_tui.engine.audio.signed_copy import signed_if_stored
from tbatch_tui.engine.audio.transcript_files import recording_url
from tbatch_tui.engine.errors import BatchError
from tbatch_tui.engine.results import ErrorGroup, Row
from tbatch_tui.tui.keys import bindings as keys
from tbatch_tui.tui.sanitize import line, lines_content
from tbatch_tui.tui.screens.results.availability import LIST_ACTIONS, RECORD_ACTIONS
from tbatch_tui.tui.screens.results.listing.row_list import RowList
from tbatch_tui.tui.screens.results.reading.error_groups import group_columns
from tbatch_tui.tui.screens.results.reading.record_pane import RecordPane
from tbatch_tui.tui.screens.results.rows import MARKED, ChosenRows, ResultRows, RowFilter
from tbatch_tui.tui.terminal.clipboard import copy_id, copy_record, json_or_text, json_text
from tbatch_tui.tui.terminal.open_file import open_link
from tbatch_tui.tui.widgets.table.table import RecordTable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from textual.app import ComposeResult
    from textual.binding import BindingType

    from tbatch_tui.engine.engine import BatchEngine
    from tbatch_tui.tui.bridge import Bridge
    from tbatch_tui.tui.screens.results.family import Family
    from tbatch_tui.tui.screens.results.session import ResultsSession

FIRST_LOOK = 0.02
"""Seconds after which it is looked at what has been read so far: enough for the first rows."""


class RowBrowser(Horizontal):
    """A list of rows, or of the causes of errors, and beside it what is under the cursor.

    `-by-cause` is set while causes are listed, `-reading` from Enter on a row until the list has the focus again. In a
    narrow terminal there is no room for both, and the record is displayed only then, in the place of the list.
    """

    SCOPED_CSS = False
    DEFAULT_CSS = """
    RowBrowser {
        #rows, #groups { width: 3fr; }
        #groups, &.-by-cause #rows { display: none; }
        &.-by-cause #groups { display: block; }
        #record { width: 2fr; border-left: solid $rule; &:focus { border-left: heavy $accent-text; } }
    }
    Screen.-narrow RowBrowser {
        #record { display: none; }
        &.-reading #rows, &.-reading #groups { display: none; }
        &.-by-cause { layout: vertical; }
        &.-by-cause #record { display: block; width: 1fr; border-left: none; border-top: solid $rule; }
        &.-reading #record, &.-reading #record:focus { display: block; width: 1fr; border-left: none; }
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        keys.RAW,
        keys.REASONING,
        keys.NEXT_RECORD,
        keys.PREVIOUS_RECORD,
        keys.SORT,
        keys.REVERSE_SORT,
        keys.COLUMNS,
        keys.MORE_COLUMNS,
        keys.FEWER_COLUMNS,
        keys.NEXT_HIT,
        keys.PREVIOUS_HIT,
        keys.COPY_ID,
        keys.COPY_RECORD,
        keys.OPEN_SOURCE,
    ]

    def __init__(
        self, engine: BatchEngine, bridge: Bridge, family: Family, session: ResultsSession, row_filter: RowFilter
    ) -> None:
        """A browser of what `session` has read; the owner changes `row_filter` and calls `show_rows`."""
        super().__init__()
        self._engine, self._bridge, self._family = engine, bridge, family
        self._session, self._filter = session, row_filter

    def compose(self) -> ComposeResult:
        """Both lists, one of them displayed, and the record."""
        yield RowList(self._engine, self._bridge, self._family, self._session, self._filter)
        yield RecordTable[ErrorGroup](
            group_columns(), id="groups", enter="Rows", empty=lines_content("No errors, and no invalid answers.")
        )
        yield RecordPane()

    @property
    def table(self) -> RowList:
        """The list of rows."""
        return self.query_one(RowList)

    @property
    def cause_table(self) -> RecordTable[ErrorGroup]:
        """The list of causes of errors."""
        return self.query_one("#groups", RecordTable)

    @property
    def pane(self) -> RecordPane:
        """The record beside the list."""
        return self.query_one(RecordPane)

    @property
    def by_cause(self) -> bool:
        """Whether errors and invalid answers are listed by cause, instead of row by row."""
        return self.has_class("-by-cause")

    @property
    def is_reading(self) -> bool:
        """Whether the person reads the record, instead of going through the list."""
        return self.has_class("-reading") or self.pane.has_focus

    @property
    def current_row(self) -> Row | None:
        """The row under the cursor; None while causes are listed, and over an empty list."""
        return None if self.by_cause else self.table.cursor_row

    # -- showing -------------------------------------------------------------------------------------

    def show_rows(self, empty_text: str) -> None:
        """List the rows that pass the filter, as far as they are read; cursor and scroll position stay."""
        self.table.show_rows(empty_text)
        if not (self.cause_table if self.by_cause else self.table).row_count:
            self.pane.clear()

    def begin_reading(self, show_rows: Callable[[], object]) -> None:
        """Forget what was shown of other files; have the first rows shown, which are there long before all are."""
        self.pane.forget_row()
        self._filter.cause = None
        self._show_first(show_rows)

    @work(group="first", exclusive=True, exit_on_error=False)
    async def _show_first(self, show_rows: Callable[[], object]) -> None:
        """Show the first rows, unless the screen was left meanwhile."""
        await asyncio.sleep(FIRST_LOOK)
        if self.is_attached and self.screen.is_current:
            show_rows()

    def show_current(self) -> None:
        """Show in the pane what is under the cursor."""
        index, group = self._session.index, self.cause_table.cursor_row
        if self.by_cause and group is not None:
            self.pane.show_group(index, group)
        elif (row := self.current_row) is not None:
            self.pane.show_row(index, row, self._filter.query.text)
        else:
            self.pane.forget_row()

    def set_by_cause(self, on: bool) -> None:
        """List causes, or rows, with the focus on the list."""
        self.set_class(on, "-by-cause")
        self.focus_list()

    def focus_list(self) -> None:
        """Go from the record back to the list."""
        self.remove_class("-reading")
        (self.cause_table if self.by_cause else self.table).focus()

    def focus_record(self) -> None:
        """Go from the list to the record."""
        self.add_class("-reading")
        self.pane.focus()

    def reset(self) -> None:
        """Take all marks away and go to the first row: the rows are about to be others."""
        self.table.mark(())
        self.table.move_cursor(index=0)
        self.remove_class("-reading")

    @on(RecordTable.Highlighted, "#rows")
    def _row_highlighted(self) -> None:
        if not self.by_cause:
            self.show_current()

    @on(RecordTable.Highlighted, "#groups")
    def _cause_highlighted(self) -> None:
        if self.by_cause:
            self.show_current()

    @on(RecordTable.Selected, "#rows")
    def _row_selected(self) -> None:
        self.focus_record()

    # -- how the record is read ----------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Whether an action can be done with the list or the row under the cursor: the screen knows."""
        if action in LIST_ACTIONS | RECORD_ACTIONS and self.is_attached:
            return self.screen.check_action(action, parameters)
        return super().check_action(action, parameters)

    def action_next_sort(self) -> None:
        """Sort by the next column."""
        self.table.next_sort()

    def action_reverse_sort(self) -> None:
        """Sort the other way round."""
        self.table.sort_by(self.table.arrangement.order.column)

    @work(group="columns", exclusive=True, exit_on_error=False)
    async def action_columns(self) -> None:
        """Choose the columns."""
        await self.table.choose_columns()

    def action_turn_columns(self, step: int) -> None:
        """Turn to the columns that have no room, or back."""
        self.table.turn_columns(step)

    def action_record(self, by: int) -> None:
        """Go to the next record, or with -1 to the one before, without leaving the one that is read."""
        if (index := self.table.cursor_index) is not None and 0 <= index + by < self.table.row_count:
            self.table.move_cursor(index=index + by)

    def action_raw(self) -> None:
        """Show the record as JSON, or as a conversation; in a narrow terminal the JSON takes the list's place."""
        self.pane.is_raw = not self.pane.is_raw
        self.show_current()
        if self.pane.is_raw and not self.pane.display:
            self.focus_record()

    def action_reasoning(self) -> None:
        """Unfold or fold the reasoning."""
        self.pane.is_unfolded = not self.pane.is_unfolded
        self.pane.is_raw = False
        self.show_current()

    @work(group="hit", exclusive=True, exit_on_error=False)
    async def action_hit(self, by: int) -> None:
        """Go to the next hit in the record, and after the last one to the next row; with -1 the other way."""
        if (self.pane.display and await self.pane.go_to_hit(by)) or (index := self.table.cursor_index) is None:
            return
        if 0 <= index + by < self.table.row_count:
            self.pane.starts_at_hit = True
            self.table.move_cursor(index=index + by)

    def action_copy_id(self) -> None:
        """Copy the custom_id, over ssh too (OSC 52)."""
        if (row := self.current_row) is not None:
            copy_id(self.app, self._bridge, row.custom_id)

    @work(group="copy", exclusive=True, exit_on_error=False)
    async def action_copy_record(self) -> None:
        """Copy the lines of the request and of the response, as they are in the files."""
        if (row := self.current_row) is not None:
            record = await asyncio.to_thread(self._session.index.record, row.number)
            lines = {"request": json_or_text(record.raw_request), "response": json_or_text(record.raw_response)}
            copy_record(self.app, self._bridge, json_text(lines), line(record.row.custom_id))

    @work(group="open", exclusive=True, exit_on_error=False)
    async def action_open_source(self) -> None:
        """Open the recording of the row where its link leads; one in the store by a link that is made for it."""
        if (row := self.current_row) is None:
            return
        record = await asyncio.to_thread(self._session.index.record, row.number)
        try:
            if (url := recording_url(record)) is None:
                raise BatchError("This row has no recording", "Only audio requests have one.")
            store = self._engine.options.audio_store
            await open_link(await asyncio.to_thread(signed_if_stored, url, store))
        except BatchError as error:
            self._bridge.report(error)

    # -- which rows ----------------------------------------------------------------------------------

    def marked_rows(self) -> Sequence[int]:
        """Return the numbers of the rows that are marked, in order."""
        return array("I", sorted(int(key) for key in self.table.marked))

    def chosen_rows(self) -> ChosenRows:
        """Return the rows that are marked; without marks, those that are listed."""
        rows, text = self.table.source, self._filter.text
        if marked := self.marked_rows():
            return ChosenRows(MARKED, marked)
        if not text or not isinstance(rows, ResultRows):
            return ChosenRows("", range(len(rows)))
        return ChosenRows(text, rows.numbers())
