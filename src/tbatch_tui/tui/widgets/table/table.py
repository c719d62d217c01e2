"""One table for jobs, problems and results: a line at a time, however many rows there are.

Rows are values under keys, in the order they were given. The cursor belongs to a key, so it stays on its row when
rows come, go and move; the lines that look the same afterwards are not painted again. There is no widget per row and
nothing is measured over all rows.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING, Any, ClassVar, Generic

from textual.content import Content
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView

from tbatch_tui.tui.keys import bindings as keys
from tbatch_tui.tui.widgets.table.columns import Column, Row
from tbatch_tui.tui.widgets.table.painter import State, TablePainter
from tbatch_tui.tui.widgets.table.rows import KeyedRows, Lines, RowSource, group_starts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from rich.style import Style as RichStyle
    from textual import events
    from textual.binding import BindingType
    from textual.strip import Strip
    from textual.style import Style

HEADER = 1
"""Lines of the header; there is none over an empty table."""
EMPTY_TOP = 1
"""Lines above what an empty table says."""
_LOOKED_AT = 1_000
"""Rows around one that is gone, of which the next that stayed gets the cursor."""


class RecordTable(ScrollView, Generic[Row], can_focus=True, inherit_bindings=False):
    """A table of records with a cursor; see the module."""

    ALLOW_SELECT = False
    BINDINGS: ClassVar[list[BindingType]] = [keys.SELECT, *keys.MOVING, *keys.MARKING]
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "record-table--header",
        "record-table--row",
        "record-table--cursor",
        "record-table--cursor-blurred",
        "record-table--mark",
        "record-table--mark-blurred",
        "record-table--rule",
        "record-table--empty",
    }
    DEFAULT_CSS = """
    RecordTable {
        height: 1fr;
        overflow-x: hidden;
        scrollbar-size-vertical: 1;
        .record-table--header { color: $status-quiet; }
        .record-table--row { color: $foreground; }
        .record-table--cursor { color: $foreground; background: $cursor-row; text-style: $cursor-row-text-style; }
        .record-table--cursor-blurred { color: $foreground; background: $cursor-row-blurred; }
        .record-table--mark { color: $accent-text; background: $cursor-row; }
        .record-table--mark-blurred { color: $status-quiet; background: $cursor-row-blurred; }
        .record-table--rule { color: $rule; }
        .record-table--empty { color: $status-quiet; }
    }
    """

    class RecordMessage(Message):
        """What a table says of one of its rows."""

        def __init__(self, table: RecordTable[Any], key: str, row: Any) -> None:
            super().__init__()
            self.table = table
            self.key = key
            self.row = row

        @property
        def control(self) -> RecordTable[Any]:
            return self.table

    class Highlighted(RecordMessage):
        """The cursor came to a row, or the row under it changed. The last of several says it all."""

        def can_replace(self, message: Message) -> bool:
            return isinstance(message, RecordTable.Highlighted) and message.table is self.table

    class Selected(RecordMessage):
        """Enter, or a double click, on a row."""

    class HeaderClicked(Message):
        """A click on a column's title."""

        def __init__(self, table: RecordTable[Any], column: str) -> None:
            super().__init__()
            self.table = table
            self.column = column
            """The key of the column."""

        @property
        def control(self) -> RecordTable[Any]:
            return self.table

    class Marked(Message):
        """Other rows than before are marked; see `marked`."""

        def __init__(self, table: RecordTable[Any]) -> None:
            super().__init__()
            self.table = table

        @property
        def control(self) -> RecordTable[Any]:
            return self.table

    def __init__(
        self,
        columns: Sequence[Column[Row]],
        *,
        group: Callable[[Row], object] | None = None,
        empty: Content | None = None,
        enter: str | None = "Open",
        can_mark: bool = False,
        can_turn: bool = False,
        name: str | None = None,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        """A table without rows yet.

        Args:
            columns: From left to right.
            group: A thin rule stands where this value changes. Rows of a group must stand together.
            empty: What an empty table says instead.
            enter: What Enter is called in the footer; None leaves Enter to the screen.
            can_mark: Whether rows can be marked, to do something with all of them.
            can_turn: Whether the owner has keys for the columns that have no room: `turn_columns`.
        """
        super().__init__(name=name, id=id, classes=classes)
        self._painter = TablePainter(columns, self._part, self._parsed, can_turn=can_turn)
        self._group = group
        self._empty = empty or Content()
        self._rows: RowSource[Row] = KeyedRows()
        self._lines = Lines(0)
        self._cursor = 0
        self._told: tuple[str, Row] | None = None
        self._left: str | None = None
        """While there are no rows, the key the cursor was on: a filter that nothing matches does not lose the place."""
        self._sorted: tuple[str, bool] | None = None
        self._painted: dict[int, Strip] = {}
        self._marked: set[str] = set()
        self._can_mark = can_mark
        self._enter = enter
        if enter is not None:
            self._bindings.key_to_bindings["enter"] = [replace(keys.SELECT, description=enter)]

    # What it holds.

    @property
    def row_count(self) -> int:
        return len(self._rows)

    @property
    def source(self) -> RowSource[Row]:
        """The rows, in the order shown."""
        return self._rows

    @property
    def cursor_index(self) -> int | None:
        return self._cursor if len(self._rows) else None

    @property
    def cursor_key(self) -> str | None:
        """The key under the cursor."""
        return self._rows.key(self._cursor) if len(self._rows) else None

    @property
    def cursor_row(self) -> Row | None:
        """The row under the cursor."""
        return self._rows.row(self._cursor) if len(self._rows) else None

    def set_rows(self, rows: Iterable[tuple[str, Row]]) -> None:
        """Show these rows, in this order. Cursor and scroll stay by key; what looks the same is not painted again."""
        self.set_source(KeyedRows(rows))

    def set_source(self, source: RowSource[Row]) -> None:
        """Show the rows of a source of your own; call it again, with the same one too, when its length changed."""
        self._become(source)

    def refresh_rows(self) -> None:
        """Draw all rows again: what they say depends on the clock too. Lines that come out the same are left alone."""
        self._painter.forget()
        self._repaint()

    def mark_sorted(self, column: str | None, *, descending: bool = False) -> None:
        """Show in the header which column the rows are sorted by. Sorting is the owner's."""
        now = None if column is None else (column, descending)
        if now != self._sorted:
            self._sorted = now
            self._repaint()

    def set_empty(self, empty: Content) -> None:
        """What an empty table says."""
        if empty == self._empty:
            return
        self._empty = empty
        if not len(self._rows):
            self.refresh()

    def set_group(self, group: Callable[[Row], object] | None) -> None:
        """Other groups, or none; they are looked for with the next rows."""
        self._group = group

    def move_cursor(self, *, index: int | None = None, key: str | None = None) -> bool:
        """Put the cursor on a row, and scroll as little as shows it. False when there is no such row."""
        if key is not None:
            index = self._rows.find(key)
        if index is None or not len(self._rows):
            return False
        index = min(max(0, index), len(self._rows) - 1)
        if index != self._cursor:
            self._cursor = index
            self._repaint()
        self._show_cursor()
        self._tell()
        return True

    # What is marked.

    @property
    def marked(self) -> frozenset[str]:
        """The keys that are marked, shown or not."""
        return frozenset(self._marked)

    def mark(self, keys: Iterable[str]) -> None:
        """Mark these rows and no others."""
        marked = set(keys)
        if marked != self._marked:
            self._marked = marked
            self._repaint()
            self.post_message(self.Marked(self))

    def action_mark(self) -> None:
        """Mark the row under the cursor, or not any more, and go on to the next."""
        if (key := self.cursor_key) is not None:
            self.mark(self._marked ^ {key})
            self.move_cursor(index=self._cursor + 1)

    def action_mark_all(self) -> None:
        """Mark every row that is shown; when all are, none."""
        shown = {self._rows.key(index) for index in range(len(self._rows))}
        self.mark(self._marked - shown if shown <= self._marked else self._marked | shown)

    # Columns that have no room.

    @property
    def has_hidden_columns(self) -> bool:
        return self._painter.has_hidden

    def turn_columns(self, step: int) -> None:
        """Go on to the columns that had no room, or back."""
        if self._painter.turn(step):
            self._repaint()

    def on_mouse_scroll_right(self, event: events.MouseScrollRight) -> None:
        event.stop()
        self.turn_columns(1)

    def on_mouse_scroll_left(self, event: events.MouseScrollLeft) -> None:
        event.stop()
        self.turn_columns(-1)

    # Keeping the place.

    def _screen_line(self) -> int:
        """Where on the screen the cursor is, from the first line under the header."""
        return self._lines.line(self._cursor) - round(self.scroll_y)

    def _become(self, source: RowSource[Row]) -> None:
        """Show what the source holds now, with the cursor on the same key, at the same height of the screen."""
        line = self._screen_line()
        stays = self._told[0] if self._told else self._left
        was_empty = self._told is None
        before, self._rows = self._rows, source
        count = len(source)
        self._left = None if count else stays
        self._lines = Lines(count, group_starts(source, self._group))
        found = source.find(stays) if stays is not None else None
        if found is None and before is not source:
            found = self._next_that_stayed(before)
        self._cursor = min(self._cursor, max(0, count - 1)) if found is None else found
        self._resize_content()
        if count and self.scroll_y and 0 <= line < self._page():
            self._scroll_to_line(self._lines.line(self._cursor) - line)
        if 0 <= line < self._page():
            self._show_cursor()
        self._repaint()
        self._tell()
        if was_empty != (not count) and self.is_attached:
            self.refresh_bindings()

    def _next_that_stayed(self, before: RowSource[Row]) -> int | None:
        """Where the next row that is still there stands now, else the one above: that of the cursor is gone."""
        at = self._cursor
        near = chain(range(at + 1, min(len(before), at + _LOOKED_AT)), range(at - 1, max(-1, at - _LOOKED_AT), -1))
        places = (self._rows.find(before.key(index)) for index in near)
        return next((place for place in places if place is not None), None)

    def _resize_content(self) -> None:
        height = self._lines.count + HEADER if self._lines.count else 0
        if self.virtual_size.height != height:
            self.virtual_size = Size(0, height)

    def _page(self) -> int:
        return max(1, self.scrollable_content_region.height - HEADER)

    def _scroll_to_line(self, line: int) -> None:
        bottom = max(0, self._lines.count - self._page())
        self.scroll_to(y=min(max(0, line), bottom), animate=False, force=True)

    def _show_cursor(self) -> None:
        """Scroll as little as brings the cursor into view."""
        if not self.is_attached or not self.size:
            return
        line, top, page = self._lines.line(self._cursor), round(self.scroll_y), self._page()
        if line < top:
            self._scroll_to_line(0 if self._cursor == 0 else line)
        elif line >= top + page:
            self._scroll_to_line(line - page + 1)

    def _tell(self) -> None:
        """Say so when another row, or another value, is under the cursor."""
        if not len(self._rows):
            self._told = None
            return
        key, row = self._rows.key(self._cursor), self._rows.row(self._cursor)
        if self._told is None or self._told[0] != key or (self._told[1] is not row and self._told[1] != row):
            self.post_message(self.Highlighted(self, key, row))
        self._told = (key, row)

    # Drawing.

    def render_line(self, y: int) -> Strip:
        strip = self._line(y)
        self._painted[y] = strip
        return strip

    def _repaint(self) -> None:
        """Paint those lines of the screen again that have come to look different."""
        if not self.is_attached or not self.size:
            return
        for y in range(self.size.height):
            if self._painted.get(y) is not (strip := self._line(y)) and self._painted.get(y) != strip:
                self.refresh(Region(0, y, self.size.width, 1))

    def _line(self, y: int) -> Strip:
        painter = self._painter
        painter.fit_width(self.scrollable_content_region.width)
        if not len(self._rows):
            return painter.empty(self._empty, y - EMPTY_TOP)
        if y < HEADER:
            return painter.header(self._sorted)
        line = y - HEADER + round(self.scroll_y)
        if line >= self._lines.count:
            return painter.blank()
        row = self._lines.row(line)
        if row is None:
            return painter.rule()
        state: State = "row" if row != self._cursor else "cursor" if self.has_focus else "cursor-blurred"
        key = self._rows.key(row)
        return painter.row(key, self._rows.row(row), state, key in self._marked)

    def _part(self, name: str) -> RichStyle:
        return self.get_component_rich_style(f"record-table--{name}")

    def _parsed(self, style: str | Style) -> Style:
        return self.app.stylesheet.parse_style(style) if isinstance(style, str) else style

    def notify_style_update(self) -> None:
        self._painter.forget_styles()
        super().notify_style_update()

    # Keys and mouse.

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "select":
            return self._enter is not None and len(self._rows) > 0
        if action in ("mark", "mark_all"):
            return self._can_mark and len(self._rows) > 0
        return super().check_action(action, parameters)

    def action_select(self) -> None:
        if (key := self.cursor_key) is not None:
            self.post_message(self.Selected(self, key, self._rows.row(self._cursor)))

    def action_cursor_down(self) -> None:
        self.move_cursor(index=self._cursor + 1)

    def action_cursor_up(self) -> None:
        self.move_cursor(index=self._cursor - 1)

    def action_cursor_top(self) -> None:
        self.move_cursor(index=0)

    def action_cursor_bottom(self) -> None:
        self.move_cursor(index=len(self._rows) - 1)

    def action_page_down(self) -> None:
        self._page_by(self._page())

    def action_page_up(self) -> None:
        self._page_by(-self._page())

    def _page_by(self, lines: int) -> None:
        """Move the cursor and the scroll together by so many lines, so that the cursor keeps its height."""
        height = self._screen_line()
        target = min(max(0, self._lines.line(self._cursor) + lines), max(0, self._lines.count - 1))
        row = self._lines.row(target)
        if row is None:
            row = self._lines.row(target + (1 if lines > 0 else -1))
        if self.move_cursor(index=row) and 0 <= height < self._page():
            self._scroll_to_line(self._lines.line(self._cursor) - height)

    def on_click(self, event: events.Click) -> None:
        if not len(self._rows):
            return
        offset = event.get_content_offset(self)
        if offset is None:
            return
        if offset.y < HEADER:
            if (column := self._painter.column_at(offset.x)) is not None:
                self.post_message(self.HeaderClicked(self, column.key))
            return
        line = offset.y - HEADER + round(self.scroll_y)
        row = self._lines.row(line) if line < self._lines.count else None
        if row is None:
            return
        event.stop()
        self.move_cursor(index=row)
        if event.chain == 2 and self._enter is not None:
            self.action_select()

    def on_focus(self) -> None:
        self._repaint()

    def on_blur(self) -> None:
        self._repaint()

    def on_resize(self) -> None:
        self._show_cursor()
