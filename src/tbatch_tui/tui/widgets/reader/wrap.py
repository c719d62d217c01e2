"""Wraps foreign text lazily: five megabytes on one line cost no more than the part that is looked at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.cells import cell_len, get_character_cell_size

from tbatch_tui.tui.sanitize import TAB, line
from tbatch_tui.tui.widgets.reader.selection import DrawnSelection

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SLICE = 8_192
"""Characters that pass the gate and are wrapped at a time."""


@dataclass(frozen=True, slots=True)
class Block:
    """A piece of what is read: a heading, a message, a field. Its text is wrapped, after `lead` in the first line."""

    text: str = ""
    style: str = ""
    indent: int = 0
    lead: Sequence[tuple[str, str]] = ()
    """Pieces in the first line's indent; if they are wider, the text begins after them."""


@dataclass(frozen=True, slots=True)
class WrappedLine:
    """One line as it is drawn. `pieces` are no wider than was asked."""

    parts: tuple[tuple[str, str], ...]
    block: int
    offset: int
    """Characters of the block before this line: the place to find again at another width."""
    joint: str = "\n"
    """What stands between this line and the next in the text: a newline, or the space it was broken at, or nothing."""
    gutter: int = 0
    """Characters of an indent that is not the text's own."""

    @property
    def drawn(self) -> DrawnSelection:
        """The line as one text, for what is selected of it."""
        return DrawnSelection("".join(text for text, _ in self.parts), self.gutter, self.joint)


class WrappedText:
    """Blocks as lines of a width, made as they are asked for."""

    def __init__(self, blocks: Sequence[Block], width: int) -> None:
        self.total = sum(len(block.text) for block in blocks)
        self.read = 0
        """Characters taken from the blocks so far."""
        self._blocks = blocks
        self._width = max(1, width)

    def __iter__(self) -> Iterator[WrappedLine]:
        for index, block in enumerate(self._blocks):
            lead = tuple((line(text), style) for text, style in block.lead)
            led = sum(cell_len(text) for text, _ in lead)
            indent = min(max(block.indent, 0), max(0, self._width - 8))
            first = max(indent, led)
            offset = 0
            for text, joint in self._lines(block.text, self._width - indent, self._width - first):
                before = (*lead, (" " * (first - led), "")) if not offset else ((" " * indent, ""),)
                gutter = indent if offset or not lead else 0
                yield WrappedLine((*before, (text, block.style)), index, offset, joint, gutter)
                offset += len(text) + 1

    def _lines(self, text: str, width: int, first: int) -> Iterator[tuple[str, str]]:
        """The text in lines of a width, the first of another one, each with its joint."""
        room, at, end = max(1, first), 0, 0
        while end >= 0:
            end = text.find("\n", at)
            stop = len(text) if end < 0 else end
            if stop > at and text[stop - 1] == "\r":
                stop -= 1
            rest = ""
            for start in range(at, max(stop, at + 1), SLICE):
                piece = text[start : min(start + SLICE, stop)]
                self.read += len(piece)
                whole, place = rest + line(piece.expandtabs(TAB)), 0
                *full, rest = fold(whole, max(1, width), room)
                for wrapped in full:
                    place += len(wrapped)
                    joint = " " if whole[place] == " " and not wrapped.isspace() else ""
                    place += len(joint)
                    yield wrapped, joint
                    room = max(1, width)
            yield rest, "\n"
            self.read += 1
            room, at = max(1, width), end + 1


def fold(text: str, width: int, first: int | None = None) -> list[str]:
    """Harmless text in lines of at most `width` cells (the first of `first`), broken at spaces where there are any."""
    folded: list[str] = []
    start, room = 0, width if first is None else first
    ascii = text.isascii()
    while True:
        stop = start + room if ascii else _reach(text, start, room)
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
    """Cells of the characters met so far: wrapping asks for nothing else."""

    def __missing__(self, character: str) -> int:
        if len(self) > 20_000:
            self.clear()
        self[character] = cells = get_character_cell_size(character)
        return cells


_WIDTHS = _Widths()


def _reach(text: str, start: int, room: int) -> int:
    """Where the text must stop to take no more than `room` cells; it takes one character at least."""
    widths = _WIDTHS
    # A letter may bear marks of no width: look at more characters than there are cells.
    for index, character in enumerate(text[start : start + room * 4 + 1], start):
        room -= widths[character]
        if room < 0:
            return max(index, start + 1)
    return min(len(text), index + 1) if start < len(text) else len(text)
