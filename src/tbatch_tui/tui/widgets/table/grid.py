"""A table of counts whose cells can be chosen, with as many columns at once as there is room for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from rich.cells import cell_len
from textual.actions import SkipAction

from tbatch_tui.tui.keys import bindings as keys
from tbatch_tui.tui.sanitize import line
from tbatch_tui.tui.widgets.table.columns import GUTTER, Cell, Column, Row
from tbatch_tui.tui.widgets.table.painter import TablePainter
from tbatch_tui.tui.widgets.table.table import RecordTable
from tbatch_tui.tui.widgets.table.widths import GAP

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from textual.binding import BindingType

_LABEL_MAX, _CELL_MAX = 30, 16
"""Cells of the terminal that a label and a count have at most."""


@dataclass(frozen=True, slots=True)
class GridRow:
    """A row of counts."""

    key: str
    label: str
    cells: tuple[str, ...]
    style: str = ""
    """That of its label."""
    strong: int | None = None
    """The column that stands out, such as the diagonal of a matrix."""


class CountTable(RecordTable[Row], inherit_bindings=False):
    """A table whose rows cannot be marked."""

    BINDINGS: ClassVar[list[BindingType]] = [keys.SELECT, *keys.MOVING]


class GridTable(CountTable[GridRow], inherit_bindings=False):
    """A table with a current cell: up and down change its row, left and right its column. Enter selects the cell."""

    BINDINGS: ClassVar[list[BindingType]] = [keys.SELECT, *keys.MOVING, keys.NEXT_CELL, keys.PREVIOUS_CELL]

    def __init__(self, *, id: str, enter: str | None = "Open") -> None:
        super().__init__([Column("label", "")], id=id, enter=enter)
        self._corner = ""
        self._titles: tuple[str, ...] = ()
        self._grid: tuple[GridRow, ...] = ()
        self._first = 0
        self.column = 0
        """The number of the current column."""

    def set_grid(self, corner: str, titles: Sequence[str], rows: Sequence[GridRow]) -> None:
        """Show these rows. The current cell stays where it is, as far as that is there.

        Args:
            corner: The title of the labels.
            titles: Those of the columns.
            rows: With a cell for each title.
        """
        self._corner, self._titles, self._grid = corner, tuple(titles), tuple(rows)
        self.column = min(self.column, max(0, len(titles) - 1))
        self._arrange()
        self.set_rows((row.key, row) for row in rows)

    @property
    def room(self) -> int:
        """How many columns are shown at once."""
        width = self.scrollable_content_region.width or self.app.size.width
        return max(1, (width - GUTTER - 2 - self._label_width) // (self._cell_width + GAP))

    @property
    def _label_width(self) -> int:
        texts = (self._corner, *(row.label for row in self._grid))
        return min(_LABEL_MAX, max(cell_len(line(text[:_LABEL_MAX])) for text in texts))

    @property
    def _cell_width(self) -> int:
        texts = (*self._titles, *(cell for row in self._grid for cell in row.cells))
        return min(_CELL_MAX, max((cell_len(line(text[:_CELL_MAX])) for text in texts), default=1))

    def _arrange(self) -> None:
        """Show the columns around the current one."""
        room, count = self.room, len(self._titles)
        self._first = max(0, min(self._first, self.column, count - room))
        self._first = max(self._first, self.column - room + 1)
        last = min(count, self._first + room)
        label = Column[GridRow](
            "label", self._corner, render=lambda row: [(row.label, row.style)], width=self._label_width, base=True,
            priority=9,
        )  # fmt: skip
        shown = [
            Column[GridRow](
                str(at), self._titles[at], render=self._cell_of(at), width=self._cell_width, align="right", base=True
            )
            for at in range(self._first, last)
        ]
        more = [f"‹ {self._first:,}" * (self._first > 0), f"{count - last:,} ›" * (last < count)]
        if any(more):
            label = Column[GridRow](
                "label", " ".join(filter(None, [self._corner, *more])), render=label.render, width=self._label_width,
                base=True, priority=9,
            )  # fmt: skip
        self._painter = TablePainter([label, *shown], self._component_style, self._parse_style)
        self._measured_view = None
        self.refresh()

    def _cell_of(self, at: int) -> Callable[[GridRow], Cell]:
        def render(row: GridRow) -> Cell:
            text = row.cells[at]
            if at == self.column and row.key == self.cursor_key:
                return [(text, "reverse")]
            return [(text, "bold" if row.strong == at else "$status-quiet" if text == "0" else "")]

        return render

    def on_resize(self) -> None:
        """Show as many columns as there is room for now."""
        if self._titles:
            self._arrange()
        super().on_resize()

    def action_move_cell(self, step: int) -> None:
        """Go to the next column, or with -1 to the one before."""
        at = self.column + step
        if not 0 <= at < len(self._titles):
            raise SkipAction  # the screen may go to what is next to the table
        self.column = at
        self._arrange()
