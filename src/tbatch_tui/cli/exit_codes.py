"""The exit codes of every command, and which code an error means."""

from __future__ import annotations

from tbatch_tui.engine.errors import (
    BatchError,
    ConnectionFailedError,
    LocalFileError,
    OutcomeUnknownError,
    RateLimitError,
)

OK, FAILED, USAGE, UNKNOWN = 0, 1, 2, 3
"""Exit codes (product promise): done; it did not come out; bad use or no such file; not known yet, ask again."""


INTERRUPTED = 130


def exit_code_of(error: BatchError) -> int:
    """What an error means for the shell."""
    if isinstance(error, ConnectionFailedError | OutcomeUnknownError | RateLimitError):
        return UNKNOWN
    return USAGE if isinstance(error, LocalFileError | NoSuchJobError) else FAILED


class NoSuchJobError(BatchError):
    """No job, or more than one, is called so."""
