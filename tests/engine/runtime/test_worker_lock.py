"""The worker lock: one app holds it, also when somebody tidies its file away."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

from tbatch_tui.engine.endpoint import Endpoint
from tbatch_tui.engine.events import Event, Notice
from tbatch_tui.engine.runtime.worker_lock import WorkerLock
from tests.conftest import until

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from tbatch_tui.sandbox.testing import Sandbox
    from tests.engine.conftest import MakeEngine


async def test_a_lock_that_cannot_be_taken_is_announced_with_the_reason(
    sandbox: Sandbox, make_engine: MakeEngine, events: list[Event], chat_file: Path
) -> None:
    def notices() -> list[Notice]:
        return [event for event in events if isinstance(event, Notice) and "lock" in event.title]

    async with make_engine(sandbox) as engine:
        blocker = engine.options.data_dir / "work-1.lock"
        await until(lambda: engine.listed_at is not None or blocker.exists())
    blocker.unlink(missing_ok=True)
    blocker.mkdir()
    async with make_engine(sandbox) as engine:
        await until(lambda: len(notices()) == 1)
        assert notices()[0].severity == "error" and "cannot be taken" in notices()[0].title
        key = await engine.submit_checked(chat_file, Endpoint.CHAT, requests=2)
        blocker.rmdir()
        record = await engine.wait_until(key, lambda record: record.job is not None)
        assert record.job is not None and len(notices()) == 1


async def test_leaving_while_the_lock_is_being_taken_gives_it_back(
    sandbox: Sandbox, make_engine: MakeEngine, chat_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a script, the next engine of the same process would wait for it for ever."""
    taking, left = threading.Event(), threading.Event()
    acquire = WorkerLock.try_acquire

    def acquire_late(lock: WorkerLock) -> bool:
        taking.set()
        left.wait(5)
        return acquire(lock)

    async with asyncio.timeout(30):
        monkeypatch.setattr(WorkerLock, "try_acquire", acquire_late)
        async with make_engine(sandbox) as first:
            await until(lambda: first._runtime._lock is not None and taking.is_set())
            asyncio.get_running_loop().call_later(0.3, left.set)
        monkeypatch.setattr(WorkerLock, "try_acquire", acquire)
        async with make_engine(sandbox) as second:
            key = await second.submit_checked(chat_file, Endpoint.CHAT, requests=2)
            await second.wait_until(key, lambda record: record.job is not None)
        assert not first.has_transfers


def is_held(lock: WorkerLock) -> bool:
    return lock.is_ours


def test_a_lock_whose_file_was_removed_is_lost_to_whoever_takes_it_next(tmp_path: Path) -> None:
    first, second = WorkerLock.of_account(tmp_path, 1), WorkerLock.of_account(tmp_path, 1)
    assert first.try_acquire() and is_held(first)
    assert not second.try_acquire()
    (tmp_path / "work-1.lock").unlink()
    assert not is_held(first)
    assert second.try_acquire() and is_held(second)
    assert not is_held(first) and not first.try_acquire()
    second.release()
    assert first.try_acquire() and is_held(first)
    first.release()
