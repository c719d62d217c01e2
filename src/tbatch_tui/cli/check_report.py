"""The report of `tbatch-tui check`: one line a problem, the summary, and `--json`."""

from __future__ import annotations

import os
import sys
from types import MappingProxyType
from typing import TYPE_CHECKING

from tbatch_tui.engine.domain.check_report import CheckReport, Problem, Severity
from tbatch_tui.text.escape import escape_controls, escape_surrogates
from tbatch_tui.text.plural import plural

if TYPE_CHECKING:
    from collections.abc import Mapping


_COLOURS = {Severity.ERROR: "31", Severity.WARNING: "33", Severity.NOTE: "36"}
"""Of a severity's word, as a terminal knows them."""


def problem_line(problem: Problem, colours: Mapping[Severity, str] = MappingProxyType({})) -> str:
    """`4:7: error rule: message (custom_id)`, without the file's name."""
    custom_id = f" ({escape_controls(problem.custom_id)})" if problem.custom_id else ""
    place = f"{problem.line}:{problem.column}"
    colour = colours.get(problem.severity)
    severity = f"\x1b[{colour}m{problem.severity}\x1b[0m" if colour else problem.severity
    return f"{place}: {severity} {problem.rule}: {escape_controls(problem.message)}{custom_id}"


def _is_coloured() -> bool:
    """Only a terminal gets colours, and only if nobody minds: see no-color.org."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def summary(report: CheckReport) -> str:
    """`3 errors · 1 warning · 120 requests · 24.1 MB · chat completions`."""
    numbers = ((report.errors, "error"), (report.warnings, "warning"), (report.notes, "note"))
    said = [plural(number, word) for number, word in numbers if number]
    requests = plural(report.requests, "request")
    endpoint = report.endpoint.words.lower() if report.endpoint else report.endpoint_why
    if (hidden := sum(number for number, _ in numbers) - len(report.problems)) > 0:
        said.append(f"{hidden:,} of them not shown")
    return " · ".join((*(said or ["no problems"]), requests, _size(report.size), endpoint))


def _size(size: int) -> str:
    for unit, name in ((10**6, "MB"), (10**3, "kB")):
        if size >= unit:
            return f"{size / unit:,.1f} {name}"
    return plural(size, "byte")


def _document(name: str, report: CheckReport) -> dict[str, object]:
    """A report as plain data for --json."""
    problems = [
        {
            "line": problem.line,
            "column": problem.column,
            "severity": problem.severity,
            "rule": problem.rule,
            "message": problem.message,
            "mend": problem.fix,
            "custom_id": problem.custom_id,
            "offset": problem.offset,
            "length": problem.length,
        }
        for problem in report.problems
    ]
    plain = ("size", "lines", "requests", "endpoint", "endpoint_why", "models", "counts", "errors", "warnings", "notes")
    return {
        "path": escape_surrogates(name),
        **{field: getattr(report, field) for field in (*plain, "longest_line", "tokens", "seconds")},
        "problems": problems,
    }
