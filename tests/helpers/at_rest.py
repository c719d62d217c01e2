"""When an app under test has done what it was asked: no message waits, and no thread works for it."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from textual.widget import Widget

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Executor

    from textual.app import App

_TURNS = 12
"""Turns of the event loop in a row in which nothing is left to do: what ended in a thread is known some turns later."""
_LONG = 0.25
"""Seconds after which a call in a thread is one that goes on by itself: it waits for a server, or for the test."""


class AtRest:
    """Knows the calls in threads that were begun in an event loop through its `run_in_executor`."""

    def __init__(self, run_in_executor: Callable[..., asyncio.Future[Any]]) -> None:
        self._run = run_in_executor
        self._begun: dict[asyncio.Future[Any], float] = {}

    def run_in_executor(
        self, loop: asyncio.AbstractEventLoop, executor: Executor | None, func: Callable[..., Any], *args: Any
    ) -> asyncio.Future[Any]:
        """Begin a call in a thread, as the loop itself does, and remember it until it is done."""
        future = self._run(loop, executor, func, *args)
        self._begun[future] = time.monotonic()
        future.add_done_callback(self._forget)
        return future

    def _forget(self, future: asyncio.Future[Any]) -> None:
        self._begun.pop(future, None)

    async def wait(self, app: App[Any], within: float = 1.0) -> None:
        """Wait until nothing is left to do, but no longer than `within` seconds: some screens are never at rest."""
        end = time.monotonic() + within
        while not await self._is_at_rest(app) and time.monotonic() < end:
            await asyncio.sleep(0.002)

    async def _is_at_rest(self, app: App[Any]) -> bool:
        for _ in range(_TURNS):
            if any(time.monotonic() - began < _LONG for began in self._begun.values()):
                return False
            await asyncio.sleep(0)
        return not has_messages(app)


def has_messages(app: App[Any]) -> bool:
    """Whether the app or a widget of its screen has a message to handle, or is to be laid out."""
    if not app.is_running or not app.screen_stack:
        return False
    widgets = app.screen.walk_children(Widget, with_self=True)
    return app.message_queue_size > 0 or any(
        w.message_queue_size or w._layout_required for w in widgets if w.is_running
    )
