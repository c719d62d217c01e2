"""The columns of a record table: what each shows, where it stands, and which of them have no room."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Generic, NamedTuple, TypeVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style as RichStyle
from rich.text import Text
from textual.content import Content
from textual.style import Style

from tbatch_tui.tui.sanitize import Align, Keep, fit, fit_styled, line
from tbatch_tui.tui.widgets.table.widths import GAP, WidthRule, column_widths

Row = TypeVar("Row")
Cell = str | Text | Content | Sequence[tuple[str, str]]
"""A cell: plain text, or parts with a style each (`"bold"`, `"$status-ok"`). All of it is sanitized when painted."""
Resolve = Callable[[str | Style], RichStyle]
"""How the table turns the style of a cell into one that Rich can paint."""

GUTTER = 2
"""Cells at the left of each row, for the cursor and the mark."""
MEASURED = 240
"""Cells up to which a cell is measured: more than any terminal gives to one column."""


class Need(NamedTuple):
    """What a cell needs, in cells of the terminal."""

    whole: int
    """With so many nothing of it is cut."""
    first: int
    """It has no more than this before all other columns are there."""


NOTHING = Need(0, 0)


class Column(NamedTuple, Generic[Row]):
    """A column. With a `width` it is that wide; without one it is as wide as its content, as far as there is room."""

    key: str
    title: str
    render: Callable[[Row], Cell] | None = None
    """Returns the cell of a row."""
    draw: Callable[[Row, int], Cell] | None = None
    """The same for a cell that depends on its width, such as a bar."""
    width: int = 0
    min: int = 8
    """The cells it begins with, unless its content needs less; without that room it is left out."""
    max: int = 0
    """It has no more than this before all columns are there; 0 for no limit."""
    align: Align = "left"
    priority: int = 1
    """Columns of the highest priority come first, of equals the left one."""
    style: str = ""
    """The style of the whole cell, below those of its parts."""
    keep: Keep = "start"
    """What is kept of a text that is too long: `end` for paths, `middle` for names and ids, which loses its middle."""
    base: bool = False
    """Whether it is there from the narrowest terminal on, and whole before another column comes."""
    measure: Callable[[Row], Need] | None = None
    """Returns what a row needs; None for as many cells as its cell is long."""
    pinned: bool = False
    """Whether it stays when the user turns to the columns that had no room."""

    def cell(self, row: Row, width: int) -> Cell:
        """Return the cell of a row, for so many cells of the terminal."""
        if self.draw is not None:
            return self.draw(row, width)
        return self.render(row) if self.render is not None else ""

    def needed(self, row: Row) -> Need:
        """Return what a row needs."""
        if self.measure is not None:
            return self.measure(row)
        cells = self.width or cells_of(self.cell(row, MEASURED))
        return Need(cells, min(cells, self.max) if self.max else cells)

    def rule(self, need: Need) -> WidthRule:
        """Return what it asks for, if its content needs that."""
        if self.width:
            return WidthRule(self.width, self.width, 0, self.priority, self.base)
        title = cell_len(self.title)
        whole, first = max(need.whole, title), max(need.first, title)
        return WidthRule(self.min, whole, first, self.priority, self.base, self.keep == "middle")


class PlacedColumn(NamedTuple, Generic[Row]):
    """A column and its place; `x` counts from the left of the table."""

    column: Column[Row]
    x: int
    width: int


Needs = Mapping[str, Need]
"""By the key of a column, what its content needs."""


def cells_of(cell: Cell) -> int:
    """Return how many cells of the terminal a cell takes; of a very long one, at least `MEASURED`."""
    if isinstance(cell, str):
        text = cell[:MEASURED]
    elif isinstance(cell, Text | Content):
        text = cell.plain[:MEASURED]
    else:
        text = "".join([part[:MEASURED] for part, _ in cell])[:MEASURED]
    text = line(text)
    return len(text) if text.isascii() else cell_len(text)


def place_columns(columns: Sequence[Column[Row]], width: int, needs: Needs) -> tuple[PlacedColumn[Row], ...]:
    """Return the columns that fit into `width` cells, each with its place. One column always stays."""
    rules = [column.rule(needs.get(column.key, NOTHING)) for column in columns]
    widths = column_widths(rules, max(0, width - GUTTER - 1))
    placed, x = [], GUTTER
    for index in sorted(widths):
        placed.append(PlacedColumn(columns[index], x, widths[index]))
        x += widths[index] + GAP
    return tuple(placed)


def pages(columns: Sequence[Column[Row]], width: int, needs: Needs) -> list[tuple[PlacedColumn[Row], ...]]:
    """Return all columns in pages of as many as fit: first by priority, then the others beside the pinned ones."""
    result = [place_columns(columns, width, needs)]
    if _without(columns, result[0]):
        width -= 1  # a free cell for the sign that there is more
        result = [place_columns(columns, width, needs)]
    left = _without(columns, result[0])
    pinned = [column for column in columns if column.pinned]
    short = {**needs, **{column.key: Need(needs.get(column.key, NOTHING).whole, column.min) for column in pinned}}
    while left:
        page: tuple[PlacedColumn[Row], ...] = ()
        for beside, asked, least in ((pinned, needs, 2), (pinned, short, 1), (pinned[:1], needs, 1), ([], needs, 0)):
            batch = left
            while batch and len(page := place_columns([*beside, *batch], width, asked)) < len(beside) + len(batch):
                batch = batch[:-1]
            if len(batch) >= min(least, len(left)):
                break
        result.append(page if batch else place_columns(left[:1], width, needs))
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
    if column.keep == "middle" and sum(cell_len(line(text)) for text, _ in parts) > width:
        return [Segment(fit("".join(text for text, _ in parts), width, keep="middle"), parts[0][1])]
    return [Segment(text, style) for text, style in fit_styled(parts, width, align=column.align, fill=base)]
