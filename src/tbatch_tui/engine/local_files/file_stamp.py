"""What `stat` says of a file: a cheap way to see whether it is still the file that was read."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Self

if TYPE_CHECKING:
    from os import stat_result
    from pathlib import Path


class FileStamp(NamedTuple):
    """The identity of a file when it was read. Another file, or other bytes, differ in one of these."""

    inode: int
    size: int
    mtime_ns: int

    @classmethod
    def of(cls, stat: stat_result) -> Self:
        """Return the stamp of what `stat` or `fstat` returned."""
        return cls(stat.st_ino, stat.st_size, stat.st_mtime_ns)


def read_stamp(path: Path) -> FileStamp | None:
    """Return the stamp of the file at this path; None when it is gone, or cannot be looked at."""
    try:
        return FileStamp.of(path.stat())
    except (OSError, ValueError):  # a name with a NUL is no name
        return None
