"""A new file that gets its name only when it is complete, and never that of another."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from tbatch_tui.engine.local_files.id_map import id_map_path
from tbatch_tui.engine.local_files.rights import create_file

if TYPE_CHECKING:
    from pathlib import Path


class CopyPaths(NamedTuple):
    """Where a fixed copy goes, and what belongs to it."""

    fixed: Path
    rejected: Path
    ids: Path


def free_paths(path: Path) -> CopyPaths:
    """Return the first paths where nothing is: `.fixed` and `.rejected`, then `.fixed2` and `.rejected2` …"""
    count = 1
    while True:
        number = str(count) if count > 1 else ""
        fixed, rejected = (path.with_name(f"{path.stem}.{word}{number}.jsonl") for word in ("fixed", "rejected"))
        paths = CopyPaths(fixed, rejected, id_map_path(fixed))
        if not any(os.path.lexists(path) or os.path.lexists(_part_of(path)) for path in paths):
            return paths
        count += 1


def _part_of(path: Path) -> Path:
    """Return the path that a file has until it is complete."""
    return path.with_name(path.name + ".part")


class NewFile:
    """A file that gets its name only when it is complete."""

    def __init__(self, path: Path, rights: int) -> None:
        self.path = path
        self._part = _part_of(path)
        self._rights = rights
        self.size = 0

    def __enter__(self) -> NewFile:
        self._file = create_file(self._part, self._rights)
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):  # the disk is full, which write has raised
            self._file.close()
        self._part.unlink(missing_ok=True)

    def write(self, data: bytes) -> None:
        """Add bytes. Raises OSError."""
        self._file.write(data)
        self.size += len(data)

    def publish(self) -> None:
        """Give the file its name. Raises FileExistsError if another file has got it meanwhile."""
        self._file.flush()
        os.fsync(self._file.fileno())
        try:
            os.link(self._part, self.path)  # unlike a rename, this never replaces a file
        except FileExistsError:
            raise
        except OSError:  # not every file system has links
            if os.path.lexists(self.path):
                raise FileExistsError(17, "a file with that name has appeared") from None
            self._part.rename(self.path)
