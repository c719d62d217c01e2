"""The columns of a record table: what each shows, how wide it is, and which of them give way for lack of room."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

from rich.segment import Segment
from rich.style import Style as RichStyle
from rich.text import Text
from textual.content import Content
from textual.style import Style

from tbatch_tui.tui.sanitize import Align, fit, fit_styled

Row = TypeVar("Row")
Cell = str | Text | Content | Sequence[tuple[str, str]]
"""A cell: plain text, or parts with a style each (`"bold"`, `"$status-ok"`). All of it is sanitized when painted."""
Resolve = Callable[[str | Style], RichStyle]
"""How the table turns the style of a cell into one that Rich can paint."""

GUTTER = 2
"""Cells at the left of each row, for the cursor and the mark."""
GAP = 2
"""Cells between two columns."""


@dataclass(frozen=True)
class Column(Generic[Row]):
    """A column. With a `width` it is that wide; without one it shares the room that is left, by `weight`."""

    key: str
    title: str
    render: Callable[[Row], Cell] | None = None
    """Returns the cell of a row."""
    draw: Callable[[Row, int], Cell] | None = None
    """The same for a cell that depends on its width, such as a bar."""
    width: int = 0
    weight: int = 1
    min: int = 8
    """A flexible column is never narrower; without the room for that, some column is left out."""
    max: int = 0
    """A flexible column is never wider; 0 for no limit."""
    align: Align = "left"
    priority: int = 1
    """Columns of the lowest priority are left out first, of equals the rightmost."""
    style: str = ""
    """The style of the whole cell, below those of its parts."""
    keep: Literal["start", "end"] = "start"
    """Which end of a text that is too long is kept: `end` for paths."""
    pinned: bool = False
    """Whether it stays when the user turns to the columns that had no room."""

    def cell(self, row: Row, width: int) -> Cell:
        """Return the cell of a row, for so many cells of the terminal."""
        if self.draw is not None:
            return self.draw(row, width)
        return self.render(row) if self.render is not None else ""


@dataclass(frozen=True)
class PlacedColumn(Generic[Row]):
    """A column and its place; `x` counts from the left of the table."""

    column: Column[Row]
    x: int
    width: int


def place_columns(columns: Sequence[Column[Row]], width: int) -> tuple[PlacedColumn[Row], ...]:
    """Return the columns that fit into `width` cells, each with its place. One column always stays."""
    room = max(0, width - GUTTER - 1)
    remaining = list(columns)

    def needed() -> int:
        return sum(column.width or column.min for column in remaining) + GAP * (len(remaining) - 1)

    while len(remaining) > 1 and needed() > room:
        remaining.remove(min(reversed(remaining), key=lambda column: column.priority))
    widths = {column.key: column.width or column.min for column in remaining}
    spare = room - needed() if remaining else 0
    if spare < 0:
        widths[remaining[0].key] = room
    growing = [column for column in remaining if not column.width]
    while spare > 0 and growing:
        total = sum(column.weight for column in growing)
        shares = {column.key: spare * column.weight // total for column in growing}
        for column in growing[: spare - sum(shares.values())]:
            shares[column.key] += 1
        for column in list(growing):
            wide = widths[column.key] + shares[column.key]
            if column.max and wide >= column.max:
                wide = max(column.max, widths[column.key])
                growing.remove(column)
            spare -= wide - widths[column.key]
            widths[column.key] = wide
        if all(not share for share in shares.values()):
            break
    placed, x = [], GUTTER
    for column in remaining:
        placed.append(PlacedColumn(column, x, widths[column.key]))
        x += widths[column.key] + GAP
    return tuple(placed)


def pages(columns: Sequence[Column[Row]], width: int) -> list[tuple[PlacedColumn[Row], ...]]:
    """Return all columns in pages of as many as fit: first by priority, then the others beside the pinned ones."""
    result = [place_columns(columns, width)]
    if _without(columns, result[0]):
        width -= 1  # a free cell for the sign that there is more
        result = [place_columns(columns, width)]
    left = _without(columns, result[0])
    pinned = [column for column in columns if column.pinned]
    while left:
        for beside in (pinned, pinned[:1], []):
            batch = left
            while batch and len(place_columns([*beside, *batch], width)) < len(beside) + len(batch):
                batch = batch[:-1]
            if batch:
                break
        result.append(place_columns([*beside, *(batch or left[:1])], width))
        left = _without(left, result[-1])
    return result


def _without(columns: Sequence[Column[Row]], placed: Iterable[PlacedColumn[Row]]) -> list[Column[Row]]:
    shown = {each.column.key for each in placed}
    return [column for column in columns if column.key not in shown]


def cell_segments(cell: Cell, placed: PlacedColumn[Row], base: RichStyle, resolve: Resolve) -> list[Segment]:
    """Return exactly `placed.width` cells of sanitized text, in its styles on top of `base`."""
    column, width = placed.column, placed.width
    if column.style:
        base += resolve(column.style)
    if isinstance(cell, str):
        return [Segment(fit(cell, width, align=column.align, keep=column.keep), base)]
    if isinstance(cell, Text):
        cell = Content.from_rich_text(cell)
    parts: list[tuple[str, RichStyle]]
    if isinstance(cell, Content):
        parts = [(text, base + resolve(style)) for text, style in cell.render(Style.null(), end="")]
    else:
        parts = [(text, base + resolve(style) if style else base) for text, style in cell]
    return [Segment(text, style) for text, style in fit_styled(parts, width, align=column.align, fill=base)]
