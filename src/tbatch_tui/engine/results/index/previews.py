"""The first words of an answer, kept as the file spells them and turned into text only where a row is shown."""

from __future__ import annotations

import json

PREVIEW_MAX = 240
"""Bytes kept of an answer's beginning, as JSON spells them."""

_ESCAPE_MAX = 6
"""Bytes of the longest escape, `\\u00e9`."""


def preview_bytes(text: str) -> bytes:
    """The beginning of a text, spelled as JSON does, without the quotes."""
    spelled = json.dumps(text[:PREVIEW_MAX], ensure_ascii=False)[1:-1]
    return spelled.encode("utf-8", "backslashreplace")[:PREVIEW_MAX]  # a lone surrogate becomes its own JSON escape


def preview_text(head: bytes) -> str:
    """A head as text on one line; an escape or a letter that was cut in two at its end is dropped."""
    text = head.decode("utf-8", "replace")
    if len(head) == PREVIEW_MAX:
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
