"""The rows of the Results list: which are shown, and in which order, read from the index line by line."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from tbatch_tui.engine.answers.search import NO_QUERY, Query
from tbatch_tui.engine.results import ResultIndex, Row, count_outcomes
from tbatch_tui.text import format as fmt
from tbatch_tui.tui.render.outcome import EXTRA, FILTERS, empty_title, no_files_title

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tbatch_tui.engine.domain.counts import RequestCounts
    from tbatch_tui.engine.domain.record import JobRecord
    from tbatch_tui.engine.results import ErrorGroup
    from tbatch_tui.tui.messages import ResultSelection
    from tbatch_tui.tui.screens.results.session import ResultsSession

MARKED = "marked"
"""The label of rows that the person marked."""
_KINDS = list(FILTERS)


class ChosenRows(NamedTuple):
    """The rows that an export or a cost is about."""

    label: str
    """What they have in common: `errors · “timeout”`, or `marked`; empty if they are all rows."""
    rows: Sequence[int]
    """Their numbers in the index, in order."""


@dataclass(slots=True)
class RowFilter:
    """Which rows are shown: one kind, one cause or a selection, and of these the ones that hold a text."""

    kind: str = "all"
    """A key of FILTERS."""
    cause: ErrorGroup | None = None
    query: Query = NO_QUERY
    """What is searched for; no text for nothing."""
    selection: ResultSelection | None = None
    """Rows that another screen has chosen."""
    _selected: tuple[object, array[int], RequestCounts] | None = field(default=None, repr=False, compare=False)
    """For which selection of which index, its rows and their counts."""

    @property
    def text(self) -> str:
        """`errors · “timeout”`; empty when all rows are shown."""
        kind = self.cause.message if self.cause is not None else self.kind
        selection = self.selection.title if self.selection is not None else ""
        return fmt.join(selection, kind if kind != "all" else "", self.query_text)

    @property
    def query_text(self) -> str:
        """`“timeout” in error`; empty without a search."""
        return f"“{self.query.text}” in {self.query.where}" if self.query.text else ""

    @property
    def current_kind(self) -> str:
        """The kind of rows that is shown; empty for one cause."""
        return "" if self.cause is not None else self.kind

    def next_kind(self, index: ResultIndex, step: int = 1) -> None:
        """Show the next kind of row that has rows, or with -1 the one before."""
        self.cause = None
        place = _KINDS.index(self.kind)
        others = [_KINDS[(place + step * by) % len(_KINDS)] for by in range(1, len(_KINDS))]
        self.kind = next((kind for kind in others if kind == "all" or len(self._rows_of(index, kind))), "all")

    def show_kind(self, kind: str) -> None:
        """Show one kind of row, of whatever cause."""
        self.kind, self.cause = kind, None

    def show_cause(self, cause: ErrorGroup) -> None:
        """Show only the rows with this error, of all rows."""
        self.cause, self.kind, self.selection = cause, "all", None

    def empty_text(self, session: ResultsSession, record: JobRecord | None) -> str:
        """Return what the list says when it has no row."""
        if session.activity:
            return f"{session.activity.capitalize()} …"
        return empty_title(self.kind, self.query_text) if session.has_results else no_files_title(record, session.index)

    def apply(self, index: ResultIndex, hits: bytearray | None, order: Sequence[int] | None = None) -> ResultRows:
        """Return the rows that pass, as far as they are read.

        Args:
            index: What is read so far.
            hits: Which of its rows hold the query; None without one.
            order: All rows in the order in which they are listed; None for that of the index.
        """
        chosen: Sequence[int] | None = None
        if not index.has_results:
            chosen = ()
        elif self.cause is not None:
            chosen = self.cause.rows
        elif self.kind != "all" or self.selection is not None:
            chosen = self._rows_of(index, self.kind)
        if hits is not None:
            chosen = array("I", [row for row in (range(len(hits)) if chosen is None else chosen) if hits[row]])
        if order is None or len(order) != len(index):
            return ResultRows(index, chosen)
        if chosen is not None:
            is_chosen = bytearray(len(index))
            for row in chosen:
                is_chosen[row] = 1
            order = array("I", [row for row in order if is_chosen[row]])
        return ResultRows(index, order, is_sorted=True)

    def counts(self, index: ResultIndex) -> RequestCounts | None:
        """Return the counts of the rows that are selected, of all without a selection; None before all are read."""
        if self.selection is None or not index.is_built or not index.has_results:
            return index.counts if index.has_results else None
        return self._known_selection(index)[2]

    def _rows_of(self, index: ResultIndex, kind: str) -> Sequence[int]:
        """Return the rows of a kind, of those that are selected."""
        if kind == "all":
            rows: Sequence[int] = range(len(index))
        else:
            rows = index.extra_rows if kind == EXTRA else index.select(FILTERS[kind])
        if self.selection is None:
            return rows
        selected = self._selected_rows(index)
        return selected if kind == "all" else array("I", sorted({*rows} & {*selected}))

    def _selected_rows(self, index: ResultIndex) -> array[int]:
        """Return the numbers of the rows that are selected, in order."""
        return self._known_selection(index)[1]

    def _known_selection(self, index: ResultIndex) -> tuple[object, array[int], RequestCounts]:
        """Return the rows that are selected and their counts: found once for each state of the index."""
        assert self.selection is not None
        known = (id(self.selection), id(index), len(index), index.is_built)
        if self._selected is None or self._selected[0] != known:
            rows = array("I", sorted(_find_rows(index, self.selection)))
            self._selected = (known, rows, counts_of_rows(index, rows))
        return self._selected


def _find_rows(index: ResultIndex, selection: ResultSelection) -> set[int]:
    """Return the rows of a selection that an index has."""
    count = len(index)
    rows = {row for row in selection.rows if 0 <= row < count}
    if ids := {*selection.ids}:
        rows |= {row for row in range(len(index.requests)) if index.requests.custom_id(row) in ids}
    return rows


def counts_of_rows(index: ResultIndex, rows: Iterable[int]) -> RequestCounts:
    """Return how many of these rows came to which outcome."""
    first_extra, extras = len(index.requests), index.extras
    rows = [*rows]
    outcomes = Counter(index.outcome(row) for row in rows if row < first_extra)
    issues = Counter(extras[row - first_extra].issue for row in rows if row >= first_extra)
    return count_outcomes(outcomes, issues, has_input=index.has_input)


class ResultRows:
    """All rows of an index, or those that were chosen. The key of a row is its number in the index."""

    def __init__(self, index: ResultIndex, chosen: Sequence[int] | None = None, *, is_sorted: bool = False) -> None:
        """Make a list of rows.

        Args:
            index: It has the rows.
            chosen: Their numbers; None for all.
            is_sorted: Whether they are in another order than that of the index.
        """
        self._index = index
        self._chosen = chosen
        self._is_sorted = is_sorted
        self._count = len(index) if chosen is None else len(chosen)
        self._places: array[int] | None = None

    def __len__(self) -> int:
        return self._count

    def row(self, index: int) -> Row:
        """Return the row at a place of the list."""
        return self._index.row(self.number(index))

    def key(self, index: int) -> str:
        """Return the key of the row at a place of the list."""
        return str(self.number(index))

    def find(self, key: str) -> int | None:
        """Return the place of a row in the list; None when it is not shown."""
        number = int(key)
        if self._chosen is None:
            return number if number < self._count else None
        if self._is_sorted:
            return self._find_sorted(number)
        place = bisect_left(self._chosen, number)
        return place if place < self._count and self._chosen[place] == number else None

    def _find_sorted(self, number: int) -> int | None:
        assert self._chosen is not None
        if self._places is None:
            self._places = array("i", [-1]) * len(self._index)
            for place, row in enumerate(self._chosen):
                self._places[row] = place
        place = self._places[number] if number < len(self._places) else -1
        return place if place >= 0 else None

    def number(self, index: int) -> int:
        """Return the number in the index of the row at a place of the list."""
        return index if self._chosen is None else self._chosen[index]

    def numbers(self) -> Sequence[int]:
        """Return the numbers of all rows of the list, in the order of the index."""
        if self._chosen is None:
            return range(self._count)
        return array("I", sorted(self._chosen) if self._is_sorted else self._chosen)
