"""Files on the server: what uses each, why one must not be deleted, and what the server found wrong with it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

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


class RefusedLine(NamedTuple):
    """A line of an input file that the server refused."""

    line: int
    """Its number, from 1, as the server counts."""
    within_chunk: bool
    """Whether the server counts within a part of the file, so that it need not be the file's number."""
    message: str
    """What is wrong with it; empty where the server does not say."""

    @property
    def words(self) -> str:
        """The line and what is wrong with it, for people."""
        place = f"line {self.line:,}{' within a chunk' if self.within_chunk else ''}"
        return f"{place}: {self.message}" if self.message else place


_LINE = re.compile(r"\blines? #?(\d{1,9})( \(within chunk\))?[:,.]? *(.*)", re.IGNORECASE)


def refused_lines(error: str) -> list[RefusedLine]:
    """Return the lines that an error of the server names, one for each line of its text."""
    found = (_LINE.search(text) for text in error.splitlines())
    return [RefusedLine(int(match[1]), match[2] is not None, match[3].strip()) for match in found if match is not None]


@dataclass(frozen=True, slots=True)
class ValidationReport:
    """What the server says of an uploaded file, apart from the error of the job."""

    valid: bool
    error: str = ""
    """Why it is not valid, in the server's words."""
    lines: int | None = None
    """Lines of the file; None where the server does not say."""

    @property
    def refused(self) -> list[RefusedLine]:
        """The lines that are named."""
        return refused_lines(self.error)

    def words_beside(self, error: str | None) -> list[str]:
        """Return what the report adds to the error of a job: a text for each line that is named, else its own text."""
        if self.valid or not self.error or self.error == error:
            return []
        return [refused.words for refused in self.refused] or self.error.splitlines()


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
