"""Name jobs made elsewhere by the file they were made from: one list of files for all of them, now and then."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from tbatch_tui.engine.errors import BatchError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tbatch_tui.engine.journal.store import JobStore


class InputNames:
    """Asks for the names of input files, at most once in `pause` seconds on account of a list of jobs."""

    def __init__(self, store: JobStore, list_names: Callable[[], Awaitable[dict[str, str]]], pause: float) -> None:
        """`list_names` asks the server for the name of every file, by id; may raise BatchError."""
        self._store = store
        self._list_names = list_names
        self._pause = pause
        self._not_before = float("-inf")
        self._failed = False
        self._is_waiting = False
        self._asking = asyncio.Lock()
        self._asked: set[str] = set()
        """Input files whose names were asked for: one that is gone has no name, however often it is asked for."""

    async def ask_soon(self) -> None:
        """Ask when the pause is over, once for all jobs without a name that have come in by then."""
        if self._is_waiting:
            return
        self._is_waiting = True
        try:
            await asyncio.sleep(max(0.0, self._not_before - asyncio.get_running_loop().time()))
        finally:
            self._is_waiting = False
        await self.ask()

    async def ask(self) -> None:
        """Ask now, if a name is missing that was not asked for; after a failure not before the pause is over."""
        async with self._asking:
            unnamed = await self._store.unnamed_inputs() - self._asked
            now = asyncio.get_running_loop().time()
            if not unnamed or (self._failed and now < self._not_before):
                return
            self._not_before = now + self._pause
            try:
                names = await self._list_names()
            except BatchError:
                self._failed = True  # they stay named by their id
                return
            self._failed = False
            self._asked |= unnamed
            await self._store.name_inputs(names)
