"""The `.part` of a result file: opened for one app alone, and in the end given the file's name."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tbatch_tui.engine.download.stream_check import PIECE
from tbatch_tui.engine.errors import LocalFileError, OutcomeUnknownError

if TYPE_CHECKING:
    from pathlib import Path

    from tbatch_tui.engine.download.stream_check import VerifiedFile

fcntl: Any
try:
    import fcntl
except ImportError:  # Windows
    fcntl = None
_MODE_MAX = 0o644
"""The most rights of a `.part`, and so of the result, less what the umask takes: others never write to it."""


@dataclass(slots=True)
class PartState:
    """What is known of a `.part`. It is resumed as far as that goes, and no further."""

    etag: str | None = None
    """Of the server's file that it is a part of."""
    synced: int = 0
    """Bytes that are certainly on the disk."""
    inode: int | None = None
    """Which file it is."""


def take_part(part: Path, rights: int = _MODE_MAX) -> int:
    """Open and lock the `.part`, which gets no more than these rights.

    Raises LocalFileError while another app writes to it.

    One that others made, or can write to, is removed and made anew: they could change it after it was verified.
    """
    while True:
        handle, is_new = _open(part, rights & _MODE_MAX)
        if handle is None:
            continue
        try:
            is_locked = _lock(handle)
            if is_locked is False:
                raise LocalFileError(
                    f"{part.name} is being written by another tbatch-tui", "It will be retried when that is done."
                )
            opened = os.fstat(handle)
            if opened.st_nlink > 1 or not (is_new or (is_locked and _is_ours(opened))):
                # Or it has its final name already: then it is never to be written to again. Without locks it may be
                # another app's: each then writes a file of its own, from the start.
                part.unlink(missing_ok=True)
            elif os.path.exists(part) and part.stat().st_ino == opened.st_ino:
                _narrow(handle, opened.st_mode, rights)
                return handle
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)


def _open(part: Path, mode: int) -> tuple[int | None, bool]:
    """Open the `.part`, or make it; return its handle and whether it is new.

    None if another app made or removed it this instant. A new one is ours also on a file system that has no modes.
    """
    flags = os.O_RDWR | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        return os.open(part, flags), False
    except PermissionError:
        part.unlink(missing_ok=True)  # of another user, who lets nobody read it
        return None, False
    except FileNotFoundError:
        pass
    try:
        return os.open(part, flags | os.O_CREAT | os.O_EXCL, mode), True
    except FileExistsError:
        return None, False


def _narrow(handle: int, mode: int, rights: int) -> None:
    """Take away the rights that a `.part` of an earlier attempt has too many of."""
    mode = stat.S_IMODE(mode)
    if mode & ~rights and hasattr(os, "fchmod"):
        os.fchmod(handle, mode & rights)


def _is_ours(opened: os.stat_result) -> bool:
    if not stat.S_ISREG(opened.st_mode):
        return False
    return os.name == "nt" or (opened.st_uid == os.geteuid() and not opened.st_mode & 0o022)


def _lock(handle: int) -> bool | None:
    """Return whether the file is locked for us; False if it is another app's, None if the file system has no locks."""
    if fcntl is None:
        return True
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


def put_in_place(part: Path, final: Path, verified: VerifiedFile, inode: int | None = None) -> Path | None:
    """Give the verified file its name; return the new path of a file with other bytes that had the name.

    Raises OutcomeUnknownError if the `.part` is not the file with this inode any more.
    """
    beside: Path | None = None
    while True:
        if inode is not None and part.stat().st_ino != inode:
            raise OutcomeUnknownError(
                f"Another program has replaced {part.name}", "Nothing was replaced. It will be downloaded again."
            )
        if os.path.lexists(final):
            if os.path.isfile(final) and final.stat().st_size == verified.size and _same_bytes(part, final):
                part.unlink()
                return beside
            beside = _free_name(final)
            final.rename(beside)
        try:
            os.link(part, final)  # unlike a rename, it never replaces a file that came there this instant
        except FileExistsError:
            continue
        except OSError:
            part.replace(final)  # a file system without links
        else:
            if inode is not None and final.stat().st_ino != inode:  # replaced since it was looked at
                final.unlink()
                continue
            part.unlink()
        break
    _sync_folder(final.parent)
    return beside


def _sync_folder(path: Path) -> None:
    folder = os.open(path, os.O_RDONLY)
    try:
        os.fsync(folder)
    except OSError:
        pass  # some network file systems cannot; the file itself is synced
    finally:
        os.close(folder)


def _same_bytes(one: Path, other: Path) -> bool:
    with one.open("rb") as mine, other.open("rb") as theirs:
        while (piece := mine.read(PIECE)) == theirs.read(PIECE):
            if not piece:
                return True
    return False


def _free_name(path: Path) -> Path:
    """Return `x.output.before-1.jsonl` for `x.output.jsonl`, or the next number that is free."""
    number = 1
    while os.path.lexists(free := path.with_name(f"{path.stem}.before-{number}{path.suffix}")):
        number += 1
    return free
