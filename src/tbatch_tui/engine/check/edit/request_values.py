"""Values of a request's body as a person writes them: `temperature=0`, `stop=END`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tbatch_tui.engine.check.edit.line_changes import REQUIRED_KEYS, LineChanges
from tbatch_tui.engine.errors import LocalFileError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SECRET_KEYS = frozenset({"api_key", "apikey", "authorization", "together_api_key"})
"""Names under which nobody may write a key into a request or a recipe."""


def read_parameters(texts: Sequence[str], own_keys: Mapping[str, str]) -> dict[str, Any]:
    """Return the members of a body that texts of the form KEY=VALUE give; of a key that is there twice the last one.

    Raises LocalFileError.

    Args:
        texts: One for each member.
        own_keys: Keys that are given in another way, and how.
    """
    return dict(read_parameter(text, own_keys) for text in texts)


def read_parameter(text: str, own_keys: Mapping[str, str]) -> tuple[str, Any]:
    """Return key and value of a text of the form KEY=VALUE. Raises LocalFileError.

    Args:
        text: As a person wrote it.
        own_keys: Keys that are given in another way, and how.
    """
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise LocalFileError(f"{text} has no value", "Use KEY=VALUE, for example temperature=0.")
    if key in own_keys:
        raise LocalFileError(f"{key} cannot be set as a parameter", own_keys[key])
    if key.lower().replace("-", "_") in SECRET_KEYS:
        raise LocalFileError("An API key does not belong in a request", "Leave it out and set TOGETHER_API_KEY.")
    return key, read_value(value)


def read_value(text: str) -> Any:
    """Return the value that a text stands for: JSON where it parses, else the text."""
    import msgspec

    try:
        return msgspec.json.decode(text)
    except (ValueError, RecursionError):
        return text


def make_changes(
    *,
    model: str | None,
    system: str | None,
    parameters: Mapping[str, Any],
    dropped: Sequence[str],
    max_tokens: int | None,
    own_keys: Mapping[str, str],
) -> LineChanges:
    """Return the changes. Raises LocalFileError for those that make no sense together."""
    if model is not None and not model.strip():
        raise LocalFileError("The model has no name", "Name it as the catalogue does.")
    try:
        (system or "").encode()
    except UnicodeEncodeError:
        raise LocalFileError("The system prompt is not valid Unicode", "Use UTF-8.") from None
    for key in dropped:
        if key in REQUIRED_KEYS:
            raise LocalFileError(f"A request cannot be without {key}", own_keys[key])
        if key in parameters or (key == "max_tokens" and max_tokens is not None):
            raise LocalFileError(f"{key} is set and dropped", "Leave one of the two out.")
    if max_tokens is not None and "max_tokens" in parameters:
        raise LocalFileError("The token limit is given twice", "Leave one of the two out.")
    return LineChanges(model, system, parameters, tuple(dropped), max_tokens)
