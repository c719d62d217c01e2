"""The worker lock: one app holds it, also when somebody tidies its file away."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tbatch_tui.engine.endpoint import Endpoint
from tbatch_tui.engine.events import Event, Notice
from tbatch_tui.engine.runtime.worker_lock import WorkerLock
from tests.conftest import until

if TYPE_CHECKING:
    from pathlib import Path

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
