"""Any JSON as what it was meant to be: an id, a count, a text, a message. Nothing here raises."""

from __future__ import annotations

import json
import math
from typing import Any

import msgspec

UNREADABLE = object()
"""What bytes are that are no JSON: of no JSON type."""

_BOM = b"\xef\xbb\xbf"


def loads(data: bytes) -> Any:
    """Any JSON value; `UNREADABLE` when it is none.

    What msgspec refuses is tried with the standard library: it takes lone surrogates and NaN.
    """
    try:
        return msgspec.json.decode(data)
    except (ValueError, RecursionError):
        pass
    try:
        return json.loads(data.removeprefix(_BOM).decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return UNREADABLE


def id_of(value: Any) -> str | None:
    """A custom_id as text: some write numbers."""
    if isinstance(value, str):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    return None


def count_of(value: Any) -> int | None:
    """A count, also when spelled as text or with a point; None for what is none."""
    number = seconds_of(value)
    return int(number) if number is not None else None


def as_number(value: Any) -> float | None:
    """Return a finite number, also when spelled as text; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def seconds_of(value: Any) -> float | None:
    """A finite number that is not negative, also when spelled as text."""
    number = as_number(value)
    return number if number is not None and number >= 0 else None


def text_of(content: Any) -> str:
    """The text of a message's content: a string, or the text parts of a list."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    parts = [part.get("text") if isinstance(part, dict) else part for part in content]
    return "\n".join(part for part in parts if isinstance(part, str))


def called(calls: Any) -> str:
    """The tools that were called, in one line: `look_up({"id": 7})`."""
    names: list[str] = []
    for call in calls if isinstance(calls, list) else ():
        function = call.get("function") if isinstance(call, dict) else None
        if isinstance(function, dict):
            arguments = function.get("arguments")
            arguments = arguments if isinstance(arguments, str) else json.dumps(arguments)
            names.append(f"{function.get('name')}({arguments})")
    return ", ".join(names)


def message_of(error: Any) -> str:
    """What an error says: `{"message": …}`, `{"error": {"message": …}}`, or a bare string."""
    for _ in range(4):
        if not isinstance(error, dict):
            break
        error = next((error[key] for key in ("message", "error", "detail") if error.get(key)), None)
    if error is None or isinstance(error, bool):
        return ""
    return error if isinstance(error, str) else json.dumps(error)
