"""A result file of a job, and where it is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from tbatch_tui.engine.domain.job import FileKind


class TransferState(StrEnum):
    """Where one result file stands."""

    WANTED = "wanted"  # to fetch: the job ended, the file is not verified on disk yet
    FETCHED = "fetched"  # verified on disk under its final name
    FAILED = "failed"  # the last try failed: `message` says why; it is tried again
    GONE = "gone"  # the server says there is no such file any more


@dataclass(frozen=True, slots=True)
class Transfer:
    """One result file of one job, and where it is."""

    kind: FileKind
    file_id: str
    state: TransferState
    path: Path | None = None
    size: int | None = None
    rows: int | None = None
    sha256: str | None = None
    etag: str | None = None
    """Of the bytes in the `.part` file: what a resumed download must still be."""
    message: str | None = None
    updated_at: float = 0.0
