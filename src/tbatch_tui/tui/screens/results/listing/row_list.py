"""The list of results as a table: its columns, its order, and what its cells show of a search."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import on, work
from textual.message import Message

from tbatch_tui.engine.answers.order import COST, FIELD, FILE_ORDER
from tbatch_tui.engine.answers.search import SearchField
from tbatch_tui.engine.errors import BatchError
from tbatch_tui.engine.results import Row
from tbatch_tui.tui.sanitize import lines_content
from tbatch_tui.tui.screens.results.listing.arrangement import Arrangement
from tbatch_tui.tui.screens.results.listing.columns import CellData, table_columns
from tbatch_tui.tui.widgets.table.table import RecordTable

if TYPE_CHECKING:
    from tbatch_tui.engine.engine import BatchEngine
    from tbatch_tui.tui.bridge import Bridge
    from tbatch_tui.tui.screens.results.family import Family
    from tbatch_tui.tui.screens.results.rows import RowFilter
    from tbatch_tui.tui.screens.results.session import ResultsSession


class RowList(RecordTable[Row]):
    """The rows that pass a filter, in the columns and the order that the person chose."""

    class Arranging(Message):
        """Rows are being sorted, or read for other columns."""

    class Arranged(Message):
        """They are."""

    def __init__(
        self, engine: BatchEngine, bridge: Bridge, family: Family, session: ResultsSession, row_filter: RowFilter
    ) -> None:
        """Make the list of what `session` has read; the owner changes `row_filter` and calls `show_rows`."""
        endpoint = family.record.endpoint if family.record is not None else None
        self.arrangement = Arrangement(audio="audio" in (endpoint or ""))
        self._data = CellData(session.index)
        self._drawn: object = None
        self._looked: object = None
        self._goes_to_top = False
        """Whether the cursor goes to the first row when the rows have another order."""
        self._last_order: object = None
        self._engine, self._bridge, self._family = engine, bridge, family
        self._session, self._filter = session, row_filter
        columns = table_columns(self.arrangement.names, self._data)
        super().__init__(columns, id="rows", enter="Read", can_mark=True, can_turn=True)

    def on_mount(self) -> None:
        """Take the columns that were chosen the last time."""
        self.mark_sorted(FILE_ORDER.column)
        self._recall_columns()

    @property
    def shown_names(self) -> tuple[str, ...]:
        """The columns, those that a search needs among them."""
        query, names = self._filter.query, self.arrangement.names
        searched = f"{FIELD}{query.name}" if query.field is SearchField.FIELD and query.name and query.text else ""
        return (*names, searched) if searched and searched not in names else names

    def show_rows(self, empty_text: str) -> None:
        """List the rows that pass the filter, as far as they are read; cursor and scroll position stay."""
        session, data, query = self._session, self._data, self._filter.query
        if session.has_recordings:
            self.arrangement.set_audio()
        record = self._family.record
        data.is_part = record is not None and record.group is not None and not self._family.is_merged
        data.model = record.job.model if record is not None and record.job is not None else None
        data.index, data.values, data.common = session.index, session.values, session.common
        data.search(query if query.text else None, session.hits)
        drawn = (
            self.shown_names,
            query.field if query.text else None,
            *map(id, data.values.values()),
            data.common,
            data.is_part,
        )
        if drawn != self._drawn:
            self._drawn = drawn
            self.set_columns(table_columns(self.shown_names, data))
        if data.look != self._looked:
            self._looked = data.look
            self.refresh_rows()
        hits = session.hits.rows if session.hits is not None else None
        self.set_empty(lines_content(empty_text))
        self.set_source(self._filter.apply(session.index, hits, session.order))
        if self._goes_to_top and session.order is not self._last_order:
            self._goes_to_top = False
            self.move_cursor(index=0)
        self._last_order = session.order

    @work(group="recall", exclusive=True, exit_on_error=False)
    async def _recall_columns(self) -> None:
        if self.arrangement.recall(await self._engine.recall(self.arrangement.memory_name)):
            self.rearrange()

    @work(group="arrange", exclusive=True, exit_on_error=False)
    async def rearrange(self, *, to_top: bool = False) -> None:
        """Sort the rows, and read what the columns show; then the cursor goes to the first row, or stays on its own."""
        order = self.arrangement.order
        self.mark_sorted(order.column, descending=order.descending)
        if self._session.index.is_built:
            self.post_message(self.Arranging())
        prices = self._data.prices
        if prices is None and COST in (order.column, *self.arrangement.names):
            prices = self._data.prices = await self._engine.prices.price_list()
        searched = [name for name in self.shown_names if name.startswith(FIELD)]
        names = self.arrangement.columns_to_read(searched)
        try:
            is_new = await self._session.arrange(order, names, prices, self._data.model)
        except BatchError as error:
            self._bridge.report(error)
            is_new = False
        self._goes_to_top = is_new and to_top
        self.post_message(self.Arranged())

    def next_sort(self) -> None:
        """Sort by the next column."""
        self.arrangement.next_sort(self.shown_names)
        self.rearrange(to_top=True)

    def sort_by(self, column: str) -> None:
        """Sort by a column, or the other way round if the rows are sorted by it already."""
        self.arrangement.sort_by(column)
        self.rearrange(to_top=True)

    @on(RecordTable.HeaderClicked)
    def _header_clicked(self, event: RecordTable.HeaderClicked) -> None:
        event.stop()
        if event.column != "prompt":
            self.sort_by(event.column)

    async def choose_columns(self) -> None:
        """Ask which columns to show, and remember them for jobs of this kind."""
        from tbatch_tui.tui.screens.results.listing.column_dialog import ColumnDialog

        names = await self.app.push_screen_wait(ColumnDialog(self.arrangement.names, self._session.fields))
        if names is None or names == self.arrangement.names:
            return
        self.arrangement.names = names
        self.rearrange()
        try:
            await self._engine.remember(self.arrangement.memory_name, self.arrangement.memory)
        except BatchError as error:
            self._bridge.report(error)
