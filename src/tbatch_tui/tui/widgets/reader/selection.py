"""Text selected with the mouse: how it is painted in a line, and what of the lines is copied."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from rich.cells import get_character_cell_size
from rich.segment import Segment
from rich.style import Style as RichStyle

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from textual.selection import Selection

MAX_CHARACTERS = 100_000
"""About how many characters of a selection are read: more than the clipboard of any terminal is sure to take."""


class DrawnSelection(NamedTuple):
    """A line as it is on the screen, and how it is copied."""

    text: str
    gutter: int = 0
    """Characters at its start that are layout, and not copied."""
    separator: str = "\n"
    """What the source text has between this line and the next: line breaks of the wrapping are not copied."""

    def character_at(self, cell: int) -> int:
        """Return the index of the character on this cell; past the end, the length of the text."""
        if self.text.isascii():
            return min(cell, len(self.text))
        for index, character in enumerate(self.text):
            cell -= get_character_cell_size(character)
            if cell < 0:
                return index
        return len(self.text)


def selected_text(lines: Iterable[DrawnSelection], selection: Selection, first: int = 0) -> str:
    """Return the selected text of the lines, at most about `MAX_CHARACTERS` of it.

    Args:
        first: The number of the first of the lines.
    """
    start, end = selection
    taken: list[str] = []
    size = 0
    for index, line in enumerate(lines, first):
        if start is not None and index < start.y:
            continue
        if size > MAX_CHARACTERS or (end is not None and index > end.y):
            break
        begin = start.x if start is not None and index == start.y else 0
        is_last = end is not None and index == end.y
        part = line.text[max(begin, line.gutter) : end.x if end is not None and is_last else None]
        if is_last and not part and taken:
            taken.pop()  # a selection up to the start of a line does not include the break before it
        taken += (part,) if is_last else (part, line.separator)
        size += len(part) + 1
    return "".join(taken)


def paint_selection(segments: Iterable[Segment], span: tuple[int, int], style: RichStyle) -> Iterator[Segment]:
    """Yield the segments, with `style` added to the characters of the span."""
    first, last = span
    at = 0
    for segment in segments:
        text, own = segment.text, segment.style or RichStyle.null()
        before, until = max(0, first - at), max(0, last - at)
        for part, part_style in (
            (text[:before], own),
            (text[before:until], own + style),
            (text[max(before, until) :], own),
        ):
            if part:
                yield Segment(part, part_style)
        at += len(text)


def span_in(selection: Selection | None, index: int, line: DrawnSelection) -> tuple[int, int] | None:
    """Return start and end of what is selected of line `index`, without its gutter; None if nothing is."""
    span = selection.get_span(index) if selection is not None else None
    if span is None:
        return None
    first = max(span[0], line.gutter)
    last = len(line.text) if span[1] < 0 else min(span[1], len(line.text))
    return (first, last) if first < last else None
