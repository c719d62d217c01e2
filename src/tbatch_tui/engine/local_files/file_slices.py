"""Bytes that are in slices of other files, read as one file."""

from __future__ import annotations

import errno
import io
import os
import zlib
from bisect import bisect_right
from contextlib import contextmanager
from itertools import accumulate
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, cast

from tbatch_tui.engine.errors import OperationCancelledError
from tbatch_tui.engine.local_files.file_stamp import FileStamp, read_stamp
from tbatch_tui.engine.local_files.fingerprint import Fingerprint

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from _typeshed import WriteableBuffer

    from tbatch_tui.engine.domain.submission import FileSlice


_PIECE = 1 << 20
"""Bytes that are read at once."""


class CopiedSlice(NamedTuple):
    """A slice whose bytes may also be in another file, which is read where it is there."""

    slice: FileSlice
    copy: Path
    offset: int
    """Where they are in the copy."""


class InputPlace(NamedTuple):
    """Where the bytes of a file are: in a file of their own, else in slices of others."""

    path: Path
    slices: tuple[FileSlice | CopiedSlice, ...] = ()
    """Where they are if there is no file at `path`."""

    @contextmanager
    def open(self) -> Iterator[tuple[BinaryIO, FileStamp]]:
        """Open the bytes as one file, without a buffer; yield it with its stamp. Raises OSError."""
        try:
            opened = self.path.open("rb", buffering=0)
        except FileNotFoundError:
            if not self.slices:
                raise
        else:
            with opened as file:
                yield cast("BinaryIO", file), FileStamp.of(os.fstat(file.fileno()))
                return
        with SlicedFile(_where_they_are(self.slices)) as sliced:
            yield cast("BinaryIO", sliced), sliced.stamp

    @property
    def is_sliced(self) -> bool:
        """Whether the bytes are read from slices of other files, as there is no file of their own. Reads the disk."""
        return bool(self.slices) and not is_there(self.path)

    @property
    def files(self) -> tuple[Path, ...]:
        """The files that are read. Reads the disk."""
        if not self.is_sliced:
            return (self.path,)
        return tuple(dict.fromkeys(each.path for each in _where_they_are(self.slices)))

    @property
    def stamp(self) -> FileStamp | None:
        """The stamp of what is read; None if it is gone, or cannot be looked at."""
        if not self.is_sliced:
            return read_stamp(self.path)
        return stamp_of_slices(_where_they_are(self.slices))

    def read(self, *, cancelled: Callable[[], bool] = lambda: False) -> Fingerprint:
        """Read all bytes. Raises OSError, and OperationCancelledError once `cancelled` returns true."""
        with self.open() as (file, stamp):
            return _fingerprint(file, stamp, cancelled)


def read_slices(slices: Sequence[FileSlice], *, cancelled: Callable[[], bool] = lambda: False) -> Fingerprint:
    """Read the bytes in slices of files, wherever else they are. Raises as `InputPlace.read` does."""
    with SlicedFile(slices) as file:
        return _fingerprint(cast("BinaryIO", file), file.stamp, cancelled)


def _fingerprint(file: BinaryIO, stamp: FileStamp, cancelled: Callable[[], bool]) -> Fingerprint:
    import hashlib

    digest, size = hashlib.sha256(), 0
    while piece := file.read(_PIECE):
        if cancelled():
            raise OperationCancelledError("Reading the input file was stopped")
        digest.update(piece)
        size += len(piece)
    return Fingerprint(size, digest.hexdigest(), stamp.mtime_ns)


def stamp_of_slices(slices: Sequence[FileSlice]) -> FileStamp | None:
    """Return a stamp of the bytes in slices of files; None if one is gone, or cannot be looked at."""
    try:
        return _stamp_of(slices, _stamps_of(slices))
    except (OSError, ValueError):
        return None


def is_there(path: Path) -> bool:
    """Return whether a path leads to a file; True also where it cannot be looked at: who opens it names the reason."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except (OSError, ValueError):
        pass
    return True


def _where_they_are(slices: Sequence[FileSlice | CopiedSlice]) -> list[FileSlice]:
    """Return the slices, each in its copy where that is there."""
    copies = {each.copy for each in slices if isinstance(each, CopiedSlice)}
    here = {path for path in copies if is_there(path)}
    found = []
    for each in slices:
        if not isinstance(each, CopiedSlice):
            found.append(each)
        elif each.copy in here:
            found.append(each.slice._replace(path=each.copy, offset=each.offset, lacks_end=False))
        else:
            found.append(each.slice)
    return found


def _stamps_of(slices: Sequence[FileSlice]) -> dict[Path, FileStamp]:
    return {path: FileStamp.of(path.stat()) for path in dict.fromkeys(each.path for each in slices)}


def _stamp_of(slices: Sequence[FileSlice], stamps: Mapping[Path, FileStamp]) -> FileStamp:
    """Return a stamp of the bytes in slices: another one if any of the files has changed. Its size is theirs."""
    times = [stamp.mtime_ns for stamp in stamps.values()]
    checksum = zlib.crc32(repr([*stamps.values()]).encode())
    return FileStamp(checksum, sum(each.size for each in slices), max(times, default=0))


def read_at(file: BinaryIO, size: int, offset: int) -> bytes:
    """Return so many bytes of an open file, fewer at its end. Raises OSError."""
    if isinstance(file, SlicedFile):
        file.seek(offset)
        return file.read(size) or b""
    return os.pread(file.fileno(), size, offset)


class SlicedFile(io.RawIOBase):
    """Slices of files, one after the other, as one file to read. One of the files is open at a time."""

    def __init__(self, slices: Sequence[FileSlice]) -> None:
        """Look at the files. Raises OSError if one is gone."""
        super().__init__()
        self._slices = slices
        self._ends = [*accumulate(each.size for each in slices)]
        self._stamps = _stamps_of(slices)
        self.stamp = _stamp_of(slices, self._stamps)
        self._position = 0
        self._open: tuple[Path, BinaryIO] | None = None

    def readable(self) -> bool:
        """Return that it can be read."""
        return True

    def seekable(self) -> bool:
        """Return that it can be read from anywhere."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to an offset, and return it."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._ends[-1] if self._ends else 0}[whence]
        self._position = max(0, base + offset)
        return self._position

    def tell(self) -> int:
        """Return the offset of the next byte."""
        return self._position

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Read until the buffer is full, or the last slice has ended. Raises OSError if a file has changed."""
        view = memoryview(buffer).cast("B")
        done = 0
        number = bisect_right(self._ends, self._position)
        while done < len(view) and number < len(self._slices):
            part = self._slices[number]
            at = self._position - (self._ends[number] - part.size)
            count = self._read_slice(part, at, view[done : done + part.size - at])
            self._position, done = self._position + count, done + count
            number += self._position >= self._ends[number]
        return done

    def _read_slice(self, part: FileSlice, at: int, view: memoryview) -> int:
        """Read the bytes of a slice from `at` on into the view; return how many."""
        stored = part.size - part.lacks_end - at
        if stored <= 0:
            view[0] = ord("\n")
            return 1
        file = self._file(part.path)
        file.seek(part.offset + at)
        count = cast("io.RawIOBase", file).readinto(view[:stored])
        if not count:
            raise OSError(errno.ESTALE, "it is shorter than it was", str(part.path))
        return count

    def _file(self, path: Path) -> BinaryIO:
        if self._open is not None and self._open[0] == path:
            return self._open[1]
        self._close_file()
        file = cast("BinaryIO", path.open("rb", buffering=0))
        self._open = path, file
        if FileStamp.of(os.fstat(file.fileno())) != self._stamps[path]:
            raise OSError(errno.ESTALE, "it has changed", str(path))
        return file

    def _close_file(self) -> None:
        if self._open is not None:
            self._open[1].close()
            self._open = None

    def close(self) -> None:
        """Close the file that is open."""
        self._close_file()
        super().close()
