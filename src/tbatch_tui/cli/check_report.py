"""A check report as text and as JSON: one line for each problem, and the summary."""

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
"""Foreground colours of ANSI terminals (SGR)."""
_NO_COLOURS: Mapping[Severity, str] = MappingProxyType({})
_DOCUMENTED = (
    *("size", "lines", "requests", "endpoint", "endpoint_why", "models", "counts", "errors", "warnings", "notes"),
    *("longest_line", "tokens", "jobs", "seconds"),
)
"""Fields of a report that `--json` prints as they are."""


def problem_line(problem: Problem, colours: Mapping[Severity, str] = _NO_COLOURS) -> str:
    """Return `4:7: error rule: message (custom_id)`, without the file's name."""
    custom_id = f" ({escape_controls(problem.custom_id)})" if problem.custom_id else ""
    position = f"{problem.line}:{problem.column}"
    colour = colours.get(problem.severity)
    severity = f"\x1b[{colour}m{problem.severity}\x1b[0m" if colour else problem.severity
    return f"{position}: {severity} {problem.rule}: {escape_controls(problem.message)}{custom_id}"


def stdout_colours() -> Mapping[Severity, str]:
    """Return the colours for standard output: none unless it is a terminal that shows them.

    NO_COLOR is honoured, see no-color.org.
    """
    is_coloured = sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return _COLOURS if is_coloured else _NO_COLOURS


def summary(report: CheckReport) -> str:
    """Return `3 errors · 1 warning · 120 requests · 24.1 MB · chat completions`."""
    numbers = ((report.errors, "error"), (report.warnings, "warning"), (report.notes, "note"))
    problems = [plural(number, noun) for number, noun in numbers if number]
    if (hidden := sum(number for number, _ in numbers) - len(report.problems)) > 0:
        problems.append(f"{hidden:,} not shown")
    requests = plural(report.requests, "request")
    endpoint = report.endpoint.words.lower() if report.endpoint else report.endpoint_why
    return " · ".join((*(problems or ["no problems"]), requests, _size(report.size), endpoint))


def store_wanted_by(report: CheckReport) -> str:
    """Return the store of config.toml, if a file has addresses that may be in it; empty where it is as checked."""
    if not any(problem.rule == "file-url" and '"s3://' in problem.message for problem in report.problems):
        return ""
    from tbatch_tui.config.resolve import resolve_settings
    from tbatch_tui.config.settings import SettingsError

    try:
        store = resolve_settings().audio_store
    except SettingsError:
        return ""
    return store.address if store is not None else ""


def untimed_note(report: CheckReport) -> str:
    """Return what is said of an audio file whose answers will have no times. Reads the file again."""
    if report.endpoint is None or not report.endpoint.is_audio:
        return ""
    from tbatch_tui.engine.check.untimed import count_untimed, untimed_words

    try:
        return untimed_words(count_untimed(report.path))
    except OSError:
        return ""  # the check said what there is to say of it


def _size(size: int) -> str:
    # Not `text.format.size`: its module loads `datetime`, which `check` can do without.
    for unit, name in ((10**6, "MB"), (10**3, "kB")):
        if size >= unit:
            return f"{size / unit:,.1f} {name}"
    return plural(size, "byte")


def report_to_dict(name: str, report: CheckReport) -> dict[str, object]:
    """Return a report as `--json` prints it; `name` is the file as it was given."""
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
    fields = {field: getattr(report, field) for field in _DOCUMENTED}
    return {"path": escape_surrogates(name), **fields, "problems": problems}
