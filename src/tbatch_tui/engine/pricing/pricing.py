"""The door of this room: the catalogue, the prices in force, and what a file may cost."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from tbatch_tui.engine.threads import run_detached, run_reading

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Awaitable, Callable, Coroutine
    from pathlib import Path

    from tbatch_tui.engine.domain.catalogue import Catalogue, ModelInfo
    from tbatch_tui.engine.domain.cost import Estimate
    from tbatch_tui.engine.journal.store import JobStore
    from tbatch_tui.engine.options import EngineOptions
    from tbatch_tui.engine.pricing.budget_gate import BudgetGate
    from tbatch_tui.engine.pricing.catalogue_cache import CatalogueCache
    from tbatch_tui.engine.pricing.prices import PriceList
    from tbatch_tui.engine.pricing.spending.model_history import ModelEntry
    from tbatch_tui.engine.pricing.spending.spend import MonthSpend, SpendBy, Spending


class Pricing:
    """Prices and estimates. What this needs is loaded when it is first asked for, not with the first frame."""

    def __init__(
        self,
        options: EngineOptions,
        store: JobStore,
        fetch_models: Callable[[], Awaitable[list[ModelInfo]]],
        spawn: Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]],
    ) -> None:
        """Take the person's own prices and discounts from `options`.

        Args:
            fetch_models: asks the server for its models; may raise BatchError.
            spawn: makes tasks that outlive the caller.
        """
        self._options = options
        self._store = store
        self._fetch_models = fetch_models
        self._spawn = spawn
        self._cache: CatalogueCache | None = None

    @cached_property
    def budget(self) -> BudgetGate:
        """What may be spent, and what is left of it."""
        from tbatch_tui.engine.pricing.budget_gate import BudgetGate

        return BudgetGate(self._options, self._store, self.price_list)

    async def catalogue(self) -> Catalogue:
        """Return the models and their prices, with their date: the last known while the server cannot be asked.

        Fetched at most once a day. Raises nothing: empty when nothing is known.
        """
        return await self._catalogue_cache().get()

    def _catalogue_cache(self) -> CatalogueCache:
        if self._cache is None:
            from tbatch_tui.engine.pricing.catalogue_cache import CatalogueCache

            self._cache = CatalogueCache(self._options, self._store, self._fetch_models, self._spawn)
        return self._cache

    async def price_list(self, *, ask: bool = True) -> PriceList:
        """Return the prices in force: the person's own, else the catalogue's, less the discount for a batch.

        Args:
            ask: Whether the server may be asked for its catalogue; else the one that was fetched last counts.
        """
        from tbatch_tui.engine.pricing.prices import PriceList

        cache = self._catalogue_cache()
        catalogue = await (cache.get() if ask else cache.kept())
        return PriceList(catalogue, self._options.prices, self._options.discounts)

    async def models(self, *, ask: bool = True) -> list[ModelEntry]:
        """Return all models of the catalogue and of the history, by name, with what this account's jobs say of each.

        `ask` is as in `price_list`. Raises JournalError.
        """
        from tbatch_tui.engine.pricing.spending.model_history import model_entries

        price_list = await self.price_list(ask=ask)
        ledger = await self._store.ledger.read()
        return await run_detached(lambda: model_entries(price_list.catalogue, price_list, ledger.records))

    async def spend(self, month: str | None = None, by: SpendBy | None = None, *, ask: bool = True) -> MonthSpend:
        """Return what a month cost, from verified usage at the prices in force. Raises JournalError.

        Args:
            month: Such as `2026-11`, in UTC; None for this one.
            by: What it is broken down by; by model, if None.
            ask: As in `price_list`.
        """
        from tbatch_tui.engine.pricing.spending.months import month_of

        spending = await self.spending(ask=ask)
        return await run_detached(lambda: spending.month(month or month_of(self._options.now()), by))

    async def spending(self, *, ask: bool = True) -> Spending:
        """Return the whole history as money is counted, to be asked about any month. Raises JournalError."""
        from tbatch_tui.engine.pricing.spending.spend import Spending

        price_list = await self.price_list(ask=ask)
        ledger = await self._store.ledger.read()
        return Spending(ledger.records, ledger.retries, price_list, ledger.tries)

    async def estimate(self, path: Path) -> Estimate:
        """Return what a file may cost, read in a thread. Raises LocalFileError."""
        from tbatch_tui.engine.pricing.demand import demand_of
        from tbatch_tui.engine.pricing.prices import estimate

        return estimate(await run_reading(demand_of, path), await self.price_list())
