"""The tries of one account: requests that were asked at once. `JobStore` has one."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from tbatch_tui.engine.domain.tried import TriedRequest, TrySpending

if TYPE_CHECKING:
    from tbatch_tui.engine.journal.journal import Journal
    from tbatch_tui.engine.journal.journal_thread import JournalThread


class TryStore:
    """Reads and writes tries. Methods raise JournalError while the history cannot be used."""

    def __init__(self, thread: JournalThread) -> None:
        self._thread = thread

    @property
    def _journal(self) -> Journal:
        return self._thread.journal

    async def add(self, tried: TriedRequest) -> TriedRequest:
        """Write a try before it is sent, and return it with its number."""
        number = await self._thread.run(self._journal.tries.add, self._thread.account_id, tried)
        return replace(tried, id=number)

    async def finish(self, tried: TriedRequest) -> None:
        """Durably write what became of a try."""
        await self._thread.run_until_written(self._journal.tries.finish, tried)

    async def remove(self, tried: TriedRequest) -> None:
        """Durably forget a try that was certainly not sent."""
        await self._thread.run_until_written(self._journal.tries.remove, tried.id)

    async def of_line(self, fingerprint: str, limit: int = 20) -> list[TriedRequest]:
        """Return the tries of a line, the latest first."""
        return await self._thread.run(self._journal.tries.of_line, self._thread.account_id, fingerprint, limit)

    async def tries_since(self, since: float, until: float = math.inf) -> list[TriedRequest]:
        """Return the tries sent from `since` on and before `until` (seconds since the epoch), the oldest first."""
        return await self._thread.run(self._journal.tries.between, self._thread.account_id, since, until)

    async def spent_since(self, since: float, until: float = math.inf) -> TrySpending:
        """Return what the tries cost that were sent from `since` on and before `until`."""
        costs = await self._thread.run(self._journal.tries.costs, self._thread.account_id, since, until)
        unknown = [most for cost, most in costs if cost is None]
        bounds = [most for most in unknown if most is not None]
        return TrySpending(
            usd=math.fsum(cost for cost, _ in costs if cost is not None),
            tries=len(costs),
            unknown=len(unknown),
            most_unknown=math.fsum(bounds) if len(bounds) == len(unknown) else None,
        )
