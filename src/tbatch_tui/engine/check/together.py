"""What is wrong only in several files together: a custom_id that more than one of them has."""

from __future__ import annotations

from array import array
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from tbatch_tui.engine.check.lines.stopping import stop_if
from tbatch_tui.engine.check.model_rules import Evidence
from tbatch_tui.engine.check.rules import RULES
from tbatch_tui.engine.check.scan.duplicates import RULE, column_of_id, lines_with_ids, repeated_hashes
from tbatch_tui.engine.check.scan.reader import read_error
from tbatch_tui.engine.domain.check_report import MAX_PROBLEMS, CheckReport, Problem
from tbatch_tui.engine.errors import LocalFileError
from tbatch_tui.engine.local_files.file_stamp import read_stamp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from tbatch_tui.engine.check.scan.partial import LineLocation


class Together(NamedTuple):
    """What is wrong in several files together, file by file in their order."""

    problems: tuple[tuple[Problem, ...], ...]
    """In order of line; at most `MAX_PROBLEMS` in all."""
    counts: tuple[int, ...]
    """How many lines of each file are wrong, those beyond `problems` too."""
    errors: int
    """How many lines are wrong in all files. Above 200,000 ids some are counted here that `counts` leaves out."""


class _Line(NamedTuple):
    location: LineLocation
    text: bytes
    custom_id: str


def check_together(reports: Sequence[CheckReport], *, cancelled: Callable[[], bool] | None = None) -> Together:
    """Find the custom_ids that more than one file has. Only pieces of files that have one are read again.

    The first file with an id is right, and each line with it in a later one is wrong. What one file has twice is in
    its own report.

    Args:
        reports: of `check_file` with `keep_ids`, in the order in which the files are sent.
        cancelled: ends the search with OperationCancelledError once it returns true.

    Raises LocalFileError if a file cannot be read again, or is not as it was checked.
    """
    evidence = [report.evidence if isinstance(report.evidence, Evidence) else None for report in reports]
    pieces = [piece for each in evidence if each is not None for piece in each.id_hashes]
    repeated, unnamed = repeated_hashes(pieces)
    first: dict[str, tuple[int, int]] = {}
    problems: list[list[Problem]] = [[] for _ in reports]
    counts: Counter[int] = Counter()
    names = _names(reports)
    for number, report in enumerate(reports):
        for line in _lines_with(repeated, report, cancelled):
            of_file, of_line = first.setdefault(line.custom_id, (number, line.location.line))
            if of_file == number:
                continue
            counts[number] += 1
            if counts.total() <= MAX_PROBLEMS:
                where = f"{names[of_file]}, line {of_line:,}"
                problems[number].append(_problem(line, f"duplicate custom_id (first used in {where})"))
    # The repetitions within a file that are only counted are counted here too: its own report has refused it by then.
    errors = counts.total() + (unnamed if counts else 0)
    return Together(tuple(map(tuple, problems)), tuple(counts[number] for number in range(len(reports))), errors)


def _lines_with(hashes: set[int], report: CheckReport, cancelled: Callable[[], bool] | None) -> Iterator[_Line]:
    """Yield the lines of a file whose ids have these hashes. Raises LocalFileError."""
    evidence = report.evidence
    pieces = evidence.id_hashes if isinstance(evidence, Evidence) else ()
    wanted = [piece for piece in pieces if hashes and not hashes.isdisjoint(array("q", piece.hashes))]
    stop_if(cancelled)
    if not wanted or not isinstance(evidence, Evidence):
        return
    try:
        with report.path.open("rb", buffering=0) as file:
            for piece in wanted:
                stop_if(cancelled)
                for location, text, custom_id in lines_with_ids(file, piece, evidence.kind):
                    if hash(custom_id) in hashes:
                        yield _Line(location, text, custom_id)
    except OSError as error:
        raise read_error(report.path, error) from error
    stamp = read_stamp(report.path)
    if stamp is None or (stamp.size, stamp.mtime_ns) != (report.size, report.mtime_ns):
        raise LocalFileError(f"{report.path.name} has changed since it was checked", "Check it again.")


def _problem(line: _Line, message: str) -> Problem:
    rule, location = RULES[RULE], line.location
    return Problem(
        location.line,
        column_of_id(line.text),
        rule.severity,
        RULE,
        message,
        rule.fix,
        line.custom_id,
        location.offset,
        location.length,
    )


def _names(reports: Sequence[CheckReport]) -> list[str]:
    """Return what each file is called: its name, and its whole path where another has the same."""
    named = Counter(report.path.name for report in reports)
    return [report.path.name if named[report.path.name] == 1 else str(report.path) for report in reports]


def sum_reports(reports: Sequence[CheckReport], path: Path) -> CheckReport:
    """Return the reports of several files, at least one, as one: of the file that they would be together.

    Its problems are left out; its counts say whether one of the files is over the limits of one job. The time of change
    is that of the file that changed last.

    Args:
        path: what the files are called together.
    """
    return CheckReport(
        path=path,
        size=sum(report.size for report in reports),
        mtime_ns=max(report.mtime_ns for report in reports),
        lines=sum(report.lines for report in reports),
        requests=sum(report.requests for report in reports),
        endpoint=reports[0].endpoint,
        endpoint_why=reports[0].endpoint_why,
        models=dict(_summed(report.models for report in reports).most_common()),
        problems=(),
        counts=dict(_summed(report.counts for report in reports)),
        longest_line=max(report.longest_line for report in reports),
        tokens=dict(_summed(report.tokens for report in reports)),
        errors=sum(report.errors for report in reports),
        warnings=sum(report.warnings for report in reports),
        notes=sum(report.notes for report in reports),
        seconds=sum(report.seconds for report in reports),
        jobs=sum(report.jobs for report in reports),
        store=reports[0].store,
    )


def _summed(counts: Iterable[dict[str, int]]) -> Counter[str]:
    total: Counter[str] = Counter()
    for each in counts:
        total.update(each)
    return total
