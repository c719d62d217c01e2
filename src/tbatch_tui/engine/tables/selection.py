"""Which rows of a source are asked for: a range, conditions, and a sample, in this order."""

from __future__ import annotations

import random
from collections import Counter
from typing import TYPE_CHECKING

from tbatch_tui.engine.tables.cells import CellError, cell_text
from tbatch_tui.engine.tables.problems import RowProblems
from tbatch_tui.engine.tables.requests.builder import require_column

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from tbatch_tui.engine.tables.cells import Cell
    from tbatch_tui.engine.tables.readers.source import Cells, TableSource
    from tbatch_tui.engine.tables.recipe import RowChoice

SEED_MAX = 2**32
"""A seed that is not given is drawn below this."""


class RowSelection:
    """The choice of a recipe, for one source."""

    def __init__(self, choice: RowChoice, source: TableSource) -> None:
        """Look the columns up. Raises MissingColumnError.

        Args:
            choice: With a seed, where there is a sample.
            source: The table.
        """
        self._choice = choice
        self._source = source
        self._where = [_split_condition(text, source) for text in choice.where]
        self.needed = tuple(dict.fromkeys(name for name, _ in self._where))
        """The columns of the conditions."""
        self._total: int | None = None
        self.rows = 0
        """Rows that the source has, once it was read."""
        self.left_out: Counter[str] = Counter()
        """Rows that are not asked for, by the reason."""

    @property
    def is_everything(self) -> bool:
        """Whether all rows are asked for."""
        choice = self._choice
        return choice.first is None and choice.last is None and not self._where and choice.sample is None

    def count(self) -> None:
        """Read the source once to know how many rows there are to draw from, where a sample is asked for."""
        if self._choice.sample is not None and self._total is None:
            rows = self._source.rows(self.needed, RowProblems())
            self._total = sum(1 for _ in self._matching(rows, rows.columns))

    def choose(self, rows: Iterable[Cells], columns: Sequence[str]) -> Iterator[tuple[int, Cells]]:
        """Yield number and cells of each row that is asked for, from 1. Rows with a problem are passed over."""
        if self.is_everything:
            number = 0
            for cells in rows:
                number += 1
                if cells:
                    yield number, cells
            self.rows = number
            return
        self.left_out.clear()
        matching = self._matching(rows, columns)
        yield from matching if self._total is None else self._sample(matching)

    def _matching(self, rows: Iterable[Cells], columns: Sequence[str]) -> Iterator[tuple[int, Cells]]:
        refusal, places, number = self._refusal, self._places(columns), 0
        for cells in rows:
            number += 1
            reason = refusal(number, cells, places)
            if reason:
                self.left_out[reason] += 1
            elif cells:
                yield number, cells
        self.rows = number

    def refusal(self, number: int, cells: Cells, columns: Sequence[str]) -> str:
        """Return why a row is not asked for; empty if it is, as far as can be told without the other rows."""
        return self._refusal(number, cells, self._places(columns))

    def _places(self, columns: Sequence[str]) -> list[tuple[str, int, str]]:
        return [(name, columns.index(name), value) for name, value in self._where]

    def _refusal(self, number: int, cells: Cells, places: Iterable[tuple[str, int, str]]) -> str:
        first, last = self._choice.first or 1, self._choice.last
        if number < first or (last is not None and number > last):
            return f"not in rows {first}-{last or ''}"
        if not cells:  # its problem is known
            return ""
        failed = next((name for name, at, value in places if not _is(cells[at], value)), None)
        return "" if failed is None else f"{failed} is different"

    def _sample(self, rows: Iterable[tuple[int, Cells]]) -> Iterator[tuple[int, Cells]]:
        """Draw rows in the order of the source, each set of them with the same chance, without holding any."""
        chance = random.Random(self._choice.seed)
        wanted, left = min(self._choice.sample or 0, self._total or 0), self._total or 0
        for row in rows:
            if wanted and chance.random() * left < wanted:
                wanted -= 1
                yield row
            else:
                self.left_out["not drawn for the sample"] += 1
            left -= 1


def _split_condition(text: str, source: TableSource) -> tuple[str, str]:
    """Return column and value of `COLUMN=VALUE`; the first `=` after the name of a column parts them."""
    at = text.find("=", 1)
    while at > 0:
        if source.has_column(text[:at]):
            return text[:at], text[at + 1 :]
        at = text.find("=", at + 1)
    require_column(source, text.partition("=")[0], "--where")
    raise AssertionError(text)


def _is(cell: Cell, value: str) -> bool:
    try:
        return cell_text(cell) == value
    except CellError:
        return False
