"""Draws the lines of a record table, and remembers those of its rows: a row is asked once what it says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, Literal

from rich.segment import Segment
from textual.cache import LRUCache
from textual.strip import Strip
from textual.style import Style

from tbatch_tui.tui.sanitize import fit
from tbatch_tui.tui.widgets.table.columns import (
    GAP,
    GUTTER,
    Column,
    PlacedColumn,
    Row,
    cell_segments,
    pages,
    place_columns,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rich.style import Style as RichStyle
    from textual.content import Content

MARK = "▌"
"""Stands before the row under the cursor, which is therefore not told by its colour alone."""
MARKED = "◆"
"""Stands beside it where the person has marked a row."""
MORE_LEFT, MORE_RIGHT = "‹", "›"
REMEMBERED = 1_024
"""Rows whose lines are kept."""

State = Literal["row", "cursor", "cursor-blurred"]


class TablePainter(Generic[Row]):
    """Lines as wide as `fit_width` was told last. A row's line is made again when its value or its state is another."""

    def __init__(
        self,
        columns: Sequence[Column[Row]],
        part: Callable[[str], RichStyle],
        parse: Callable[[str | Style], Style],
        *,
        can_turn: bool = False,
    ) -> None:
        """A painter.

        Args:
            columns: From left to right.
            part: The style of a part of the table: `row`, `cursor`, `rule` …
            parse: Makes a style of what a cell says (`"bold $status-ok"`), in the theme of the moment.
            can_turn: Whether one can go on to the columns that have no room; without that they are not hinted at.
        """
        self._columns = tuple(columns)
        self._can_turn = can_turn
        self._part = part
        self._parse = parse
        self._width = -1
        self._pages: list[tuple[PlacedColumn[Row], ...]] = [()]
        self._page = 0
        self._strips: LRUCache[tuple[str, State, bool], tuple[Row, Strip]] = LRUCache(REMEMBERED)
        self._styles: dict[str | Style, RichStyle] = {}
        self._wrapped: tuple[Content, int, list[Content]] | None = None

    @property
    def _placed(self) -> tuple[PlacedColumn[Row], ...]:
        return self._pages[self._page]

    @property
    def has_hidden(self) -> bool:
        """Whether there are columns that have no room."""
        return len(self._pages) > 1

    def fit_width(self, width: int) -> None:
        """Give the columns their places, if the width is another one."""
        if width != self._width:
            self._width = width
            self._pages = pages(self._columns, width) if self._can_turn else [place_columns(self._columns, width)]
            self._page = 0
            self._strips.clear()

    def turn(self, step: int) -> bool:
        """Go on to the columns that had no room, or back; whether there were any."""
        page = min(max(0, self._page + step), len(self._pages) - 1)
        turned = page != self._page
        if turned:
            self._page = page
            self._strips.clear()
        return turned

    def forget_rows(self) -> None:
        """Ask the rows again what they say."""
        self._strips.clear()

    def forget_styles(self) -> None:
        """The theme is another."""
        self._strips.clear()
        self._styles.clear()

    def column_at(self, x: int) -> Column[Row] | None:
        """The column at a place of the line, for a click."""
        return next((one.column for one in self._placed if one.x - GAP <= x < one.x + one.width), None)

    def row(self, key: str, row: Row, state: State, marked: bool = False) -> Strip:
        cached = self._strips.get((key, state, marked))
        if cached is not None and (cached[0] is row or cached[0] == row):
            return cached[1]
        base = self._part(state)
        cursor = Segment(" ", base)
        if state != "row":
            cursor = Segment(MARK, self._part("mark" if state == "cursor" else "mark-blurred"))
        mark = Segment(MARKED, base + self._resolve("bold $accent-text")) if marked else Segment(" ", base)
        segments, end = [cursor, mark], GUTTER
        for placed in self._placed:
            if placed.x > end:
                segments.append(Segment(" " * (placed.x - end), base))
            segments += cell_segments(placed.column.cell(row, placed.width), placed, base, self._resolve)
            end = placed.x + placed.width
        strip = Strip(segments, end).adjust_cell_length(self._width, base).simplify()
        self._strips[key, state, marked] = (row, strip)
        return strip

    def header(self, ordered: tuple[str, bool] | None) -> Strip:
        """The titles; `ordered` is the column the rows are sorted by, and whether downwards.

        The arrow stands in the gap beside a title that fills its column. `‹` and `›` say that there are more columns.
        """
        base = self._part("header")
        text = (MORE_LEFT if self._page else " ").ljust(GUTTER)
        for placed in self._placed:
            column, width = placed.column, placed.width
            title = fit(column.title, width, align=column.align)
            if ordered and ordered[0] == column.key:
                arrow = "▾" if ordered[1] else "▴"
                if column.align == "right":
                    text = text.ljust(placed.x - 1) + " "
                    title = fit(f"{arrow} {column.title}", width, align="right")
                    if column.title not in title:
                        text, title = text[:-1] + arrow, fit(column.title, width, align="right")
                else:
                    bare = title.rstrip()
                    title = f"{bare} {arrow}" if len(bare) + 2 <= width else f"{bare}{arrow}"
            text = text.ljust(placed.x) + title
        strip = Strip([Segment(text, base)]).adjust_cell_length(self._width, base)
        if self._page + 1 < len(self._pages) and self._width > GUTTER:
            strip = Strip.join([strip.crop(0, self._width - 1), Strip([Segment(MORE_RIGHT, base)], 1)])
        return strip

    def rule(self) -> Strip:
        return Strip([Segment("─" * self._width, self._part("rule"))], self._width)

    def blank(self) -> Strip:
        return Strip.blank(self._width, self._part("row"))

    def empty(self, says: Content, line: int) -> Strip:
        """A line of what an empty table says."""
        base = self._part("empty")
        if self._wrapped is None or self._wrapped[:2] != (says, self._width):
            lines = says.wrap(max(1, self._width - 2 * GUTTER)) if says else []
            self._wrapped = (says, self._width, lines)
        lines = self._wrapped[2]
        if not 0 <= line < len(lines):
            return self.blank()
        segments = [Segment(" " * GUTTER, base)]
        for text, style in lines[line].render(Style.null(), end="", parse_style=self._parse):
            segments.append(Segment(text, base + self._resolve(style)))
        return Strip(segments).adjust_cell_length(self._width, base)

    def _resolve(self, style: str | Style) -> RichStyle:
        resolved = self._styles.get(style)
        if resolved is None:
            resolved = self._styles[style] = self._parse(style).rich_style
        return resolved
