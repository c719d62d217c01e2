"""Refuse what cannot be submitted now, before anything is saved or sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tbatch_tui.engine.domain.account import ConnectionHealth, HealthState
from tbatch_tui.engine.errors import AuthenticationError, LocalFileError

if TYPE_CHECKING:
    from pathlib import Path


def require_submittable(path: Path, health: ConnectionHealth, *, has_key: bool) -> None:
    """Raise an error if this file cannot be submitted now.

    AuthenticationError without a key or while the server refuses it, LocalFileError for a name that no upload can
    carry. The file itself is not read.
    """
    if health.state is HealthState.KEY_REFUSED:
        raise AuthenticationError(health.title, f"Nothing was submitted. {health.hint}")
    if not has_key:
        raise AuthenticationError("There is no API key", "Nothing was submitted. Set TOGETHER_API_KEY and restart.")
    if path.suffix != ".jsonl":
        raise LocalFileError(
            f"{path.name} cannot be uploaded: Together only accepts names ending in .jsonl",
            "Nothing was submitted. Rename it and check it again.",
        )
    try:
        path.name.encode()
    except UnicodeEncodeError:
        raise LocalFileError(
            f"{path.name} cannot be uploaded: its name is not UTF-8",
            "Nothing was submitted. Rename it and check it again.",
        ) from None


def count_requests(path: Path) -> int:
    """Return how many lines of a file are not blank. For a thread. Raises LocalFileError."""
    try:
        with path.open("rb") as file:
            return sum(not line.isspace() for line in file)
    except OSError as error:
        raise LocalFileError(f"{path} cannot be read: {error.strerror or error}", "Nothing was submitted.") from error
