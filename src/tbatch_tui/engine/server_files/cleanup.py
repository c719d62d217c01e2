"""Shows what lies on the server, and deletes of it what is not needed: never the only copy of anything, nothing twice.

What may go is judged from the history, on the journal's thread, when the files are listed and again right before each
delete. A job that the history does not know yet could use a file, so the jobs are listed once before the first one.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from tbatch_tui.engine.client import decode as wire
from tbatch_tui.engine.domain.account import ConnectionHealth, HealthState
from tbatch_tui.engine.domain.server_file import DeleteResult, ServerFile
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
from tbatch_tui.engine.server_files.policy import jobs_naming, might_upload, with_policy
from tbatch_tui.text.plural import plural

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable, Sequence

    from tbatch_tui.engine.client.api import TogetherApi
    from tbatch_tui.engine.domain.record import JobRecord
    from tbatch_tui.engine.journal.store import JobStore
    from tbatch_tui.engine.polling.poller import Poller

_JOBS_WITHIN, _JOBS_WITHIN_OF_ILL = 20.0, 3.0
"""Seconds in which the jobs are to be listed before anything is deleted; the same where the connection was bad."""
_ASKED_EVERY = 0.5
_LOST_IN_A_ROW = 3
"""Answers lost one after the other, after which the rest is left for another time."""
NOTHING_DELETED = "Nothing was deleted. It is safe to try again when the server answers."
_log = logging.getLogger(__name__)


class Place(Protocol):
    """What the janitor needs of the engine at work."""

    poller: Poller | None
    health: ConnectionHealth
    confirmed: asyncio.Event
    """Set when it is known whose key it is."""

    @property
    def api(self) -> TogetherApi: ...
    def now(self) -> float:
        """Wall time, seconds since the epoch."""

    def spawn(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]: ...


@dataclass(slots=True)
class _Run:
    """How far a wish has come."""

    deleted: list[str]
    failed: list[tuple[str, BatchError]]
    unknown: list[str]
    left: list[str]


class ServerFiles:
    """One for a controller: two wishes at once are done one after the other."""

    def __init__(self, place: Place, book: JobStore, emit: Callable[[Event], object]) -> None:
        self._place = place
        self._book = book
        self._emit = emit
        self._listed: dict[str, ServerFile] = {}
        self._gone: set[str] = set()
        """Deleted since they were listed: not asked for again."""
        self._deleting = asyncio.Lock()

    async def files(self) -> list[ServerFile]:
        """Every file of the account, newest first, with what uses it. Raises BatchError."""
        await self._jobs_are_known(fresh=False)
        async with self._deleting:  # a list asked for before a delete would still name what is gone
            body = await self._place.api.list_files()
            found, by_id = await self._book.run(self._joined, body)
            self._listed = by_id
            self._gone.clear()
        return found

    async def delete(self, ids: Iterable[str]) -> DeleteResult:
        """Delete these files, one request each. It goes on when nobody waits for it any more. Raises BatchError when
        nothing could be begun; what came of each file is in the result, and is said in a notice.
        """
        wanted = tuple(dict.fromkeys(ids))
        await self._jobs_are_known(fresh=True)
        done: DeleteResult = await asyncio.shield(self._place.spawn(self._delete(wanted)))
        return done

    # -- what may go ---------------------------------------------------------------------------------

    async def _jobs_are_known(self, *, fresh: bool) -> None:
        """Raises BatchError unless the history is this key's, and has every job that the server tells of."""
        _ = self._place.api  # says so if there is no connection
        if self._place.confirmed.is_set() and not fresh:
            return
        poller, is_ill = self._place.poller, self._place.health.state not in (HealthState.OK, HealthState.STARTING)
        within = _JOBS_WITHIN_OF_ILL if is_ill else _JOBS_WITHIN
        if poller is None or not await _list_within(poller, within):
            why = self._place.health.title or "The server's list of jobs does not come"
            raise ConnectionFailedError(f"{why}, so it is not known what is in use", NOTHING_DELETED)
        if not self._place.confirmed.is_set():
            raise BatchError("It is not known yet whose account this key is for", NOTHING_DELETED)

    def _joined(self, body: bytes) -> tuple[list[ServerFile], dict[str, ServerFile]]:
        """The files with what uses them, for the journal's thread."""
        records = self._book.journal.records.all(self._book.account_id)
        users: dict[str, list[JobRecord]] = {}
        for record in records:
            for file_id in dict.fromkeys(file_id for file_id, _ in jobs_naming(record)):
                users.setdefault(file_id, []).append(record)
        under_way = [record for record in records if might_upload(record)]
        now = self._place.now()
        found = [with_policy(file, [*users.get(file.id, ()), *under_way], now) for file in wire.decode_files(body)]
        found.sort(key=lambda file: -(file.created_at or 0.0))
        return found, {file.id: file for file in found}

    def _judged_again(self, file: ServerFile) -> ServerFile:
        """As it stands in the history now, for the journal's thread."""
        journal, account_id = self._book.journal, self._book.account_id
        return with_policy(file, journal.records.using_file(account_id, file.id), self._place.now())

    # -- deleting ------------------------------------------------------------------------------------

    async def _delete(self, ids: Sequence[str]) -> DeleteResult:
        async with self._deleting:
            run = _Run([], [], [], [])
            lost = 0
            for number, file_id in enumerate(ids, start=1):
                try:
                    await self._delete_one(file_id)
                except OutcomeUnknownError as error:
                    run.unknown.append(file_id)
                    _log.warning("whether file %s was deleted is not known: %s", file_id, error)
                    lost += 1
                except BatchError as error:
                    run.failed.append((file_id, error))
                    _log.warning("file %s was not deleted: %s", file_id, error)
                    lost = 0
                    if isinstance(error, AuthenticationError | ConnectionFailedError | RateLimitError):
                        run.left += ids[number:]
                        break
                else:
                    run.deleted.append(file_id)
                    lost = 0
                self._emit(FileDeleted(file_id, number, len(ids), is_gone=file_id in self._gone))
                if lost == _LOST_IN_A_ROW:
                    run.left += ids[number:]
                    break
            if run.unknown:
                await self._look_up(run)
            done = DeleteResult(tuple(run.deleted), tuple(run.failed), tuple(run.unknown), tuple(run.left))
            self._emit(summary(done))
            return done

    async def _delete_one(self, file_id: str) -> None:
        """Delete one file, once. Raises BatchError."""
        if file_id in self._gone:
            return
        file = self._listed.get(file_id)
        if file is None:
            raise BatchError(
                "This file is not among those that were listed",
                f"Nothing was deleted. {NextStep.ASK_AGAIN} lists them again.",
            )
        file = await self._book.run(self._judged_again, file)
        if file.keep_reason:
            raise BatchError(f"{file.name or file.id} must stay: {file.keep_reason}", "It was not deleted.")
        try:
            await self._place.api.delete_file(file_id)
        except NotFoundError:
            pass  # gone, which is what was wanted
        self._gone.add(file_id)
        self._listed.pop(file_id, None)

    async def _look_up(self, run: _Run) -> None:
        """Ask once what is there, rather than ask again to delete what may be gone."""
        try:
            body = await self._place.api.list_files()
            there = {file.id for file in await asyncio.to_thread(wire.decode_files, body)}
        except BatchError:
            return
        for file_id in run.unknown:
            if file_id in there:
                error = OutcomeUnknownError(
                    "The server did not delete it, and still lists it", "It is safe to delete it again."
                )
                run.failed.append((file_id, error))
            else:
                run.deleted.append(file_id)
                self._gone.add(file_id)
                self._listed.pop(file_id, None)
        run.unknown.clear()


async def _list_within(poller: Poller, seconds: float) -> bool:
    """Whether a list of the jobs that is asked for from now on comes in time."""
    waiting = asyncio.ensure_future(poller.next_list())
    asked = False
    try:
        async with asyncio.timeout(seconds):
            while not waiting.done():
                await asyncio.sleep(0)  # it is to be waiting before the list is asked for
                asked = asked or poller.refresh()
                await asyncio.wait({waiting}, timeout=_ASKED_EVERY)
    except TimeoutError:
        return False
    finally:
        waiting.cancel()
    return True


def summary(done: DeleteResult) -> Notice:
    """What a person hears at the end, whatever screen they are on."""
    count = len(done.deleted)
    title = f"{plural(count, 'file')} deleted"
    said = []
    if done.failed:
        first = done.failed[0][1]
        said.append(f"{len(done.failed):,} not: {first.title}.")
    if done.unknown:
        said.append(f"Of {len(done.unknown):,} it is not known: {NextStep.ASK_AGAIN} lists the files again.")
    if done.left:
        said.append(f"{len(done.left):,} not tried.")
    severity = "warning" if said else "information"
    return Notice(title, " ".join(said) or "Files on this machine stay as they are.", severity)
