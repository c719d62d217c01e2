"""Count the results of downloaded jobs in a background thread, and save the counts.

Jobs that have just been downloaded, or are looked at, come first; then slowly, from the newest on, those downloaded
before.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from tbatch_tui.engine.errors import OperationCancelledError
from tbatch_tui.engine.threads import run_cancellable, yield_to_loop

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tbatch_tui.engine.domain.counts import JobCounts
    from tbatch_tui.engine.domain.record import JobRecord
    from tbatch_tui.engine.journal.store import JobStore
    from tbatch_tui.engine.results.index.index import ResultIndex

_AT_ONCE = 100
"""How many past jobs are compared with their files in one go."""
_REST = 0.1
"""Seconds between two goes."""


class ResultCounter:
    """Counts one job at a time, until cancelled."""

    def __init__(
        self,
        store: JobStore,
        open_index: Callable[[JobRecord], ResultIndex],
        *,
        report: Callable[[str, BaseException, str], object],
        past_delay: float,
        attention_share: float,
    ) -> None:
        """Make a counter that `run` sets going.

        Args:
            open_index: returns the index over a job's files; called in a thread.
            report: called with what was being done, an unforeseen error, and the key of the job that is left out.
            past_delay: seconds before the past jobs are counted.
            attention_share: percent of the requests that may be cut short or invalid before a person has to look.
        """
        self._store = store
        self._open_index = open_index
        self._report = report
        self._past_delay = past_delay
        self._attention_share = attention_share
        self._requested: deque[str] = deque()
        self._wants_past = False
        self._wake = asyncio.Event()

    def request(self, job_id: str) -> None:
        """Count a job whose files are here now, or may have changed."""
        self._requested.append(job_id)
        self._wake.set()

    def recount_past(self) -> None:
        """Count all jobs that were downloaded before, where that is not done or their files have changed."""
        self._wants_past = True
        self._wake.set()

    async def run(self) -> None:
        """Count what is requested; when nothing is, what was downloaded before."""
        while True:
            await self._wake.wait()
            await self._count_requested()
            if self._wants_past:
                self._wants_past = False
                try:
                    await self._count_requested_for(self._past_delay)
                    await self._count_past()
                except Exception:
                    self.recount_past()  # when this is run again
                    raise
            if not self._requested and not self._wants_past:
                self._wake.clear()

    async def _count_requested(self) -> None:
        while self._requested:
            await self._count_stale([self._requested.popleft()])

    async def _count_requested_for(self, seconds: float) -> None:
        """Wait this long, and count what is requested meanwhile at once."""
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        while loop.time() < end:
            self._wake.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout_at(end):
                    await self._wake.wait()
            await self._count_requested()

    async def _count_past(self) -> None:
        job_ids = await self._store.downloaded_jobs()
        for start in range(0, len(job_ids), _AT_ONCE):
            await self._count_stale(job_ids[start : start + _AT_ONCE], rest=True)
            await self._count_requested_for(_REST)

    async def _count_stale(self, job_ids: Sequence[str], *, rest: bool = False) -> None:
        """Count those of these jobs that are not counted, or whose files have changed.

        With `rest`, pause after each job for as long as it took, and let what is requested go first.
        """
        records = [record for record in await self._store.records_of(job_ids) if record.has_results_here]
        await self._save_share(records)
        for record in await asyncio.to_thread(_stale, records):
            began = time.monotonic()
            try:
                counts = await self._count(record)
                if counts is not None:
                    await self._store.save_counts(record.key, counts)
            except Exception as error:  # noqa: BLE001 - one job must not cost the others their counts
                self._report("counting results", error, record.key)
            if rest:
                await asyncio.sleep(time.monotonic() - began)
                await self._count_requested()

    async def _save_share(self, records: Sequence[JobRecord]) -> None:
        """Save counts that were made while another share was set: the place of their job in the list depends on it."""
        for record in records:
            if record.counts is not None and record.counts.attention_share != self._attention_share:
                await self._store.save_counts(record.key, replace(record.counts, attention_share=self._attention_share))

    async def _count(self, record: JobRecord) -> JobCounts | None:
        """Count in a thread, which stops when this is cancelled."""

        def count(*, cancelled: Callable[[], bool]) -> JobCounts | None:
            from tbatch_tui.engine.results.counts import count_results

            index = self._open_index(record)
            return count_results(
                record,
                index,
                attention_share=self._attention_share,
                cancelled=cancelled,
                progress=lambda _done, _total: yield_to_loop(),
            )

        try:
            return await run_cancellable(count)
        except OperationCancelledError:
            return None


def _stale(records: list[JobRecord]) -> list[JobRecord]:
    from tbatch_tui.engine.results.index.staleness import is_stale
    from tbatch_tui.engine.results.sources import sources_of

    def needs_count(record: JobRecord) -> bool:
        try:
            return record.counts is None or is_stale(record.counts, sources_of(record))
        except Exception:  # noqa: BLE001 - counting it again shows what is wrong with it, and with it alone
            return True

    return [record for record in records if needs_count(record)]
