"""A row of the results and its outcome: one vocabulary for the screens, the commands, exports and JSON."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING, Any

from tbatch_tui.engine.domain.counts import RequestCounts

if TYPE_CHECKING:
    from collections import Counter


class Outcome(IntEnum):
    """The outcome of a request, or of a response row that belongs to no request.

    Each request has exactly one of OK, INVALID, CUT_SHORT, ERROR and MISSING. A number, so that the index can store it
    in a byte. Of several responses to one request the lowest number counts; of several choices in one response, and of
    several things that are wrong with one answer, the highest.
    """

    OK = 0
    INVALID = 1
    """Answered, but not with what was asked for (JSON), or not usable: an error in the body, an empty answer …"""
    CUT_SHORT = 2
    """Answered, but the answer was stopped at the token limit."""
    ERROR = 3
    UNREADABLE = 4
    """A row that is not JSON or has no id, and cannot be told to belong to a request."""
    MISSING = 5
    PENDING = 6
    """Not known yet: the result files are still being read."""

    @property
    def words(self) -> str:
        """The name for people, and in exported files."""
        return ("ok", "invalid", "cut short", "error", "unreadable", "missing", "reading")[self]


OUTCOME_OPTIONS = {
    "ok": Outcome.OK,
    "cut-short": Outcome.CUT_SHORT,
    "invalid": Outcome.INVALID,
    "errors": Outcome.ERROR,
    "missing": Outcome.MISSING,
}
"""The outcomes of a request as options spell them, in the order in which they are told."""


class RowIssue(StrEnum):
    """Why a response row is listed below the requests."""

    UNKNOWN = "unknown id"
    DUPLICATE = "duplicate"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the results list: what the index holds of it in memory."""

    number: int
    """Its position in the list, from 0."""
    line: int | None
    """Its line in the input file, from 1; without an input file, in the result file. None below the requests."""
    custom_id: str
    """As it was before a mend shortened it; what was sent is in the input file."""
    outcome: Outcome
    tokens: int | None = None
    """Completion tokens, if the response has a `usage`."""
    prompt_tokens: int | None = None
    seconds: float | None = None
    """Length of the audio that was transcribed."""
    preview: str = ""
    """The first words of the answer or of the error message, on one line."""
    issue: RowIssue | None = None
    attempt: int | None = None
    """Which job of a merged index the response comes from, from 1; None if there is only one job."""
    reason: str = ""
    """Why an answer is invalid; empty for every other outcome."""


def count_outcomes(outcomes: Counter[Any], issues: Counter[Any], *, has_input: bool) -> RequestCounts:
    """Return what rows add up to: `outcomes` of the requests, and `issues` of the rows that belong to none."""
    return RequestCounts(
        requests=outcomes.total(),
        answered=outcomes[Outcome.OK] + outcomes[Outcome.CUT_SHORT] + outcomes[Outcome.INVALID],
        errors=outcomes[Outcome.ERROR],
        missing=outcomes[Outcome.MISSING],
        cut_short=outcomes[Outcome.CUT_SHORT],
        unknown=issues[RowIssue.UNKNOWN],
        duplicates=issues[RowIssue.DUPLICATE],
        unreadable=issues[RowIssue.UNREADABLE],
        has_input=has_input,
        invalid=outcomes[Outcome.INVALID],
    )
