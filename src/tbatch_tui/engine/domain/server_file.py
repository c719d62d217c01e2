"""Files on the server: what uses each, and why one must not be deleted."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tbatch_tui.engine.errors import BatchError


class FileRole(StrEnum):
    """What a job uses a file as."""

    INPUT = "input"
    OUTPUT = "output"
    ERRORS = "errors"


@dataclass(frozen=True, slots=True)
class FileUse:
    """A use of a file: by a job, or by a submission without a job yet."""

    role: FileRole
    key: str
    """Key of the record."""
    name: str
    """Name of the record."""


@dataclass(frozen=True, slots=True)
class ServerFile:
    """One file of the account, as the server lists it, and its uses in the history."""

    id: str
    name: str = ""
    purpose: str = ""
    size: int | None = None
    """Bytes; None where the server does not say."""
    created_at: float | None = None
    """Seconds since the epoch."""
    uses: tuple[FileUse, ...] = ()
    """Empty for a file that no job of the history names."""
    keep_reason: str = ""
    """Why it must not be deleted; empty when it may be."""
    is_last_copy: bool = False
    """Whether the reason is only that no copy of it is known here, so that a person may insist."""

    @property
    def is_deletable(self) -> bool:
        """Whether it may be deleted."""
        return not self.keep_reason

    @property
    def looks_like_results(self) -> bool:
        """Whether it has the name that the server gives every output and error file."""
        return self.name in ("output.jsonl", "errors.jsonl")


@dataclass(frozen=True, slots=True)
class DeleteResult:
    """The outcome of deleting files. Each id is in exactly one of these."""

    deleted: tuple[str, ...] = ()
    """No longer on the server, including those that were gone before."""
    failed: tuple[tuple[str, BatchError], ...] = ()
    """Certainly still there, with the reason."""
    unknown: tuple[str, ...] = ()
    """The answer was lost, and the server could not be asked again."""
    left: tuple[str, ...] = ()
    """Not tried, because of an error with a file before it."""
