"""Remove the files of parts once their group has ended, where the input file has the same bytes.

What each part was is known by its hash, and where its bytes are in the input file was noted when it was written. So a
file is removed only after the slice was read and found to be the part, while the input file stays as it is. Killed in
between, the next start goes on with what is left.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from tbatch_tui.engine.domain.submission import REMOVED, REMOVING, parse_slices
from tbatch_tui.engine.domain.transfer import TransferState
from tbatch_tui.engine.groups.part_folders import removing_copies
from tbatch_tui.engine.local_files.file_slices import read_slices, stamp_of_slices
from tbatch_tui.engine.threads import run_reading, yield_to_loop

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from pathlib import Path

    from tbatch_tui.engine.domain.record import JobRecord
    from tbatch_tui.engine.domain.submission import FileSlice
    from tbatch_tui.engine.journal.store import JobStore
    from tbatch_tui.engine.local_files.file_stamp import FileStamp
    from tbatch_tui.engine.runtime.runtime import Runtime

_NICE = 10
"""How much less of the processor than others the comparison gets."""


class _Copy(NamedTuple):
    """The file of a part, and where its bytes are in the input file."""

    path: Path
    slices: tuple[FileSlice, ...]
    size: int
    sha256: str


class PartCopies:
    """Removes files of parts that are not needed any more."""

    def __init__(self, runtime: Runtime, store: JobStore, home: Path) -> None:
        """`home` is the folder in which each group has one for its parts. Nothing outside of it is removed."""
        self._runtime = runtime
        self._store = store
        self._home = home.absolute()
        self._due: set[int] = set()
        self._given_up: set[int] = set()
        """Groups of which a file could not be removed: they are tried again with the next start."""
        self._at_work = asyncio.Lock()

    def soon(self, group_id: int) -> None:
        """Have the files of a group removed in the background, if it has ended."""
        if group_id not in self._due and not self._runtime.options.keep_parts:
            self._due.add(group_id)
            self._runtime.spawn(self.remove_if_ended(group_id))

    async def resume(self) -> None:
        """Do the same for groups that ended while no app was open, or just before one was closed."""
        for group_id in await self._store.groups.with_copies():
            await self.remove_if_ended(group_id)

    async def remove_if_ended(self, group_id: int) -> int:
        """Remove the files of a group's parts, if it has ended and they are not to be kept; return how many."""
        async with self._at_work:  # one group at a time: it is the disk that is waited for
            self._due.discard(group_id)
            if self._runtime.options.keep_parts or not await self._store.groups.has_ended(group_id):
                return 0
            return await self._remove(group_id)

    async def _remove(self, group_id: int) -> int:
        """Remove the files of a group's parts, where all is here; return how many were removed."""
        parts = await self._store.groups.parts(group_id, even_removed=True)
        group = parts[0].group if parts else None
        if group is None or len(parts) < group.parts or group.copies == REMOVED or group_id in self._given_up:
            return 0
        if not all(map(_is_over, parts)):
            return 0
        copies = await asyncio.to_thread(self._removable, parts)
        if not copies:
            if group.copies == REMOVING:  # killed after the last file
                await self._store.groups.note_copies(group_id, REMOVED)
            return 0
        before = await asyncio.to_thread(_stamp, copies)
        if before is None or group.copies == _format(before):
            return 0  # the input file is gone, or was found another one before
        try:
            is_same = await run_reading(_are_in_input, copies)
        except OSError:
            return 0  # it is on a disk that is away, say: tried again with the next start
        if not is_same:
            await self._store.groups.note_copies(group_id, _format(before))
            return 0
        async with removing_copies(self._home) as is_alone:
            if not is_alone or await asyncio.to_thread(_stamp, copies) != before:
                return 0
            self._given_up.add(group_id)  # until it is done: what is noted here is announced, and begins it again
            free = await self._store.groups.note_copies(group_id, REMOVING, [copy.path for copy in copies])
            if free is None:
                self._given_up.discard(group_id)
                return 0  # a part was sent again meanwhile
            removed = await asyncio.to_thread(_unlink, copies, free, before)
        if removed == len(free):
            await self._store.groups.note_copies(group_id, REMOVED)
            self._given_up.discard(group_id)
        return removed

    def _removable(self, parts: Sequence[JobRecord]) -> list[_Copy]:
        """Return the files that are here, are ours, and whose bytes are in a file that is not. For a thread."""
        found = []
        for part in parts:
            submission = part.submission
            slices = parse_slices(submission.slices) if submission is not None else ()
            if submission is None or not slices or not submission.path.is_relative_to(self._home):
                continue
            if not part.paths:
                continue  # nothing came of it: it may be checked, mended or sent again
            if not any(each.path.is_relative_to(self._home) for each in slices) and os.path.isfile(submission.path):
                found.append(_Copy(submission.path, slices, submission.size, submission.sha256))
        return found


def _is_over(part: JobRecord) -> bool:
    """Return whether nothing can come of a part any more, and what came of it is here and verified."""
    if part.job is None:
        return part.can_send_again  # refused or stopped: if it is sent after all, its file is written anew
    fetched = [transfer for transfer in part.transfers if transfer.state is TransferState.FETCHED and transfer.sha256]
    return part.is_finished and len(fetched) == len(part.transfers) == len(part.result_kinds)


def _stamp(copies: Sequence[_Copy]) -> FileStamp | None:
    """Return the stamp of the files that have the bytes of all parts; None if one cannot be looked at."""
    return stamp_of_slices([each for copy in copies for each in copy.slices])


def _format(stamp: FileStamp) -> str:
    return ":".join(map(str, stamp))


def _are_in_input(copies: Sequence[_Copy], *, cancelled: Callable[[], bool] = lambda: False) -> bool:
    """Read the slices of all parts, and return whether they are these parts. For a thread of its own.

    Raises OSError and OperationCancelledError.
    """
    if sys.platform == "linux":
        with suppress(OSError):  # of this thread alone
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)

    def is_cancelled() -> bool:
        yield_to_loop()
        return cancelled()

    for copy in copies:
        found = read_slices(copy.slices, cancelled=is_cancelled)
        if (found.size, found.sha256) != (copy.size, copy.sha256):
            return False
    return True


def _unlink(copies: Sequence[_Copy], free: Collection[Path], stamp: FileStamp) -> int:
    """Remove files, as long as the input file has this stamp; return how many are gone. For a thread."""
    removed = 0
    for copy in copies:
        if copy.path not in free:
            continue
        if _stamp(copies) != stamp:
            break
        with suppress(OSError):
            copy.path.unlink(missing_ok=True)
            removed += 1
    for folder in {copy.path.parent for copy in copies}:
        with suppress(OSError):  # it is not empty
            folder.rmdir()
    return removed
