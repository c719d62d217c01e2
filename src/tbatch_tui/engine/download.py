"""One result file onto the disk: streamed to `.part`, verified, and only then given its name.

Bytes are the server's, untouched. A file that is there already is never overwritten: the same bytes leave it
alone, other bytes put it beside.
"""

from __future__ import annotations

import asyncio
import errno
import hashlib
import json
import os
import shutil
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import aiofiles

from tbatch_tui.engine.api import TogetherApi
from tbatch_tui.engine.errors import FileTrouble, LostAnswer, WorseCopy

PIECE = 1 << 20
"""Bytes written at a time, at least."""
_SPARE = 16 << 20
"""Bytes that must stay free on the disk beside the file."""


@dataclass(frozen=True, slots=True)
class Verified:
    """What was found by reading a finished download once more."""

    size: int
    rows: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Fetched:
    """A result file under its final name. `beside` is where other bytes that had the name are now."""

    path: Path
    verified: Verified
    beside: Path | None = None


async def fetch(
    api: TogetherApi,
    file_id: str,
    final: Path,
    *,
    etag: str | None,
    rows_before: int | None,
    started: Callable[[str | None], Awaitable[object]],
    moved: Callable[[int, int | None], None],
) -> Fetched:
    """Download `file_id` to `final`. `etag` is that of a `.part` left by an earlier try, else None.

    `rows_before` are the rows of a good file that has the name now: fewer do not replace it. `started(etag)` is
    awaited before the first byte is written; `moved(done, total)` is called after every piece. Raises LostAnswer
    when what came is not whole, FileTrouble for the disk's part, else what the call raises.
    """
    part = final.with_name(final.name + ".part")
    try:
        await asyncio.to_thread(final.parent.mkdir, parents=True, exist_ok=True)
        total = await _stream(api, file_id, part, etag, started, moved)
        verified = await asyncio.to_thread(_verify, part)
        if total is None:
            total = await api.file_size(file_id)
        if total is not None and verified.size != total:
            await asyncio.to_thread(part.unlink, missing_ok=True)
            raise LostAnswer(
                f"The download was cut off: {verified.size:,} of {total:,} bytes came",
                "Nothing was replaced. It is fetched again.",
            )
        if rows_before is not None and verified.rows < rows_before and await asyncio.to_thread(final.exists):
            await asyncio.to_thread(part.unlink, missing_ok=True)
            raise WorseCopy(
                f"The server sent {verified.rows:,} rows, the file here has {rows_before:,}", "The file here was kept."
            )
        beside = await asyncio.to_thread(_put_in_place, part, final, verified)
    except OSError as error:
        raise _disk_trouble(error, final) from error
    return Fetched(final, verified, beside)


async def _stream(
    api: TogetherApi,
    file_id: str,
    part: Path,
    etag: str | None,
    started: Callable[[str | None], Awaitable[object]],
    moved: Callable[[int, int | None], None],
) -> int | None:
    """The bytes into `part`; the size of the whole file where the server said it."""
    have = await asyncio.to_thread(lambda: part.stat().st_size if etag and part.is_file() else 0)
    async with api.content(file_id, offset=have, etag=etag) as content:
        await started(content.etag)
        if content.total is not None:
            await asyncio.to_thread(_need_room, part.parent, content.total - content.offset)
        done = content.offset
        async with aiofiles.open(part, "r+b" if done else "wb") as file:
            await file.seek(done)
            buffer = bytearray()
            moved(done, content.total)
            async for piece in content.pieces:
                buffer += piece
                if len(buffer) >= PIECE:
                    await file.write(bytes(buffer))
                    done += len(buffer)
                    buffer.clear()
                    moved(done, content.total)
            await file.write(bytes(buffer))
            done += len(buffer)
            await file.truncate()
            await file.flush()
            await asyncio.to_thread(os.fsync, file.fileno())
        moved(done, content.total)
        return content.total


def _need_room(folder: Path, size: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < size + _SPARE:
        raise OSError(errno.ENOSPC, f"{free:,} bytes free, {size:,} needed")


def _verify(part: Path) -> Verified:
    """Read it once: size, rows, SHA-256. Raises LostAnswer unless the first row is an object and the last is whole."""
    hasher, size, ends, tail = hashlib.sha256(), 0, 0, b""
    with part.open("rb") as file:
        first = file.readline()
        file.seek(0)
        while piece := file.read(PIECE):
            hasher.update(piece)
            size += len(piece)
            ends += piece.count(b"\n")
            cut = piece.rfind(b"\n")
            tail = tail + piece if cut < 0 else piece[cut + 1 :]
    if first and not _is_object(first):
        part.unlink()
        raise LostAnswer("What the server sent is not a result file", "Nothing was replaced. It is fetched again.")
    if tail and not _is_object(tail):
        part.unlink()
        raise LostAnswer("The download ends in the middle of a row", "Nothing was replaced. It is fetched again.")
    return Verified(size, ends + bool(tail), hasher.hexdigest())


def _is_object(row: bytes) -> bool:
    try:
        return isinstance(json.loads(row), dict)
    except (ValueError, RecursionError):
        return False


def _put_in_place(part: Path, final: Path, verified: Verified) -> Path | None:
    """Give the verified bytes their name. Returns where other bytes that had it went, if there were any."""
    beside: Path | None = None
    if final.exists():
        if final.is_file() and final.stat().st_size == verified.size and _sha256(final) == verified.sha256:
            part.unlink()
            return None
        beside = _free_name(final)
        final.rename(beside)
    part.replace(final)
    folder = os.open(final.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return beside


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _free_name(path: Path) -> Path:
    """`x.output.jsonl` → `x.output.before-1.jsonl`, or the next number that is free."""
    number = 1
    while (found := path.with_name(f"{path.stem}.before-{number}{path.suffix}")).exists():
        number += 1
    return found


def _disk_trouble(error: OSError, final: Path) -> FileTrouble:
    kinds = {
        errno.ENOSPC: "the disk is full",
        errno.EDQUOT: "the disk quota is used up",
        errno.EROFS: "the folder is read-only",
        errno.EACCES: "no permission to write there",
        errno.EPERM: "no permission to write there",
        errno.ENOTDIR: "a file is where the folder should be",
        errno.EEXIST: "a file is where the folder should be",
    }
    what = kinds.get(error.errno or 0, error.strerror or str(error))
    return FileTrouble(
        f"{final.name} cannot be written to {final.parent}: {what}",
        "The server keeps the results. Mend that and press d, or wait: it is tried again.",
    )
