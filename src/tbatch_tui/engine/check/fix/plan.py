"""What can be fixed in a file, rule by rule, with one line before and after. Nothing is written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tbatch_tui.engine.check.fix.line_edits import add_suffix
from tbatch_tui.engine.check.fix.mends import FIXABLE, LAYOUT_RULES
from tbatch_tui.engine.check.fix.relaid import relaid_file
from tbatch_tui.engine.check.fix.request_edits import fix_request, separate
from tbatch_tui.engine.check.lines.check_line import check_line
from tbatch_tui.engine.check.lines.params import Kind
from tbatch_tui.engine.check.rules import FIXABLE_IN_SOME_FORMS, RULES
from tbatch_tui.engine.check.scan.duplicates import add_duplicates
from tbatch_tui.engine.check.scan.reader import read_error, read_line
from tbatch_tui.engine.check.scan.scan import scan
from tbatch_tui.engine.check.scan.sniff import sniff
from tbatch_tui.engine.domain.check_report import CheckReport, Severity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from tbatch_tui.engine.check.scan.sniff import FileHead

DUPLICATE = "duplicate-custom-id"
_SAMPLE = 100
"""So many problems of each rule are tried for the plan."""


@dataclass(frozen=True, slots=True)
class FixStep:
    """What the fix would do for one rule."""

    rule: str
    lines: int
    before: str
    """One line as it is, for a preview; empty if there is none to show."""
    after: str
    """The same line fixed, or the lines that it becomes; empty if it is dropped."""
    line: int = 0
    """The number of that line; 0 if there is none to show."""


@dataclass(frozen=True, slots=True)
class FixPlan:
    """What can be fixed without guessing. Nothing is written yet."""

    path: Path
    size: int
    mtime_ns: int
    kind: Kind
    steps: tuple[FixStep, ...]
    unfixable: int
    """Errors of lines that cannot be fixed. Such lines can be left out of the copy."""
    error_rules: frozenset[str]
    """The rules of severity error that lines break: a line that still breaks one can be rejected."""
    store: str = ""
    """`s3://bucket/prefix`, where recordings may be; empty for none."""
    shared_ids: frozenset[int] = frozenset()
    """Hashes of ids that another file has as well, in front of this one: no line of the copy keeps one of them."""

    @property
    def rules(self) -> frozenset[str]:
        """The rules that can be fixed."""
        return frozenset(step.rule for step in self.steps)


@dataclass(frozen=True, slots=True)
class _Lines:
    """The lines that a plan is made for, and what was found in them."""

    path: Path
    kind: Kind
    counts: Mapping[str, int]
    places: Mapping[str, list[tuple[int, int, int]]]
    """The first lines that break each rule: number, offset and length."""


def plan_fixes(report: CheckReport, *, model: str = "", cancelled: Callable[[], bool] | None = None) -> FixPlan:
    """Return what `write_fixed` would change, each rule with one line before and after.

    A file that is JSON but not JSON Lines is read as `write_fixed` would lay it out. Raises LocalFileError, and
    OperationCancelledError soon after `cancelled` returns true.

    Args:
        report: The report of the file.
        model: The name for requests that have none. Without it those cannot be fixed.
    """
    steps: list[FixStep] = []
    try:
        with report.path.open("rb", buffering=0) as file:
            head = sniff(file)
            lines = _lines_of(report, head)
            if not head.rule:
                steps += _plan_steps(lines, model)
            elif head.rule in LAYOUT_RULES:
                with relaid_file(file, head.start, cancelled=cancelled) as relaid:
                    if relaid is not None:
                        lines = _lines_of_relaid(report, relaid.path, cancelled)
                        steps.append(FixStep(head.rule, relaid.lines, relaid.before, relaid.after))
                        steps += _plan_steps(lines, model)
    except OSError as error:
        raise read_error(report.path, error) from error
    errors = {
        rule: number
        for rule, number in lines.counts.items()
        if RULES[rule].severity is Severity.ERROR and not RULES[rule].whole_file
    }
    fixable = {step.rule: step.lines for step in steps}
    unfixable = sum(max(0, number - fixable.get(rule, 0)) for rule, number in errors.items())
    size, mtime_ns = report.size, report.mtime_ns
    return FixPlan(
        *(report.path, size, mtime_ns, lines.kind, tuple(steps), unfixable, frozenset(errors)), store=report.store
    )


def _kind(report: CheckReport, head: FileHead) -> Kind:
    if report.endpoint is not None:
        return Kind.AUDIO if report.endpoint.is_audio else Kind.CHAT
    return head.kind or Kind.CHAT


def _lines_of(report: CheckReport, head: FileHead) -> _Lines:
    places: dict[str, list[tuple[int, int, int]]] = {}
    for problem in report.problems:
        if len(same := places.setdefault(problem.rule, [])) < _SAMPLE:
            same.append((problem.line, problem.offset, problem.length))
    return _Lines(report.path, _kind(report, head), report.counts, places)


def _lines_of_relaid(report: CheckReport, path: Path, cancelled: Callable[[], bool] | None) -> _Lines:
    """Check the lines of a file that was laid out anew."""
    with path.open("rb", buffering=0) as file:
        head = sniff(file)
        kind = _kind(report, head)
        part = scan(file, head.start, path.stat().st_size, kind, cancelled=cancelled, measure=False, store=report.store)
        add_duplicates(part, file, kind, cancelled)
    places: dict[str, list[tuple[int, int, int]]] = {}
    found = [(finding.rule, finding.location) for finding in part.findings]
    for rule, at in (*found, *part.once_locations.items()):
        if len(same := places.setdefault(rule, [])) < _SAMPLE:
            same.append((at.line, at.offset, at.length))
    counts = {rule: part.counts[rule] for rule in RULES if rule in part.counts}
    return _Lines(path, kind, counts | ({"bom": 1} if head.start else {}), places)


def _plan_steps(lines: _Lines, model: str) -> Iterator[FixStep]:
    kind = lines.kind
    for rule, number in lines.counts.items():
        if rule not in FIXABLE:
            continue
        example = ("", "", 0)
        for line_number, offset, length in lines.places.get(rule, ()) if rule != "bom" else ():
            line = read_line(lines.path, offset, length)
            fixed = _fixed_lines(line, line_number, rule, kind, model)
            if fixed == [line] and rule != "crlf":  # such as a custom_id that is a list
                number -= 1
            elif not example[-1]:
                before = line + b"\r" if rule == "crlf" else line
                after = b"\n".join(fixed)
                example = before.decode("utf-8", "replace"), after.decode("utf-8", "replace"), line_number
        if number and (example[-1] or rule not in FIXABLE_IN_SOME_FORMS):
            yield FixStep(rule, number, *example)


def _fixed_lines(line: bytes, number: int, rule: str, kind: Kind, model: str) -> list[bytes]:
    """Return what a line becomes if this rule alone is fixed."""
    report = check_line(line, kind)
    fixed: list[bytes] = []
    for request in separate(line, report, {rule}):
        request_report = report if request is line else check_line(request, kind)
        is_duplicate = rule == DUPLICATE
        make_unique = _add_example_suffix if is_duplicate else str
        one = fix_request(request, request_report, number, {rule}, kind, is_duplicate, make_unique, model)
        fixed += [] if one is None else [one]
    return fixed


def _add_example_suffix(wanted: str) -> str:
    return add_suffix(wanted, lambda candidate: candidate == wanted)
