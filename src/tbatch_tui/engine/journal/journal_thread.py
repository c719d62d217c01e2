"""The open journal, on the thread that reads and writes it, and the account whose history is in use."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from tbatch_tui.engine.errors import JournalError, LocalFileError
from tbatch_tui.engine.events import Event, Notice
from tbatch_tui.engine.journal.database import AccountMovedError
from tbatch_tui.engine.journal.journal import Journal

if TYPE_CHECKING:
    from collections.abc import Callable

    from tbatch_tui.engine.domain.account import Account
    from tbatch_tui.engine.options import EngineOptions

P = ParamSpec("P")
T = TypeVar("T")

_FIRST_WAIT, _LONGEST_WAIT = 0.5, 15.0
"""Seconds between two attempts to write: they double from the first to the longest."""


class AccountId(int):
    """The number of the account in use. `JournalThread` exchanges it if that account has been merged into another."""


class JournalThread:
    """Runs the calls of a journal one after the other, in the order in which they were made, on a thread of their own.

    `open` may be called on another thread, before the first call.
    """

    def __init__(self, options: EngineOptions, emit: Callable[[Event], object]) -> None:
        self._options = options
        self._emit = emit
        self._journal: Journal | None = None
        self._account: Account | None = None
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="journal")
        self._cannot_write = False

    def open(self) -> None:
        """Open the journal on the calling thread, if it is not open yet. Raises LocalFileError."""
        if self._journal is not None:
            return
        options = self._options
        journal = Journal(options.data_dir / "history.db")
        try:
            with journal.database.translate_errors():
                self._account = journal.accounts.at_start(
                    options.server, options.key_tail, options.now(), options.profile_tail
                )
                journal.database.account_id = self._account.id
        except JournalError as error:
            journal.close()
            raise LocalFileError(
                error.title,
                "Nothing was sent, and nothing that was written is lost. Start again when no other program has it "
                "locked, or give another folder with --data-dir.",
            ) from error
        self._journal = journal

    async def close(self) -> None:
        """Close the file and end the thread."""
        if self._journal is not None:
            await self.run(self._journal.close)
        self._executor.shutdown(wait=True)

    @property
    def journal(self) -> Journal:
        """The journal, once it is open."""
        assert self._journal is not None, "the engine is not open"
        return self._journal

    @property
    def account(self) -> Account:
        """The account whose history is in use, once the journal is open."""
        assert self._account is not None, "the engine is not open"
        return self._account

    @property
    def account_id(self) -> AccountId:
        """The journal's number of the account in use."""
        return AccountId(self.account.id)

    async def knows_key(self) -> bool:
        """Return whether the key was seen with this account before."""
        options = self._options
        return await self.run(self.journal.accounts.has_key, self.account_id, options.server, options.key_tail)

    async def switch_account(
        self, organization: str | None, project: str | None, title: str, is_free: Callable[[int], bool]
    ) -> None:
        """Make the account that the server named for the key the one in use. See `JobStore.switch_account`."""
        options = self._options
        self._account = await self.run_until_written(
            self.journal.accounts.confirm,
            options.server,
            options.key_tail,
            organization,
            project,
            title,
            options.now(),
            is_free,
            options.profile_tail,
        )

    async def run(self, work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `work` and return its result. Raises JournalError.

        Another process may merge the account in use into that of its organisation, before this one knows of it: from
        then on, an `AccountId` among the positional arguments is that account's number.
        """

        def call() -> T:
            with self._translate_errors():
                while True:
                    self._follow_account()
                    try:
                        return work(*map(self._current, args), **kwargs)  # type: ignore[arg-type]
                    except AccountMovedError:  # between the two: nothing was written
                        continue

        return await asyncio.get_running_loop().run_in_executor(self._executor, call)

    async def run_until_written(self, work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Like `run`, but retry with back-off until it succeeds.

        For state that must be durable before the next step. The person gets one notice when the journal cannot be
        written, and one when it can again.
        """
        wait, failed = _FIRST_WAIT, False
        while True:
            try:
                result = await self.run(work, *args, **kwargs)
            except JournalError as error:
                failed = True
                if not self._cannot_write:
                    self._cannot_write = True
                    self._emit(Notice(error.title, error.hint, "error"))
                await asyncio.sleep(wait)
                wait = min(_LONGEST_WAIT, wait * 2)
            else:
                if self._cannot_write and failed:  # a read that succeeds proves nothing about writing
                    self._cannot_write = False
                    self._emit(Notice("The history can be written again", "Everything continues."))
                return result

    def _current(self, argument: object) -> object:
        return self.account.id if isinstance(argument, AccountId) else argument

    def _follow_account(self) -> None:
        """Take the account into use that the one in use has been merged into. On the journal's thread."""
        journal, account = self._journal, self._account
        if journal is None or account is None:
            return
        journal.database.account_id = account.id
        if (moved_to := journal.database.moved_to()) is not None:
            journal.database.forget_cache()
            self._account = journal.accounts.get(moved_to, self._options.server, self._options.key_tail)
            journal.database.account_id = moved_to

    def _translate_errors(self) -> AbstractContextManager[None]:
        return self._journal.database.translate_errors() if self._journal is not None else nullcontext()
