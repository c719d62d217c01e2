"""The rows of a record table: held in the order shown, found by key, with thin rules between groups.

A `RowSource` is asked only for the rows on screen, so that a million of them cost nothing. `KeyedRows` is the
one for rows that are at hand.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Row = TypeVar("Row")
Row_co = TypeVar("Row_co", covariant=True)


class RowSource(Protocol[Row_co]):
    """Rows by index. `find` may answer None for a key it cannot find cheaply: the cursor then stays where it is."""

    def __len__(self) -> int: ...

    def row(self, index: int) -> Row_co: ...

    def key(self, index: int) -> str: ...

    def find(self, key: str) -> int | None: ...


class KeyedRows(Generic[Row]):
    """Rows in a list. The index from key to place is made at first need."""

    def __init__(self, rows: Iterable[tuple[str, Row]] = ()) -> None:
        pairs = list(rows)
        self._keys = [key for key, _ in pairs]
        self._rows = [row for _, row in pairs]
        self._places: dict[str, int] | None = None

    def __len__(self) -> int:
        return len(self._keys)

    def row(self, index: int) -> Row:
        return self._rows[index]

    def key(self, index: int) -> str:
        return self._keys[index]

    def find(self, key: str) -> int | None:
        if self._places is None:
            self._places = {key: index for index, key in enumerate(self._keys)}
        return self._places.get(key)


class Lines:
    """Where rows stand on lines: a rule takes a line of its own before each group but the first."""

    def __init__(self, count: int, starts: list[int] | None = None) -> None:
        self._starts = starts or []
        self._rules = [start + index for index, start in enumerate(self._starts)]
        self.count = count + len(self._rules)

    def line(self, row: int) -> int:
        """The line a row stands on."""
        return row + bisect_right(self._starts, row)

    def row(self, line: int) -> int | None:
        """The row that stands on a line; None where there is a rule."""
        before = bisect_left(self._rules, line)
        if before < len(self._rules) and self._rules[before] == line:
            return None
        return line - before


def group_starts(source: RowSource[Row], group: Callable[[Row], object] | None) -> list[int]:
    """The first row of each group but the first. Rows of a group stand together, so a few looks find the next one."""
    starts: list[int] = []
    count = len(source)
    if group is None or count == 0:
        return starts
    start = 0
    while True:
        here = group(source.row(start))
        step = 1
        while start + step < count and group(source.row(start + step)) == here:
            step *= 2
        low, high = start + step // 2, min(start + step, count)
        while low + 1 < high:
            middle = (low + high) // 2
            low, high = (middle, high) if group(source.row(middle)) == here else (low, middle)
        if high >= count:
            return starts
        starts.append(high)
        start = high
