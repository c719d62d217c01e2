"""Download one result file: stream it to `.part`, verify it, and only then give it its name.

The bytes are the server's, untouched. A file that has the name already is never overwritten: the same bytes leave it
alone, other bytes rename it.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import shutil
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import aiofiles

from tbatch_tui.engine.download.part_file import PartState, put_in_place, take_part
from tbatch_tui.engine.download.stream_check import (
    DamagedPartError,
    StreamCheck,
    VerifiedFile,
    hash_file,
    may_be_etag_of,
)
from tbatch_tui.engine.errors import IncompleteDownloadError, LocalFileError, NotFoundError, OutcomeUnknownError
from tbatch_tui.engine.next_step import NextStep

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from tbatch_tui.engine.client.api import Content, TogetherApi
    from tbatch_tui.engine.domain.transfer import Transfer

_SYNCED_EVERY = 64 << 20
"""Bytes after which the file is synced to the disk."""
_SYNCED_AFTER = 5.0
"""Seconds after which it is synced, where fewer bytes come."""
_HASHED_AT_ONCE = 32 << 20
"""Bytes of a file up to which its SHA-256 is made before it gets its name; of a larger one it is made afterwards."""
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
    state: PartState,
    known: Transfer | None,
    rights: int,
    save: Callable[[], Awaitable[object]],
    moved: Callable[[int, int | None], None],
) -> FetchedFile:
    """Download `file_id` to `final`, resuming what an earlier attempt left in `.part`.

    Raises OutcomeUnknownError when what came is not whole, IncompleteDownloadError when it is less than what is here,
    LocalFileError when the disk is at fault, else what the request raises.

    Args:
        state: what is known of the `.part`; kept up to date.
        rights: the most that the file's mode may allow, as the input it answers does.
        known: the copy that is here already, in this folder or another, which one with fewer rows does not replace.
        save: awaited when `state` has changed: before the first byte is written, and whenever more is synced.
        moved: called with bytes done and in all after every piece.
    """
    part = final.with_name(final.name + ".part")
    try:
        await asyncio.to_thread(final.parent.mkdir, parents=True, exist_ok=True)
        handle = await asyncio.to_thread(take_part, part, rights)
        try:
            receiver = _Receiver(api, file_id, part, handle, state, save)
            verified = await receiver.receive(moved)
            if known is not None and await asyncio.to_thread(_is_worse, verified, known, final):
                await asyncio.to_thread(part.unlink, missing_ok=True)
                raise IncompleteDownloadError(
                    f"The server sent {verified.rows:,} rows, the file here has {known.rows:,}",
                    "The file here was kept.",
                )
            beside = await asyncio.to_thread(put_in_place, part, final, verified, os.fstat(handle).st_ino)
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


class _Receiver:
    """Writes the bytes of one file to its `.part`, and checks them on the way."""

    def __init__(
        self,
        api: TogetherApi,
        file_id: str,
        part: Path,
        handle: int,
        state: PartState,
        save: Callable[[], Awaitable[object]],
    ) -> None:
        self._api = api
        self._file_id = file_id
        self._part = part
        self._handle = handle
        self._state = state
        self._save = save
        self._done = 0
        self._check = StreamCheck()
        self._is_resumed = False
        """Whether the file was put together from more than one answer."""

    async def receive(self, moved: Callable[[int, int | None], None]) -> VerifiedFile:
        """Write all that is missing, sync it and verify the whole."""
        total = await self._receive_all(moved)
        verified, is_plain, doubt = self._check.result()
        if total is None or not is_plain or doubt is not None or self._is_resumed:
            # Without a length, for what may not be the file at all, and for what was put together of several
            # answers, the size that the server names decides.
            size = await self._api.file_size(self._file_id)
            if doubt is not None and size != verified.size:
                await self._remove()
                raise doubt
            total = size or total
        if total is not None and verified.size != total:
            await self._remove()
            raise OutcomeUnknownError(
                f"The download is incomplete: {verified.size:,} of {total:,} bytes came",
                "Nothing was replaced. It will be downloaded again.",
            )
        sha256 = None
        if self._is_resumed or verified.size <= _HASHED_AT_ONCE:
            sha256 = await asyncio.to_thread(hash_file, self._part)
        is_damaged = self._is_resumed and not may_be_etag_of(sha256, self._state.etag)
        if is_damaged or os.fstat(self._handle).st_size != verified.size:
            raise await self._start_over("The file on this disk differs from the server's")
        return replace(verified, sha256=sha256)

    async def _receive_all(self, moved: Callable[[int, int | None], None]) -> int | None:
        """Write all that is missing, and sync it; return the size of the whole file, if the server named it.

        A server may answer with less than the range that was asked for: then the rest is asked for at once.
        """
        state, opened = self._state, os.fstat(self._handle)
        have = min(opened.st_size, state.synced) if state.etag and state.inode == opened.st_ino else 0
        while True:
            async with self._api.content(self._file_id, offset=have, etag=state.etag if have else None) as content:
                if content.offset < 0:
                    raise await self._start_over("The server's file has changed since the download began")
                self._is_resumed |= content.offset > 0
                await self._begin(content)
                await self._write(content, moved)
            total = content.total
            if content.end is not None:
                if self._done < content.end:
                    raise OutcomeUnknownError(
                        f"The download was cut off {content.end - self._done:,} bytes before its end",
                        "It continues from there.",
                    )
                total = total if total is not None else await self._api.file_size(self._file_id)
                if total is None or self._done > content.end:
                    raise await self._start_over("The server didn't say which part of the file it sent")
            if content.end is None or total is None or self._done >= total:
                return total
            have = self._done

    async def _begin(self, content: Content) -> None:
        """Make the `.part` what this answer continues, and save that."""
        done = self._done = content.offset
        # The old bytes go before the new ETag is saved: killed in between, the two would not belong together.
        await asyncio.to_thread(os.ftruncate, self._handle, done)
        self._state.etag, self._state.inode = content.etag, os.fstat(self._handle).st_ino
        self._state.synced = min(done, self._state.synced)
        await self._save()
        if content.total is not None:
            await asyncio.to_thread(_need_room, self._part.parent, content.total - done)
        if self._check.size != done:
            self._check = StreamCheck()
            try:
                await asyncio.to_thread(self._check.add_file, self._part, done)
            except DamagedPartError:
                raise await self._start_over("The first part of the download is damaged on this disk") from None

    async def _write(self, content: Content, moved: Callable[[int, int | None], None]) -> None:
        loop = asyncio.get_running_loop()
        # Its close waits for a write that is under way in a thread, also when this is cancelled.
        async with aiofiles.open(self._handle, "r+b", closefd=False) as file:
            await file.seek(self._done)
            moved(self._done, content.total)
            syncing = asyncio.create_task(asyncio.sleep(0))
            unsynced, synced_at = 0, loop.time()
            try:
                async for piece in content.pieces(self._check.add):
                    await file.write(piece)
                    self._done += len(piece)
                    unsynced += len(piece)
                    moved(self._done, content.total)
                    # Now and then, so that little is left to sync at the end, and little is lost by a power cut.
                    is_due = unsynced >= _SYNCED_EVERY or loop.time() - synced_at >= _SYNCED_AFTER
                    if is_due and syncing.done():
                        await syncing
                        await file.flush()
                        unsynced, synced_at = 0, loop.time()
                        syncing = asyncio.create_task(self._sync_and_save(self._done))
                await syncing
                await file.flush()
                await self._sync(self._done)
            except BaseException:
                # Cut off or stopped: what came is kept. The caller saves the state, as it saves the failure.
                syncing.cancel()
                await asyncio.gather(syncing, return_exceptions=True)
                with contextlib.suppress(OSError):
                    await file.flush()
                    await self._sync(self._done)
                raise
        moved(self._done, content.total)

    async def _sync(self, done: int) -> None:
        await asyncio.to_thread(os.fsync, self._handle)
        self._state.synced = done

    async def _sync_and_save(self, done: int) -> None:
        await self._sync(done)
        await self._save()

    async def _start_over(self, reason: str) -> OutcomeUnknownError:
        """Remove the `.part`; return the error to raise."""
        await self._remove()
        return OutcomeUnknownError(reason, "Nothing was replaced. It will be downloaded again from the start.")

    async def _remove(self) -> None:
        self._state.etag, self._state.synced, self._state.inode = None, 0, None
        await asyncio.to_thread(self._part.unlink, missing_ok=True)


def _is_worse(verified: VerifiedFile, known: Transfer, final: Path) -> bool:
    """Return whether a file has fewer rows than the copy that is here. For a thread."""
    if known.rows is None or verified.rows >= known.rows:
        return False
    return is_on_disk(known) or os.path.exists(final)


def _need_room(folder: Path, size: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < size + _SPARE:
        raise OSError(errno.ENOSPC, f"{free:,} bytes free, {size:,} needed")


def _disk_error(error: OSError, final: Path) -> LocalFileError:
    kinds = {
        errno.ENOSPC: "the disk is full",
        errno.EDQUOT: "the disk quota is exceeded",
        errno.EROFS: "the folder is read-only",
        errno.EACCES: "no permission to write there",
        errno.EPERM: "no permission to write there",
        errno.ENOENT: "the folder is gone",
        errno.EFBIG: "the file system doesn't allow files that large",
        errno.ENOTDIR: "a file is where the folder should be",
        errno.EEXIST: "a file is where the folder should be",
    }
    reason = kinds.get(error.errno or 0, error.strerror or str(error))
    return LocalFileError(
        f"{final.name} cannot be written to {final.parent}: {reason}",
        f"The server still has the results. Fix this; the download is retried automatically, or right away with "
        f"{NextStep.FETCH}.",
    )
