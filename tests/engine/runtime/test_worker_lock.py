"""The worker lock: one app holds it, also when somebody tidies its file away."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tbatch_tui.engine.runtime.worker_lock import WorkerLock

if TYPE_CHECKING:
    from pathlib import Path


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
