"""The values of the room: where the rows are, what became of each, and the sum that must come out even."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum


class Outcome(IntEnum):
    """What became of one request, or of one row that belongs to none. A number, to be kept in a byte.

    Of several rows for one request the one with the lowest number counts.
    """

    OK = 0
    CUT_SHORT = 1
    """Answered, but stopped at the token limit, or empty."""
    ERROR = 2
    UNREADABLE = 3
    """A row that is not JSON, or names no request: cut off in the middle, or never whole."""
    MISSING = 4
    PENDING = 5
    """The result files have not been read to the end yet."""

    @property
    def words(self) -> str:
        """The words a person reads."""
        return ("ok", "cut short", "error", "unreadable", "missing", "reading")[self]


class RowIssue(StrEnum):
    """Why a row stands below the requests, or needs a second look."""

    UNKNOWN = "unknown id"
    DUPLICATE = "duplicate"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the list, as much of it as is kept in memory."""

    number: int
    """Its index in the list, from 0."""
    line: int | None
    """1-based line in the input file; without one, in the file it came back in. None for rows below the requests."""
    custom_id: str
    outcome: Outcome
    tokens: int | None = None
    """Completion tokens, where `usage` says them."""
    prompt_tokens: int | None = None
    seconds: float | None = None
    """Length of the audio that was heard."""
    preview: str = ""
    """The first words of the answer, or of the error's message. One line."""
    issue: RowIssue | None = None
    attempt: int | None = None
    """Which job of a family the reply comes from, from 1; None where all are of one job."""
