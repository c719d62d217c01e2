"""Text selected with the mouse: how it is painted in a drawn line, and what of the lines is copied."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from rich.cells import get_character_cell_size
from rich.segment import Segment
from rich.style import Style as RichStyle

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from textual.selection import Selection

MAX_CHARACTERS = 100_000
"""Characters of a selection that are put together: more than the clipboard of any terminal is sure to take."""


class DrawnSelection(NamedTuple):
    """A line as it is drawn, and how it is copied."""

    text: str
    gutter: int = 0
    """Characters at its start that are there for the eye only."""
    joint: str = "\n"
    """What stands between it and the next line in the text it is made of: the screen's own breaks are not copied."""

    def character_at(self, cell: int) -> int:
        """Which character covers this cell; past the end, as many as there are."""
        if self.text.isascii():
            return min(cell, len(self.text))
        for index, character in enumerate(self.text):
            cell -= get_character_cell_size(character)
            if cell < 0:
                return index
        return len(self.text)


def selected_text(lines: Iterable[DrawnSelection], selection: Selection, first: int = 0) -> str:
    """What is selected of the lines, of which the first is number `first`; no more than about `MOST` characters."""
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
            taken.pop()  # up to the beginning of a line is not over the break before it
        taken += (part,) if is_last else (part, line.joint)
        size += len(part) + 1
    return "".join(taken)


def paint_selection(segments: Iterable[Segment], span: tuple[int, int], style: RichStyle) -> Iterator[Segment]:
    """The segments with the characters of the span in a style of their own, whatever they were in."""
    first, last = span
    at = 0
    for segment in segments:
        text, own = segment.text, segment.style or RichStyle.null()
        before, until = max(0, first - at), max(0, last - at)
        for piece, drawn in (
            (text[:before], own),
            (text[before:until], own + style),
            (text[max(before, until) :], own),
        ):
            if piece:
                yield Segment(piece, drawn)
        at += len(text)


def span_in(selection: Selection | None, index: int, line: DrawnSelection) -> tuple[int, int] | None:
    """From where to where the line with this number is selected, without its gutter; None when it is not."""
    span = selection.get_span(index) if selection is not None else None
    if span is None:
        return None
    first = max(span[0], line.gutter)
    last = len(line.text) if span[1] < 0 else min(span[1], len(line.text))
    return (first, last) if first < last else None
