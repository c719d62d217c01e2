"""Stop as ctrl+z asks, once others can go on with the work; what asks to stop from outside is met the same way."""

from __future__ import annotations

import asyncio
import signal
from contextlib import suppress
from typing import TYPE_CHECKING

from tbatch_tui.engine.errors import BatchError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from types import FrameType

_WITHIN = 3.0
"""Seconds that `pause` may take; after that the process stops all the same."""


def on_stop(pause: Callable[[], Awaitable[object]], resume: Callable[[], object]) -> None:
    """Await `pause` before the process is suspended, and call `resume` when it goes on. On the event loop."""
    number = getattr(signal, "SIGTSTP", None)
    stop = signal.getsignal(number) if number is not None else None
    if number is None or not callable(stop):  # Textual's own handler gives the terminal back, and stops the process
        return
    loop = asyncio.get_running_loop()
    suspending: set[asyncio.Task[None]] = set()

    async def suspend() -> None:
        with suppress(BatchError, TimeoutError):
            async with asyncio.timeout(_WITHIN):
                await pause()
        stop(number, None)  # returns when the process goes on
        resume()

    def begin() -> None:
        if not suspending:
            task = loop.create_task(suspend())
            suspending.add(task)
            task.add_done_callback(suspending.discard)

    def handle(_signal: int, _frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(begin)

    signal.signal(number, handle)
