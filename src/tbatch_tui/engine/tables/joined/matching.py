"""Which request each row of a source has: by what the recipe asks of the same bytes, else by the column of the id."""

from __future__ import annotations

import os
from array import array
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from tbatch_tui.engine.errors import BatchError
from tbatch_tui.engine.results.index.lookup.id_table import IdTable
from tbatch_tui.engine.tables.cells import CellError, cell_text
from tbatch_tui.engine.tables.joined.answers import NO_ANSWER, NOT_ASKED
from tbatch_tui.engine.tables.problems import RowProblems
from tbatch_tui.engine.tables.readers.source import file_hash, read_failed
from tbatch_tui.engine.tables.repeats import FirstOnly, digest
from tbatch_tui.engine.tables.requests.builder import RequestBuilder, RowError
from tbatch_tui.engine.tables.selection import RowSelection

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tbatch_tui.engine.results.index.index import ResultIndex
    from tbatch_tui.engine.tables.readers.source import Cells, TableSource
    from tbatch_tui.engine.tables.recipe import Recipe
    from tbatch_tui.engine.tables.requests.builder import BoundBuilder

NAMED = 20
"""Rows that are named of those that are gone or new; the rest is counted."""

FindMany = Callable[[list["Cells"]], list[int]]
"""Returns the numbers of the requests of the next rows, by their cells."""


class NotTheSourceError(BatchError):
    """The table is not what the requests were made from, and has no ids to join it by."""


class RowWriter(Protocol):
    """Takes rows with their requests: a number, or `NOT_ASKED` or `NO_ANSWER`."""

    def emit(self, row: Any, request: int) -> None:
        """Take what a copy needs of a row, and the number of its request."""

    def emit_many(self, rows: Iterator[tuple[Cells, Any]], find: FindMany) -> None:
        """Take all rows, and let `find` return the numbers of the requests of many at once."""


class RequestNumbers:
    """The number of the request with a custom_id. Nearly always it is the one behind the last that was found."""

    def __init__(self, index: ResultIndex) -> None:
        self._requests = index.requests
        self._ids = index.requests.ids
        self._count = len(index.requests)
        self._originals = index.original_ids
        self._next = 0
        self._by_id: IdTable | None = None

    def find_run(self, custom_ids: Sequence[bytes]) -> list[int] | None:
        """Return the numbers of the next requests, if these are their ids."""
        first = self._next
        if self._by_id is not None or self._originals or not self._ids.has_run(first, custom_ids):
            return None
        self._next += len(custom_ids)
        return [*range(first, self._next)]

    def find(self, custom_id: str) -> int:
        """Return the number of the request; -1 if there is none."""
        at, name = self._next, custom_id.encode("utf-8", "surrogatepass")
        if self._by_id is None:
            if at < self._count and self._ids[at] == name:
                self._next = at + 1
                return at
            names = map(self._name, range(self._count)) if self._originals else self._ids
            self._by_id = IdTable(names, self._count, self._name)
        return self._by_id.find(name)

    def _name(self, number: int) -> bytes:
        return self.name(number).encode("utf-8", "surrogatepass") if self._originals else self._ids[number]

    def name(self, number: int) -> str:
        """Return the custom_id of a request, as it was before a mend shortened it."""
        custom_id = self._requests.custom_id(number)
        return self._originals.get(custom_id, custom_id) if self._originals else custom_id


class RecipeMatcher:
    """Finds the requests of rows whose bytes are those that the recipe was used on."""

    def __init__(self, recipe: Recipe, source: TableSource, index: ResultIndex) -> None:
        self._recipe = recipe
        self._source = source
        self._builder = RequestBuilder(recipe, source)
        self._selection = RowSelection(recipe.rows, source)
        self.needed = tuple(dict.fromkeys([*self._builder.needed, *self._selection.needed]))
        self._numbers = RequestNumbers(index)
        self._not_there = NOT_ASKED if index.has_input else NO_ANSWER
        """What a row is whose request is not in the file that was sent; of that nothing is known without it."""
        self._once: FirstOnly | None = None
        self._first: array[int] = array("q")
        self.new, self.gone = Named(), Named()
        """There are none: the bytes are the same."""

    def prepare(self) -> None:
        """Read the source once more where it has to be known which rows are drawn, or ask the same."""
        self._selection.count()
        if not self._recipe.rows.once:
            return
        hashes: array[int] = array("Q")
        rows = self._source.rows(self.needed, RowProblems())
        bound = self._builder.bind(rows.columns)
        for _, cells in self._selection.choose(rows, rows.columns):
            if not self._is_skipped(bound, cells):
                hashes.append(_digest(bound, cells))
        self._once = FirstOnly(hashes)
        self._first = array("q", [_UNKNOWN]) * len(hashes)

    def _is_skipped(self, bound: BoundBuilder, cells: Cells) -> bool:
        return self._recipe.rows.empty == "skip" and bool(bound.empty_columns(cells))

    def match(self, rows: Iterator[tuple[Cells, Any]], columns: Sequence[str], writer: RowWriter) -> None:
        """Give the writer each row of a copy with its request, in order."""
        emit = writer.emit
        bound = self._builder.bind(columns)
        if self._selection.is_everything and self._once is None and self._recipe.rows.empty != "skip":
            writer.emit_many(rows, self._finder(bound, columns))
            return
        passed = _NONE  # a row that was read, and may be left out

        def feed() -> Iterator[Cells]:
            nonlocal passed
            for cells, row in rows:
                if passed is not _NONE:
                    emit(passed, NOT_ASKED)
                passed = row
                yield cells
            if passed is not _NONE:
                emit(passed, NOT_ASKED)

        for number, cells in self._selection.choose(feed(), columns):
            row, passed = passed, _NONE
            emit(row, NOT_ASKED if self._is_skipped(bound, cells) else self._request(bound, number, cells))

    def _finder(self, bound: BoundBuilder, columns: Sequence[str]) -> FindMany:
        """Return the function to the requests of rows that were all asked for."""
        id_column = self._builder.id_column
        at = columns.index(id_column) if id_column is not None and id_column == self._recipe.id else None
        first = 1

        def find(many: list[Cells]) -> list[int]:
            nonlocal first
            start, first = first, first + len(many)
            ids: list[bytes] = []
            if id_column is None:
                ids = list(map(b"row-%04d".__mod__, range(start, first)))
            elif at is not None and self._source.has_text_only:
                ids = [cells[at].encode() for cells in many]
            found = self._numbers.find_run(ids) if ids else None
            if found is None:
                found = [self._request(bound, number, cells) for number, cells in enumerate(many, start)]
            return found

        return find

    def _request(self, bound: BoundBuilder, number: int, cells: Cells) -> int:
        place = None
        if self._once is not None and (place := self._once.place(_digest(bound, cells))) is not None:
            known = self._first[place]
            if known != _UNKNOWN:
                return known
        try:
            found = self._numbers.find(bound.custom_id(number, cells))
        except RowError:
            found = -1
        if found < 0:
            found = self._not_there
        if place is not None:
            self._first[place] = found
        return found


class IdMatcher:
    """Finds the requests of rows by the column of the id alone: the source has changed."""

    def __init__(self, column: str, index: ResultIndex) -> None:
        self.needed = (column,)
        self.new, self.gone = Named(), Named()
        self._numbers = RequestNumbers(index)
        self._is_found = bytearray(len(index.requests))

    def prepare(self) -> None:
        """Nothing has to be known before."""

    def match(self, rows: Iterator[tuple[Cells, Any]], columns: Sequence[str], writer: RowWriter) -> None:
        """Give the writer each row of a copy with its request, in order; note what is new, and what is gone."""
        at = columns.index(self.needed[0])
        for number, (cells, row) in enumerate(rows, start=1):
            custom_id = _text(cells[at]) if cells else ""
            found = self._numbers.find(custom_id) if custom_id else -1
            if found < 0:
                self.new.add(custom_id or f"row {number:,}")
                found = NOT_ASKED
            else:
                self._is_found[found] = 1
            writer.emit(row, found)
        for number, is_found in enumerate(self._is_found):
            if not is_found:
                self.gone.add(self._numbers.name(number))


class Named:
    """Rows by their ids: the first ones, and how many there are."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.total = 0

    def add(self, name: str) -> None:
        """Note a row."""
        self.total += 1
        if len(self.names) < NAMED:
            self.names.append(name)


def _text(cell: Any) -> str:
    try:
        return cell_text(cell)
    except CellError:
        return ""


_UNKNOWN = -3
_NONE = object()


def _digest(bound: BoundBuilder, cells: Cells) -> int:
    try:
        return digest(bound.tail(cells)[0])
    except RowError as error:  # an image that is gone by now
        raise BatchError(
            f"The request of a row cannot be rebuilt: {error}",
            "Without it, rows that share a request (--once) cannot be told.",
        ) from None


def choose_matcher(
    recipe: Recipe, source: TableSource, index: ResultIndex
) -> tuple[RecipeMatcher | IdMatcher, str, bool]:
    """Return what finds the requests of rows, the hash of the source, and whether it has changed since.

    Raises NotTheSourceError and LocalFileError.
    """
    sha256 = source_hash(source)
    if recipe.source is None or sha256 != recipe.source.sha256:
        return _id_matcher(recipe, source, index), sha256, True
    return RecipeMatcher(recipe, source, index), sha256, False


def source_hash(source: TableSource) -> str:
    """Return the hash of a source as a recipe has it. Raises LocalFileError."""
    try:
        if os.path.isfile(source.path):
            return file_hash(source.path)
    except OSError as error:
        raise read_failed(source.path, error) from error
    for _ in source.rows((), RowProblems()):
        pass
    return source.sha256


def _id_matcher(recipe: Recipe, source: TableSource, index: ResultIndex) -> IdMatcher:
    """Return what joins rows by their ids. Raises NotTheSourceError where there are none."""
    if recipe.id is None:
        raise NotTheSourceError(
            f"{source.name} has changed since the requests were made, and there is no id column to join by",
            "Use the table as it was. With make --id COLUMN, a changed table can be joined too.",
        )
    if not source.has_column(recipe.id):
        raise NotTheSourceError(
            f"{source.name} has changed since the requests were made, and has no column {recipe.id}",
            "Use a table with the ids that were sent.",
        )
    return IdMatcher(recipe.id, index)
