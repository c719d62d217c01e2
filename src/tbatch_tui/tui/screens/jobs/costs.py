"""What the jobs of the list cost, and all those of this month; the way to Models and Spend."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from textual import work
from textual.screen import Screen

from tbatch_tui.engine.errors import BatchError
from tbatch_tui.engine.groups.group_record import GroupRecord
from tbatch_tui.text import format as fmt
from tbatch_tui.tui.messages import OpenModels, OpenSpend

if TYPE_CHECKING:
    from tbatch_tui.engine.domain.record import JobRecord
    from tbatch_tui.engine.engine import BatchEngine
    from tbatch_tui.engine.events import RecordsChanged
    from tbatch_tui.engine.pricing.prices import PriceList
    from tbatch_tui.tui.screens.jobs.listing.columns import JobRow
    from tbatch_tui.tui.widgets.table.table import RecordTable

_PAUSE = 0.5
"""Seconds in which several jobs that are counted are added up once."""


class JobCosts:
    """The text of the Cost column; empty until the prices are loaded, which the first frame does not wait for."""

    def __init__(self, engine: BatchEngine) -> None:
        self._engine = engine
        self._price_list: PriceList | None = None

    async def load_prices(self) -> bool:
        """Load the price list; False if that failed: the column stays empty then, and Job and Results say why."""
        try:
            self._price_list = await self._engine.prices.price_list()
        except BatchError:
            return False
        return True

    def cell(self, record: JobRecord | GroupRecord) -> str:
        """Return what a job cost, or a group so far; empty until rows are counted."""
        if self._price_list is None:
            return ""
        if isinstance(record, GroupRecord):
            cost = record.cost(self._price_list)
            return fmt.money(cost) if cost is not None else ""
        if record.counts is None:
            return ""
        from tbatch_tui.tui.render.cost import cost_cell

        return cost_cell(record, self._price_list)


class JobMoney(Screen[None]):
    """Keeps the sum of the month; a base of the screen Jobs. All of it comes after the first frame."""

    engine: BatchEngine
    costs: JobCosts
    table: RecordTable[JobRow]
    month_sum = ""
    """Such as `Nov $14.20`, or `Nov over $14.20` where not all is known; empty before, and where nothing was spent."""

    def note_counted(self, event: RecordsChanged) -> None:
        """Add up again if the results of a job were counted."""
        if any(record.counts is not None for record in event.changed):
            self.add_up_month()

    @work(group="month", exclusive=True, exit_on_error=False)
    async def add_up_month(self) -> None:
        """Add up the month at the prices that are known here, and show the sum."""
        await asyncio.sleep(_PAUSE)
        try:
            spend = await self.engine.prices.spend(ask=False)
        except BatchError:
            return  # the screen Spend says why
        from tbatch_tui.engine.pricing.spending.months import month_words
        from tbatch_tui.tui.render.cost import format_month

        self.month_sum = f"{month_words(spend.month)[:3]} {format_month(spend)}" if spend.total else ""
        self._show_header()

    @work(group="prices", exit_on_error=False)
    async def load_prices(self) -> None:
        """Load the prices, and show what they give."""
        if await self.costs.load_prices():
            self.table.refresh_rows()
            self.add_up_month()

    def _show_header(self) -> None:
        raise NotImplementedError

    def action_models(self) -> None:
        """Go to Models."""
        self.post_message(OpenModels())

    def action_spend(self) -> None:
        """Go to Spend."""
        self.post_message(OpenSpend())
