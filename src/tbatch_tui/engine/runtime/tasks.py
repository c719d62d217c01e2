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

_FIRST_DELAY, _LONGEST_DELAY = 2.0, 60.0
"""Seconds before a service goes on after an error; they double from one error to the next, up to the second."""

STOPPED = "An internal task stopped"
"""Title of the Notice for a task that failed for good."""
UNFORESEEN = "An unexpected error occurred in the engine"
"""Begins the title of the Notice for an error after which a service goes on."""


class EngineTasks:
    """Runs coroutines as tasks until `stop`. A failure that nobody expected becomes a Notice and a line of the log.

    Services are supervised: they go on after it, for one row, file or job must not cost all others.
    """

    def __init__(self, emit: Callable[[Event], object], *, first_delay: float = _FIRST_DELAY) -> None:
        self._emit = emit
        self._first_delay = first_delay
        self._reported: set[tuple[str, str]] = set()
        """What was shown already, by what was being done and the error: it may come with every list."""
        self._tasks: set[asyncio.Task[Any]] = set()

    def spawn(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Run a coroutine as a task, beginning soon."""
        return self._begin(work, self._report_end)

    def spawn_download(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Run a download as a task; one that fails is begun again by its owner, after a pause."""
        return self._begin(work, lambda error: self.report("downloading results", error))

    def supervise(self, doing: str, run: Callable[[], Coroutine[Any, Any, None]]) -> asyncio.Task[None]:
        """Run a service as a task, and run it again, with back-off, whenever it fails.

        Args:
            doing: What the service does, after "while": "counting results".
            run: Called anew after each failure.
        """
        return self.spawn(self._supervise(doing, run))

    async def _supervise(self, doing: str, run: Callable[[], Coroutine[Any, Any, None]]) -> None:
        loop, delay = asyncio.get_running_loop(), self._first_delay
        while True:
            began = loop.time()
            try:
                await run()
                return
            except Exception as error:  # noqa: BLE001 - whatever it is, the service goes on
                self.report(doing, error)
            if loop.time() - began > _LONGEST_DELAY:
                delay = self._first_delay
            await asyncio.sleep(delay)
            delay = min(_LONGEST_DELAY, delay * 2)

    def report(self, doing: str, error: BaseException, key: str | None = None) -> None:
        """Log an error after which the service goes on, with its traceback, and show it the first time.

        Args:
            doing: What the service was doing, after "while": "counting results".
            error: What was raised.
            key: The record that it was raised for, and that is left out.
        """
        logging.getLogger(__name__).error("%s while %s", UNFORESEEN, doing, exc_info=error)
        reason = _reason(error)
        if (doing, reason) in self._reported:
            return
        self._reported.add((doing, reason))
        what_is_safe = (
            "Nothing is lost, and the others continue"
            if key is not None
            else "Nothing is lost; it continues automatically"
        )
        self._emit(Notice(f"{UNFORESEEN} while {doing}", f"{what_is_safe}. The log has more: {reason}.", "error", key))

    async def stop(self) -> None:
        """Cancel every task, those included that begin meanwhile, and wait until they have ended."""
        while tasks := set(self._tasks):
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
            await asyncio.sleep(0)  # their callbacks take them out of the set

    def _begin(self, work: Coroutine[Any, Any, T], failed: Callable[[BaseException], object]) -> asyncio.Task[T]:
        def ended(task: asyncio.Task[T]) -> None:
            self._tasks.discard(task)
            if not task.cancelled() and (error := task.exception()) is not None:
                failed(error)

        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(ended)
        return task

    def _report_end(self, error: BaseException) -> None:
        logging.getLogger(__name__).error(STOPPED, exc_info=error)
        self._emit(Notice(STOPPED, f"{_reason(error)}. Restart tbatch-tui.", "error"))


def _reason(error: BaseException) -> str:
    return redact(str(error) if isinstance(error, BatchError) else f"{type(error).__name__}: {error}")
