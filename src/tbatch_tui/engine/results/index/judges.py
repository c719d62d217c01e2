"""Whether an answer is what the request asked for: the place where answers are judged while they are counted.

A request asks by its `response_format`, which most lines of a file share: a judge is made once for each, and called
for each answer that is ok so far. A judge returns the first violation as a short sentence, or None; it must be fast, as
50,000 answers are judged while the results are counted (0.3 s at most), and it must not raise.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import msgspec

from tbatch_tui.engine.lenient_json import UNREADABLE, loads

Judge = Callable[[str], str | None]
"""Takes an answer without its reasoning, and returns the first thing that is wrong with it."""

NOT_JSON = "The answer is not JSON"
NOT_AN_OBJECT = "The answer is JSON, but not an object"

_FENCED = re.compile(r"\s*```[\w+-]*[ \t]*\n(.*?)\n?[ \t]*```\s*", re.DOTALL)
_decode_object = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def judge_for(response_format: bytes) -> Judge | None:
    """Return the judge of answers to requests with this `response_format`, as JSON; None if nothing is asked."""
    asked = loads(response_format) if response_format[:1] == b"{" else None
    kind = asked.get("type") if isinstance(asked, dict) else None
    if kind == "json_object":
        return judge_object
    if kind == "json_schema":
        return judge_json
    return None


def judge_object(text: str) -> str | None:
    """Judge an answer that has to be a JSON object."""
    try:
        _decode_object(text)
    except (ValueError, RecursionError):
        value = loads_answer(text)
        if value is UNREADABLE:
            return NOT_JSON
        return None if isinstance(value, dict) else NOT_AN_OBJECT
    return None


def judge_json(text: str) -> str | None:
    """Judge an answer that has to be JSON of any kind."""
    try:
        msgspec.json.decode(text, type=msgspec.Raw)
    except (ValueError, RecursionError):
        return NOT_JSON if loads_answer(text) is UNREADABLE else None
    return None


def loads_answer(text: str) -> Any:
    """Decode an answer that is JSON, in a Markdown fence or not; return UNREADABLE for any other text.

    NaN and infinities are no JSON.
    """
    text = strip_fence(text)
    try:
        return msgspec.json.decode(text)
    except (ValueError, RecursionError):
        return UNREADABLE


def strip_fence(text: str) -> str:
    """Return what is in a Markdown fence; a text that is not all in one as it is."""
    fenced = _FENCED.fullmatch(text) if "```" in text else None
    return fenced[1] if fenced is not None else text
