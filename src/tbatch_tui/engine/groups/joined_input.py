"""Several input files as one: what a group is made of whose requests lie in more than one file."""

from __future__ import annotations

import asyncio
import hashlib
import os
import secrets
import shutil
from bisect import bisect_right
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from tbatch_tui.engine.domain.submission import FileSlice, GroupFile
from tbatch_tui.engine.errors import LocalFileError, OperationCancelledError
from tbatch_tui.engine.groups.part_folders import writing_parts
from tbatch_tui.engine.groups.split import need_room
from tbatch_tui.engine.local_files.file_stamp import read_stamp
from tbatch_tui.engine.local_files.filenames import safe_name
from tbatch_tui.engine.local_files.rights import create_file, rights_of
from tbatch_tui.engine.threads import run_cancellable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
    from pathlib import Path

    from tbatch_tui.engine.domain.check_report import CheckReport

_BOM = b"\xef\xbb\xbf"
_CHECKED_EVERY = 1000
"""Lines after which it is checked whether to stop."""
_PIECE = 1 << 20
"""Bytes that are read at once to hash them."""


class JoinedInput(NamedTuple):
    """A file with the lines of several, and what those were."""

    path: Path
    files: tuple[GroupFile, ...]


@asynccontextmanager
async def joined_input(
    reports: Sequence[CheckReport], home: Path, name: str, read_in_use: Callable[[], Awaitable[Iterable[Path]]]
) -> AsyncIterator[JoinedInput]:
    """Write one file with the lines of several, and remove it at the end unless it is in the history by then.

    Raises LocalFileError, also when a file is not as it was checked.

    Args:
        reports: of the files, in their order.
        home: the folder in which a folder is made for it.
        name: what the file is called, without its suffix.
        read_in_use: reads the files of all groups from the history.
    """
    async with writing_parts(home):
        joined = await run_cancellable(_join, reports, home, name)
        try:
            yield joined
        finally:
            if joined.path.parent.name not in {path.parent.name for path in await read_in_use()}:
                await asyncio.to_thread(shutil.rmtree, joined.path.parent, ignore_errors=True)


def _join(
    reports: Sequence[CheckReport], home: Path, name: str, *, cancelled: Callable[[], bool] = lambda: False
) -> JoinedInput:
    folder = home.absolute() / secrets.token_hex(6)
    path = folder / f"{safe_name(name)}.jsonl"
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        size = sum(report.size + 1 for report in reports)  # with the line end that the last line may lack
        need_room(f"The {len(reports):,} files, joined and then in parts,", home, 2 * size)
        folder.mkdir(mode=0o700)
        with create_file(path, rights_of(*(report.path for report in reports))) as file:
            files = tuple(_append(report, file, cancelled) for report in reports)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise LocalFileError(
            f"The files cannot be joined in {folder}: {error.strerror or error}",
            "Nothing was submitted, and no files were left behind. --data-dir sets where they go.",
        ) from error
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return JoinedInput(path, files)


def _append(report: CheckReport, file: BinaryIO, cancelled: Callable[[], bool]) -> GroupFile:
    """Append the lines of one file, the last with its end too. Raises LocalFileError if it has changed."""
    digest, requests, line, at, begin = hashlib.sha256(), 0, b"\n", file.tell(), 0
    with report.path.open("rb") as source:
        for number, line in enumerate(source):
            if number % _CHECKED_EVERY == 0 and cancelled():
                raise OperationCancelledError("Joining the files was stopped")
            digest.update(line)
            if number == 0 and line.startswith(_BOM):
                begin = len(_BOM)
            file.write(line if number else line[begin:])
            requests += not line.isspace() and line != _BOM
    lacks_end = not line.endswith(b"\n")
    if lacks_end:
        file.write(b"\n")
    stamp = read_stamp(report.path)
    if stamp is None or (stamp.size, stamp.mtime_ns) != (report.size, report.mtime_ns) or requests != report.requests:
        raise LocalFileError(
            f"{report.path.name} has changed since it was checked",
            "Nothing was submitted. Submit it again when it is complete.",
        )
    return GroupFile(report.path.absolute(), report.size, digest.hexdigest(), requests, begin, at, lacks_end)


def slices_in_files(slices: Sequence[FileSlice], files: Sequence[GroupFile]) -> tuple[FileSlice, ...]:
    """Return where slices of the joined file are in the files that it was joined of."""
    begins, found = [file.at for file in files], []
    for each in slices:
        at, left = each.offset, each.size
        while left:
            file = files[bisect_right(begins, at) - 1]
            lines = file.size - file.begin + file.lacks_end
            size = min(left, file.at + lines - at)
            lacks_end = file.lacks_end and at + size == file.at + lines
            found.append(FileSlice(file.path, file.begin + at - file.at, size, at, lacks_end))
            at, left = at + size, left - size
    return tuple(found)


class JoinedHashes(NamedTuple):
    """What files would be if they were joined."""

    size: int
    sha256: str
    files: tuple[str, ...]
    """The SHA-256 of each."""


def hash_joined(paths: Sequence[Path], *, cancelled: Callable[[], bool] = lambda: False) -> JoinedHashes:
    """Read files, and return what they are, each alone and joined. Nothing is written. For a thread.

    Raises LocalFileError, and OperationCancelledError once `cancelled` returns true.
    """
    whole, size, hashes = hashlib.sha256(), 0, []
    for path in paths:
        digest, piece, is_first = hashlib.sha256(), b"\n", True
        try:
            with path.open("rb", buffering=0) as file:
                while read := file.read(_PIECE):
                    if cancelled():
                        raise OperationCancelledError(f"Reading {path.name} was stopped")
                    piece = read
                    digest.update(piece)
                    joined = piece.removeprefix(_BOM) if is_first else piece
                    whole.update(joined)
                    size += len(joined)
                    is_first = False
        except OSError as error:
            raise LocalFileError(
                f"{path} cannot be read: {error.strerror or error}",
                "Check the path and its permissions; nothing was sent.",
            ) from error
        if not piece.endswith(b"\n"):
            whole.update(b"\n")
            size += 1
        hashes.append(digest.hexdigest())
    return JoinedHashes(size, whole.hexdigest(), tuple(hashes))
