"""The columns of a record table: what each shows, how wide it is, and which of them stay when there is little room."""

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
"""What a cell may be: plain text, or pieces with a style each (`"bold"`, `"$status-ok"`). All of it passes the gate."""
Resolve = Callable[[str | Style], RichStyle]
"""How the table turns a style of ours into one that can be drawn."""

GUTTER = 2
"""Cells at the left of each row: the cursor's mark and a space."""
GAP = 2
"""Cells between two columns."""


@dataclass(frozen=True)
class Column(Generic[Row]):
    """One column. With a `width` it is that wide; without one it shares the room left, by `weight`."""

    key: str
    title: str
    render: Callable[[Row], Cell] | None = None
    """What the cell of a row says."""
    draw: Callable[[Row, int], Cell] | None = None
    """The same for a cell that must know its width, such as a bar."""
    width: int = 0
    weight: int = 1
    min: int = 8
    """A flexible column is never narrower; where this cannot be had, a column vanishes."""
    max: int = 0
    """A flexible column is never wider; 0 is no limit."""
    align: Align = "left"
    priority: int = 1
    """Columns of the lowest priority vanish first, the rightmost of equals before the others."""
    style: str = ""
    """The style of the whole cell, beneath what `render` says."""
    keep: Literal["start", "end"] = "start"
    """Which end of a text that is too long stays: `end` for paths."""
    pinned: bool = False
    """Stays when the person moves on to the columns that had no room."""

    def cell(self, row: Row, width: int) -> Cell:
        """What the cell of this row says in so many cells."""
        if self.draw is not None:
            return self.draw(row, width)
        return self.render(row) if self.render is not None else ""


@dataclass(frozen=True)
class PlacedColumn(Generic[Row]):
    """A column that has its place: `x` counts from the left of the table."""

    column: Column[Row]
    x: int
    width: int


def place_columns(columns: Sequence[Column[Row]], width: int) -> tuple[PlacedColumn[Row], ...]:
    """The columns that fit into `width` cells, each with its place. The last one standing takes what there is."""
    room = max(0, width - GUTTER - 1)
    kept = list(columns)

    def needed() -> int:
        return sum(column.width or column.min for column in kept) + GAP * (len(kept) - 1)

    while len(kept) > 1 and needed() > room:
        kept.remove(min(reversed(kept), key=lambda column: column.priority))
    widths = {column.key: column.width or column.min for column in kept}
    spare = room - needed() if kept else 0
    if spare < 0:
        widths[kept[0].key] = room
    growing = [column for column in kept if not column.width]
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
    for column in kept:
        placed.append(PlacedColumn(column, x, widths[column.key]))
        x += widths[column.key] + GAP
    return tuple(placed)


def pages(columns: Sequence[Column[Row]], width: int) -> list[tuple[PlacedColumn[Row], ...]]:
    """All columns, as many at a time as fit: first by priority, then the others beside those that are pinned."""
    found = [place_columns(columns, width)]
    if _without(columns, found[0]):
        width -= 1  # a free cell beside the sign that says so
        found = [place_columns(columns, width)]
    left = _without(columns, found[0])
    pinned = [column for column in columns if column.pinned]
    while left:
        for beside in (pinned, pinned[:1], []):
            wanted = left
            while wanted and len(place_columns([*beside, *wanted], width)) < len(beside) + len(wanted):
                wanted = wanted[:-1]
            if wanted:
                break
        found.append(place_columns([*beside, *(wanted or left[:1])], width))
        left = _without(left, found[-1])
    return found


def _without(columns: Sequence[Column[Row]], placed: Iterable[PlacedColumn[Row]]) -> list[Column[Row]]:
    shown = {one.column.key for one in placed}
    return [column for column in columns if column.key not in shown]


def cell_segments(cell: Cell, placed: PlacedColumn[Row], base: RichStyle, resolve: Resolve) -> list[Segment]:
    """Exactly `placed.width` cells of foreign text, in its styles on top of `base`."""
    column, width = placed.column, placed.width
    if column.style:
        base += resolve(column.style)
    if isinstance(cell, str):
        return [Segment(fit(cell, width, align=column.align, keep=column.keep), base)]
    if isinstance(cell, Text):
        cell = Content.from_rich_text(cell)
    pieces: list[tuple[str, RichStyle]]
    if isinstance(cell, Content):
        pieces = [(text, base + resolve(style)) for text, style in cell.render(Style.null(), end="")]
    else:
        pieces = [(text, base + resolve(style) if style else base) for text, style in cell]
    return [Segment(text, style) for text, style in fit_styled(pieces, width, align=column.align, fill=base)]
