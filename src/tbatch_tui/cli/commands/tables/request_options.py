"""Options that `make` and `edit` share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from tbatch_tui.engine.errors import LocalFileError

if TYPE_CHECKING:
    from collections.abc import Callable


def read_text(text: str, label: str) -> str:
    """Return a text that was given, or that of the file behind an @. Raises LocalFileError."""
    if not text.startswith("@"):
        return text
    path = Path(text[1:])
    try:
        return path.read_bytes().decode("utf-8-sig").replace("\r\n", "\n")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise LocalFileError(f"{label}: {path} cannot be read: {reason}", "Check its path and encoding.") from None


def parse_option(parse: Callable[[str], Any], text: str) -> Any:
    """Return what a function makes of the text of an option, its ValueError as LocalFileError."""
    try:
        return parse(text)
    except ValueError as error:
        raise LocalFileError(str(error)[:1].upper() + str(error)[1:], "Check this option.") from None
