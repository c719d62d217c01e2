"""Find out whose key it is before anything is submitted: the histories of two accounts stay apart."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from tbatch_tui.engine.errors import (
    BatchError,
    ConnectionFailedError,
    LocalFileError,
    OutcomeUnknownError,
    RateLimitError,
)

if TYPE_CHECKING:
    from tbatch_tui.engine.client.api import TogetherApi
    from tbatch_tui.engine.journal.store import JobStore
    from tbatch_tui.engine.options import EngineOptions

_TRIES = 3
_PATIENCE = 10.0
"""Seconds that a submission waits for the account to be known."""


class AccountCheck:
    """Asks the server once for the account of the key, and switches the history to it."""

    def __init__(self, options: EngineOptions, store: JobStore) -> None:
        self.confirmed = asyncio.Event()
        """Set when the history in use is that of the key's account."""
        self._data_dir = options.data_dir
        self._first_retry_delay = options.first_retry_delay
        self._store = store

    async def confirm(self, api: TogetherApi) -> None:
        """Ask for the account and switch to its history. Called when a list has shown that the server takes the key.

        When the server cannot name the account, the last characters of the key stand for it.
        """
        organization: str | None = None
        project: str | None = None
        title = ""
        for number in range(_TRIES):
            try:
                organization, project, title = await api.account()
                break
            except (OutcomeUnknownError, ConnectionFailedError, RateLimitError):
                await asyncio.sleep(self._first_retry_delay * 2**number / 4)
            except BatchError:
                break
        await self._store.switch_account(organization, project, title, self._is_free)
        self.confirmed.set()

    async def require_account(self) -> None:
        """Raise BatchError while the history in use may be another account's.

        A submission saved there would run on the other account's key, and a job be asked for with it.
        """
        if self.confirmed.is_set() or await self._store.knows_key():
            return
        try:
            async with asyncio.timeout(_PATIENCE):
                await self.confirmed.wait()
        except TimeoutError:
            raise BatchError(
                "It is not yet known which account this key belongs to",
                "Nothing was sent. Try again when the server can be reached.",
            ) from None

    def _is_free(self, account_id: int) -> bool:
        """Return whether no app is at work on this account. Called inside the transaction that would end it."""
        from tbatch_tui.engine.runtime.worker_lock import WorkerLock  # filelock is not for the first frame

        lock = WorkerLock.of_account(self._data_dir, account_id)
        try:
            return lock.try_acquire()
        except LocalFileError:
            return False
        finally:
            lock.release()
