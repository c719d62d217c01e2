"""The download of a result file."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from tbatch_tui.engine.domain.job import FileKind


class TransferState(StrEnum):
    """How far the download of a result file has come."""

    WANTED = "wanted"  # to download: the job ended, the file is not verified on disk yet
    FETCHED = "fetched"  # verified on disk under its final name
    FAILED = "failed"  # the last attempt failed: `message` says why; it is tried again
    GONE = "gone"  # the server no longer has the file


@dataclass(frozen=True, slots=True)
class Transfer:
    """One result file of one job, and its path once it is on disk."""

    kind: FileKind
    file_id: str
    state: TransferState
    path: Path | None = None
    size: int | None = None
    rows: int | None = None
    sha256: str | None = None
    etag: str | None = None
    """ETag of the bytes in the `.part` file, which a resumed download must still have."""
    synced: int = 0
    """Bytes of the `.part` file that are certainly on the disk: a power cut may leave zeros in what follows."""
    part_inode: int | None = None
    """Which file the `.part` is: another output folder has another one, perhaps of another version."""
    message: str | None = None
    updated_at: float = 0.0
    folder: Path | None = None
    """The output folder of whoever wanted the file, which need not be the app that downloads it; None: that app's."""

    def wanted(self, file_id: str) -> Transfer:
        """Return the transfer that downloads the file again, or the one that the server names in its place by now.

        The copy that is here stays known, so that a worse one does not replace it.
        """
        if file_id == self.file_id:
            return replace(self, state=TransferState.WANTED, message=None)
        # What is in `.part` is of the file before.
        return replace(
            self, file_id=file_id, state=TransferState.WANTED, message=None, etag=None, synced=0, part_inode=None
        )
