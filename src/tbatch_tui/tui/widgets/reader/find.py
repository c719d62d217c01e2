"""Where a searched text stands in wrapped lines: case aside, and also where a line break cuts it in two. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tbatch_tui.tui.sanitize import line

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


def query_pattern(sought: str) -> re.Pattern[str] | None:
    """What finds this text in text that has passed the gate; None when there is nothing to look for."""
    words = line(sought).split()
    return re.compile(r"\s+".join(map(re.escape, words)), re.IGNORECASE) if words else None


def find_spans(pattern: re.Pattern[str], before: str, text: str, after: str) -> list[tuple[int, int]]:
    """From where to where in a line; `before` and `after` are the lines around it."""
    found: list[tuple[int, int]] = []
    for between in (" ", ""):  # broken at a space, or in the middle of a word
        start = len(before) + len(between)
        for match in pattern.finditer(f"{before}{between}{text}{between}{after}"):
            first, last = max(0, match.start() - start), min(len(text), match.end() - start)
            if first < last:
                found.append((first, last))
    return sorted(set(found))


def highlight_spans(text: str, style: str, hits: Sequence[tuple[int, int]], found: str) -> Iterator[tuple[str, str]]:
    """The text in pieces, the hits with the style `found` added."""
    at = 0
    for first, last in hits:
        if first > at:
            yield text[at:first], style
        if last > at:
            yield text[max(at, first) : last], f"{style} {found}".strip()
            at = last
    if at < len(text):
        yield text[at:], style
