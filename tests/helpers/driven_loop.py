"""An event loop whose clock moves on by itself when nothing is left to do: half an hour of waiting takes no time.

What is given to an executor is run by the loop itself, in the order in which it was given, so that each run of the same
steps is the same.
"""

from __future__ import annotations

import asyncio
import selectors
import threading
from collections import defaultdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from concurrent.futures import Executor


class DrivenLoop(asyncio.SelectorEventLoop):
    """Its time stands still while tasks are at work, and jumps to the next timer when all wait.

    No other thread may have work for it: `InlineThreading` is for code that starts some.
    """

    def __init__(self) -> None:
        self._now = 1_000.0
        self._free_at: defaultdict[Executor | None, float] = defaultdict(float)
        """When an executor has done what it was given so far."""
        self._dead: set[Executor | None] = set()
        self.delays: defaultdict[Executor | None, float] = defaultdict(float)
        """Seconds that an executor takes for each call: a disk that is slow, or locked by another."""
        super().__init__(_DrivenSelector(self))

    def time(self) -> float:
        return self._now

    def run_in_executor(  # type: ignore[override]
        self, executor: Executor | None, func: Callable[..., Any], *args: Any
    ) -> asyncio.Future[Any]:
        future: asyncio.Future[Any] = self.create_future()
        delay = self.delays[executor]
        if delay or self._free_at[executor] > self._now:
            at = self._free_at[executor] = max(self._now, self._free_at[executor]) + delay
            self.call_at(at, self._call, executor, future, func, args)
        else:
            self.call_soon(self._call, executor, future, func, args)
        return future

    def kill(self, executor: Executor) -> None:
        """Never run what an executor has not begun yet, nor what it is given from now on."""
        self._dead.add(executor)

    def _call(
        self, executor: Executor | None, future: asyncio.Future[Any], func: Callable[..., Any], args: tuple[Any, ...]
    ) -> None:
        if executor in self._dead or future.done():  # cancelled before its turn
            return
        try:
            future.set_result(func(*args))
        except BaseException as error:  # noqa: BLE001 - handed to whoever awaits
            future.set_exception(error)

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
        if not events and timeout is None:
            raise AssertionError("everything waits for something that never happens")
        if not events and timeout is not None and timeout > 0:
            self._loop.jump(timeout + 1e-6)
        return events


class InlineThreading:
    """Stands for the module `threading` in code whose threads are to run at once, in the thread that starts them."""

    Event = threading.Event

    class Thread:
        def __init__(self, *, target: Callable[[], object], **_: object) -> None:
            self.start = target
