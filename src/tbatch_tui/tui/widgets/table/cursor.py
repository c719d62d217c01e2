"""The cursor and the marks of a table, without Textual: which row is meant, whatever becomes of the rows."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Generic

from tbatch_tui.tui.widgets.table.rows import KeyedRows, Lines, Row, RowSource, group_starts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_NEIGHBOURS = 1_000
"""Rows on each side of a removed one that are searched for the nearest that stayed."""


class TableCursor(Generic[Row]):
    """The cursor over the rows of a source, and the lines these rows stand on.

    The cursor belongs to a key, so it stays on its row when rows come, go and move. When its own row goes, it moves to
    the next row that stayed, else to the one above. When all rows go, as with a filter that nothing matches, it returns
    to its key as soon as that is back.
    """

    def __init__(self) -> None:
        self.source: RowSource[Row] = KeyedRows()
        self.lines = Lines(0)
        self.index = 0
        self._reported: tuple[str, Row] | None = None
        self._key_before_empty: str | None = None

    @property
    def count(self) -> int:
        """How many rows there are."""
        return len(self.source)

    @property
    def key(self) -> str | None:
        """The key under the cursor; None in an empty table."""
        return self.source.key(self.index) if self.count else None

    @property
    def row(self) -> Row | None:
        """The row under the cursor; None in an empty table."""
        return self.source.row(self.index) if self.count else None

    @property
    def line(self) -> int:
        """The line the cursor's row stands on."""
        return self.lines.line(self.index)

    @property
    def has_reported_row(self) -> bool:
        """Whether there was a row under the cursor when `changed_row` was last called."""
        return self._reported is not None

    def move_to(self, index: int) -> bool:
        """Move to the row with this index, or the first or last one; return whether the cursor moved."""
        index = min(max(0, index), max(0, self.count - 1))
        moved = index != self.index
        self.index = index
        return moved

    def set_source(self, source: RowSource[Row], group: Callable[[Row], object] | None) -> None:
        """Take the rows from this source, which may be the same one with another length.

        Args:
            group: A rule takes a line of its own where this value changes; None for no rules.
        """
        key = self._reported[0] if self._reported else self._key_before_empty
        before, self.source = self.source, source
        self._key_before_empty = None if self.count else key
        self.lines = Lines(self.count, group_starts(source, group))
        index = source.find(key) if key is not None else None
        if index is None and before is not source:
            index = self._nearest_that_stayed(before)
        self.move_to(self.index if index is None else index)

    def _nearest_that_stayed(self, before: RowSource[Row]) -> int | None:
        """Return the index of the next row of `before` that is in the source too, else of the one above."""
        at = self.index
        below = range(at + 1, min(len(before), at + _NEIGHBOURS))
        above = range(at - 1, max(-1, at - _NEIGHBOURS), -1)
        indexes = (self.source.find(before.key(index)) for index in chain(below, above))
        return next((index for index in indexes if index is not None), None)

    def changed_row(self) -> tuple[str, Row] | None:
        """Return key and row under the cursor if either is another one than at the last call."""
        if not self.count:
            self._reported = None
            return None
        before = self._reported
        key, row = self._reported = (self.source.key(self.index), self.source.row(self.index))
        if before is not None and before[0] == key and (before[1] is row or before[1] == row):
            return None
        return key, row

    def index_after(self, lines: int) -> int | None:
        """Return the index of the row so many lines further down, or up if negative, at most the last or first.

        Where a rule stands there, the row beyond it.
        """
        line = min(max(0, self.line + lines), max(0, self.lines.count - 1))
        row = self.lines.row(line)
        return row if row is not None else self.lines.row(line + (1 if lines > 0 else -1))


class Marks:
    """The keys of the marked rows. A mark stays on a row that is not shown for now."""

    def __init__(self) -> None:
        self.keys: frozenset[str] = frozenset()

    def __contains__(self, key: str) -> bool:
        return key in self.keys

    def replace(self, keys: Iterable[str]) -> bool:
        """Mark these keys and no others; return whether that changed anything."""
        before, self.keys = self.keys, frozenset(keys)
        return self.keys != before

    def toggled(self, key: str) -> frozenset[str]:
        """Return the marks with this key added, or removed if it has one."""
        return self.keys ^ {key}

    def toggled_all(self, shown: frozenset[str]) -> frozenset[str]:
        """Return the marks with all shown keys added, or removed if all of them have one."""
        return self.keys - shown if shown <= self.keys else self.keys | shown
