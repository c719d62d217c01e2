"""The problems of a file as rows, grouped by rule: a rule broken once is a row, one broken often opens into lines."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from enum import StrEnum
from itertools import accumulate
from typing import TYPE_CHECKING

from tbatch_tui.engine.domain.check_report import CheckReport, Problem, Severity

if TYPE_CHECKING:
    from collections.abc import Sequence

OPEN_AT_FIRST = 12
"""Lines of a rule up to which it is open from the start, if it is an error."""


class RowKind(StrEnum):
    """What a row stands for."""

    RULE = "rule"  # the head of a group
    LINE = "line"  # one line of an open group
    ONLY = "only"  # a rule with a single line


@dataclass(frozen=True, slots=True)
class ProblemRow:
    """A row: a problem, or a rule that many lines break (then its first problem)."""

    problem: Problem
    kind: RowKind
    count: int = 1
    is_open: bool = False


@dataclass(slots=True)
class _Group:
    rule: str
    members: list[int]
    """Places in the list of problems, rising."""
    is_open: bool

    @property
    def height(self) -> int:
        if len(self.members) == 1:
            return 1
        return 1 + len(self.members) * self.is_open


class ProblemRows:
    """The rows of a report. Nothing is made for a row that is not looked at, so that 100,000 cost what ten do."""

    def __init__(self, problems: Sequence[Problem], order: Sequence[str], words: str = "") -> None:
        """Group the problems that hold all of `words`. Looks at each of them: for many, in a thread."""
        self._problems = problems
        self._words = words.lower().split()
        members: dict[str, list[int]] = {rule: [] for rule in order}
        for index, problem in enumerate(problems):
            if self._words and not self._holds(problem):
                continue
            members.setdefault(problem.rule, []).append(index)
        self._groups = [_Group(rule, found, self._opens(found)) for rule, found in members.items() if found]
        self._group_of = {group.rule: place for place, group in enumerate(self._groups)}
        self._starts: list[int] = []
        self._place()

    @classmethod
    def of(cls, report: CheckReport, words: str = "") -> ProblemRows:
        """The rows of a report; its rules are in the order in which they matter."""
        return cls(report.problems, list(report.counts), words)

    def _holds(self, problem: Problem) -> bool:
        text = f"{problem.rule}\n{problem.severity}\n{problem.line}\n{problem.message}\n{problem.custom_id or ''}"
        text = text.lower()
        return all(word in text for word in self._words)

    def _opens(self, members: list[int]) -> bool:
        if not members:
            return False
        is_error = self._problems[members[0]].severity is Severity.ERROR
        return bool(self._words) or (is_error and len(members) <= OPEN_AT_FIRST)

    def _place(self) -> None:
        self._starts = [0, *accumulate(group.height for group in self._groups)]

    def open_like(self, other: ProblemRows) -> None:
        """Open the rules that are open there: the same file, checked again."""
        for group in self._groups:
            if (place := other._group_of.get(group.rule)) is not None:
                group.is_open = other._groups[place].is_open
        self._place()

    def set_open(self, rule: str, is_open: bool | None = None) -> str | None:
        """Open or close a rule, or turn it over; the key of its head, None if it cannot be opened."""
        if (place := self._group_of.get(rule)) is None or len(self._groups[place].members) == 1:
            return None
        group = self._groups[place]
        group.is_open = not group.is_open if is_open is None else is_open
        self._place()
        return rule

    # RowSource

    def __len__(self) -> int:
        return self._starts[-1]

    def row(self, index: int) -> ProblemRow:
        group, within = self._at(index)
        if within == 0:
            first = self._problems[group.members[0]]
            count = len(group.members)
            return ProblemRow(first, RowKind.ONLY if count == 1 else RowKind.RULE, count, group.is_open)
        return ProblemRow(self._problems[group.members[within - 1]], RowKind.LINE)

    def key(self, index: int) -> str:
        """A rule's id for its head, else rule and line: the same whatever is filtered, open or found besides."""
        group, within = self._at(index)
        many = len(group.members) > 1
        if within == 0 and many:
            return group.rule
        place = within - many
        line = self._line(group.members[place])
        again = place - bisect_left(group.members, line, key=self._line)
        return f"{group.rule}:{line}" + (f":{again}" if again else "")

    def find(self, key: str) -> int | None:
        rule, *numbers = key.split(":")
        if (at := self._group_of.get(rule)) is None:
            return None
        group = self._groups[at]
        if not numbers:
            return self._starts[at]
        line, again = int(numbers[0]), int(numbers[1]) if len(numbers) > 1 else 0
        place = bisect_left(group.members, line, key=self._line) + again
        if place >= len(group.members) or self._line(group.members[place]) != line:
            return None
        if len(group.members) == 1 or not group.is_open:
            return self._starts[at]
        return self._starts[at] + 1 + place

    def _line(self, member: int) -> int:
        return self._problems[member].line

    def _at(self, index: int) -> tuple[_Group, int]:
        place = bisect_right(self._starts, index) - 1
        return self._groups[place], index - self._starts[place]
