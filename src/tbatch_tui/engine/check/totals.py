"""The problems of a report with others in their place, and its totals after that."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from tbatch_tui.engine.check.rules import RULES
from tbatch_tui.engine.domain.check_report import MAX_PROBLEMS, CheckReport, Problem, Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def with_problems(report: CheckReport, problems: Iterable[Problem], counts: Mapping[str, int]) -> CheckReport:
    """Return the report with these problems in place of its own.

    Args:
        problems: in any order; the first `MAX_PROBLEMS` by line are kept.
        counts: the lines that each rule was broken on, those beyond `problems` too.
    """
    problems = sorted(problems, key=lambda problem: (problem.line, problem.column, problem.rule))
    reported = Counter(problem.rule for problem in problems)
    sums = dict.fromkeys(Severity, 0)
    for rule, lines in counts.items():
        sums[RULES[rule].severity] += reported[rule] if RULES[rule].once_per_file else lines
    order = {rule: place for place, rule in enumerate(RULES)}
    return report._replace(
        problems=tuple(problems[:MAX_PROBLEMS]),
        counts=dict(sorted(counts.items(), key=lambda item: order[item[0]])),
        errors=sums[Severity.ERROR],
        warnings=sums[Severity.WARNING],
        notes=sums[Severity.NOTE],
    )
