"""What lies on the server: its files, what uses each, and why one of them must stay. Values, and no more."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tbatch_tui.engine.errors import BatchError


class FileRole(StrEnum):
    """What a file is to a job."""

    INPUT = "input"
    OUTPUT = "output"
    ERRORS = "errors"


@dataclass(frozen=True, slots=True)
class FileUse:
    """A job, or a submission that has none yet, that a file belongs to."""

    role: FileRole
    key: str
    """Of the record."""
    name: str
    """What the record is called."""


@dataclass(frozen=True, slots=True)
class ServerFile:
    """One file of the account, as the server tells of it, and what the history knows of it."""

    id: str
    name: str = ""
    purpose: str = ""
    size: int | None = None
    """None where the server does not say."""
    created_at: float | None = None
    uses: tuple[FileUse, ...] = ()
    """None for a file that no job in the history names."""
    keep_reason: str = ""
    """Why it must not be deleted; empty when it may be."""

    @property
    def is_deletable(self) -> bool:
        return not self.keep_reason

    @property
    def looks_like_results(self) -> bool:
        """Whether it is called as the server calls every output and error file."""
        return self.name in ("output.jsonl", "errors.jsonl")


@dataclass(frozen=True, slots=True)
class DeleteResult:
    """What came of a wish to delete files. Each id is in one of these."""

    deleted: tuple[str, ...] = ()
    """Not on the server any more, also when it had gone before."""
    failed: tuple[tuple[str, BatchError], ...] = ()
    """Certainly still there, and why."""
    unknown: tuple[str, ...] = ()
    """The answer is lost, and the server could not be asked since."""
    left: tuple[str, ...] = ()
    """Not tried any more: it was stopped by what the one before it met with."""
