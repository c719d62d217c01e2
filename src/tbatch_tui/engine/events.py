"""What the engine announces. Each event is a small frozen value; progress events may be replaced by later ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tbatch_tui.engine.domain.account import ConnectionHealth
    from tbatch_tui.engine.domain.job import FileKind
    from tbatch_tui.engine.domain.record import JobRecord


@dataclass(frozen=True, slots=True)
class RecordsChanged:
    """Rows of the Jobs list that are new or different. `renamed` maps a submission's key to its job's."""

    changed: tuple[JobRecord, ...]
    removed: tuple[str, ...] = ()
    renamed: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class JobsEnded:
    """Jobs that were seen running and have ended, here or while no app was open. Told once, together."""

    records: tuple[JobRecord, ...]


@dataclass(frozen=True, slots=True)
class TransferProgress:
    """Bytes went up or down. Replaceable: only the newest for a key and direction matters."""

    key: str
    upload: bool
    kind: FileKind | None
    done: int
    total: int | None
    rate: float
    """Bytes a second."""
    ended: bool = False


@dataclass(frozen=True, slots=True)
class ConnectionChanged:
    """The connection to the server changed, or the time of the next try."""

    health: ConnectionHealth


@dataclass(frozen=True, slots=True)
class ResultsDownloaded:
    """A job's result files are verified on disk."""

    record: JobRecord


@dataclass(frozen=True, slots=True)
class FileDeleted:
    """A file on the server was asked to be deleted, as the `number`th of `total`."""

    file_id: str
    number: int
    total: int
    is_gone: bool
    """Whether it certainly is not there any more."""


@dataclass(frozen=True, slots=True)
class Notice:
    """Something a person should hear once."""

    title: str
    hint: str = ""
    severity: str = "information"
    """`information`, `warning` or `error`."""
    key: str | None = None


Event = RecordsChanged | JobsEnded | TransferProgress | ConnectionChanged | ResultsDownloaded | FileDeleted | Notice
