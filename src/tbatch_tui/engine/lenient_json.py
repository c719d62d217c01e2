"""JSON from files and servers, read as what it was meant to be: an id, a count, a text, an error message.

Nothing in this module raises: a row that is not as documented is still shown.
"""

from __future__ import annotations

import json
import math
from typing import Any

import msgspec

UNREADABLE = object()
"""What `loads` returns for bytes that are not JSON: an object of no JSON type."""

TOO_DEEP = "[nested too deeply to be shown]"
"""Stands for a value that is nested more deeply than can be written."""

_BOM = b"\xef\xbb\xbf"


def loads(data: bytes) -> Any:
    """Decode any JSON value; return `UNREADABLE` where the bytes are not JSON.

    What msgspec refuses is tried again with the standard library, which accepts lone surrogates and NaN.
    """
    try:
        return msgspec.json.decode(data)
    except (ValueError, RecursionError):
        pass
    try:
        return json.loads(data.removeprefix(_BOM).decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return UNREADABLE


def to_json(value: Any) -> str:
    """Return a decoded value as JSON; `TOO_DEEP` in its place where it could be read and cannot be written.

    Both are limited by what is left of the stack, which differs from one place to the next. NaN and infinities, which
    JSON does not have, become null.
    """
    try:
        return json.dumps(value, allow_nan=False)
    except (ValueError, RecursionError):
        pass
    try:
        return json.dumps(as_finite(value), allow_nan=False)
    except (ValueError, RecursionError):
        return json.dumps(TOO_DEEP)


def as_finite(value: Any) -> Any:
    """Return a JSON value with null in the place of NaN and infinities. Raises RecursionError if nested too deeply."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: as_finite(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [as_finite(part) for part in value]
    return value


def as_id(value: Any) -> str | None:
    """Return a `custom_id` as text, or None. Some programs write numbers."""
    if isinstance(value, str):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    return None


def as_count(value: Any) -> int | None:
    """Return a count, or None. Text and numbers with a decimal point count too."""
    number = as_seconds(value)
    return int(number) if number is not None else None


def as_number(value: Any) -> float | None:
    """Return a finite number, or None. Text that holds a number counts too."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def as_seconds(value: Any) -> float | None:
    """Return a finite number that is not negative, or None. Text that holds such a number counts too."""
    number = as_number(value)
    return number if number is not None and number >= 0 else None


def content_text(content: Any) -> str:
    """Return the text of a message's content: a string, or the text parts of a list."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    parts = [part.get("text") if isinstance(part, dict) else part for part in content]
    return "\n".join(part for part in parts if isinstance(part, str))


def tool_calls_text(calls: Any) -> str:
    """Return the tool calls of a message on one line: `look_up({"id": 7})`."""
    texts: list[str] = []
    for call in calls if isinstance(calls, list) else ():
        function = call.get("function") if isinstance(call, dict) else None
        if isinstance(function, dict):
            arguments = function.get("arguments")
            arguments = arguments if isinstance(arguments, str) else to_json(arguments)
            texts.append(f"{function.get('name')}({arguments})")
    return ", ".join(texts)


def error_message(error: Any) -> str:
    """Return the message of an error: `{"message": …}`, `{"error": {"message": …}}`, or a bare string.

    Of one without a message, its code or its type.
    """
    for _ in range(4):
        if not isinstance(error, dict):
            break
        error = next((error[key] for key in ("message", "error", "detail", "code", "type") if error.get(key)), None)
    if error is None or isinstance(error, bool):
        return ""
    return error if isinstance(error, str) else to_json(error)
