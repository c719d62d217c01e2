"""An event loop whose clock moves on by itself when nothing is left to do: half an hour of waiting takes no time."""

from __future__ import annotations

import asyncio
import selectors
import threading
from concurrent.futures import Executor, Future
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

_THREADS_WITHIN = 0.002
"""Seconds of real time between two looks at whether the threads have finished."""


class DeadExecutor(Executor):
    """The thread of a process that was killed: what it is given is never done."""

    def submit(self, _: Callable[..., Any], /, *__: Any, **___: Any) -> Future[Any]:
        return Future()


class DrivenLoop(asyncio.SelectorEventLoop):
    """Its time stands still while tasks or threads are at work, and jumps to the next timer when all wait."""

    def __init__(self) -> None:
        self._now = 1_000.0
        self._in_threads = 0
        super().__init__(_DrivenSelector(self))

    def time(self) -> float:
        return self._now

    def run_in_executor(  # type: ignore[override]
        self, executor: Any, func: Callable[..., Any], *args: Any
    ) -> asyncio.Future[Any]:
        if isinstance(executor, DeadExecutor):
            return self.create_future()
        future = super().run_in_executor(executor, func, *args)
        self._in_threads += 1
        future.add_done_callback(self._leave_thread)
        return future

    def _leave_thread(self, _: asyncio.Future[Any]) -> None:
        self._in_threads -= 1

    @property
    def is_busy(self) -> bool:
        """Whether a thread is at work whose end somebody waits for."""
        return self._in_threads > 0 or any(thread.name == "call" for thread in threading.enumerate())

    def jump(self, seconds: float) -> None:
        """Let time pass."""
        self._now += seconds

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Run a coroutine to its end."""
        return self.run_until_complete(work)


class _DrivenSelector(selectors.DefaultSelector):
    def __init__(self, loop: DrivenLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        events = super().select(0)
        if events or (timeout is not None and timeout <= 0):
            return events
        if timeout is None or self._loop.is_busy:
            return super().select(_THREADS_WITHIN)
        self._loop.jump(timeout + 1e-6)
        return []
