"""Brings home the result files of jobs that ended: a few at a time, again and again until they are verified here."""

from __future__ import annotations

import asyncio
import contextlib
import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

from tbatch_tui.engine.domain.job import FileKind
from tbatch_tui.engine.domain.transfer import Transfer, TransferState
from tbatch_tui.engine.download import fetch_file as download
from tbatch_tui.engine.errors import (
    AuthenticationError,
    BatchError,
    IncompleteDownloadError,
    NotFoundError,
    RateLimitError,
    ServerError,
)
from tbatch_tui.engine.next_step import NextStep

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from pathlib import Path

    from tbatch_tui.engine.client.api import TogetherApi
    from tbatch_tui.engine.domain.record import JobRecord

AT_ONCE = 3
_LONGEST_WAIT = 60.0
_STATES = {NotFoundError: TransferState.GONE, IncompleteDownloadError: TransferState.FETCHED}
"""Errors after which it is not tried again."""


class Store(Protocol):
    """What collecting needs of the controller."""

    @property
    def api(self) -> TogetherApi: ...
    def now(self) -> float:
        """Wall time, seconds since the epoch."""

    async def wanted(self) -> list[tuple[str, Transfer]]:
        """Job id and transfer of every result file that is still to be fetched."""

    async def final_path(self, job_id: str, kind: FileKind) -> Path:
        """Where the file is to be: the promised name in the output folder."""

    async def put(self, job_id: str, transfer: Transfer) -> JobRecord | None:
        """Commit where a transfer stands, then show it."""

    def download_moved(self, job_id: str, kind: FileKind, done: int, total: int | None, ended: bool) -> None:
        """Bytes came down."""

    def collected(self, record: JobRecord) -> None:
        """All result files of this job are verified here."""

    def put_beside(self, path: Path) -> None:
        """A file that had the name of a result is `path` now."""


@dataclass(slots=True)
class _Try:
    """When a file that failed may be tried again (loop time), and how long to wait after that."""

    wait: float
    not_before: float = 0.0
    missing: bool = False
    """The server said it has no such file: said twice, that is believed (a file may show up late)."""


class Downloader:
    """Fetches what is wanted, until cancelled."""

    def __init__(self, store: Store, *, first_wait: float = 2.0) -> None:
        self._store = store
        self._first_wait = first_wait
        self._wake = asyncio.Event()
        self._room = asyncio.Semaphore(AT_ONCE)
        self._tries: dict[tuple[str, FileKind], _Try] = {}
        self._closed_until = float("-inf")
        """Until when the server wants no more downloads asked for (loop time)."""
        self.under_way: dict[tuple[str, FileKind], asyncio.Task[None] | None] = {}
        self._stopped: set[tuple[str, FileKind]] = set()

    def wake(self, job_id: str | None = None) -> None:
        """Something may be wanted now; for `job_id`, without waiting out the pause after a failure."""
        if job_id is not None:
            for kind in FileKind:
                self._tries.pop((job_id, kind), None)
        self._wake.set()

    def stop(self, job_id: str) -> bool:
        """Stop fetching for this job until it is asked for, or the app starts again; False if nothing is under way."""
        found = [(place, task) for place, task in self.under_way.items() if place[0] == job_id and task is not None]
        for place, task in found:
            self._stopped.add(place)
            task.cancel()
        return bool(found)

    async def run(self, spawn: _Spawn) -> None:
        """Look whenever woken, and when a pause after a failure is over."""
        while True:
            self._wake.clear()
            now = asyncio.get_running_loop().time()
            soonest = _LONGEST_WAIT
            for job_id, transfer in await self._store.wanted():
                place = (job_id, transfer.kind)
                if place in self.under_way:
                    continue
                again = self._tries.get(place)
                not_before = max(again.not_before if again is not None else now, self._closed_until)
                if not_before > now:
                    soonest = min(soonest, not_before - now)
                    continue
                self.under_way[place] = spawn(self._fetch(job_id, transfer))
            # Not wait_for: on 3.11 it can swallow the cancellation that ends us.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(max(0.1, soonest)):
                    await self._wake.wait()

    async def _fetch(self, job_id: str, transfer: Transfer) -> None:
        place = (job_id, transfer.kind)
        settled = False
        try:
            async with self._room:
                await self._fetch_now(job_id, transfer)
            settled = True
        except asyncio.CancelledError:
            settled = True
            if place not in self._stopped:
                raise
            self._tries[place] = _Try(self._first_wait, not_before=math.inf)
            for wanted_by, here in await self._store.wanted():
                if (wanted_by, here.kind) == place:  # else it was finished just before
                    said = f"Stopped by you. What came so far is kept; {NextStep.FETCH} goes on."
                    await self._store.put(job_id, replace(here, state=TransferState.FAILED, message=said))
        finally:
            if not settled:
                self._back_off(place)  # what ended it is told by whoever owns the tasks, and not once a millisecond
            self._stopped.discard(place)
            self.under_way.pop(place, None)
            self._store.download_moved(job_id, transfer.kind, 0, None, True)
            self._wake.set()

    async def _fetch_now(self, job_id: str, transfer: Transfer) -> None:
        final = await self._store.final_path(job_id, transfer.kind)
        current = transfer

        async def started(etag: str | None) -> None:
            nonlocal current
            current = replace(current, etag=etag, state=TransferState.WANTED, message=None)
            await self._store.put(job_id, current)

        try:
            fetched = await download.fetch_file(
                self._store.api,
                transfer.file_id,
                final,
                etag=transfer.etag,
                rows_before=transfer.rows,
                started=started,
                moved=lambda done, total: self._store.download_moved(job_id, transfer.kind, done, total, False),
            )
        except BatchError as error:
            await self._failed(job_id, current, error)
            return
        self._tries.pop((job_id, transfer.kind), None)
        record = await self._store.put(
            job_id,
            replace(
                current,
                state=TransferState.FETCHED,
                path=fetched.path,
                size=fetched.verified.size,
                rows=fetched.verified.rows,
                etag=None,
                message=None,
                updated_at=self._store.now(),
            ),
        )
        if fetched.beside is not None:
            self._store.put_beside(fetched.beside)
        if record is not None and record.has_results_here:
            self._store.collected(record)

    async def _failed(self, job_id: str, transfer: Transfer, error: BatchError) -> None:
        state = _STATES.get(type(error), TransferState.FAILED)
        again = self._tries.setdefault((job_id, transfer.kind), _Try(self._first_wait))
        if isinstance(error, NotFoundError) and await asyncio.to_thread(download.is_on_disk, transfer):
            # Deleted there, after it was fetched: what is here stays what it is.
            state, error = (
                TransferState.FETCHED,
                IncompleteDownloadError("The server has this file no more", "The copy here was kept."),
            )
        elif isinstance(error, NotFoundError) and not again.missing:
            state, again.missing = TransferState.FAILED, True
        least = _LONGEST_WAIT if isinstance(error, AuthenticationError) else 0.0
        if isinstance(error, RateLimitError | ServerError) and error.retry_after:
            least = error.retry_after
            now = asyncio.get_running_loop().time()
            self._closed_until = max(self._closed_until, now + error.retry_after)
        self._back_off((job_id, transfer.kind), least)
        await self._store.put(job_id, replace(transfer, state=state, message=str(error), updated_at=self._store.now()))

    def _back_off(self, place: tuple[str, FileKind], least: float = 0.0) -> None:
        """Not again before a pause, which doubles from try to try."""
        again = self._tries.setdefault(place, _Try(self._first_wait))
        again.not_before = asyncio.get_running_loop().time() + max(least, again.wait)
        again.wait = min(_LONGEST_WAIT, again.wait * 2)


class _Spawn(Protocol):
    def __call__(self, work: Coroutine[Any, Any, None], /) -> Any: ...
