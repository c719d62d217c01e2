"""Download the result files of jobs that ended: a few at a time, retried until each is verified on disk."""

from __future__ import annotations

import asyncio
import contextlib
import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from tbatch_tui.engine.domain.job import FileKind
from tbatch_tui.engine.domain.submission import parse_slices
from tbatch_tui.engine.domain.transfer import Transfer, TransferState
from tbatch_tui.engine.download.fetch_file import FetchedFile, fetch_file, is_on_disk
from tbatch_tui.engine.download.part_file import PartState
from tbatch_tui.engine.download.stream_check import hash_file
from tbatch_tui.engine.errors import (
    AuthenticationError,
    BatchError,
    IncompleteDownloadError,
    NotFoundError,
    RateLimitError,
    ServerError,
)
from tbatch_tui.engine.events import Event, Notice, ResultsDownloaded
from tbatch_tui.engine.local_files.rights import rights_of
from tbatch_tui.engine.next_step import NextStep
from tbatch_tui.engine.threads import run_detached

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from pathlib import Path

    from tbatch_tui.engine.client.api import TogetherApi
    from tbatch_tui.engine.domain.record import JobRecord
    from tbatch_tui.engine.download.result_paths import ResultPaths
    from tbatch_tui.engine.journal.store import JobStore

AT_ONCE = 3
"""How many files are downloaded together."""
_LONGEST_WAIT = 60.0
"""Seconds between two attempts, unless the server asks for more."""
_FINAL_STATES = {NotFoundError: TransferState.GONE, IncompleteDownloadError: TransferState.FETCHED}
"""Errors after which a download is not retried."""
_FileKey = tuple[str, FileKind]
"""Job id, and which of its result files."""


@dataclass(slots=True)
class _Retry:
    """When a file that failed may be tried again (loop time), and how long to wait after that."""

    wait: float
    not_before: float = 0.0
    was_missing: bool = False
    """The server said that it has no such file. That is believed the second time: a file may show up late."""


class Downloader:
    """Downloads what is pending in the journal, until cancelled."""

    def __init__(
        self,
        api: TogetherApi,
        store: JobStore,
        paths: ResultPaths,
        emit: Callable[[Event], object],
        *,
        on_progress: Callable[[str, FileKind, int, int | None, bool], None],
        on_downloaded: Callable[[str], object],
        now: Callable[[], float],
        first_retry_delay: float = 2.0,
    ) -> None:
        """Make a downloader that `run` sets going.

        Args:
            on_progress: called with job id, file, bytes here, bytes in all (None: not known), and whether it has ended.
            on_downloaded: called with the job id when every result file of a job is here, before that is announced.
            now: wall time, seconds since the epoch.
            first_retry_delay: seconds before a failed download is retried; they double from one failure to the next.
        """
        self._api = api
        self._store = store
        self._paths = paths
        self._emit = emit
        self._on_progress = on_progress
        self._on_downloaded = on_downloaded
        self._now = now
        self._first_retry_delay = first_retry_delay
        self._wake = asyncio.Event()
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._retries: dict[_FileKey, _Retry] = {}
        self._closed_until = float("-inf")
        """Until when the server wants no more downloads asked for (loop time)."""
        self._under_way: dict[_FileKey, asyncio.Task[None]] = {}
        self._stopped: set[_FileKey] = set()

    @property
    def is_transferring(self) -> bool:
        """Whether a file is being downloaded, or waits for its turn."""
        return bool(self._under_way)

    def wake(self, job_id: str | None = None) -> None:
        """Look for pending files now; those of `job_id` do not wait out the pause after a failure."""
        if job_id is not None:
            for kind in FileKind:
                self._retries.pop((job_id, kind), None)
        self._wake.set()

    def stop(self, job_id: str) -> bool:
        """Stop the downloads of a job until they are asked for, or the app starts again; False if there are none."""
        stopping = [(file, task) for file, task in self._under_way.items() if file[0] == job_id]
        for file, task in stopping:
            self._stopped.add(file)
            task.cancel()
        return bool(stopping)

    async def pause(self) -> None:
        """End the downloads under way; `run` resumes them."""
        tasks = list(self._under_way.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def run(self, spawn: Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]]) -> None:
        """Look for pending files whenever woken, and when the pause after a failure is over. `spawn` makes tasks."""
        while True:
            self._wake.clear()
            now = asyncio.get_running_loop().time()
            soonest = _LONGEST_WAIT
            for job_id, transfer in await self._store.pending_transfers():
                file = (job_id, transfer.kind)
                if file in self._under_way:
                    continue
                retry = self._retries.get(file)
                not_before = max(retry.not_before if retry is not None else now, self._closed_until)
                if not_before > now:
                    soonest = min(soonest, not_before - now)
                    continue
                self._under_way[file] = spawn(self._download(job_id, transfer))
            # Not wait_for: on 3.11 it can swallow the cancellation that ends us.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(max(0.1, soonest)):
                    await self._wake.wait()

    async def _download(self, job_id: str, transfer: Transfer) -> None:
        file = (job_id, transfer.kind)
        part = PartState(transfer.etag, transfer.synced, transfer.part_inode)
        is_handled = False
        try:
            async with self._slots:
                await self._download_now(job_id, transfer, part)
            is_handled = True
        except asyncio.CancelledError:
            is_handled = True
            if file not in self._stopped:
                raise
            self._retries[file] = _Retry(self._first_retry_delay, not_before=math.inf)
            for pending_id, pending in await self._store.pending_transfers():
                if (pending_id, pending.kind) == file:  # else it was finished just before
                    message = f"Stopped by you. What has arrived is kept; {NextStep.FETCH} continues."
                    stopped = replace(_with_part(pending, part), state=TransferState.FAILED, message=message)
                    await self._store.save_transfer(job_id, stopped)
        finally:
            if not is_handled:
                self._back_off(file)  # the owner of the tasks reports what ended it, and must not every millisecond
            self._stopped.discard(file)
            self._under_way.pop(file, None)
            self._on_progress(job_id, transfer.kind, 0, None, True)
            self._wake.set()

    async def _download_now(self, job_id: str, transfer: Transfer, part: PartState) -> None:
        final = await self._paths.path_of(job_id, transfer.kind, transfer.folder)
        rights = await asyncio.to_thread(_rights_of_input, self._store.record(job_id))
        current = transfer

        async def save() -> None:
            nonlocal current
            folder = await self._wanted_folder(job_id, transfer)
            current = replace(_with_part(current, part), state=TransferState.WANTED, message=None, folder=folder)
            await self._store.save_transfer(job_id, current)

        try:
            fetched = await fetch_file(
                self._api,
                transfer.file_id,
                final,
                state=part,
                known=transfer,
                rights=rights,
                save=save,
                moved=lambda done, total: self._on_progress(job_id, transfer.kind, done, total, False),
            )
        except BatchError as error:
            await self._save_failure(job_id, _with_part(current, part), error)
            return
        self._retries.pop((job_id, transfer.kind), None)
        folder = await self._wanted_folder(job_id, transfer)
        record = await self._store.save_transfer(
            job_id,
            replace(
                _with_part(current, PartState()),
                # Wanted in another folder meanwhile, it is downloaded there too.
                state=TransferState.FETCHED if folder == transfer.folder else TransferState.WANTED,
                folder=folder,
                path=fetched.path,
                size=fetched.verified.size,
                rows=fetched.verified.rows,
                sha256=fetched.verified.sha256,
                message=None,
                updated_at=self._now(),
            ),
        )
        if fetched.beside is not None:
            hint = f"It was not overwritten; it is {fetched.beside} now."
            self._emit(Notice("Another file had the name of the results", hint, "warning"))
        if record is not None and record.has_results_here:
            self._on_downloaded(record.key)
            self._emit(ResultsDownloaded(record))
        if fetched.verified.sha256 is None:
            await self._save_hash(job_id, transfer.kind, fetched)

    async def _wanted_folder(self, job_id: str, transfer: Transfer) -> Path | None:
        """Return the folder in which the file is wanted by now: another app may have asked for it since."""
        record = await self._store.read_record(job_id)
        known = next((t for t in record.transfers if t.kind is transfer.kind), None) if record is not None else None
        return known.folder if known is not None else transfer.folder

    async def _save_hash(self, job_id: str, kind: FileKind, fetched: FetchedFile) -> None:
        """Make the SHA-256 of a large file, which nobody has to wait for."""
        try:
            sha256 = await run_detached(lambda: hash_file(fetched.path))
        except OSError:
            return  # moved away already
        record = await self._store.read_record(job_id)
        current = next((t for t in record.transfers if t.kind is kind), None) if record is not None else None
        if current is not None and current.state is TransferState.FETCHED and current.path == fetched.path:
            await self._store.save_transfer(job_id, replace(current, sha256=sha256))

    async def _save_failure(self, job_id: str, transfer: Transfer, error: BatchError) -> None:
        state = _FINAL_STATES.get(type(error), TransferState.FAILED)
        retry = self._retries.setdefault((job_id, transfer.kind), _Retry(self._first_retry_delay))
        if isinstance(error, NotFoundError) and await asyncio.to_thread(is_on_disk, transfer):
            # Deleted on the server after it was downloaded: the copy here stays what it is.
            state, error = (
                TransferState.FETCHED,
                IncompleteDownloadError("The server no longer has this file", "The copy here was kept."),
            )
        elif isinstance(error, NotFoundError) and not retry.was_missing:
            state, retry.was_missing = TransferState.FAILED, True
        least = _LONGEST_WAIT if isinstance(error, AuthenticationError) else 0.0
        if isinstance(error, RateLimitError | ServerError) and error.retry_after:
            least = error.retry_after
            now = asyncio.get_running_loop().time()
            self._closed_until = max(self._closed_until, now + error.retry_after)
        self._back_off((job_id, transfer.kind), least)
        await self._store.save_transfer(
            job_id, replace(transfer, state=state, message=str(error), updated_at=self._now())
        )

    def _back_off(self, file: _FileKey, least: float = 0.0) -> None:
        """Do not retry before a pause of at least so many seconds, which doubles from one failure to the next."""
        retry = self._retries.setdefault(file, _Retry(self._first_retry_delay))
        retry.not_before = asyncio.get_running_loop().time() + max(least, retry.wait)
        retry.wait = min(_LONGEST_WAIT, retry.wait * 2)


def _with_part(transfer: Transfer, part: PartState) -> Transfer:
    """Return the transfer with what is known of its `.part`."""
    return replace(transfer, etag=part.etag, synced=part.synced, part_inode=part.inode)


def _rights_of_input(record: JobRecord | None) -> int:
    """Return the rights of the file that a job's requests are from: its results get no more. For a thread."""
    if record is None or record.submission is None:
        return rights_of()
    if record.group is None:
        return rights_of(record.submission.path)
    return rights_of(*{each.path for each in parse_slices(record.submission.slices)} or {record.group.path})
