"""The columns of a table: their type, how much of each is filled, and a few of their cells."""

from __future__ import annotations

import time
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from tbatch_tui.engine.tables.cells import CellError, cell_text
from tbatch_tui.engine.tables.problems import RowProblems

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tbatch_tui.engine.tables.cells import Cell
    from tbatch_tui.engine.tables.compose.paced import PacedSource

SAMPLES = 3
"""Different cells of a column that are shown."""
_SAMPLE_LENGTH = 80
"""Characters of a cell that are kept."""
_SAMPLED_ROWS = 1_000
"""Samples are of the first rows that have one."""
_BATCH = 50
_REPORT_EVERY = 0.25
"""Seconds."""


class ColumnProfile(NamedTuple):
    """What is known of a column."""

    name: str
    type: str
    """text, number, boolean, list, object, bytes, mixed; empty where no cell has anything."""
    filled: int
    """Rows whose cell is not empty."""
    rows: int
    """Rows that were looked at."""
    samples: tuple[str, ...]
    """The beginnings of a few different cells."""

    @property
    def share(self) -> float:
        """The share of rows whose cell is filled, 0 to 1."""
        return self.filled / self.rows if self.rows else 0.0


class TableProfile(NamedTuple):
    """What is known of all columns."""

    columns: tuple[ColumnProfile, ...]
    rows: int
    """Rows that were looked at."""
    is_whole: bool
    """Whether those are all."""


def profile_table(source: PacedSource, report: Callable[[TableProfile], object]) -> TableProfile:
    """Read a table and return what its columns hold. `report` gets what is known by then, from the first rows on.

    Of JSON, keys that the first rows do not have become columns of the source too. For a thread.
    Raises LocalFileError, FaultyTableError and OperationCancelledError.
    """
    counters: dict[str, _Counter] = {}
    total, next_report = 0, 0.0
    for rows in _columns_of_batches(source):
        count = len(next(iter(rows.values()))) if rows else 0
        for name, cells in rows.items():
            if (counter := counters.get(name)) is None:
                counter = counters[name] = _Counter(name)
                counter.rows = total
            counter.add(cells, with_samples=total <= _SAMPLED_ROWS)
        total += count
        for name, counter in counters.items():
            if name not in rows:
                counter.rows = total
        if time.monotonic() >= next_report:
            report(_profile(counters, total, is_whole=False))
            next_report = time.monotonic() + _REPORT_EVERY
    source.learn_columns(counters)
    for name in source.columns:
        counters.setdefault(name, _Counter(name))
    return _profile(counters, total, is_whole=True)


def _columns_of_batches(source: PacedSource) -> Iterator[dict[str, list[Cell]]]:
    """Yield the cells of some rows by their column. Rows with a problem are left out."""
    if (objects := source.objects()) is not None:
        while batch := list(islice(objects, _BATCH)):
            names = dict.fromkeys(name for row in batch if row is not None for name in row)
            yield {name: [row.get(name) for row in batch if row is not None] for name in names}
        return
    rows = source.rows(source.columns, RowProblems())
    cells_of_rows = iter(rows)
    while True:
        some = list(islice(cells_of_rows, _BATCH))
        if not some:
            return
        whole = [cells for cells in some if cells]
        yield {name: [cells[at] for cells in whole] for at, name in enumerate(rows.columns)}


def _profile(counters: Mapping[str, _Counter], total: int, *, is_whole: bool) -> TableProfile:
    return TableProfile(tuple(counter.profile() for counter in counters.values()), total, is_whole)


class _Counter:
    """The counts of one column."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.rows = self.filled = 0
        self.types: set[str] = set()
        self.samples: dict[str, None] = {}

    def add(self, cells: list[Cell], *, with_samples: bool) -> None:
        """Count the cells of some rows."""
        self.rows += len(cells)
        self.filled += len(cells) - cells.count("") - cells.count(None)
        self.types.update(_TYPES.get(kind, "text") for kind in set(map(type, cells)))
        if with_samples and len(self.samples) < SAMPLES:
            self._sample(cells)

    def _sample(self, cells: list[Cell]) -> None:
        for cell in cells:
            if cell is None or cell == "":
                continue
            with suppress(CellError):
                self.samples.setdefault(cell_text(cell)[:_SAMPLE_LENGTH])
            if len(self.samples) >= SAMPLES:
                return

    def profile(self) -> ColumnProfile:
        """Return what is known so far."""
        types = self.types - {""}
        name = "" if not self.filled else next(iter(types)) if len(types) == 1 else "mixed"
        return ColumnProfile(self.name, name, self.filled, self.rows, tuple(self.samples))


_TYPES = {
    str: "text",
    bool: "boolean",
    int: "number",
    float: "number",
    list: "list",
    dict: "object",
    bytes: "bytes",
    type(None): "",
}
