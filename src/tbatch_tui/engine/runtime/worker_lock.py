"""The lock that decides which of several apps on one data folder does the work."""

from __future__ import annotations

from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from tbatch_tui.engine.errors import LocalFileError
from tbatch_tui.engine.runtime.lock_holder import HolderNote

if TYPE_CHECKING:
    from pathlib import Path


class WorkerLock:
    """A lock file that the operating system frees when its holder dies, however it dies.

    Of several apps on one history, the one that holds it submits and downloads; when it ends, another takes over.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = FileLock(path, mode=0o600, thread_local=False)
        self.note = HolderNote(path)
        """Who holds the lock, for others to read."""
        self._identity: tuple[int, int] | None = None
        """Device and inode of the file that was locked."""

    @classmethod
    def of_account(cls, data_dir: Path, account_id: int) -> WorkerLock:
        """Return the lock of one account in a data folder."""
        return cls(data_dir / f"work-{account_id}.lock")

    @property
    def is_ours(self) -> bool:
        """Whether this object holds the lock, and its file is still the one that others would lock."""
        return self._lock.is_locked and self._identity == self._read_identity()

    def try_acquire(self) -> bool:
        """Take the lock if it is free, without waiting; return whether it is ours.

        Raises LocalFileError when nobody could take it: its file cannot be made, or the file system has no locks.
        """
        if self.is_ours:
            return True
        try:
            self._lock.release(force=True)  # of a file that was removed
            self._lock.acquire(blocking=False)
        except Timeout:  # another app has it
            return False
        except OSError as error:
            raise LocalFileError(
                f"The lock {self._lock.lock_file} cannot be taken: {error.strerror or error}",
                "Nothing is submitted or downloaded until then, and nothing is lost. Fix this and it continues "
                "automatically; or use another folder with --data-dir.",
            ) from error
        self._identity = self._read_identity()
        self.note.write()
        return True

    def _read_identity(self) -> tuple[int, int] | None:
        try:
            status = self._path.stat()
        except OSError:
            return None
        return status.st_dev, status.st_ino

    def release(self) -> None:
        """Give the lock up, if it is ours."""
        if self.is_ours:
            self.note.remove()
        self._lock.release(force=True)
