"""The folders that parts are written to: locked while one is written, and removed if no submission came of it."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from tbatch_tui.engine.threads import run_detached

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
    from pathlib import Path

fcntl: Any
try:
    import fcntl
except ImportError:  # Windows
    fcntl = None
_NAME = re.compile("[0-9a-f]{12}")
"""What a folder of parts is called: nothing else is ever removed."""


@asynccontextmanager
async def writing_parts(home: Path) -> AsyncIterator[None]:
    """Keep every process from removing folders in `home`, from the first byte until the parts are in the history."""
    handle = await _lock(home, exclusive=False)
    try:
        yield
    finally:
        if handle is not None:
            os.close(handle)


async def remove_orphans(home: Path, read_in_use: Callable[[], Awaitable[Iterable[Path]]]) -> int:
    """Remove the folders in `home` that hold no file of a submission; return how many there were.

    They are what is left of an app that was killed between the writing of parts and their entry in the history. While
    any process writes parts, or where the file system has no locks, nothing is removed.

    Args:
        read_in_use: reads the files of all parts from the history. Called once nobody can be writing.
    """
    if not await asyncio.to_thread(os.path.isdir, home):
        return 0
    handle = await _lock(home, exclusive=True)
    if handle is None:
        return 0
    try:
        in_use = {path.parent.name for path in await read_in_use()}
        return await asyncio.to_thread(_remove, home, in_use)
    finally:
        os.close(handle)


@asynccontextmanager
async def using_copies(home: Path) -> AsyncIterator[None]:
    """Keep every process from removing files of parts in `home` because they are in their input file too."""
    handle = await _lock(home, exclusive=False, name="copies")
    try:
        yield
    finally:
        if handle is not None:
            os.close(handle)


@asynccontextmanager
async def removing_copies(home: Path) -> AsyncIterator[bool]:
    """Yield whether nobody uses files of parts in `home` now, or begins to before the end of this."""
    handle = await _lock(home, exclusive=True, name="copies")
    try:
        yield handle is not None
    finally:
        if handle is not None:
            os.close(handle)


async def _lock(home: Path, *, exclusive: bool, name: str = "") -> int | None:
    """Do what `_open_lock` does in a thread; a lock that comes after this was cancelled is let go."""
    handles: list[int | None] = []

    def lock() -> int | None:
        handles.append(_open_lock(home, exclusive=exclusive, name=name))
        return handles[0]

    def let_go() -> None:
        if handles and handles[0] is not None:
            os.close(handles[0])

    return await run_detached(lock, abandoned=let_go)


def _open_lock(home: Path, *, exclusive: bool, name: str = "") -> int | None:
    """Return the locked lock file; None if it cannot be locked. A shared lock is waited for, an exclusive one not."""
    if fcntl is None:
        return None
    path = home.with_name(f"{home.name}.{name}.lock" if name else f"{home.name}.lock")
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB if exclusive else fcntl.LOCK_SH)
    except OSError:
        os.close(handle)
        return None
    return handle


def _remove(home: Path, in_use: set[str]) -> int:
    """By name alone, not by path: the data folder may have been moved since."""
    orphans = [path for path in home.iterdir() if _NAME.fullmatch(path.name) and path.name not in in_use]
    for path in orphans:
        if os.path.isdir(path) and not os.path.islink(path):
            shutil.rmtree(path, ignore_errors=True)
    return sum(not os.path.exists(path) for path in orphans)
