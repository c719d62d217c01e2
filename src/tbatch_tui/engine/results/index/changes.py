"""Whether a file is the one that was submitted, or downloaded."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

from tbatch_tui.engine.local_files.file_stamp import FileStamp

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tbatch_tui.engine.results.sources import Download

_PIECE = 1 << 20
"""Bytes of the input file that are hashed at a time."""


def stamp_if_changed(path: Path, submitted: str, on_piece: Callable[[bytes], object]) -> FileStamp | None:
    """Return the stamp of an input file that can be read and is not the one that was submitted; else None.

    Args:
        submitted: The SHA-256 of the file that was submitted.
        on_piece: Called with each piece. It may raise, to stop.
    """
    hasher = hashlib.sha256()
    try:
        with path.open("rb", buffering=0) as file:
            stamp = FileStamp.of(os.fstat(file.fileno()))
            while piece := file.read(_PIECE):
                on_piece(piece)
                hasher.update(piece)
    except OSError:
        return None  # whoever reads its lines names the reason
    return stamp if hasher.hexdigest() != submitted else None


class DownloadCheck:
    """Whether a result file is what was downloaded, found out while it is read.

    One that was last written before its download was over is: it need not be hashed.
    """

    def __init__(self, download: Download | None, stamp: FileStamp) -> None:
        self._download = download
        is_certain = download is None or download.is_surely(stamp)
        self._hasher = None if is_certain else hashlib.sha256()

    def wrap(self, on_piece: Callable[[bytes], object]) -> Callable[[bytes], object]:
        """Return what has to be called with each piece of the file, and calls `on_piece`."""
        if (hasher := self._hasher) is None:
            return on_piece

        def call(piece: bytes) -> None:
            on_piece(piece)
            hasher.update(piece)

        return call

    @property
    def has_changed(self) -> bool:
        """Whether it is another file, once it is read."""
        return (
            self._hasher is not None
            and self._download is not None
            and self._hasher.hexdigest() != self._download.sha256
        )
