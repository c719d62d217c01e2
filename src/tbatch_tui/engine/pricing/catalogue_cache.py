"""The catalogue as it is known here: fetched when first asked for, kept in the history, fetched again the day after.

Nothing waits for it that can do without: whoever asks gets the last one known, or an empty one, and no error.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import msgspec

from tbatch_tui.engine.domain.catalogue import Catalogue, ModelInfo
from tbatch_tui.engine.errors import BatchError, JournalError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

    from tbatch_tui.engine.journal.store import JobStore
    from tbatch_tui.engine.options import EngineOptions

KEPT_FOR = 86_400.0
"""Seconds before the catalogue is fetched again."""
_TRIED_AGAIN_AFTER = 60.0
"""Seconds after a fetch that brought nothing."""
_PATIENCE = 5.0
"""Seconds that one who asks is made to wait; the fetch goes on after that."""
_PATIENCE_WITH_OLD = 1.0
"""The same where there is an old one to be had."""


class CatalogueCache:
    """One catalogue for each data folder and server, whatever the number of those who ask."""

    def __init__(
        self,
        options: EngineOptions,
        store: JobStore,
        fetch: Callable[[], Awaitable[list[ModelInfo]]],
        spawn: Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]],
    ) -> None:
        """`fetch` asks the server; may raise BatchError. `spawn` runs what outlives the asker."""
        self._now = options.now
        self._name = f"catalogue:{options.server}"
        self._store = store
        self._fetch = fetch
        self._spawn = spawn
        self._known = Catalogue()
        self._fetching: asyncio.Task[None] | None = None
        self._tried_at: float | None = None

    async def get(self) -> Catalogue:
        """The catalogue, at most a day old if the server can be asked; else the last one known; else an empty one."""
        if self._fetching is None and self._is_old():
            await self._recall()  # again each time: another app on this data folder may have fetched it
        if self._fetching is None and self._is_old() and self._may_try():
            self._tried_at = asyncio.get_running_loop().time()
            self._fetching = self._spawn(self._refresh())
        if self._fetching is not None:
            await asyncio.wait({self._fetching}, timeout=_PATIENCE_WITH_OLD if self._known else _PATIENCE)
        return self._known

    def _is_old(self) -> bool:
        at = self._known.fetched_at
        return at is None or not 0 <= self._now() - at < KEPT_FOR

    def _may_try(self) -> bool:
        now = asyncio.get_running_loop().time()
        return self._tried_at is None or now - self._tried_at >= _TRIED_AGAIN_AFTER

    async def _recall(self) -> None:
        try:
            text = await self._store.recall(self._name)
        except JournalError:
            return
        kept = _read(text) if text is not None else None
        if kept is not None and (kept.fetched_at or 0.0) > (self._known.fetched_at or 0.0):
            self._known = kept

    async def _refresh(self) -> None:
        try:
            models = await self._fetch()
            if models:
                self._known = Catalogue({model.id: model for model in models}, self._now())
                await self._store.remember(self._name, _written(self._known))
        except BatchError:
            pass  # what is known stays: old prices with their date are better than none
        finally:
            self._fetching = None


class _Kept(msgspec.Struct):
    """How it stands in the history."""

    fetched_at: float
    models: list[ModelInfo]


def _written(catalogue: Catalogue) -> str:
    assert catalogue.fetched_at is not None
    return msgspec.json.encode(_Kept(catalogue.fetched_at, list(catalogue.values()))).decode()


def _read(text: str) -> Catalogue | None:
    """None for what another version wrote."""
    try:
        kept = msgspec.json.decode(text, type=_Kept)
    except msgspec.MsgspecError:
        return None
    return Catalogue({model.id: model for model in kept.models}, kept.fetched_at)
