"""The gate of every submission: above the budget nothing is committed, unless the person insists.

Submits on one data folder pass one after the other, in one app or in several, so that each counts the one before.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from tbatch_tui.engine.threads import run_detached

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence

    from tbatch_tui.engine.domain.record import JobRecord
    from tbatch_tui.engine.journal.store import JobStore
    from tbatch_tui.engine.options import Budget, EngineOptions
    from tbatch_tui.engine.pricing.budget import BudgetVerdict, Commitments
    from tbatch_tui.engine.pricing.prices import PriceList

_LOCK = "budget.lock"
_PATIENCE = 30.0
"""Seconds that another submit on this data folder may take to be committed."""


class BudgetGate:
    """Judges submissions by the budget. Without one it asks and reads nothing."""

    def __init__(self, options: EngineOptions, store: JobStore, price_list: Callable[[], Awaitable[PriceList]]) -> None:
        """`price_list` returns the prices in force."""
        self._options = options
        self._store = store
        self._price_list = price_list

    @property
    def budget(self) -> Budget:
        """What may be spent."""
        return self._options.budget

    @property
    def is_set(self) -> bool:
        """Whether there is a budget at all."""
        return self.budget.is_set

    async def committed(self) -> Commitments:
        """Return what of this month is spent or may be. Raises JournalError."""
        return (await self.judge(0.0)).committed

    async def judge(
        self, bound: float | None, *, file_bound: float | None = None, without: Collection[str] = ()
    ) -> BudgetVerdict:
        """Return whether something that may cost so much is within the budget as it is now. Raises JournalError.

        Args:
            bound: The most that it may cost, in dollars; None where that is not known.
            file_bound: The same of the whole file, where only a part of it is sent now.
            without: The keys of the records that are to be sent, which are not counted as out.
        """
        from tbatch_tui.engine.pricing.budget import BudgetVerdict, commitments
        from tbatch_tui.engine.pricing.spending.months import month_of

        prices, ledger = await self._price_list(), await self._store.ledger.read()
        month = month_of(self._options.now())
        committed = await run_detached(
            lambda: commitments(ledger.records, ledger.tries, month, prices, without=without)
        )
        return BudgetVerdict(self.budget, bound, bound if file_bound is None else file_bound, committed)

    async def judge_parts(self, parts: Sequence[JobRecord], sent: Sequence[JobRecord]) -> BudgetVerdict:
        """Return whether some records of a file can be sent now; the whole file counts for the budget of a job.

        Args:
            parts: All of the file.
            sent: Those that are to be sent.
        """
        from tbatch_tui.engine.pricing.budget import groups_of, most_of, whole_file

        prices, groups = await self._price_list(), groups_of(parts)
        amounts = [most_of(record, groups, prices) for record in sent]
        known = [amount for amount in amounts if amount is not None]
        bound = sum(known) if len(known) == len(amounts) else None
        file_bound = whole_file(parts, prices)
        if file_bound is None:
            bound = None
        return await self.judge(bound, file_bound=file_bound, without={record.key for record in sent})

    @asynccontextmanager
    async def admitting(
        self, judge: Callable[[], Awaitable[BudgetVerdict]], *, over_budget: bool
    ) -> AsyncIterator[None]:
        """Let a submission be committed inside. Raises OverBudgetError before it is, if it is above the budget.

        Raises BudgetBusyError if that cannot be told now.

        Args:
            judge: Judges it, once no other submission is under way.
            over_budget: Whether it may be above.
        """
        if not self.is_set:
            yield
            return
        from filelock import FileLock, Timeout

        from tbatch_tui.engine.pricing.over_budget import BudgetBusyError, OverBudgetError

        lock = FileLock(self._options.data_dir / _LOCK, timeout=_PATIENCE, thread_local=False)
        try:
            await asyncio.to_thread(lock.acquire)
        except Timeout:
            raise BudgetBusyError(
                "Another submit on this data folder is being checked against the budget",
                "Nothing was submitted. Try again.",
            ) from None
        except OSError as error:
            raise BudgetBusyError(
                f"The budget cannot be checked: {error.strerror}", "Nothing was submitted."
            ) from error
        try:
            verdict = await judge()
            if verdict.is_over and not over_budget:
                raise OverBudgetError(verdict)
            yield
        finally:
            lock.release()
