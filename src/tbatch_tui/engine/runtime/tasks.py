"""The tasks that end with the engine."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, TypeVar

from tbatch_tui.engine.errors import BatchError
from tbatch_tui.engine.events import Event, Notice
from tbatch_tui.engine.redaction import redact

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

T = TypeVar("T")

STOPPED = "Something in the engine stopped"
"""Title of the Notice for a task that failed."""


class EngineTasks:
    """Runs coroutines as tasks until `stop`. A failure that nobody expected becomes a Notice and a line of the log."""

    def __init__(self, emit: Callable[[Event], object]) -> None:
        self._emit = emit
        self._tasks: set[asyncio.Task[Any]] = set()

    def spawn(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Run a coroutine as a task, beginning soon."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    async def stop(self) -> None:
        """Cancel every task, those included that begin meanwhile, and wait until they have ended."""
        while tasks := set(self._tasks):
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
            await asyncio.sleep(0)  # their callbacks take them out of the set

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            reason = redact(str(error) if isinstance(error, BatchError) else f"{type(error).__name__}: {error}")
            logging.getLogger(__name__).error(STOPPED, exc_info=error)
            self._emit(Notice(STOPPED, f"{reason}. Start tbatch-tui again.", "error"))
