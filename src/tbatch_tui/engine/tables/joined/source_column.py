"""A column of the table that a job was made of, by request: to tell answers by it, or to hold them against it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tbatch_tui.engine.errors import BatchError, OperationCancelledError
from tbatch_tui.engine.tables.join_back import open_table
from tbatch_tui.engine.tables.joined.matching import choose_matcher
from tbatch_tui.engine.tables.problems import RowProblems
from tbatch_tui.engine.tables.readers.open_source import JOB_PREFIX
from tbatch_tui.engine.tables.recipe_file import parse_recipe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tbatch_tui.engine.journal.tables.recipes import NotedRecipe
    from tbatch_tui.engine.results.index.index import ResultIndex
    from tbatch_tui.engine.tables.cells import Cell
    from tbatch_tui.engine.tables.joined.matching import FindMany
    from tbatch_tui.engine.tables.readers.source import Cells, TableSource
    from tbatch_tui.engine.tables.recipe import Recipe

_BATCH = 500
"""Rows whose requests are found together."""


class NoSuchColumnError(BatchError):
    """The source has no column of this name."""


def open_noted_table(
    noted: NotedRecipe | None, name: str, job_results: Callable[[str], tuple[str, ResultIndex]]
) -> tuple[Recipe, TableSource]:
    """Return the recipe of a job, and the table that it names, where that still is. Reads the head of the table.

    Raises BatchError where none is known, and what `open_source` raises.

    Args:
        noted: The recipe and where it was written; None where none is known.
        name: That of the job, for messages.
        job_results: Returns the id and the results of a job that is the source.
    """
    if noted is None:
        raise BatchError(
            f"The source table of {name} is not known",
            "It is known of files that `tbatch-tui make` or the app made here.",
        )
    recipe = parse_recipe(noted.text, f"the recipe of {name}")
    told = recipe.source.path if recipe.source is not None else ""
    if told.startswith(JOB_PREFIX) or noted.path is None:
        return recipe, open_table(told, recipe, job_results)
    return recipe, open_table(str(noted.path.parent / told), recipe, job_results)


def read_source_column(
    recipe: Recipe,
    source: TableSource,
    index: ResultIndex,
    name: str,
    *,
    cancelled: Callable[[], bool] = lambda: False,
) -> dict[int, Cell]:
    """Return the cells of a column by the numbers of the requests. Reads the source: run it in a thread.

    Where several rows ask the same request, the first one counts. A source that has changed is joined by its ids.

    Raises NoSuchColumnError, NotTheSourceError, LocalFileError, FaultyTableError, and OperationCancelledError when
    `cancelled()`.

    Args:
        recipe: That of the job's input file.
        source: The table, opened by `open_table`.
        index: The results, built.
        name: The column.
        cancelled: Ends it early.
    """
    if not source.has_column(name):
        names = ", ".join(source.columns)
        raise NoSuchColumnError(f"{source.name} has no column {name!r}", f"There are: {names}.")
    matcher, _, _ = choose_matcher(recipe, source, index)
    matcher.prepare()
    problems = RowProblems()
    rows = source.rows(tuple(dict.fromkeys([*matcher.needed, name])), problems)
    at = rows.columns.index(name)
    taken = _Cells(cancelled)
    matcher.match(_with_cell(rows, at, problems), rows.columns, taken)
    problems.raise_if_any(source.name)
    return taken.cells


def _with_cell(rows: Any, at: int, problems: RowProblems) -> Iterator[tuple[Cells, Cell]]:
    for cells in rows:
        if not problems.total:
            yield cells, cells[at]


class _Cells:
    """Takes the cell of each row that was asked for."""

    def __init__(self, cancelled: Callable[[], bool]) -> None:
        self.cells: dict[int, Cell] = {}
        self._cancelled = cancelled
        self._rows = 0

    def emit(self, row: Cell, request: int) -> None:
        """Take a cell, and the number of its request. Raises OperationCancelledError."""
        self._rows += 1
        if not self._rows % _BATCH and self._cancelled():
            raise OperationCancelledError("Reading the table was stopped")
        if request >= 0:
            self.cells.setdefault(request, row)

    def emit_many(self, rows: Iterator[tuple[Cells, Cell]], find: FindMany) -> None:
        """Take all rows, and let `find` return the numbers of the requests of many at once."""
        many: list[Cells] = []
        held: list[Cell] = []
        for cells, cell in rows:
            many.append(cells)
            held.append(cell)
            if len(many) == _BATCH:
                self._take(held, find(many))
                many, held = [], []
        self._take(held, find(many))

    def _take(self, cells: list[Cell], requests: list[int]) -> None:
        for cell, request in zip(cells, requests, strict=True):
            self.emit(cell, request)
