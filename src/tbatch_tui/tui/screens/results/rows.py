"""The rows of the Results list: which are shown, and in which order, read from the index line by line."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field
from itertools import compress
from typing import TYPE_CHECKING, NamedTuple

from tbatch_tui.engine.answers.search import NO_QUERY, Query
from tbatch_tui.engine.results import Outcome, ResultIndex, Row, count_outcomes
from tbatch_tui.engine.results.index.lookup.masked_rows import MaskedRows
from tbatch_tui.text import format as fmt
from tbatch_tui.tui.render.outcome import EXTRA, FILTERS, empty_title, no_files_title

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tbatch_tui.engine.answers.order import SortedRows
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
    _selected: _Selected | None = field(default=None, repr=False, compare=False)
    _applied: tuple[object, ResultRows, object] | None = field(default=None, repr=False, compare=False)
    """What the rows that passed the last time depended on, those rows, and the objects whose ids that has."""

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
        self.kind = next((kind for kind in others if kind == "all" or 1 in self._mask(index, kind)), "all")

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

    def apply(self, index: ResultIndex, hits: bytearray | None, order: SortedRows | None = None) -> ResultRows:
        """Return the rows that pass, as far as they are read: the same object while nothing has changed.

        Millions of rows take a hundredth of a second, nearly all of it where they have to be numbered.

        Args:
            index: What is read so far.
            hits: Which of its rows hold the query; None without one.
            order: All rows in the order in which they are listed; None for that of the index.
        """
        objects = (index, hits, order, self.cause, self.selection)
        read = (index.is_built, index.has_results, len(index), len(index.responses))
        depends_on = (*map(id, objects), *read, self.kind, hits.count(1) if hits is not None else 0)
        if self._applied is None or self._applied[0] != depends_on:
            self._applied = (depends_on, self._find(index, hits, order), objects)
        return self._applied[1]

    def _find(self, index: ResultIndex, hits: bytearray | None, order: SortedRows | None) -> ResultRows:
        """Return the rows that pass."""
        if order is not None and len(order.rows) != len(index):
            order = None
        if not index.has_results:
            return ResultRows(index, ())
        if self.cause is None and self.kind == "all" and self.selection is None and hits is None:
            return ResultRows(index, None, order)
        if self.cause is not None and hits is None and order is None:
            return ResultRows(index, self.cause.rows)
        mask = _mask_of(self.cause.rows, len(index)) if self.cause is not None else self._mask(index, self.kind)
        if hits is not None:
            mask = _both(mask, hits)
        return ResultRows(index, MaskedRows(mask), order, mask)

    def counts(self, index: ResultIndex) -> RequestCounts | None:
        """Return the counts of the rows that are selected, of all without a selection; None before all are read."""
        if self.selection is None or not index.is_built or not index.has_results:
            return index.counts if index.has_results else None
        return self._known_selection(index).counts

    def _mask(self, index: ResultIndex, kind: str) -> bytearray:
        """Return for each row a byte, which is 1 if it is of a kind, and selected."""
        requests, rows = len(index.requests), len(index)
        if kind == "all":
            mask = bytearray(b"\1" * rows)
        elif kind == EXTRA:
            mask = bytearray(requests) + b"\1" * (rows - requests)
        else:
            mask = index.mask(FILTERS[kind])[:requests] + bytes(rows - requests)
        return mask if self.selection is None else _both(mask, self._known_selection(index).mask)

    def _known_selection(self, index: ResultIndex) -> _Selected:
        """Return the rows that are selected and their counts: found once for each state of the index."""
        assert self.selection is not None
        known = (id(self.selection), id(index), len(index), index.is_built)
        if self._selected is None or self._selected.known != known:
            mask = _find_rows(index, self.selection)
            self._selected = _Selected(known, mask, counts_of_rows(index, mask))
        return self._selected


class _Selected(NamedTuple):
    """The rows of a selection that an index has."""

    known: object
    """Which selection, and which state of which index."""
    mask: bytearray
    """For each row 1 if it is selected."""
    counts: RequestCounts


def _mask_of(rows: Sequence[int], count: int) -> bytearray:
    """Return for each of so many rows a byte, which is 1 if it is one of these."""
    mask = bytearray(count)
    for row in rows:
        if 0 <= row < count:
            mask[row] = 1
    return mask


def _both(one: bytearray, other: bytearray) -> bytearray:
    """Return a mask that has a 1 where both have one. The first is as long as that of all rows."""
    found = int.from_bytes(one, "little") & int.from_bytes(other[: len(one)], "little")
    return bytearray(found.to_bytes(len(one), "little"))


def _find_rows(index: ResultIndex, selection: ResultSelection) -> bytearray:
    """Return the mask of a selection."""
    mask = _mask_of(selection.rows, len(index))
    if ids := {*selection.ids}:
        for row in range(len(index.requests)):
            if index.requests.custom_id(row) in ids:
                mask[row] = 1
    return mask


def counts_of_rows(index: ResultIndex, mask: bytearray) -> RequestCounts:
    """Return how many of the rows that a mask has came to which outcome."""
    first_extra, requests = len(index.requests), mask[: len(index.requests)]
    outcomes = Counter({outcome: _both(requests, index.mask((outcome,))).count(1) for outcome in Outcome})
    issues = Counter(extra.issue for extra, chosen in zip(index.extras, mask[first_extra:], strict=False) if chosen)
    return count_outcomes(+outcomes, issues, has_input=index.has_input)


class ResultRows:
    """All rows of an index, or those that were chosen. The key of a row is its number in the index."""

    def __init__(
        self,
        index: ResultIndex,
        chosen: Sequence[int] | None = None,
        order: SortedRows | None = None,
        mask: bytearray | None = None,
    ) -> None:
        """Make a list of rows.

        Args:
            index: It has the rows.
            chosen: Their numbers, in order; None for all.
            order: All rows of the index in the order in which they are listed; None for that of the index.
            mask: For each row of the index 1 if it is chosen, where rows are chosen and have another order.
        """
        self._index = index
        self._numbers = range(len(index)) if chosen is None else chosen
        self._order = order
        self._listed: Sequence[int] = self._numbers
        if order is not None:
            rows = order.rows
            self._listed = rows if mask is None else array("I", compress(rows, map(mask.__getitem__, rows)))

    def __len__(self) -> int:
        return len(self._listed)

    def row(self, index: int) -> Row:
        """Return the row at a place of the list."""
        return self._index.row(self.number(index))

    def key(self, index: int) -> str:
        """Return the key of the row at a place of the list."""
        return str(self.number(index))

    def find(self, key: str) -> int | None:
        """Return the place of a row in the list; None when it is not shown."""
        number = int(key)
        if isinstance(self._listed, MaskedRows):
            return self._listed.find(number)
        if self._order is None:
            place = bisect_left(self._listed, number)
        elif 0 <= number < len(places := self._order.places):
            place = bisect_left(self._listed, places[number], key=places.__getitem__)
        else:
            return None
        return place if place < len(self._listed) and self._listed[place] == number else None

    def number(self, index: int) -> int:
        """Return the number in the index of the row at a place of the list."""
        return self._listed[index]

    def numbers(self) -> Sequence[int]:
        """Return the numbers of all rows of the list, in the order of the index."""
        return self._numbers
