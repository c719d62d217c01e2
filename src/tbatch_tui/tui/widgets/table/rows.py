"""The rows of a record table: in the order shown, found by key, with thin rules between groups.

A `RowSource` is asked only for the rows on the screen, so a million of them cost nothing. `KeyedRows` is the source
for rows in a list.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

Row = TypeVar("Row")
Row_co = TypeVar("Row_co", covariant=True)


class RowSource(Protocol[Row_co]):
    """Rows by index. Its length is the number of rows."""

    def __len__(self) -> int: ...

    def row(self, index: int) -> Row_co:
        """Return the row with this index."""
        ...

    def key(self, index: int) -> str:
        """Return the key of the row with this index."""
        ...

    def find(self, key: str) -> int | None:
        """Return the index of a key.

        None if there is no such key, or it is not found cheaply: then the cursor stays where it is.
        """
        ...


class KeyedRows(Generic[Row]):
    """Rows in a list. The mapping from key to index is built at first need."""

    def __init__(self, rows: Iterable[tuple[str, Row]] = ()) -> None:
        pairs = list(rows)
        self._keys = [key for key, _ in pairs]
        self._rows = [row for _, row in pairs]
        self._indexes: dict[str, int] | None = None

    def __len__(self) -> int:
        return len(self._keys)

    def row(self, index: int) -> Row:
        """Return the row with this index."""
        return self._rows[index]

    def key(self, index: int) -> str:
        """Return the key of the row with this index."""
        return self._keys[index]

    def find(self, key: str) -> int | None:
        """Return the index of a key; None if there is no such key."""
        if self._indexes is None:
            self._indexes = {key: index for index, key in enumerate(self._keys)}
        return self._indexes.get(key)


SAMPLE = 200
"""Rows that stand for all of a source, when the widths of columns are measured."""


def sample(source: RowSource[Row]) -> Iterator[Row]:
    """Yield some rows of a source, evenly spread, the first and the last among them; all of a short one."""
    count = len(source)
    indexes = {*range(0, count, max(1, count // SAMPLE)), count - 1} if count else ()
    return (source.row(index) for index in indexes)


class Lines:
    """The lines that rows stand on: a rule takes a line of its own before each group but the first."""

    def __init__(self, count: int, starts: list[int] | None = None) -> None:
        self._starts = starts or []
        self._rules = [start + index for index, start in enumerate(self._starts)]
        self.count = count + len(self._rules)

    def line(self, row: int) -> int:
        """Return the line of a row."""
        return row + bisect_right(self._starts, row)

    def row(self, line: int) -> int | None:
        """Return the row on a line; None where there is a rule."""
        before = bisect_left(self._rules, line)
        if before < len(self._rules) and self._rules[before] == line:
            return None
        return line - before


def group_starts(source: RowSource[Row], group: Callable[[Row], object] | None) -> list[int]:
    """Return the first row of each group but the first.

    Rows of a group stand together, so the next group is found by galloping and bisection, without reading every row.
    """
    starts: list[int] = []
    count = len(source)
    if group is None or count == 0:
        return starts
    start = 0
    while True:
        value = group(source.row(start))
        step = 1
        while start + step < count and group(source.row(start + step)) == value:
            step *= 2
        low, high = start + step // 2, min(start + step, count)
        while low + 1 < high:
            middle = (low + high) // 2
            low, high = (middle, high) if group(source.row(middle)) == value else (low, middle)
        if high >= count:
            return starts
        starts.append(high)
        start = high


def keys_where(source: RowSource[Row], holds: bool | Callable[[Row], bool]) -> frozenset[str]:
    """Return the keys of all rows, or of those for which `holds` is true."""
    rows: Iterable[int] = range(len(source))
    if callable(holds):
        rows = [index for index in rows if holds(source.row(index))]
    return frozenset(source.key(index) for index in rows)
