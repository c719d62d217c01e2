"""Render the lines of a record table, and cache those of its rows: the cells of a row are computed once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, Literal

from rich.segment import Segment
from textual.cache import LRUCache
from textual.strip import Strip
from textual.style import Style

from tbatch_tui.tui.sanitize import fit
from tbatch_tui.tui.widgets.table.columns import (
    GUTTER,
    NOTHING,
    Column,
    Need,
    PlacedColumn,
    Row,
    cell_segments,
    pages,
    place_columns,
)
from tbatch_tui.tui.widgets.table.widths import GAP, whole_width

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from rich.style import Style as RichStyle
    from textual.content import Content

CURSOR = "▌"
"""Stands before the row under the cursor, so that the cursor is not shown by colour alone."""
MARK = "◆"
"""Stands before a row that the user has marked."""
MORE_LEFT, MORE_RIGHT = "‹", "›"
CACHED_ROWS = 1_024
"""Rows whose lines are cached."""

State = Literal["row", "cursor", "cursor-blurred"]


class TablePainter(Generic[Row]):
    """A renderer of lines as wide as the last `fit_width`.

    The line of a row is cached until its value or its state changes.
    """

    def __init__(
        self,
        columns: Sequence[Column[Row]],
        part: Callable[[str], RichStyle],
        parse: Callable[[str | Style], Style],
        *,
        can_turn: bool = False,
    ) -> None:
        """Make a painter.

        Args:
            columns: From left to right.
            part: Returns the style of a part of the table: `row`, `cursor`, `rule` …
            parse: Parses the style of a cell (`"bold $status-ok"`) in the current theme.
            can_turn: Whether the user can turn to the columns that have no room; otherwise nothing hints at them.
        """
        self._columns = tuple(columns)
        self._can_turn = can_turn
        self._part = part
        self._parse = parse
        self._width = -1
        self._needs: dict[str, Need] = {}
        """By the key of a column, what the widest row measured so far needs: it never shrinks, so that a column does
        not jump about while its rows change."""
        self._pages: list[tuple[PlacedColumn[Row], ...]] = [()]
        self._page = 0
        self._strips: LRUCache[tuple[str, State, bool], tuple[Row, Strip]] = LRUCache(CACHED_ROWS)
        self._styles: dict[str | Style, RichStyle] = {}
        self._wrapped: tuple[Content, int, list[Content]] | None = None

    @property
    def _placed(self) -> tuple[PlacedColumn[Row], ...]:
        return self._pages[self._page]

    @property
    def has_hidden(self) -> bool:
        """Whether some columns have no room."""
        return len(self._pages) > 1

    @property
    def whole_width(self) -> int:
        """The cells with which every column is there, and none of them cut."""
        rules = [column.rule(self._needs.get(column.key, NOTHING)) for column in self._columns]
        return whole_width(rules) + GUTTER + 1

    def measure(self, rows: Iterable[Row]) -> None:
        """Let the columns be as wide as these rows need, and place them again if that is wider than before."""
        needs, grew = self._needs, False
        columns = [column for column in self._columns if not column.width]
        for row in rows:
            for column in columns:
                needed, before = column.needed(row), needs.get(column.key, NOTHING)
                if needed.whole > before.whole or needed.first > before.first:
                    needs[column.key] = Need(max(needed.whole, before.whole), max(needed.first, before.first))
                    grew = True
        if grew and self._width >= 0:
            self._place()

    def set_columns(self, columns: Sequence[Column[Row]]) -> None:
        """Draw other columns from now on; what their rows need is measured anew."""
        self._columns = tuple(columns)
        self._needs.clear()
        self._page = 0
        self._place()

    def fit_width(self, width: int) -> None:
        """Place the columns again if the width changed."""
        if width != self._width:
            self._width = width
            self._page = 0
            self._place()

    def _place(self) -> None:
        columns, width, needs = self._columns, self._width, self._needs
        self._pages = pages(columns, width, needs) if self._can_turn else [place_columns(columns, width, needs)]
        self._page = min(self._page, len(self._pages) - 1)
        self._strips.clear()

    def turn(self, step: int) -> bool:
        """Turn to the columns that had no room, or back; return whether there were any."""
        page = min(max(0, self._page + step), len(self._pages) - 1)
        turned = page != self._page
        if turned:
            self._page = page
            self._strips.clear()
        return turned

    def forget_rows(self) -> None:
        """Drop the cached lines, so that all cells are computed again."""
        self._strips.clear()

    def forget_styles(self) -> None:
        """Drop everything that depends on the theme."""
        self._strips.clear()
        self._styles.clear()

    def column_at(self, x: int) -> Column[Row] | None:
        """Return the column at a cell of the line, for a click."""
        return next((each.column for each in self._placed if each.x - GAP <= x < each.x + each.width), None)

    def row(self, key: str, row: Row, state: State, marked: bool = False) -> Strip:
        """Render a row, or return its line from the cache."""
        cached = self._strips.get((key, state, marked))
        if cached is not None and (cached[0] is row or cached[0] == row):
            return cached[1]
        base = self._part(state)
        cursor = Segment(" ", base)
        if state != "row":
            cursor = Segment(CURSOR, self._part("mark" if state == "cursor" else "mark-blurred"))
        mark = Segment(MARK, base + self._resolve("bold $accent-text")) if marked else Segment(" ", base)
        segments, end = [cursor, mark], GUTTER
        for placed in self._placed:
            if placed.x > end:
                segments.append(Segment(" " * (placed.x - end), base))
            segments += cell_segments(placed.column.cell(row, placed.width), placed, base, self._resolve)
            end = placed.x + placed.width
        strip = Strip(segments, end).adjust_cell_length(self._width, base).simplify()
        self._strips[key, state, marked] = (row, strip)
        return strip

    def header(self, sorted_by: tuple[str, bool] | None) -> Strip:
        """Render the titles.

        The arrow stands after the title, in the gap if the title fills its column. `‹` and `›` say that there are more.

        Args:
            sorted_by: The key of the column the rows are sorted by, and whether they descend.
        """
        base = self._part("header")
        text = (MORE_LEFT if self._page else " ").ljust(GUTTER)
        for placed in self._placed:
            column, width = placed.column, placed.width
            title = fit(column.title, width, align=column.align)
            if sorted_by and sorted_by[0] == column.key:
                arrow = "▾" if sorted_by[1] else "▴"
                title = f"{title}{arrow}" if column.align == "right" else f"{title.rstrip()} {arrow}"
            text = text.ljust(placed.x) + title
        strip = Strip([Segment(text, base)]).adjust_cell_length(self._width, base)
        if self._page + 1 < len(self._pages) and self._width > GUTTER:
            strip = Strip.join([strip.crop(0, self._width - 1), Strip([Segment(MORE_RIGHT, base)], 1)])
        return strip

    def rule(self) -> Strip:
        """Render the rule between two groups."""
        return Strip([Segment("─" * self._width, self._part("rule"))], self._width)

    def blank(self) -> Strip:
        """Render a line without a row."""
        return Strip.blank(self._width, self._part("row"))

    def empty(self, text: Content, line: int) -> Strip:
        """Render a line of the text of an empty table."""
        base = self._part("empty")
        if self._wrapped is None or self._wrapped[:2] != (text, self._width):
            lines = text.wrap(max(1, self._width - 2 * GUTTER)) if text else []
            self._wrapped = (text, self._width, lines)
        lines = self._wrapped[2]
        if not 0 <= line < len(lines):
            return self.blank()
        segments = [Segment(" " * GUTTER, base)]
        for part, style in lines[line].render(Style.null(), end="", parse_style=self._parse):
            segments.append(Segment(part, base + self._resolve(style)))
        return Strip(segments).adjust_cell_length(self._width, base)

    def _resolve(self, style: str | Style) -> RichStyle:
        resolved = self._styles.get(style)
        if resolved is None:
            resolved = self._styles[style] = self._parse(style).rich_style
        return resolved
