"""Find a query in wrapped lines, whatever its case, also where a line break cuts it in two. Pure functions."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tbatch_tui.tui.sanitize import line

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


def query_pattern(query: str) -> re.Pattern[str] | None:
    """Return the pattern that finds a query in sanitized text; None for an empty query."""
    words = line(query).split()
    return re.compile(r"\s+".join(map(re.escape, words)), re.IGNORECASE) if words else None


def find_spans(pattern: re.Pattern[str], before: str, text: str, after: str) -> list[tuple[int, int]]:
    """Return start and end of each hit in a line; `before` and `after` are the lines around it."""
    spans: list[tuple[int, int]] = []
    for separator in (" ", ""):  # broken at a space, or in the middle of a word
        start = len(before) + len(separator)
        for match in pattern.finditer(f"{before}{separator}{text}{separator}{after}"):
            first, last = max(0, match.start() - start), min(len(text), match.end() - start)
            if first < last:
                spans.append((first, last))
    return sorted(set(spans))


def highlight_spans(
    text: str, style: str, spans: Sequence[tuple[int, int]], highlight: str
) -> Iterator[tuple[str, str]]:
    """Yield the text in parts with their style, and `highlight` added to the style of the spans."""
    at = 0
    for first, last in spans:
        if first > at:
            yield text[at:first], style
        if last > at:
            yield text[max(at, first) : last], f"{style} {highlight}".strip()
            at = last
    if at < len(text):
        yield text[at:], style
