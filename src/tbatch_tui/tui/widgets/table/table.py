"""One table for jobs, problems and results, painted a line at a time, however many rows there are.

Rows are values under keys, in the order given. The cursor stays on its key. There is no widget per row, and only a
sample of the rows is measured, and what comes into view."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Generic

from textual import events, on
from textual.content import Content
from textual.message import Message

from tbatch_tui.tui import textual_private
from tbatch_tui.tui.keys import bindings as keys
from tbatch_tui.tui.widgets.table.columns import Column, Row
from tbatch_tui.tui.widgets.table.cursor import Marks, TableCursor
from tbatch_tui.tui.widgets.table.line_scroll import HEADER, LineScrollView
from tbatch_tui.tui.widgets.table.painter import State, TablePainter
from tbatch_tui.tui.widgets.table.rows import KeyedRows, RowSource, keys_where, sample

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from rich.style import Style as RichStyle
    from textual.binding import BindingType
    from textual.strip import Strip
    from textual.style import Style

EMPTY_TOP = 1
"""Lines above the text of an empty table."""


class RecordTable(LineScrollView, Generic[Row], can_focus=True, inherit_bindings=False):
    """A table of records with a cursor."""

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
        scrollbar-gutter: stable;
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

    class TableMessage(Message):
        """A message of a table."""

        def __init__(self, table: RecordTable[Any]) -> None:
            super().__init__()
            self.table = table

        @property
        def control(self) -> RecordTable[Any]:
            """The table, for selectors of `@on`."""
            return self.table

    class RecordMessage(TableMessage):
        """A message about one row of a table."""

        def __init__(self, table: RecordTable[Any], key: str, row: Any) -> None:
            super().__init__(table)
            self.key = key
            self.row = row

    class Highlighted(RecordMessage):
        """The cursor moved to a row, or the value of the row under it changed."""

        def can_replace(self, message: Message) -> bool:
            """Let the last of several stand for all."""
            return isinstance(message, RecordTable.Highlighted) and message.table is self.table

    class Selected(RecordMessage):
        """Enter was pressed on a row, or it was double-clicked."""

    class HeaderClicked(TableMessage):
        """The title of a column was clicked."""

        def __init__(self, table: RecordTable[Any], column: str) -> None:
            """`column` is its key."""
            super().__init__(table)
            self.column = column

    class Marked(TableMessage):
        """Other rows than before are marked; see `marked`."""

    def __init__(
        self,
        columns: Sequence[Column[Row]],
        *,
        group: Callable[[Row], object] | None = None,
        empty: Content | None = None,
        enter: str | None = "Open",
        can_mark: bool | Callable[[Row], bool] = False,
        can_turn: bool = False,
        name: str | None = None,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        """Make a table without rows.

        Args:
            columns: From left to right.
            group: A thin rule stands where this value changes. Rows of a group must stand together.
            empty: The text of an empty table.
            enter: What Enter is called in the footer; None leaves Enter to the screen.
            can_mark: Whether rows can be marked, to do something with all of them; or whether a row can be, by its
                value: others are left out when all are marked.
            can_turn: Whether the owner binds keys to `turn_columns`, for the columns that have no room.
        """
        super().__init__(name=name, id=id, classes=classes)
        self._painter = TablePainter(columns, self._component_style, self._parse_style, can_turn=can_turn)
        self._group = group
        self._empty = empty or Content()
        self._cursor: TableCursor[Row] = TableCursor()
        self._marks = Marks()
        self._can_mark = can_mark
        self._sorted_by: tuple[str, bool] | None = None
        self._measured_view: tuple[int, int] | None = None  # first line and height; None once rows may have changed
        self._enter = enter
        if enter is not None:
            textual_private.replace_binding(self, "enter", replace(keys.SELECT, description=enter))

    # -- rows ----------------------------------------------------------------------------------------

    @property
    def row_count(self) -> int:
        """How many rows there are."""
        return self._cursor.count

    @property
    def source(self) -> RowSource[Row]:
        """The rows, in the order shown."""
        return self._cursor.source

    @property
    def cursor_index(self) -> int | None:
        """The index of the row under the cursor; None in an empty table."""
        return self._cursor.index if self.row_count else None

    @property
    def cursor_key(self) -> str | None:
        """The key under the cursor; None in an empty table."""
        return self._cursor.key

    @property
    def cursor_row(self) -> Row | None:
        """The row under the cursor; None in an empty table."""
        return self._cursor.row

    def set_rows(self, rows: Iterable[tuple[str, Row]]) -> None:
        """Show these rows in this order, each after its key. Cursor and scroll stay with their key."""
        self.set_source(KeyedRows(rows))

    def set_source(self, source: RowSource[Row]) -> None:
        """Show the rows of a source. Call it again, with the same one too, when its length has changed."""
        cursor = self._cursor
        line, was_empty = self._screen_line(), not cursor.has_reported_row
        self._measure_source(source, is_new=source is not cursor.source or len(source) != cursor.count)
        cursor.set_source(source, self._group)
        self.set_line_count(cursor.lines.count)
        if 0 <= line < self.page_height:
            if cursor.count and self.scroll_y:
                self.scroll_to_line(cursor.line - line)  # the cursor keeps its height on the screen
            self.bring_into_view(self._cursor.line)
        self.refresh_changed_lines()
        self._post_highlighted()
        if was_empty != (not cursor.count) and self.is_attached:
            self.refresh_bindings()

    def _measure_source(self, source: RowSource[Row], *, is_new: bool) -> None:
        """Measure some rows of a source, evenly spread; what is in view is measured when it is painted."""
        self._measured_view = None
        self._painter.measure(sample(source) if is_new else ())

    def _measure_view(self) -> None:
        """Measure the rows in view, unless that was done since they changed."""
        cursor, top, view = self._cursor, self.top_line, (self.top_line, self.page_height)
        if self._measured_view == view:
            return
        self._measured_view = view
        indexes = map(cursor.lines.row, range(top, min(sum(view), cursor.lines.count)))
        self._painter.measure(cursor.source.row(index) for index in indexes if index is not None)

    @property
    def whole_width(self) -> int:
        """The cells with which every column is whole, with the scrollbar."""
        return self._painter.whole_width + 1

    def refresh_rows(self) -> None:
        """Render all rows again, for cells that depend on the clock. Lines that come out the same are left alone."""
        self._painter.forget_rows()
        self._measured_view = None
        self.refresh_changed_lines()

    def mark_sorted(self, column: str | None, *, descending: bool = False) -> None:
        """Show in the header which column the rows are sorted by. Sorting them is the owner's task."""
        sorted_by = None if column is None else (column, descending)
        if sorted_by != self._sorted_by:
            self._sorted_by = sorted_by
            self.refresh_changed_lines()

    def set_empty(self, empty: Content) -> None:
        """Set the text of the empty table."""
        if empty == self._empty:
            return
        self._empty = empty
        if not self.row_count:
            self.refresh()

    def set_group(self, group: Callable[[Row], object] | None) -> None:
        """Group by another value, or by none, from the next rows on."""
        self._group = group

    def move_cursor(self, *, index: int | None = None, key: str | None = None) -> bool:
        """Put the cursor on a row, and scroll as little as shows it. False when there is no such row."""
        if key is not None:
            index = self.source.find(key)
        if index is None or not self.row_count:
            return False
        if self._cursor.move_to(index):
            self.refresh_changed_lines()
        self.bring_into_view(self._cursor.line)
        self._post_highlighted()
        return True

    def _post_highlighted(self) -> None:
        """Announce the row under the cursor if its key or its value is another one than last time."""
        if (changed := self._cursor.changed_row()) is not None:
            self.post_message(self.Highlighted(self, *changed))

    @property
    def marked(self) -> frozenset[str]:
        """The keys of the marked rows, whether or not they are shown."""
        return self._marks.keys

    def mark(self, keys: Iterable[str]) -> None:
        """Mark these rows and no others."""
        if self._marks.replace(keys):
            self.refresh_changed_lines()
            self.post_message(self.Marked(self))

    def action_mark(self) -> None:
        """Mark the row under the cursor, or remove its mark, and move to the next row."""
        if (key := self.cursor_key) is not None:
            self.mark(self._marks.toggled(key))
            self.move_cursor(index=self._cursor.index + 1)

    def action_mark_all(self) -> None:
        """Mark every row that is shown and can be marked; if all of them are, remove their marks."""
        keys = keys_where(self.source, self._can_mark)
        if not keys:
            self.app.bell()
        self.mark(self._marks.toggled_all(keys))

    # -- other columns, and those that have no room -------------------------------------------------

    def set_columns(self, columns: Sequence[Column[Row]]) -> None:
        """Show other columns of the same rows."""
        self._painter.set_columns(columns)
        self._measure_source(self.source, is_new=True)
        self.refresh_changed_lines()

    @property
    def has_hidden_columns(self) -> bool:
        """Whether some columns have no room."""
        return self._painter.has_hidden

    def turn_columns(self, step: int) -> None:
        """Turn to the columns that had no room, or back."""
        if self._painter.turn(step):
            self.refresh_changed_lines()

    @on(events.MouseScrollRight)
    @on(events.MouseScrollLeft)
    def _scrolled_sideways(self, event: events.MouseEvent) -> None:
        event.stop()
        self.turn_columns(1 if isinstance(event, events.MouseScrollRight) else -1)

    def strip_at(self, y: int) -> Strip:
        """Render a line of the screen: the header, a row, a rule, or nothing."""
        painter, cursor = self._painter, self._cursor
        painter.fit_width(self.scrollable_content_region.width)
        self._measure_view()
        if not cursor.count:
            return painter.empty(self._empty, y - EMPTY_TOP)
        if y < HEADER:
            return painter.header(self._sorted_by)
        line = y - HEADER + self.top_line
        if line >= cursor.lines.count:
            return painter.blank()
        index = cursor.lines.row(line)
        if index is None:
            return painter.rule()
        state: State = "row" if index != cursor.index else "cursor" if self.has_focus else "cursor-blurred"
        key = cursor.source.key(index)
        return painter.row(key, cursor.source.row(index), state, key in self._marks)

    def _component_style(self, name: str) -> RichStyle:
        return self.get_component_rich_style(f"record-table--{name}")

    def _parse_style(self, style: str | Style) -> Style:
        return self.app.stylesheet.parse_style(style) if isinstance(style, str) else style

    def notify_style_update(self) -> None:
        """Forget what was rendered in another theme."""
        self._painter.forget_styles()
        super().notify_style_update()

    # -- keys and mouse ------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Enable what needs a row only where there is one."""
        if action == "select":
            return self._enter is not None and self.row_count > 0
        if action in ("mark", "mark_all"):
            return bool(self._can_mark) and self.row_count > 0
        return super().check_action(action, parameters)

    def action_select(self) -> None:
        """Post `Selected` for the row under the cursor."""
        if (key := self.cursor_key) is not None:
            self.post_message(self.Selected(self, key, self.cursor_row))

    def action_cursor_down(self) -> None:
        """Move to the next row."""
        self.move_cursor(index=self._cursor.index + 1)

    def action_cursor_up(self) -> None:
        """Move to the row above."""
        self.move_cursor(index=self._cursor.index - 1)

    def action_cursor_top(self) -> None:
        """Move to the first row."""
        self.move_cursor(index=0)

    def action_cursor_bottom(self) -> None:
        """Move to the last row."""
        self.move_cursor(index=self.row_count - 1)

    def action_page_down(self) -> None:
        """Move a page down."""
        self._page_by(self.page_height)

    def action_page_up(self) -> None:
        """Move a page up."""
        self._page_by(-self.page_height)

    def on_resize(self) -> None:
        """Keep the cursor in view."""
        self.bring_into_view(self._cursor.line)

    def _screen_line(self) -> int:
        """Return the cursor's line on the screen, counted from the first line below the header."""
        return self._cursor.line - self.top_line

    def _page_by(self, lines: int) -> None:
        """Move cursor and scroll by so many lines, so that the cursor keeps its height on the screen."""
        height = self._screen_line()
        if self.move_cursor(index=self._cursor.index_after(lines)) and 0 <= height < self.page_height:
            self.scroll_to_line(self._cursor.line - height)

    def on_click(self, event: events.Click) -> None:
        """Move the cursor to the clicked row; a double click selects it. A click on a title posts `HeaderClicked`."""
        offset = event.get_content_offset(self)
        if offset is None or not self.row_count:
            return
        if offset.y < HEADER:
            if (column := self._painter.column_at(offset.x)) is not None:
                self.post_message(self.HeaderClicked(self, column.key))
            return
        line = offset.y - HEADER + self.top_line
        index = self._cursor.lines.row(line) if line < self._cursor.lines.count else None
        if index is None:
            return
        event.stop()
        self.move_cursor(index=index)
        if event.chain == 2 and self._enter is not None:
            self.action_select()
