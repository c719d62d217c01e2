"""Download one result file: stream it to `.part`, verify it, and only then give it its name.

The bytes are the server's, untouched. A file that has the name already is never overwritten: the same bytes leave it
alone, other bytes rename it.
"""

from __future__ import annotations

import asyncio
import errno
import json
import os
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import aiofiles

from tbatch_tui.engine.errors import IncompleteDownloadError, LocalFileError, NotFoundError, OutcomeUnknownError
from tbatch_tui.engine.next_step import NextStep

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from tbatch_tui.engine.client.api import TogetherApi
    from tbatch_tui.engine.domain.transfer import Transfer

fcntl: Any
try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

PIECE = 1 << 20
_LONG_ROW = 300
"""Bytes from which on it is faster to search for the next line end than to count them all."""
_SYNCED_EVERY = 64 << 20
"""Bytes after which the file is synced to the disk."""
_SPARE = 16 << 20
"""Bytes that must stay free on the disk."""


@dataclass(frozen=True, slots=True)
class VerifiedFile:
    """Size and rows of a file, counted over every byte."""

    size: int
    rows: int


@dataclass(frozen=True, slots=True)
class FetchedFile:
    """A result file under its final name."""

    path: Path
    verified: VerifiedFile
    beside: Path | None = None
    """Where the file is now that had the name before, with other bytes."""


async def fetch_file(
    api: TogetherApi,
    file_id: str,
    final: Path,
    *,
    etag: str | None,
    rows_before: int | None,
    started: Callable[[str | None], Awaitable[object]],
    moved: Callable[[int, int | None], None],
) -> FetchedFile:
    """Download `file_id` to `final`, resuming what an earlier attempt left in `.part`.

    Raises OutcomeUnknownError when what came is not whole, IncompleteDownloadError when it is less than what is here,
    LocalFileError when the disk is at fault, else what the request raises.

    Args:
        etag: of the bytes in `.part`; None if there are none.
        rows_before: rows of the good file that has the name now, which a file with fewer rows does not replace.
        started: awaited with the server's ETag before the first byte is written.
        moved: called with bytes done and in all after every piece.
    """
    part = final.with_name(final.name + ".part")
    try:
        await asyncio.to_thread(final.parent.mkdir, parents=True, exist_ok=True)
        handle = await asyncio.to_thread(_take_part, part)
        try:
            check = StreamCheck()
            total = await _stream(api, file_id, part, handle, etag, check, started, moved)
            verified, is_plain, doubt = check.result()
            if total is None or not is_plain or doubt is not None:
                # Without a length, and for what may not be the file at all, the size that the server names decides.
                size = await api.file_size(file_id)
                if doubt is not None and size != verified.size:
                    await asyncio.to_thread(part.unlink, missing_ok=True)
                    raise doubt
                total = size or total
            if total is not None and verified.size != total:
                await asyncio.to_thread(part.unlink, missing_ok=True)
                raise OutcomeUnknownError(
                    f"The download was cut off: {verified.size:,} of {total:,} bytes came",
                    "Nothing was replaced. It is fetched again.",
                )
            if rows_before is not None and verified.rows < rows_before and await asyncio.to_thread(final.exists):
                await asyncio.to_thread(part.unlink, missing_ok=True)
                raise IncompleteDownloadError(
                    f"The server sent {verified.rows:,} rows, the file here has {rows_before:,}",
                    "The file here was kept.",
                )
            beside = await asyncio.to_thread(_put_in_place, part, final, verified)
        except NotFoundError:
            await asyncio.to_thread(part.unlink, missing_ok=True)
            raise
        finally:
            if os.fstat(handle).st_size == 0:
                part.unlink(missing_ok=True)
            os.close(handle)  # releases the lock: until here nobody else writes to it
    except OSError as error:
        raise _disk_error(error, final) from error
    return FetchedFile(final, verified, beside)


def is_on_disk(transfer: Transfer) -> bool:
    """Return whether a downloaded file is still there, with the same size. For a thread."""
    try:
        return transfer.path is not None and transfer.path.stat().st_size == transfer.size
    except OSError:
        return False


def _take_part(part: Path) -> int:
    """Open and lock the `.part`. Raises LocalFileError while another app writes to it."""
    while True:
        handle = os.open(part, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o666)
        try:
            if not _lock(handle):
                raise LocalFileError(
                    f"{part.name} is being written by another tbatch-tui", "It is tried again when that is done."
                )
            opened = os.fstat(handle)
            if opened.st_nlink > 1:
                part.unlink(missing_ok=True)  # it has its final name already: never to be written to again
            elif part.exists() and part.stat().st_ino == opened.st_ino:
                return handle
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)


def _lock(handle: int) -> bool:
    if fcntl is None:
        return True
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        pass  # a file system without locks
    return True


async def _stream(
    api: TogetherApi,
    file_id: str,
    part: Path,
    handle: int,
    etag: str | None,
    check: StreamCheck,
    started: Callable[[str | None], Awaitable[object]],
    moved: Callable[[int, int | None], None],
) -> int | None:
    """Write the bytes to `part` and pass them to `check`; return the size of the whole file, if the server named it."""
    have = os.fstat(handle).st_size if etag else 0
    async with api.content(file_id, offset=have, etag=etag) as content:
        if content.offset < 0:
            await asyncio.to_thread(part.unlink, missing_ok=True)
            await started(None)
            raise OutcomeUnknownError(
                "The server's file is not the one that was begun", "It is fetched again from its start."
            )
        done = content.offset
        # Its close waits for a write that is under way in a thread, also when this is cancelled.
        async with aiofiles.open(handle, "r+b", closefd=False) as file:
            # The old bytes go before the new ETag is saved: killed in between, the two would not belong together.
            await file.truncate(done)
            await started(content.etag)
            if content.total is not None:
                await asyncio.to_thread(_need_room, part.parent, content.total - done)
            if done:
                await asyncio.to_thread(check.add_file, part, done)
            await file.seek(done)
            moved(done, content.total)
            synced: asyncio.Future[None] = asyncio.ensure_future(asyncio.sleep(0))
            unsynced = 0
            async for piece in content.pieces(check.add):
                await file.write(piece)
                done += len(piece)
                unsynced += len(piece)
                moved(done, content.total)
                # Now and then, so that little is left to sync at the end.
                if unsynced >= _SYNCED_EVERY and synced.done():
                    unsynced = 0
                    await synced
                    synced = asyncio.ensure_future(asyncio.to_thread(os.fsync, handle))
            await file.flush()
            await synced
            await asyncio.to_thread(os.fsync, handle)
        moved(done, content.total)
        return content.total


def _need_room(folder: Path, size: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < size + _SPARE:
        raise OSError(errno.ENOSPC, f"{free:,} bytes free, {size:,} needed")


class StreamCheck:
    """Checks the bytes of a result file as they come: size, rows, and whether it is whole at both ends."""

    def __init__(self) -> None:
        self._size = self._ends = 0
        self._first: list[bytes] = []
        self._last: list[bytes] = []
        """The first row as far as it came, and what came after the last line end."""

    def add(self, piece: bytes | bytearray) -> None:
        """Take the next bytes."""
        if not self._ends:
            cut = piece.find(b"\n")
            self._first.append(bytes(piece) if cut < 0 else bytes(piece[:cut]))
        self._size += len(piece)
        self._ends += self._line_ends(piece)
        cut = piece.rfind(b"\n")
        if cut >= 0:
            self._last.clear()
        self._last.append(bytes(piece[cut + 1 :]))

    def _line_ends(self, piece: bytes | bytearray) -> int:
        """Count line ends. For long rows, `find` from one to the next is four times as fast as `count`."""
        if self._ends and self._size / self._ends < _LONG_ROW:
            return piece.count(b"\n")
        number, position, find = 0, 0, piece.find
        while position := find(b"\n", position) + 1:
            number += 1
        return number

    def add_file(self, path: Path, size: int) -> None:
        """Take the first `size` bytes of a file: what was there already."""
        with path.open("rb") as file:
            while size and (piece := file.read(min(PIECE, size))):
                self.add(piece)
                size -= len(piece)

    def result(self) -> tuple[VerifiedFile, bool, OutcomeUnknownError | None]:
        """Return the file, whether it plainly is a result file (its rows have a custom_id), and a doubt, if any.

        A first row that is no object, or a last row that is not whole, makes doubtful: it may be a proxy's page, or be
        cut off. A file that really is like that on the server has the size that the server names, and counts as a
        result all the same.
        """
        first, last = b"".join(self._first), b"".join(self._last)
        row = _object(first)
        doubt: OutcomeUnknownError | None = None
        if self._size and row is None:
            doubt = OutcomeUnknownError(
                "What the server sent is not a result file", "Nothing was replaced. It is fetched again."
            )
        elif last and _object(last) is None:
            doubt = OutcomeUnknownError(
                "The download ends in the middle of a row", "Nothing was replaced. It is fetched again."
            )
        return VerifiedFile(self._size, self._ends + bool(last)), row is not None and "custom_id" in row, doubt


def _object(row: bytes) -> dict[str, object] | None:
    try:
        value = json.loads(row)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _put_in_place(part: Path, final: Path, verified: VerifiedFile) -> Path | None:
    """Give the verified file its name; return the new path of a file with other bytes that had the name."""
    beside: Path | None = None
    while True:
        if os.path.lexists(final):
            if final.is_file() and final.stat().st_size == verified.size and _same_bytes(part, final):
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


def _disk_error(error: OSError, final: Path) -> LocalFileError:
    kinds = {
        errno.ENOSPC: "the disk is full",
        errno.EDQUOT: "the disk quota is used up",
        errno.EROFS: "the folder is read-only",
        errno.EACCES: "no permission to write there",
        errno.EPERM: "no permission to write there",
        errno.ENOENT: "the folder is gone",
        errno.EFBIG: "a file may not be that large there",
        errno.ENOTDIR: "a file is where the folder should be",
        errno.EEXIST: "a file is where the folder should be",
    }
    reason = kinds.get(error.errno or 0, error.strerror or str(error))
    return LocalFileError(
        f"{final.name} cannot be written to {final.parent}: {reason}",
        f"The server keeps the results. Mend that: it is tried again by itself, and at once with {NextStep.FETCH}.",
    )
