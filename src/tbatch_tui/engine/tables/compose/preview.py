"""The request of one row, as it would be written, or why there is none."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from tbatch_tui.engine.pricing.demand import DemandCounter
from tbatch_tui.engine.tables.cells import CellError, cell_text
from tbatch_tui.engine.tables.requests.builder import RequestBuilder, RowError
from tbatch_tui.engine.tables.selection import RowSelection

if TYPE_CHECKING:
    from tbatch_tui.engine.tables.compose.row_window import TableRow
    from tbatch_tui.engine.tables.readers.source import TableSource
    from tbatch_tui.engine.tables.recipe import Recipe

NO_MODEL = "(no model yet)"
"""What stands for the model in a preview while none is named."""


class RowPreview(NamedTuple):
    """One row of the table, and what comes of it."""

    number: int
    """Counted from 1."""
    request: dict[str, Any] | None = None
    """The request as it would be written; None where there is none."""
    size: int = 0
    """Bytes of its line."""
    tokens: int = 0
    """About how many tokens the prompt has."""
    problem: str = ""
    """Why there is no request, or what is in its way."""
    left_out: str = ""
    """Why the row is not asked for."""
    cells: tuple[tuple[str, str], ...] = ()
    """Column and text of each cell, where there is nothing to render yet."""

    @property
    def custom_id(self) -> str:
        """The id of the request; empty where there is none."""
        return "" if self.request is None else str(self.request.get("custom_id", ""))


class RequestPreview:
    """Renders single rows of a recipe, by the same code that writes the file."""

    def __init__(self, recipe: Recipe, source: TableSource) -> None:
        """Read the templates. Raises BatchError where one cannot be read, or names no column.

        Args:
            recipe: What is asked; without a prompt, the cells of a row are shown.
            source: The table.
        """
        self._builder: RequestBuilder | None = None
        self._empty = recipe.rows.empty
        if recipe.is_audio or recipe.prompt is not None or recipe.messages:
            self._builder = RequestBuilder(replace(recipe, model=recipe.model or NO_MODEL), source)
        choice = replace(recipe.rows, sample=None, seed=None)
        self._selection = RowSelection(choice, source)

    def row(self, row: TableRow) -> RowPreview:
        """Return what comes of a row."""
        if not row.cells:
            return RowPreview(row.number, problem=row.problem)
        left_out = self._selection.refusal(row.number, row.cells, row.columns)
        if self._builder is None:
            return RowPreview(row.number, left_out=left_out, cells=cells_of(row))
        bound = self._builder.bind(row.columns)
        problem, empty = "", bound.empty_columns(row.cells)
        if empty and self._empty == "skip":
            left_out = left_out or f"{empty[0]} is empty"
        elif empty and self._empty == "error":
            problem = f"column {empty[0]}: the cell is empty"
        try:
            tail, _ = bound.tail(row.cells)
            line = bound.line(bound.custom_id(row.number, row.cells), tail)
        except RowError as error:
            place = f"column {error.column}: " if error.column else ""
            return RowPreview(row.number, problem=f"{place}{error}", left_out=left_out, cells=cells_of(row))
        counter = DemandCounter()
        counter.add(line)
        tokens = sum(demand.prompt_tokens for demand in counter.demands())
        return RowPreview(row.number, json.loads(line), len(line), tokens, problem, left_out)


def cells_of(row: TableRow) -> tuple[tuple[str, str], ...]:
    """Return the texts of a row's cells by their columns."""
    return tuple((name, _text(cell)) for name, cell in zip(row.columns, row.cells, strict=True))


def _text(cell: object) -> str:
    try:
        return cell_text(cell)
    except CellError as error:
        return f"({error})"
