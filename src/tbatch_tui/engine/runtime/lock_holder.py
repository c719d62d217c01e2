"""Who has the worker lock, and whether that process answers: noted beside the lock, for others to read."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tbatch_tui.engine.errors import LocalFileError
from tbatch_tui.engine.events import Event, Notice

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tbatch_tui.engine.domain.record import JobRecord
    from tbatch_tui.engine.runtime.worker_lock import WorkerLock

_SILENT_AFTER = 10.0
"""Seconds without a sign of life after which a process does not answer. It gives one a second."""
_TOLD_AFTER = 3.0
"""Seconds that something waits for another process before it is said which."""


@dataclass(frozen=True, slots=True)
class LockHolder:
    """The process that has the worker lock."""

    pid: int
    host: str
    is_here: bool
    """Whether it runs on this machine."""
    is_stopped: bool
    """Whether it was suspended: ctrl+z in its terminal."""
    silent_for: float
    """Seconds since its last sign of life."""

    @property
    def answers(self) -> bool:
        """Whether it is at work."""
        return not self.is_stopped and self.silent_for < _SILENT_AFTER

    @property
    def words(self) -> str:
        """Which process it is: `process 4711`, `process 4711 on gpu-3`."""
        return f"process {self.pid}" + ("" if self.is_here else f" on {self.host}")


class HolderNote:
    """The file beside a lock that says who holds it. Its time of change is the last sign of life."""

    def __init__(self, lock: Path) -> None:
        self._path = lock.with_suffix(".pid")

    def write(self) -> None:
        """Note that this process has the lock. A note that cannot be written costs others only the reason."""
        with suppress(OSError):
            handle = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(f"{os.getpid()}\n{socket.gethostname()}\n")

    def touch(self) -> None:
        """Give a sign of life."""
        with suppress(OSError):
            os.utime(self._path)

    def remove(self) -> None:
        """Note that this process has the lock no more."""
        with suppress(OSError):
            self._path.unlink()

    def read(self) -> LockHolder | None:
        """Return who has the lock, if it is known."""
        try:
            pid, host, *_ = self._path.read_text(encoding="utf-8").split("\n")
            silent_for = max(0.0, time.time() - self._path.stat().st_mtime)
            number = int(pid)
        except (OSError, ValueError):
            return None
        is_here = host == socket.gethostname()
        return LockHolder(number, host, is_here, is_here and _is_stopped(number), silent_for)


def _is_stopped(pid: int) -> bool:
    """Return whether a process is suspended; False where there is no /proc."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[:1] in (["T"], ["t"])


class LockQueue:
    """Waits for a worker lock: says why nobody can take it, and which process has it and does not answer; once each."""

    def __init__(self, lock: WorkerLock, emit: Callable[[Event], object]) -> None:
        self._lock = lock
        self._emit = emit
        self._error = ""
        self._taking: asyncio.Future[bool] | None = None
        """What takes the lock in a thread, since it was tried last."""
        self._since: float | None = None
        self._told: set[tuple[int, bool]] = set()

    async def finish(self) -> None:
        """Wait for the thread that may yet take the lock: nobody would give it back."""
        if self._taking is not None:
            await asyncio.wait([self._taking])

    async def try_acquire(self, is_paused: Callable[[], bool]) -> bool:
        """Take the lock if it is free, and nobody has asked to pause meanwhile."""
        try:
            self._taking = asyncio.ensure_future(asyncio.to_thread(self._lock.try_acquire))
            is_ours = await asyncio.shield(self._taking)
        except LocalFileError as error:
            if error.title != self._error:
                self._error = error.title
                self._emit(Notice(error.title, error.hint, "error"))
            return False
        if is_ours and is_paused():
            self._lock.release()
            return False
        return is_ours

    def look(self, records: Iterable[JobRecord], now: float) -> None:
        """Look at who has the lock, if something of these records waits for it. Call it every second or so.

        Args:
            records: those of this account.
            now: seconds of a clock that only goes forward.
        """
        if not any(record.is_being_submitted or record.has_files_to_fetch for record in records):
            self._since = None
            return
        self._since = now if self._since is None else self._since
        holder = self._lock.note.read()
        if holder is None or holder.pid == os.getpid() or now - self._since < _TOLD_AFTER:
            return
        if (holder.pid, holder.answers) in self._told:
            return
        self._told.add((holder.pid, holder.answers))
        self._emit(_describe(holder))


def _describe(holder: LockHolder) -> Notice:
    """Return what is said of the process that the work of this one waits for."""
    if holder.answers:
        return Notice(
            f"Another tbatch-tui, {holder.words}, is using this data folder",
            "It also submits and downloads for this one.",
        )
    why = "it was suspended" if holder.is_stopped else f"no sign of life for {holder.silent_for:.0f} s"
    return Notice(
        f"Another tbatch-tui, {holder.words}, holds this data folder and doesn't respond: {why}",
        "Nothing is sent or downloaded until it continues (fg in its terminal) or is closed; then this one "
        "continues automatically.",
        "warning",
    )
