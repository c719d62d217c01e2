"""What a recipe makes of a whole table: requests, problems, tokens. Partial while it is being found out."""

from __future__ import annotations

import time
from array import array
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING

from tbatch_tui.engine.pricing.demand import DemandCounter
from tbatch_tui.engine.tables.make import complete_recipe
from tbatch_tui.engine.tables.problems import RowProblem, RowProblems
from tbatch_tui.engine.tables.requests.run import ASKED_ONCE, RequestRun

if TYPE_CHECKING:
    from tbatch_tui.engine.domain.cost import Demand
    from tbatch_tui.engine.tables.compose.paced import PacedSource
    from tbatch_tui.engine.tables.recipe import Recipe

_REPORT_EVERY = 0.2
"""Seconds between two partial summaries."""
_LINES = 16
"""Requests that are counted between two looks at the clock, at most."""
Report = Callable[["TableSummary"], object]


@dataclass(frozen=True, slots=True)
class TableSummary:
    """What was found in the rows that were looked at."""

    rows: int = 0
    requests: int = 0
    left_out: dict[str, int] = field(default_factory=dict)
    """Rows that are not asked for, by the reason."""
    asked_once: int = 0
    """Rows that get the answer of another row."""
    repeats: int = 0
    """Rows that ask the same as an earlier one, where each is asked; known at the end."""
    problems: tuple[RowProblem, ...] = ()
    """The first ones."""
    problem_total: int = 0
    problem_rows: array[int] = field(default_factory=lambda: array("q"))
    """The numbers of the rows with a problem, in order."""
    demands: tuple[Demand, ...] = ()
    longest_row: int = 0
    """The row with the longest request; 0 while there is none."""
    longest_size: int = 0
    """Bytes of its line."""
    most_tokens: int = 0
    """The prompt tokens of the longest prompt, about."""
    over_context: int = 0
    """Requests that are likely longer than the model takes, but not so surely as to be a problem."""
    size: int = 0
    """Bytes of all lines."""
    is_whole: bool = False
    """Whether all rows were looked at."""

    @property
    def prompt_tokens(self) -> int:
        """About how many tokens all prompts have."""
        return sum(demand.prompt_tokens for demand in self.demands)

    def next_problem(self, row: int, by: int) -> int | None:
        """Return the next row with a problem after this one, or before it where `by` is -1; None without any.

        After the last one comes the first.
        """
        rows = self.problem_rows
        if not rows:
            return None
        if by > 0:
            return next((number for number in rows if number > row), rows[0])
        return next((number for number in reversed(rows) if number < row), rows[-1])


class _Problems(RowProblems):
    """Keeps the number of each row with a problem."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: array[int] = array("q")

    def add(self, row: int, column: str, message: str) -> None:
        """Note a problem."""
        super().add(row, column, message)
        if row > 0 and (not self.rows or self.rows[-1] != row):
            self.rows.append(row)


def summarize(recipe: Recipe, source: PacedSource, report: Report, context: int | None = None) -> TableSummary:
    """Read the whole table and return what the recipe makes of it; `report` gets what is known now and then.

    For a thread. Raises TemplateTextError, MissingColumnError and RecipeError before the first row, LocalFileError,
    FaultyTableError for what a table has as a whole, and OperationCancelledError.

    Args:
        recipe: What is asked.
        source: The table.
        report: Gets a summary of the rows so far.
        context: Tokens that the model takes, prompt and answer together; None if that is not known.
    """
    problems = _Problems()
    run = RequestRun(complete_recipe(recipe), source, problems, context=context)
    counts = _Counts(run.builder.prompt_max)
    next_report = time.monotonic()
    for first, lines in run.batches():
        for at in range(0, len(lines), _LINES):
            source.take_a_break_if_due()
            for number, line in enumerate(lines[at : at + _LINES], start=first + at):
                counts.add(number, line)
        if time.monotonic() >= next_report:
            report(_summary(run, problems, counts, rows=first + len(lines) - 1))
            next_report = time.monotonic() + _REPORT_EVERY
    run.name_doubled_ids()
    return _summary(run, problems, counts, rows=run.selection.rows, is_whole=True)


class _Counts:
    """What is counted of the lines."""

    def __init__(self, room: int | None) -> None:
        self.demand = DemandCounter()
        self.longest_row = self.longest_size = self.most_tokens = self.over_context = self.size = 0
        self._room = room

    def add(self, number: int, line: bytes) -> None:
        """Count one request."""
        tokens, size = self.demand.add(line), len(line)
        self.size += size
        if size > self.longest_size:
            self.longest_row, self.longest_size = number, size
        self.most_tokens = max(self.most_tokens, tokens)
        if self._room is not None and tokens > self._room:
            self.over_context += 1


def _summary(
    run: RequestRun, problems: _Problems, counts: _Counts, *, rows: int, is_whole: bool = False
) -> TableSummary:
    left_out = dict(run.left_out)
    if not is_whole:
        left_out.update(run.selection.left_out)
    return TableSummary(
        rows=rows,
        requests=run.requests,
        asked_once=left_out.pop(ASKED_ONCE, 0),
        left_out=left_out,
        repeats=run.repeats,
        problems=tuple(sorted(problems.named)),  # the reader is some rows ahead of the requests
        problem_total=problems.total,
        problem_rows=_in_order(problems.rows),
        demands=counts.demand.demands(),
        longest_row=counts.longest_row,
        longest_size=counts.longest_size,
        most_tokens=counts.most_tokens,
        over_context=counts.over_context,
        size=counts.size,
        is_whole=is_whole,
    )


def _in_order(rows: array[int]) -> array[int]:
    """Return the numbers in order, each once."""
    return array("q", (number for number, _ in groupby(sorted(rows))))
