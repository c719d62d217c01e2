"""Work in threads: it can be stopped, and leaving never waits for work that only reads."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import pytest

from tbatch_tui.engine.threads import run_cancellable, run_reading

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

_LEAVE = """
import asyncio, threading
from tbatch_tui.engine.threads import run_reading

begun = threading.Event()

def read(cancelled):
    begun.set()
    threading.Event().wait()  # a read that never ends, and does not look at `cancelled`

async def main():
    task = asyncio.create_task(run_reading(read))
    while not begun.is_set():
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    print("left", flush=True)

asyncio.run(main())
"""


def test_leaving_does_not_wait_for_a_read() -> None:
    done = subprocess.run([sys.executable, "-c", _LEAVE], capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "left\n", "")


@pytest.mark.parametrize("run", [run_cancellable, run_reading])
async def test_a_thread_returns_raises_and_can_be_stopped(run: Callable[..., Coroutine[Any, Any, Any]]) -> None:
    context = ContextVar("context", default="")
    context.set("of the caller")

    def work(value: int, *, cancelled: Callable[[], bool], more: int = 0) -> tuple[int, bool, str]:
        return value + more, cancelled(), context.get()

    def fail(*, cancelled: Callable[[], bool]) -> None:
        raise ValueError(cancelled())

    assert await run(work, 1, more=2) == (3, False, "of the caller")
    with pytest.raises(ValueError, match="False"):
        await run(fail)

    begun, ended = threading.Event(), threading.Event()

    def wait(*, cancelled: Callable[[], bool]) -> None:
        begun.set()
        while not cancelled():
            ended.wait(0.001)
        ended.set()

    task = asyncio.create_task(run(wait))
    await asyncio.to_thread(begun.wait)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.to_thread(ended.wait)

    stop = threading.Event()
    begun.clear()
    ended.clear()
    task = asyncio.create_task(run(wait, stop=stop))
    await asyncio.to_thread(begun.wait)
    stop.set()
    assert await task is None
