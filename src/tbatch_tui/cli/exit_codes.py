"""The exit codes of every command, and which of them an error becomes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tbatch_tui.engine.errors import (
    BatchError,
    ConnectionFailedError,
    LocalFileError,
    OutcomeUnknownError,
    RateLimitError,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

# These numbers are public: scripts depend on them.
OK = 0
FAILED = 1
"""Refused, failed, or an input file with errors."""
USAGE = 2
"""Wrong arguments, a file that cannot be read, or no such job."""
UNKNOWN = 3
"""The server could not be reached or has not answered: run the command again."""
INCOMPLETE = 4
"""A job has ended, but rows failed, are missing or invalid, or too many are cut short."""
INTERRUPTED = 130
"""Ctrl-c, as shells report it: 128 and the number of SIGINT."""


_GRAVEST_FIRST = (INTERRUPTED, USAGE, FAILED, UNKNOWN, INCOMPLETE, OK)


def gravest(codes: Iterable[int]) -> int:
    """Return the code of a command that dealt with several jobs: the gravest of theirs; OK for none."""
    return min(codes, key=_GRAVEST_FIRST.index, default=OK)


class NoSuchJobError(BatchError):
    """No job, or several, match this id or name."""


def exit_code_of(error: BatchError) -> int:
    """Return the exit code of a command that this error ended."""
    if isinstance(error, ConnectionFailedError | OutcomeUnknownError | RateLimitError):
        return UNKNOWN
    return USAGE if isinstance(error, LocalFileError | NoSuchJobError) else FAILED
