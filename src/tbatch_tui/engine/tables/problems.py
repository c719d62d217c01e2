"""Problem with the rows of a table: the first are named, the rest is counted."""

from __future__ import annotations

from typing import NamedTuple

from tbatch_tui.engine.errors import BatchError

NAMED = 20
"""So many problems are named."""


class RowProblem(NamedTuple):
    """One problem of a source."""

    row: int
    """The record, counted from 1; 0 for the header, or the source as a whole."""
    column: str
    """The column; empty where it is in none."""
    message: str
    """Problem, without a full stop."""

    def __str__(self) -> str:
        place = f"row {self.row:,}" if self.row else ""
        place += f"{', ' if place else ''}column {self.column}" if self.column else ""
        return f"{place}: {self.message}" if place else self.message


class RowProblems:
    """Collects the problems of a source: the first ones, and how many there are."""

    def __init__(self) -> None:
        self.named: list[RowProblem] = []
        self.total = 0

    def add(self, row: int, column: str, message: str) -> None:
        """Note a problem."""
        self.total += 1
        if len(self.named) < NAMED:
            self.named.append(RowProblem(row, column, message))

    def count(self, number: int) -> None:
        """Note problems that are only counted."""
        self.total += number

    @property
    def unnamed(self) -> int:
        """How many are only counted."""
        return self.total - len(self.named)

    def raise_if_any(self, source: str) -> None:
        """Raise FaultyTableError if there is a problem."""
        if self.total:
            raise FaultyTableError(source, tuple(self.named), self.total)


class FaultyTableError(BatchError):
    """The source, or what was asked of it, has problems; nothing was written."""

    def __init__(self, source: str, problems: tuple[RowProblem, ...], total: int) -> None:
        first = f": {problems[0]}" if len(problems) == 1 else ""
        super().__init__(f"{source} has {total:,} problem{'' if total == 1 else 's'}{first}", "Nothing was written.")
        self.source = source
        self.problems = problems
        self.total = total


class EncodingError(FaultyTableError):
    """The text of the source is not UTF-8. `readings` has the line as other encodings read it."""

    def __init__(self, source: str, message: str, readings: tuple[tuple[str, str], ...]) -> None:
        super().__init__(source, (RowProblem(0, "", message),), 1)
        self.hint = "Nothing was written. Name the encoding with --encoding."
        self.readings = readings
