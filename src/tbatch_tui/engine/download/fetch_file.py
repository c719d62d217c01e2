"""Download one result file: stream it to `.part`, verify it, and only then give it its name.

The bytes are the server's, untouched. A file that has the name already is never overwritten: the same bytes leave it
alone, other bytes rename it.
"""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

import aiofiles

from tbatch_tui.engine.download.part_file import put_in_place, take_part
from tbatch_tui.engine.download.stream_check import StreamCheck, VerifiedFile
from tbatch_tui.engine.errors import IncompleteDownloadError, LocalFileError, NotFoundError, OutcomeUnknownError
from tbatch_tui.engine.next_step import NextStep

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from tbatch_tui.engine.client.api import TogetherApi
    from tbatch_tui.engine.domain.transfer import Transfer

_SYNCED_EVERY = 64 << 20
"""Bytes after which the file is synced to the disk."""
_SPARE = 16 << 20
"""Bytes that must stay free on the disk."""


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
        handle = await asyncio.to_thread(take_part, part)
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
            beside = await asyncio.to_thread(put_in_place, part, final, verified)
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
