"""The first words of an answer: stored as the file's JSON, and decoded only when a row is shown.

Building an index reads every answer; a screen shows only a few of them.
"""

from __future__ import annotations

import json

PREVIEW_MAX = 240
"""Bytes stored of an answer's beginning, as JSON."""

_ESCAPE_MAX = 6
"""Bytes of the longest escape, such as `\\u00e9`."""


def preview_bytes(text: str) -> bytes:
    """Return the beginning of a text as JSON, without the quotes."""
    encoded = json.dumps(text[:PREVIEW_MAX], ensure_ascii=False)[1:-1]
    return encoded.encode("utf-8", "backslashreplace")[:PREVIEW_MAX]  # a lone surrogate becomes its own JSON escape


def preview_text(preview: bytes) -> str:
    """Decode a preview to one line of text. An escape or a letter that was cut in two at the end is dropped."""
    text = preview.decode("utf-8", "replace")
    if len(preview) == PREVIEW_MAX:
        text = text.rstrip("\N{REPLACEMENT CHARACTER}")
    if "\\" in text:
        text = _unescaped(text)
    return " ".join(text.split())


def _unescaped(text: str) -> str:
    for cut in range(_ESCAPE_MAX + 1):
        try:
            whole: str = json.loads(f'"{text[: len(text) - cut]}"', strict=False)
        except ValueError:
            continue
        return whole[:-1] if "\ud800" <= whole[-1:] <= "\udbff" else whole
    return text
