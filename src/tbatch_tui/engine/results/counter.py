"""Counts what came of the jobs whose files are here: one at a time, in a thread, and kept in the journal.

What has just been fetched, or is looked at, comes first; then slowly, from the newest on, what was fetched before.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from typing import TYPE_CHECKING, Protocol

from tbatch_tui.engine.errors import OperationCancelledError
from tbatch_tui.engine.threads import run_cancellable, yield_to_loop

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tbatch_tui.engine.domain.counts import JobCounts
    from tbatch_tui.engine.domain.record import JobRecord
    from tbatch_tui.engine.results.index.index import ResultIndex

_AT_ONCE = 100
"""Past jobs whose files are looked at in one go."""
_REST = 0.1
"""Seconds between two goes."""


class Store(Protocol):
    """What counting needs of the controller."""

    async def fetched_jobs(self) -> list[str]:
        """Ids of the jobs of which a result file is here, the newest first."""

    async def records_of(self, job_ids: Sequence[str]) -> list[JobRecord]:
        """These jobs as they stand now; what is not in the history is left out."""

    def index_of(self, record: JobRecord) -> ResultIndex:
        """The index over a job's files, which is kept when it is built."""

    async def put_tally(self, job_id: str, tally: JobCounts) -> None:
        """Commit it, then show it."""


class ResultCounter:
    """Counts until cancelled."""

    def __init__(self, store: Store, *, first_wait: float = 2.0) -> None:
        self._store = store
        self._first_wait = first_wait
        self._asked: deque[str] = deque()
        self._looks_back = False
        self._wake = asyncio.Event()

    def request(self, job_id: str) -> None:
        """The files of this job are here, or may have changed."""
        self._asked.append(job_id)
        self._wake.set()

    def recount_past(self) -> None:
        """Go through what was fetched before."""
        self._looks_back = True
        self._wake.set()

    async def run(self) -> None:
        """Count what is asked for; when nothing is, what was fetched before."""
        while True:
            await self._wake.wait()
            await self._count_asked()
            if self._looks_back:
                self._looks_back = False
                await asyncio.sleep(self._first_wait)
                await self._count_past()
            if not self._asked and not self._looks_back:
                self._wake.clear()

    async def _count_asked(self) -> None:
        while self._asked:
            await self._count_stale([self._asked.popleft()])

    async def _count_past(self) -> None:
        job_ids = await self._store.fetched_jobs()
        for start in range(0, len(job_ids), _AT_ONCE):
            await self._count_stale(job_ids[start : start + _AT_ONCE], rest=True)
            await asyncio.sleep(_REST)

    async def _count_stale(self, job_ids: Sequence[str], *, rest: bool = False) -> None:
        """Count those of these jobs that are not counted, or whose files have changed. `rest` takes it slowly."""
        records = [record for record in await self._store.records_of(job_ids) if record.has_results_here]
        for record in await asyncio.to_thread(_stale, records):
            began = time.monotonic()
            tally = await self._counted(record)
            if tally is not None:
                await self._store.put_tally(record.key, tally)
            if rest:
                await asyncio.sleep(time.monotonic() - began)
                await self._count_asked()

    async def _counted(self, record: JobRecord) -> JobCounts | None:
        """Count in a thread, which stops when this is cancelled."""

        def count(*, cancelled: Callable[[], bool]) -> JobCounts | None:
            from tbatch_tui.engine.results.counts import count_results

            index = self._store.index_of(record)
            return count_results(record, index, cancelled=cancelled, progress=lambda _done, _total: yield_to_loop())

        try:
            return await run_cancellable(count)
        except OperationCancelledError:
            return None


def _stale(records: list[JobRecord]) -> list[JobRecord]:
    from tbatch_tui.engine.results.index.staleness import is_stale
    from tbatch_tui.engine.results.sources import sources_of

    return [record for record in records if record.counts is None or is_stale(record.counts, sources_of(record))]
