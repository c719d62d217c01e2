"""The catalogue: fetched when it is first needed, stored in the history, and fetched again a day later.

It is optional for all its users: they get the last one known, or an empty one, and never an error.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from tbatch_tui.engine.domain.catalogue import Catalogue, ModelInfo
from tbatch_tui.engine.errors import BatchError, JournalError
from tbatch_tui.engine.pricing.kept_catalogue import from_json, keep, to_json

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

    from tbatch_tui.engine.journal.store import JobStore
    from tbatch_tui.engine.options import EngineOptions

MAX_AGE = 86_400.0
"""Seconds before the catalogue is fetched again."""
_RETRY_AFTER = 60.0
"""Seconds between two attempts to fetch it."""
_MAX_WAIT = 5.0
"""Seconds that `get` waits for a fetch, which goes on after that."""
_MAX_WAIT_WITH_OLD = 1.0
"""The same where an old catalogue is known."""


class CatalogueCache:
    """The one catalogue of a data folder and server, however many ask for it."""

    def __init__(
        self,
        options: EngineOptions,
        store: JobStore,
        fetch: Callable[[], Awaitable[list[ModelInfo]]],
        spawn: Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]],
    ) -> None:
        """Prepare an empty cache.

        Args:
            fetch: Asks the server. May raise BatchError.
            spawn: Runs a task that outlives its caller.
        """
        self._now = options.now
        self._data_dir = options.data_dir
        self._server = options.server
        self._name = f"catalogue:{options.server}"
        self._store = store
        self._fetch = fetch
        self._spawn = spawn
        self._known = Catalogue()
        self._fetching: asyncio.Task[None] | None = None
        self._tried_at: float | None = None

    async def kept(self) -> Catalogue:
        """Return the catalogue that was fetched last, however old, without asking the server; else an empty one."""
        await self._recall()
        return self._known

    async def get(self) -> Catalogue:
        """Return the catalogue: a day old at most if the server answers, else the last one known, else an empty one."""
        if self._fetching is None and self._is_old():
            await self._recall()  # again each time: another app on this data folder may have fetched it
        if self._fetching is None and self._is_old() and self._may_retry():
            self._tried_at = asyncio.get_running_loop().time()
            self._fetching = self._spawn(self._refresh())
        if self._fetching is not None:
            await asyncio.wait({self._fetching}, timeout=_MAX_WAIT_WITH_OLD if self._known else _MAX_WAIT)
        return self._known

    def _is_old(self) -> bool:
        at = self._known.fetched_at
        return at is None or not 0 <= self._now() - at < MAX_AGE

    def _may_retry(self) -> bool:
        now = asyncio.get_running_loop().time()
        return self._tried_at is None or now - self._tried_at >= _RETRY_AFTER

    async def _recall(self) -> None:
        try:
            text = await self._store.recall(self._name)
        except JournalError:
            return
        stored = from_json(text) if text is not None else None
        if stored is not None and (stored.fetched_at or 0.0) > (self._known.fetched_at or 0.0):
            self._known = stored

    async def _refresh(self) -> None:
        try:
            models = await self._fetch()
            if models:
                self._known = Catalogue({model.id: model for model in models}, self._now())
                await asyncio.to_thread(keep, self._data_dir, self._server, self._known)
                await self._store.remember(self._name, to_json(self._known))
        except BatchError:
            pass  # the old catalogue stays: old prices with their date are better than none
        finally:
            self._fetching = None
