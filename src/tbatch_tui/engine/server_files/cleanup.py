"""List the files on the server, and delete those that nothing needs: never the only copy of anything.

Whether a file may be deleted is decided from the history when the files are listed, and again right before each delete.
A job that the history does not know yet could use a file, so the jobs are listed once before the first delete.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tbatch_tui.engine.client.decode import decode_files, decode_validation_report
from tbatch_tui.engine.domain.account import HealthState
from tbatch_tui.engine.domain.job import JobStatus
from tbatch_tui.engine.domain.server_file import DeleteResult, ServerFile, ValidationReport
from tbatch_tui.engine.errors import (
    AuthenticationError,
    BatchError,
    ConnectionFailedError,
    NotFoundError,
    OutcomeUnknownError,
    RateLimitError,
)
from tbatch_tui.engine.events import Event, FileDeleted, Notice
from tbatch_tui.engine.next_step import NextStep
from tbatch_tui.engine.server_files.policy import files_of, might_upload, with_policy
from tbatch_tui.text.plural import plural

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable, Sequence
    from pathlib import Path

    from tbatch_tui.engine.client.api import TogetherApi
    from tbatch_tui.engine.domain.record import JobRecord
    from tbatch_tui.engine.journal.store import JobStore
    from tbatch_tui.engine.options import AudioStore
    from tbatch_tui.engine.polling.poller import Poller

_FileList = list[ServerFile]
_JOBS_WITHIN, _JOBS_WITHIN_UNHEALTHY = 20.0, 3.0
"""Seconds in which the list of jobs must come before anything is deleted; the same while the connection is bad."""
_REFRESHED_EVERY = 0.5
_LOST_IN_A_ROW = 3
"""Answers lost one after the other, after which the remaining files are left for another time."""
NOTHING_DELETED = "Nothing was deleted. Try again when the server responds."
_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Progress:
    """What came of the files of one delete so far."""

    deleted: list[str]
    failed: list[tuple[str, BatchError]]
    unknown: list[str]
    left: list[str]


class ServerFiles:
    """Lists and deletes the account's files. Make one for an engine: two deletes at once run one after the other."""

    def __init__(
        self,
        api: TogetherApi,
        store: JobStore,
        poller: Poller,
        emit: Callable[[Event], object],
        *,
        account_confirmed: asyncio.Event,
        now: Callable[[], float],
        spawn: Callable[[Coroutine[Any, Any, DeleteResult]], asyncio.Task[DeleteResult]],
        inputs: Path,
        audio_store: AudioStore | None,
        recount: Callable[[str], None],
    ) -> None:
        """Work with the files behind `api`.

        Args:
            account_confirmed: set when the history in use is that of the key's account.
            now: wall time, seconds since the epoch.
            spawn: makes tasks that outlive the caller.
            inputs: the folder of input files that come from the server.
            audio_store: where the recordings are that they have links to; None for no such place.
            recount: called with the key of a job whose input file has come.
        """
        self._api = api
        self._store = store
        self._poller = poller
        self._emit = emit
        self._account_confirmed = account_confirmed
        self._now = now
        self._spawn = spawn
        self._inputs = inputs
        self._audio_store = audio_store
        self._recount = recount
        self._listed: dict[str, ServerFile] = {}
        self._reports: dict[str, ValidationReport | None] = {}
        self._asking_report = asyncio.Lock()
        self._gone: set[str] = set()
        """Deleted since they were listed: not asked for again."""
        self._deleting = asyncio.Lock()

    async def list(self) -> _FileList:
        """Return every file of the account, newest first, with what uses it and whether it may be deleted.

        Raises BatchError.
        """
        await self._require_known_jobs(fresh=False)
        async with self._deleting:  # a list asked for before a delete would still name what is gone
            body = await self._api.list_files()
            records = await self._store.read_records()
            # In a thread: of 10,000 files that takes longer than a screen may stand still.
            files = await asyncio.to_thread(self._with_uses, body, records)
            self._listed = {file.id: file for file in files}
            self._gone.clear()
        return files

    async def fetch_input(self, key: str) -> Path:
        """Download the input file of a job that was not submitted from here, and join it to the job.

        Return its path. Raises as `input_file.fetch_input` does.
        """
        from tbatch_tui.engine.server_files.input_file import fetch_input

        await self._require_known_jobs(fresh=False)
        record = self._store.record(key)
        if record is None:
            raise BatchError("This job is not in the list any more", "Nothing was downloaded.")
        path = await fetch_input(self._api, self._store, record, self._inputs, audio_store=self._audio_store)
        self._recount(key)
        return path

    async def validation_report(self, record: JobRecord) -> ValidationReport | None:
        """Return what the server says of the input file of a job that failed; None where it says nothing.

        Each file is asked about once. Raises BatchError.
        """
        file_id = record.job.input_file_id if record.job is not None else None
        if file_id is None or record.status != JobStatus.FAILED:
            return None
        async with self._asking_report:
            if file_id not in self._reports:
                try:
                    self._reports[file_id] = decode_validation_report(await self._api.file(file_id))
                except NotFoundError:
                    self._reports[file_id] = None
            return self._reports[file_id]

    async def delete(self, ids: Iterable[str], *, last_copies: bool = False) -> DeleteResult:
        """Delete files that were listed, one request each, never the only copy of anything.

        Goes on when nobody waits for it any more. What came of each file is in the result, and in a Notice. Raises
        BatchError when nothing could be begun.

        Args:
            last_copies: whether the person insists on deleting inputs too of which no copy is known here.
        """
        wanted = tuple(dict.fromkeys(ids))
        await self._require_known_jobs(fresh=True)
        return await asyncio.shield(self._spawn(self._delete(wanted, last_copies=last_copies)))

    # -- what may be deleted -------------------------------------------------------------------------

    async def _require_known_jobs(self, *, fresh: bool) -> None:
        """Raise BatchError unless the history is that of the key's account, and has every job on the server.

        Args:
            fresh: whether the list of jobs has to be asked for from now on, not just at some time before.
        """
        if self._account_confirmed.is_set() and not fresh:
            return
        health = self._poller.health
        is_healthy = health.state in (HealthState.OK, HealthState.STARTING)
        if not await _list_within(self._poller, _JOBS_WITHIN if is_healthy else _JOBS_WITHIN_UNHEALTHY):
            why = health.title or "The server doesn't return the list of jobs"
            raise ConnectionFailedError(f"{why}, so files in use can't be told", NOTHING_DELETED)
        if not self._account_confirmed.is_set():
            raise BatchError("It is not yet known which account this key belongs to", NOTHING_DELETED)

    def _with_uses(self, body: bytes, records: Iterable[JobRecord]) -> _FileList:
        users: dict[str, list[JobRecord]] = {}
        uploading = []
        for record in records:
            for file_id in dict.fromkeys(file_id for file_id, _ in files_of(record)):
                users.setdefault(file_id, []).append(record)
            if might_upload(record):
                uploading.append(record)
        now = self._now()
        files = [with_policy(file, [*users.get(file.id, ()), *uploading], now) for file in decode_files(body)]
        return sorted(files, key=lambda file: -(file.created_at or 0.0))

    # -- deleting ------------------------------------------------------------------------------------

    async def _delete(self, ids: Sequence[str], *, last_copies: bool) -> DeleteResult:
        async with self._deleting:
            progress = _Progress([], [], [], [])
            lost = 0
            for number, file_id in enumerate(ids, start=1):
                try:
                    await self._delete_one(file_id, last_copies=last_copies)
                except OutcomeUnknownError as error:
                    progress.unknown.append(file_id)
                    _log.warning("whether file %s was deleted is not known: %s", file_id, error)
                    lost += 1
                except BatchError as error:
                    progress.failed.append((file_id, error))
                    _log.warning("file %s was not deleted: %s", file_id, error)
                    lost = 0
                    if isinstance(error, AuthenticationError | ConnectionFailedError | RateLimitError):
                        progress.left += ids[number:]
                        break
                else:
                    progress.deleted.append(file_id)
                    lost = 0
                self._emit(FileDeleted(file_id, number, len(ids), is_gone=file_id in self._gone))
                if lost == _LOST_IN_A_ROW:
                    progress.left += ids[number:]
                    break
            if progress.unknown:
                await self._resolve_unknown(progress)
            result = DeleteResult(
                tuple(progress.deleted), tuple(progress.failed), tuple(progress.unknown), tuple(progress.left)
            )
            self._emit(summary(result))
            return result

    async def _delete_one(self, file_id: str, *, last_copies: bool) -> None:
        """Delete one file, once. Raises BatchError."""
        if file_id in self._gone:
            return
        file = self._listed.get(file_id)
        if file is None:
            raise BatchError(
                "This file is not in the list",
                f"Nothing was deleted. {NextStep.ASK_AGAIN} lists them again.",
            )
        records = await self._store.records_on_file(file.id)
        # The copies here are read: a file of the same size may be another one by now.
        file = await asyncio.to_thread(with_policy, file, records, self._now(), verify=True)
        if file.keep_reason and not (last_copies and file.is_last_copy):
            raise BatchError(f"{file.name or file.id} must stay: {file.keep_reason}", "It was not deleted.")
        try:
            await self._api.delete_file(file_id)
        except NotFoundError:
            pass  # gone, which is what was wanted
        self._gone.add(file_id)
        self._listed.pop(file_id, None)

    async def _resolve_unknown(self, progress: _Progress) -> None:
        """List the files once, rather than delete again what may be gone."""
        try:
            body = await self._api.list_files()
            remaining = {file.id for file in await asyncio.to_thread(decode_files, body)}
        except BatchError:
            return
        for file_id in progress.unknown:
            if file_id in remaining:
                error = OutcomeUnknownError(
                    "The server didn't delete it, and still lists it", "It is safe to delete it again."
                )
                progress.failed.append((file_id, error))
            else:
                progress.deleted.append(file_id)
                self._gone.add(file_id)
                self._listed.pop(file_id, None)
        progress.unknown.clear()


async def _list_within(poller: Poller, seconds: float) -> bool:
    """Return whether a list of the jobs that is asked for from now on comes in time."""
    waiting = asyncio.ensure_future(poller.next_list())
    is_requested = False
    try:
        async with asyncio.timeout(seconds):
            while not waiting.done():
                await asyncio.sleep(0)  # `next_list` has to wait before the list is asked for
                is_requested = is_requested or poller.refresh()
                await asyncio.wait({waiting}, timeout=_REFRESHED_EVERY)
    except TimeoutError:
        return False
    finally:
        waiting.cancel()
    return True


def summary(result: DeleteResult) -> Notice:
    """Return what a person sees at the end, whatever screen they are on."""
    sentences = []
    if result.failed:
        first = result.failed[0][1]
        sentences.append(f"{len(result.failed):,} not: {first.title}.")
    if result.unknown:
        sentences.append(f"Of {len(result.unknown):,} it is not known: {NextStep.ASK_AGAIN} lists the files again.")
    if result.left:
        sentences.append(f"{len(result.left):,} not attempted.")
    return Notice(
        f"{plural(len(result.deleted), 'file')} deleted",
        " ".join(sentences) or "Files on this machine are not touched.",
        "warning" if sentences else "information",
    )
