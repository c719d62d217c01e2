"""Blocking work in threads that can be stopped, and that nobody has to wait for."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from contextvars import copy_context
from functools import partial
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

_YIELD = 0.0005


async def run_cancellable(
    function: Callable[..., T], /, *args: object, stop: threading.Event | None = None, **kwargs: object
) -> T:
    """Run `function(*args, cancelled=…, **kwargs)` in a thread and return what it returns.

    `cancelled()` is true from the moment the caller is cancelled or `stop` is set, so that long work can end early:
    by convention it raises OperationCancelledError then. For work that writes: the app waits for the thread when it
    is left, so that no half of a file stays behind. For work that only reads there is `run_reading`.
    """
    stop = stop or threading.Event()
    try:
        return await asyncio.to_thread(function, *args, cancelled=stop.is_set, **kwargs)
    finally:
        stop.set()


async def run_reading(
    function: Callable[..., T], /, *args: object, stop: threading.Event | None = None, **kwargs: object
) -> T:
    """Like `run_cancellable`, in a thread that leaving the app never waits for: nothing is lost if it just ends."""
    stop = stop or threading.Event()
    call = partial(copy_context().run, partial(function, *args, cancelled=stop.is_set, **kwargs))
    try:
        return await run_detached(call)
    finally:
        stop.set()


async def run_detached(function: Callable[[], T], *, abandoned: Callable[[], object] | None = None) -> T:
    """Run in a daemon thread and return what it returns; a call that stalls must not keep the app from closing.

    `abandoned` is called in that thread when the call ends after its caller was cancelled.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()
    is_abandoned = threading.Event()

    def set_outcome(result: T | None, error: BaseException | None) -> None:
        if future.done():
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)  # type: ignore[arg-type]

    def run() -> None:
        result: T | None = None
        failure: BaseException | None = None
        try:
            result = function()
        except BaseException as error:  # noqa: BLE001 - handed to whoever awaits
            failure = error
        if is_abandoned.is_set() and abandoned is not None:
            abandoned()
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(set_outcome, result, failure)

    threading.Thread(target=run, name="call", daemon=True).start()
    try:
        return await future
    except asyncio.CancelledError:
        is_abandoned.set()
        raise


def yield_to_loop() -> None:
    """Give the event loop the interpreter between two pieces of work in a thread.

    Costs a quarter of a second per 100 MB read in pieces of 256 KB.
    """
    time.sleep(_YIELD)
