"""Requests in the shape of another API, or written in a way that can be told: what each of them is."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tbatch_tui.engine.check.lines.finding import Finding
from tbatch_tui.engine.check.lines.json_spans import skip

if TYPE_CHECKING:
    from tbatch_tui.engine.check.lines.finding import JsonObject

_JSON_SPACE = " \t\r\n"
_REQUEST_KEYS = ("model", "messages", "file", "prompt", "input")
"""What a request body has: beside custom_id it shows that the request was not put into one."""


def objects_in_a_row(text: str, end: int) -> Finding | None:
    """Return what follows the first value of a line, if that is a comma or more objects; None for anything else.

    Args:
        end: Where the first value ends, after white space.
    """
    if not text.lstrip(_JSON_SPACE).startswith("{"):
        return None
    stop = len(text.rstrip(_JSON_SPACE))
    if text[end:stop] == ",":
        return Finding("trailing-comma", "a comma follows the object", column=end + 1)
    stop = len(text[:stop].removesuffix(",").rstrip(_JSON_SPACE))
    decode = json.JSONDecoder().raw_decode
    number, at = 1, end
    try:
        while at < stop:
            at = skip(text, at + 1) if text[at] == "," else at
            value, at = decode(text, at)
            if not isinstance(value, dict):
                return None
            number += 1
            at = skip(text, at)
    except (ValueError, RecursionError):
        return None
    return Finding("several-objects", f"{number:,} objects on one line", column=end + 1)


def is_object_text(text: str) -> bool:
    """Whether a text is a JSON object that was encoded a second time."""
    if not text.lstrip(_JSON_SPACE).startswith("{"):
        return False
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False


def without_body(line: JsonObject) -> Finding:
    """Return what a line has in place of a body: Anthropic's params, the request itself, or nothing."""
    if isinstance(line.get("params"), dict):
        message = "the request is in params (Anthropic's format); it has to be in body"
        return Finding("anthropic-params", message, ("params",))
    beside = [name for name in _REQUEST_KEYS if name in line]
    names = " and ".join((", ".join(beside[:-1]), beside[-1])) if len(beside) > 1 else "".join(beside)
    if "messages" in beside or "file" in beside:
        return Finding("body-flat", f"{names} must be inside body, not next to custom_id", (beside[0],))
    return Finding("body-missing", f"body is missing{f': {names} must stand inside it' if beside else ''}")
