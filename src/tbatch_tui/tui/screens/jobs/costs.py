"""What the jobs of the list cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tbatch_tui.engine.errors import BatchError
from tbatch_tui.engine.groups.group_record import GroupRecord
from tbatch_tui.text import format as fmt

if TYPE_CHECKING:
    from tbatch_tui.engine.domain.record import JobRecord
    from tbatch_tui.engine.engine import BatchEngine
    from tbatch_tui.engine.pricing.prices import PriceList


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
