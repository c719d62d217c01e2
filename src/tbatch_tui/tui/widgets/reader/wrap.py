"""Wrap foreign text lazily: five megabytes on one line cost no more than the part that is on the screen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.cells import cell_len, get_character_cell_size

from tbatch_tui.tui.sanitize import TAB, line
from tbatch_tui.tui.widgets.reader.selection import DrawnSelection

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SLICE = 8_192
"""Characters that are sanitized and wrapped at a time."""


@dataclass(frozen=True, slots=True)
class Block:
    """A heading, a message or a field. Its text is wrapped; the first line begins with `lead`."""

    text: str = ""
    style: str = ""
    indent: int = 0
    lead: Sequence[tuple[str, str]] = ()
    """Styled text in the indent of the first line; if it is wider, the text begins after it."""


@dataclass(frozen=True, slots=True)
class WrappedLine:
    """A line as it is on the screen. Its `parts` are text and style, no wider than was asked."""

    parts: tuple[tuple[str, str], ...]
    block: int
    offset: int
    """Characters of the block before this line, to find it again at another width."""
    separator: str = "\n"
    """What the text has between this line and the next: a newline, the space it was broken at, or nothing."""
    gutter: int = 0
    """Characters of an indent that is not part of the text."""

    @property
    def selectable(self) -> DrawnSelection:
        """The line as one text, for selecting in it."""
        return DrawnSelection("".join(text for text, _ in self.parts), self.gutter, self.separator)


class WrappedText:
    """Blocks as lines of a width, wrapped as they are iterated over."""

    def __init__(self, blocks: Sequence[Block], width: int) -> None:
        self.total = sum(len(block.text) for block in blocks)
        self.read = 0
        """Characters taken from the blocks so far."""
        self._blocks = blocks
        self._width = max(1, width)

    def __iter__(self) -> Iterator[WrappedLine]:
        for index, block in enumerate(self._blocks):
            lead = tuple((line(text), style) for text, style in block.lead)
            lead_width = sum(cell_len(text) for text, _ in lead)
            indent = min(max(block.indent, 0), max(0, self._width - 8))
            first = max(indent, lead_width)
            offset = 0
            for text, separator in self._lines(block.text, self._width - indent, self._width - first):
                before = (*lead, (" " * (first - lead_width), "")) if not offset else ((" " * indent, ""),)
                gutter = indent if offset or not lead else 0
                yield WrappedLine((*before, (text, block.style)), index, offset, separator, gutter)
                offset += len(text) + 1

    def _lines(self, text: str, width: int, first: int) -> Iterator[tuple[str, str]]:
        """Yield the text in lines of `width`, the first of width `first`, each with its separator."""
        room, at, end = max(1, first), 0, 0
        while end >= 0:
            end = text.find("\n", at)
            stop = len(text) if end < 0 else end
            if stop > at and text[stop - 1] == "\r":
                stop -= 1
            rest = ""
            for start in range(at, max(stop, at + 1), SLICE):
                chunk = text[start : min(start + SLICE, stop)]
                self.read += len(chunk)
                whole, offset = rest + line(chunk.expandtabs(TAB)), 0
                *full, rest = fold(whole, max(1, width), room)
                for wrapped in full:
                    offset += len(wrapped)
                    separator = " " if whole[offset] == " " and not wrapped.isspace() else ""
                    offset += len(separator)
                    yield wrapped, separator
                    room = max(1, width)
            yield rest, "\n"
            self.read += 1
            room, at = max(1, width), end + 1


def fold(text: str, width: int, first: int | None = None) -> list[str]:
    """Break sanitized text into lines of at most `width` cells, at spaces where there are any.

    Args:
        first: The cells of the first line, if it has another width.
    """
    folded: list[str] = []
    start, room = 0, width if first is None else first
    is_ascii = text.isascii()
    while True:
        stop = start + room if is_ascii else _reach(text, start, room)
        if stop >= len(text):
            folded.append(text[start:])
            return folded
        space = text.rfind(" ", start, stop + 1)
        if space > start and not text[start:space].isspace():
            folded.append(text[start:space])
            start = space + 1
        else:
            folded.append(text[start:stop])
            start = stop
        room = width


class _Widths(dict[str, int]):
    """Cells of each character met so far: a dict lookup is what makes wrapping fast."""

    def __missing__(self, character: str) -> int:
        if len(self) > 20_000:
            self.clear()
        self[character] = cells = get_character_cell_size(character)
        return cells


_WIDTHS = _Widths()


def _reach(text: str, start: int, room: int) -> int:
    """Return where to stop so that the text takes at most `room` cells, but at least one character."""
    widths = _WIDTHS
    # A letter may carry marks of no width: there may be more characters than cells.
    for index, character in enumerate(text[start : start + room * 4 + 1], start):
        room -= widths[character]
        if room < 0:
            return max(index, start + 1)
    return min(len(text), index + 1) if start < len(text) else len(text)
