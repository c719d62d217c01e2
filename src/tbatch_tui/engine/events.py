"""The events of an engine: small frozen values. Those of progress may be replaced by later ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path

    from tbatch_tui.engine.domain.account import ConnectionHealth
    from tbatch_tui.engine.domain.job import FileKind
    from tbatch_tui.engine.domain.record import JobRecord


class RecordsChanged(NamedTuple):
    """Records that are new, different, or gone."""

    changed: tuple[JobRecord, ...]
    """The new and different ones, as they are now."""
    removed: tuple[str, ...] = ()
    """Keys of those that are gone."""
    renamed: tuple[tuple[str, str], ...] = ()
    """Old and new key of submissions that became a job, whose id is their key from now on."""


class JobsEnded(NamedTuple):
    """Jobs that were active when last seen and have ended, here or while no app was open. Emitted once for each."""

    records: tuple[JobRecord, ...]


class TransferProgress(NamedTuple):
    """Progress of an upload or download. Only the newest for a key, direction and file matters."""

    key: str
    upload: bool
    kind: FileKind | None
    """Which result file; None for an upload."""
    done: int
    """Bytes transferred."""
    total: int | None
    """Bytes in all, where known."""
    rate: float
    """Bytes a second."""
    ended: bool = False


class ConnectionChanged(NamedTuple):
    """The health of the connection, or the time of the next list, has changed."""

    health: ConnectionHealth


class ResultsDownloaded(NamedTuple):
    """Every result file of a job is verified on disk."""

    record: JobRecord


class FileDeleted(NamedTuple):
    """A file on the server was asked to be deleted, as the `number`th of `total`."""

    file_id: str
    number: int
    total: int
    is_gone: bool
    """Whether it certainly no longer exists."""


class Notice(NamedTuple):
    """A message that a person should see once."""

    title: str
    hint: str = ""
    severity: str = "information"
    """`information`, `warning` or `error`."""
    key: str | None = None
    """The record that it is about."""


Event = RecordsChanged | JobsEnded | TransferProgress | ConnectionChanged | ResultsDownloaded | FileDeleted | Notice


def damaged_history(path: Path) -> Notice:
    """Return the notice of a history that could not be read and is at `path` now."""
    return Notice(
        "The history was damaged and has been moved",
        f"It was renamed to {path}. Jobs will be listed by the server again; labels are lost.",
        "warning",
    )
