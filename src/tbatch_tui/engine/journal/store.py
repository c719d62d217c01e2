"""The history as it is shown: the journal on a thread of its own, the records last announced, and whose they are."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from tbatch_tui.engine.errors import JournalError
from tbatch_tui.engine.events import Event, JobsEnded, Notice, RecordsChanged
from tbatch_tui.engine.journal.journal import Journal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from tbatch_tui.engine.domain.account import Account
    from tbatch_tui.engine.domain.record import JobRecord
    from tbatch_tui.engine.options import EngineOptions

P = ParamSpec("P")
T = TypeVar("T")

_FIRST_WAIT, _LONGEST_WAIT = 0.5, 15.0
_COMPARED = 500
"""More records than this are announced without looking whether they are different: that would hold the loop."""
Renamed = tuple[tuple[str, str], ...]
"""Old and new key of records that took their job's id."""


class JobStore:
    """Reads and writes the history of one account at a time, and announces what has become different."""

    def __init__(self, options: EngineOptions, emit: Callable[[Event], object]) -> None:
        self._options = options
        self._emit = emit
        self._journal: Journal | None = None
        self._account: Account | None = None
        self._records: dict[str, JobRecord] = {}
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="journal")
        self.is_stuck = False
        """Whether the history cannot be written now."""
        self._waiting: list[asyncio.Future[None]] = []

    def open(self) -> Journal:
        """Open it on this thread, if it is not open yet. Raises LocalFileError."""
        if self._journal is None:
            self._journal = Journal(self._options.data_dir / "history.db")
            self._account = self._journal.accounts.at_start(
                self._options.server, self._options.key_tail, self._options.now()
            )
        return self._journal

    async def close(self) -> None:
        """Close the file and end the thread."""
        if self._journal is not None:
            await self.run(self._journal.close)
        self._thread.shutdown(wait=True)

    async def run(self, work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run on the journal's thread, in order. Raises JournalError."""

        def do() -> T:
            if self._journal is None:
                return work(*args, **kwargs)
            with self._journal.database.translate_errors():
                return work(*args, **kwargs)

        return await asyncio.get_running_loop().run_in_executor(self._thread, do)

    async def run_until_written(self, work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """The same, again and again until the disk lets it: for what must be kept before anything goes on."""
        wait, failed = _FIRST_WAIT, False
        while True:
            try:
                done = await self.run(work, *args, **kwargs)
            except JournalError as error:
                failed = True
                if not self.is_stuck:
                    self.is_stuck = True
                    self._emit(Notice(error.title, error.hint, "error"))
                await asyncio.sleep(wait)
                wait = min(_LONGEST_WAIT, wait * 2)
            else:
                if self.is_stuck and failed:  # a read that succeeds says nothing of writing
                    self.is_stuck = False
                    self._emit(Notice("The history can be written again", "Everything goes on."))
                return done

    @property
    def journal(self) -> Journal:
        assert self._journal is not None, "the controller is not open"
        return self._journal

    @property
    def account(self) -> Account:
        assert self._account is not None, "the controller is not open"
        return self._account

    @property
    def account_id(self) -> int:
        return self.account.id

    # -- records -------------------------------------------------------------------------------------

    @property
    def records(self) -> Iterable[JobRecord]:
        """The records as last announced, in no order."""
        return self._records.values()

    def record(self, key: str) -> JobRecord | None:
        """A record as last announced, also by the key it had before it took its job's id."""
        found = self._records.get(key)
        kind, _, number = key.partition(":")
        if found is not None or kind != "submission" or not number.isdecimal():
            return found
        return next((r for r in self._records.values() if r.submission and r.submission.id == int(number)), None)

    async def load(self) -> list[JobRecord]:
        """The whole history of the account, in the order it is shown."""
        found = await self.run(self.journal.records.all, self.account_id)
        self._records = {record.key: record for record in found}
        return found

    async def reload(self) -> None:
        """Another account, or another app's writing: announce what is different from what was announced."""
        before = self._records
        records = await self.run_until_written(self.journal.records.all, self.account_id)
        self._records = {record.key: record for record in records}
        # Compared on the journal's thread: of 10,000 records that takes longer than a screen may stand still.
        changed = await self.run(lambda: tuple(record for record in records if before.get(record.key) != record))
        gone = tuple(key for key in before if key not in self._records)
        if changed or gone:
            self._announce(RecordsChanged(changed, removed=gone), before)

    def publish(self, changed: Iterable[JobRecord], renamed: Renamed = ()) -> None:
        """Announce records that were just written, as far as they are different."""
        changed = tuple(changed)
        before = {record.key: was for record in changed if (was := self._records.get(record.key)) is not None}
        for old, new in renamed:
            if (was := self._records.pop(old, None)) is not None:
                before[new] = was  # a submission was under way: an adopted job may have ended by now
        fresh = changed
        if len(changed) < _COMPARED:
            fresh = tuple(record for record in changed if self._records.get(record.key) != record)
        self._records.update((record.key, record) for record in fresh)
        if fresh or renamed:
            self._announce(RecordsChanged(fresh, renamed=renamed), before)

    def publish_removed(self, keys: Iterable[str]) -> None:
        """Announce that records were taken out of the list."""
        gone = tuple(key for key in keys if self._records.pop(key, None) is not None)
        if gone:
            self._announce(RecordsChanged((), removed=gone), {})

    async def wait_until(self, key: str, holds: Callable[[JobRecord], bool]) -> JobRecord:
        """Wait until the record is as asked for, following it when it takes its job's id."""
        while True:
            record = self.record(key)
            if record is not None and holds(record):
                return record
            future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(future)
            await future

    def _announce(self, event: RecordsChanged, before: Mapping[str, JobRecord]) -> None:
        self._emit(event)
        ended = tuple(
            record
            for record in event.changed
            if not record.is_active and record.job is not None and (was := before.get(record.key)) and was.is_active
        )
        if ended:
            self._emit(JobsEnded(ended))
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            if not future.done():
                future.set_result(None)

    # -- the account ---------------------------------------------------------------------------------

    async def knows_key(self) -> bool:
        """Whether the key was seen with the account that is shown."""
        options = self._options
        return await self.run(self.journal.accounts.has_key, self.account_id, options.server, options.key_tail)

    async def switch_account(
        self, organization: str | None, project: str | None, title: str, is_free: Callable[[int], bool]
    ) -> None:
        """The server has said whose key it is (or could not): go over to that account's history."""
        before = self.account_id
        self._account = await self.run_until_written(
            self.journal.accounts.confirm,
            self._options.server,
            self._options.key_tail,
            organization,
            project,
            title,
            self._options.now(),
            is_free,
        )
        if self.account_id != before:
            await self.reload()
