"""The exit codes of every command, and which code an error means."""

from __future__ import annotations

from tbatch_tui.engine.errors import BatchError, FileTrouble, LostAnswer, Offline, RateLimited

AS_ASKED, NOT_SO, BAD_USE, NOT_KNOWN = 0, 1, 2, 3
"""Exit codes (product promise): done; it did not come out; bad use or no such file; not known yet, ask again."""


INTERRUPTED = 130


def code_of(error: BatchError) -> int:
    """What an error means for the shell."""
    if isinstance(error, Offline | LostAnswer | RateLimited):
        return NOT_KNOWN
    return BAD_USE if isinstance(error, FileTrouble | Unknown) else NOT_SO


class Unknown(BatchError):
    """No job, or more than one, is called so."""
