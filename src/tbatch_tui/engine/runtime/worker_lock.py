"""Who works: of several apps on one history, the one that holds the lock; when it dies, the next takes over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

if TYPE_CHECKING:
    from pathlib import Path


class WorkerLock:
    """A lock file that the operating system frees when its holder dies, however it dies."""

    def __init__(self, path: Path) -> None:
        self._lock = FileLock(path, mode=0o600, thread_local=False)

    @property
    def is_ours(self) -> bool:
        return self._lock.is_locked

    def try_acquire(self) -> bool:
        """Take it if it is free. Never waits."""
        if self.is_ours:
            return True
        try:
            self._lock.acquire(blocking=False)
        except (Timeout, OSError):
            return False
        return True

    def release(self) -> None:
        self._lock.release(force=True)
