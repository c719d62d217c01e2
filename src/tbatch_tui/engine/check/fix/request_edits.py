"""Fix one line of the file, which may hold several requests, or one that is wrapped up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tbatch_tui.engine.check.fix.json_values import requests_in
from tbatch_tui.engine.check.fix.line_edits import MakeUniqueId, fix_line
from tbatch_tui.engine.check.fix.mends import SEPARATION_RULES

if TYPE_CHECKING:
    from collections.abc import Collection

    from tbatch_tui.engine.check.lines.check_line import LineReport
    from tbatch_tui.engine.check.lines.params import Kind


def separate(line: bytes, report: LineReport, rules: Collection[str]) -> list[bytes]:
    """Return the requests of a line, each without a line end; the line as it is, where it is one or cannot be read."""
    if report.value is not None or report.is_blank or SEPARATION_RULES.isdisjoint(rules):
        return [line]
    if not any(finding.rule in rules for finding in report.findings):
        return [line]
    return requests_in(line) or [line]


def fix_request(
    line: bytes,
    report: LineReport,
    number: int,
    rules: Collection[str],
    kind: Kind,
    is_duplicate: bool,
    make_unique: MakeUniqueId,
    model: str = "",
) -> bytes | None:
    """Return one request, without its line end, fixed; None if the line has to be dropped.

    Args:
        report: What `check_line` says of this line.
        number: The number of the line, for an id that it is given.
        is_duplicate: Whether an earlier request has its custom_id.
        model: The name for a request that has none; empty to leave it without.
    """
    if report.is_blank:
        return None if "blank-line" in rules else line
    if report.value is None:
        return line
    broken = {finding.rule for finding in report.findings}.union(report.once_per_file)
    if not is_duplicate and broken.isdisjoint(rules):
        return line
    return fix_line(report.text, number, rules, kind, is_duplicate, make_unique, model).encode()
