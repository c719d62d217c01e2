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

    from tbatch_tui.engine.domain.server_file import RefusedLine

OPEN_AT_FIRST = 12
"""Lines up to which a rule is open from the start, if it is an error."""


class RowKind(StrEnum):
    """What a row stands for."""

    RULE = "rule"  # the head of a group
    LINE = "line"  # one line of an open group
    ONLY = "only"  # a rule with a single line


@dataclass(frozen=True, slots=True)
class ProblemRow:
    """A problem, or a rule that many lines break; `problem` is the first of them then."""

    problem: Problem
    kind: RowKind
    count: int = 1
    is_open: bool = False


@dataclass(slots=True)
class _Group:
    rule: str
    members: list[int]
    """Indices in the list of problems, rising."""
    is_open: bool

    @property
    def height(self) -> int:
        if len(self.members) == 1:
            return 1
        return 1 + len(self.members) * self.is_open


class ProblemRows:
    """The rows of a report. Each is made when it is drawn, so that 100,000 cost what ten do."""

    def __init__(self, problems: Sequence[Problem], order: Sequence[str], query: str = "") -> None:
        """Group the problems that contain all words of `query`. Goes through all of them: for many, in a thread.

        Args:
            problems: In the order of their lines.
            order: Rules in the order in which their groups stand; a rule that is not named comes last.
            query: Words, whatever the case.
        """
        self._problems = problems
        self._words = query.lower().split()
        members: dict[str, list[int]] = {rule: [] for rule in order}
        for index, problem in enumerate(problems):
            if self._words and not self._matches(problem):
                continue
            members.setdefault(problem.rule, []).append(index)
        self._groups = [
            _Group(rule, indices, self._is_open_at_first(indices)) for rule, indices in members.items() if indices
        ]
        self._group_indices = {group.rule: index for index, group in enumerate(self._groups)}
        self._starts: list[int] = []
        self._update_starts()

    @classmethod
    def of(cls, report: CheckReport, query: str = "") -> ProblemRows:
        """Return the rows of a report, whose rules are in the order of their weight."""
        return cls(report.problems, list(report.counts), query)

    def _matches(self, problem: Problem) -> bool:
        text = f"{problem.rule}\n{problem.severity}\n{problem.line}\n{problem.message}\n{problem.custom_id or ''}"
        text = text.lower()
        return all(word in text for word in self._words)

    def _is_open_at_first(self, members: list[int]) -> bool:
        is_error = self._problems[members[0]].severity is Severity.ERROR
        return bool(self._words) or (is_error and len(members) <= OPEN_AT_FIRST)

    def _update_starts(self) -> None:
        self._starts = [0, *accumulate(group.height for group in self._groups)]

    def copy_open_state(self, other: ProblemRows) -> None:
        """Open the rules that are open in `other`, and close those that are not: it is the same file, checked again."""
        for group in self._groups:
            if (index := other._group_indices.get(group.rule)) is not None:
                group.is_open = other._groups[index].is_open
        self._update_starts()

    def set_open(self, rule: str, is_open: bool | None = None) -> str | None:
        """Open or close a rule; toggle it if `is_open` is None. Return the key of its head, None if it cannot open."""
        if (index := self._group_indices.get(rule)) is None or len(self._groups[index].members) == 1:
            return None
        group = self._groups[index]
        group.is_open = not group.is_open if is_open is None else is_open
        self._update_starts()
        return rule

    # -- a RowSource ---------------------------------------------------------------------------------

    def __len__(self) -> int:
        return self._starts[-1]

    def row(self, index: int) -> ProblemRow:
        """Return the row at an index."""
        group, within = self._at(index)
        if within == 0:
            first = self._problems[group.members[0]]
            count = len(group.members)
            return ProblemRow(first, RowKind.ONLY if count == 1 else RowKind.RULE, count, group.is_open)
        return ProblemRow(self._problems[group.members[within - 1]], RowKind.LINE)

    def key(self, index: int) -> str:
        """Return the key of a row: the rule of a head, else rule and line.

        It stays the same whatever else is filtered, open or found.
        """
        group, within = self._at(index)
        many = len(group.members) > 1
        if within == 0 and many:
            return group.rule
        position = within - many
        line = self._line(group.members[position])
        again = position - bisect_left(group.members, line, key=self._line)
        return f"{group.rule}:{line}" + (f":{again}" if again else "")

    def find(self, key: str) -> int | None:
        """Return the index of the row with this key; of the head, if its rule is closed."""
        rule, *numbers = key.split(":")
        if (index := self._group_indices.get(rule)) is None:
            return None
        group, start = self._groups[index], self._starts[index]
        if not numbers:
            return start
        line, again = int(numbers[0]), int(numbers[1]) if len(numbers) > 1 else 0
        position = bisect_left(group.members, line, key=self._line) + again
        if position >= len(group.members) or self._line(group.members[position]) != line:
            return None
        if len(group.members) == 1 or not group.is_open:
            return start
        return start + 1 + position

    def key_near(self, refused: RefusedLine) -> str | None:
        """Return the key of the row that shows a line the server refused; None where no error is found there.

        Where the server counts within a chunk, the line is that one or a later one, so the first error from there on.
        """
        for problem in self._problems:
            if problem.severity is not Severity.ERROR or problem.line < refused.line:
                continue
            if problem.line == refused.line or refused.within_chunk:
                return f"{problem.rule}:{problem.line}"
            return None
        return None

    def _line(self, member: int) -> int:
        return self._problems[member].line

    def _at(self, index: int) -> tuple[_Group, int]:
        """Return the group of a row, and the row's index within it."""
        position = bisect_right(self._starts, index) - 1
        return self._groups[position], index - self._starts[position]
