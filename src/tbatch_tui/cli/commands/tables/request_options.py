"""Options that `make` and `edit` share: texts, and members of the request's body."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from tbatch_tui.engine.errors import LocalFileError
from tbatch_tui.engine.tables.recipe import SECRET_KEYS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


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


def read_parameters(texts: Sequence[str], own_keys: Mapping[str, str]) -> dict[str, Any]:
    """Return the members of a body that `--set KEY=VALUE` gives; VALUE is JSON where it parses, else text.

    Raises LocalFileError.

    Args:
        texts: The values of the option.
        own_keys: Keys that are given by other options, and how.
    """
    import msgspec

    values: dict[str, Any] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals or not key:
            raise LocalFileError(f"--set {text} has no value", "Use --set KEY=VALUE, for example temperature=0.")
        if key in own_keys:
            raise LocalFileError(f"--set cannot be used for {key}", own_keys[key])
        if key.lower().replace("-", "_") in SECRET_KEYS:
            raise LocalFileError("An API key does not belong in a request", "Leave it out and set TOGETHER_API_KEY.")
        try:
            values[key] = msgspec.json.decode(value)
        except (ValueError, RecursionError):
            values[key] = value
    return values


def parse_option(parse: Callable[[str], Any], text: str) -> Any:
    """Return what a function makes of the text of an option, its ValueError as LocalFileError."""
    try:
        return parse(text)
    except ValueError as error:
        raise LocalFileError(str(error)[:1].upper() + str(error)[1:], "Check this option.") from None
