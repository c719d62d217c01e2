"""The check of a whole file, from its name to the report."""

from __future__ import annotations

import os
import stat
import time
from typing import TYPE_CHECKING

from tbatch_tui.engine.check.limits import FILE_MEGABYTES, LONG_LINE, MEBIBYTE, MEGABYTE, REQUESTS_ADVISED, REQUESTS_MAX
from tbatch_tui.engine.check.lines.params import Kind
from tbatch_tui.engine.check.model_rules import MODEL_RULES, Evidence, check_models
from tbatch_tui.engine.check.rules import RULES
from tbatch_tui.engine.check.scan.duplicates import add_duplicates, custom_id_of
from tbatch_tui.engine.check.scan.parallel import LARGE, scan_parallel
from tbatch_tui.engine.check.scan.partial import LineLocation, LocatedFinding, PartialReport
from tbatch_tui.engine.check.scan.reader import unreadable
from tbatch_tui.engine.check.scan.scan import scan
from tbatch_tui.engine.check.scan.sniff import FileHead, sniff
from tbatch_tui.engine.domain.check_report import MAX_PROBLEMS, CheckReport, Problem, Severity
from tbatch_tui.engine.endpoint import Endpoint
from tbatch_tui.engine.errors import LocalFileError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from io import FileIO
    from pathlib import Path

    from tbatch_tui.engine.domain.catalogue import ModelInfo

_ONCE_MESSAGES = {
    "crlf": "the line ends in CR LF",
    "stream": "body.stream is true, which means nothing in a batch",
    "no-max-tokens": "body.max_tokens is missing",
    "openai-envelope": "the line has OpenAI's method and url, which are not needed",
}
_ONCE_PATHS: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "stream": (("body", "stream"),),
    "openai-envelope": (("url",), ("method",)),
}
"""Where in the line these rules are broken; of several places, the first that is there."""


def check_file(
    path: Path,
    *,
    endpoint: Endpoint | None = None,
    catalogue: Mapping[str, ModelInfo] | None = None,
    processes: int = 1,
    progress: Callable[[int, int], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
    measure: bool = True,
) -> CheckReport:
    """Check every line of an input file.

    `endpoint` is what the batch is to run against; without it, the first request that shows its kind decides.
    `progress` gets bytes done and bytes in all. With `processes` 2 a large file is checked by two processes, made
    by fork: not for a process that has threads. Without `measure` the tokens are not estimated, and the longest line is
    told only where it is over 32 kB. Raises LocalFileError if the file cannot be read, and OperationCancelledError.
    """
    began = time.perf_counter()
    status = _status(path)
    size = status.st_size
    try:
        with path.open("rb", buffering=0) as file:
            opening = sniff(file)
            kind = (Kind.AUDIO if endpoint.is_audio else Kind.CHAT) if endpoint else opening.kind or Kind.CHAT
            part = PartialReport()
            if not opening.rule:
                told = None if progress is None else (lambda done: progress(min(done, size), size))
                two = processes > 1 and size >= LARGE and hasattr(os, "fork")
                part = (scan_parallel if two else scan)(file, opening.start, size, kind, told, cancelled, measure)
                add_duplicates(part, file, kind, cancelled)
            once = [_once_problems(file, rule, place, part.counts[rule]) for rule, place in part.once_places.items()]
            tokens = {}
            if measure and part.models and kind is Kind.CHAT:
                from tbatch_tui.engine.check.scan.tokens import estimated_tokens

                tokens = estimated_tokens(file, opening.start, size, part.models)
            after = os.fstat(file.fileno())
    except OSError as error:
        raise unreadable(path, error) from error
    whole = list(_whole_file(path, opening, part, size))
    if (after.st_size, after.st_mtime_ns) != (size, status.st_mtime_ns):
        whole.append(_on_first_line("changed-while-read", "the file changed while it was being read"))
    inferred, why = _endpoint(endpoint, opening, part)
    report = CheckReport(
        path=path,
        size=size,
        mtime_ns=status.st_mtime_ns,
        lines=part.lines,
        requests=part.requests,
        endpoint=inferred,
        endpoint_why=why,
        models=dict(sorted(part.models.items(), key=lambda item: -item[1])),
        problems=tuple(map(_problem, (*whole, *once, *part.found))),
        counts={**part.counts, **{found.rule: 1 for found in whole}},
        tokens=tokens,
        longest_line=part.longest if measure or part.longest > LONG_LINE else 0,
        evidence=Evidence(part.models, part.model_places, part.long_lines),
    )
    return apply_catalogue(report, catalogue)._replace(seconds=time.perf_counter() - began)


def apply_catalogue(report: CheckReport, catalogue: Mapping[str, ModelInfo] | None) -> CheckReport:
    """The same report with its rules about models judged by this catalogue; the file is not read again."""
    evidence = report.evidence
    if not isinstance(evidence, Evidence):
        return report
    problems = [problem for problem in report.problems if problem.rule not in MODEL_RULES]
    counts = {rule: number for rule, number in report.counts.items() if rule not in MODEL_RULES}
    for found, lines in check_models(evidence, catalogue):
        problems.append(_problem(found))
        counts[found.rule] = counts.get(found.rule, 0) + lines
    problems.sort(key=lambda problem: (problem.line, problem.column, problem.rule))
    told: dict[str, int] = {}
    for problem in problems:
        told[problem.rule] = told.get(problem.rule, 0) + 1
    sums = dict.fromkeys(Severity, 0)
    for rule, number in counts.items():
        sums[RULES[rule].severity] += told[rule] if RULES[rule].once else number
    return report._replace(
        problems=tuple(problems[:MAX_PROBLEMS]),
        counts=dict(sorted(counts.items(), key=lambda item: list(RULES).index(item[0]))),
        errors=sums[Severity.ERROR],
        warnings=sums[Severity.WARNING],
        notes=sums[Severity.NOTE],
    )


def _status(path: Path) -> os.stat_result:
    try:
        status = path.stat()
    except (OSError, ValueError) as error:
        raise unreadable(path, error) from error
    if stat.S_ISDIR(status.st_mode):
        raise LocalFileError(f"{path} is a folder", "Name the JSONL file inside it.")
    if not stat.S_ISREG(status.st_mode):
        raise LocalFileError(f"{path} is not a regular file", "Save what it gives to a file, and check that.")
    return status


def _on_first_line(rule: str, message: str) -> LocatedFinding:
    return LocatedFinding(LineLocation(1, 0, 0), 1, rule, message)


def _whole_file(path: Path, opening: FileHead, part: PartialReport, size: int) -> Iterator[LocatedFinding]:
    """The faults of the file as a whole; each bears line 1."""
    if path.suffix != ".jsonl":
        shown = f"the name ends in {path.suffix}" if path.suffix else "the name has no suffix"
        yield _on_first_line("suffix", f"{shown}, and only .jsonl is taken")
    if opening.rule:
        yield _on_first_line(opening.rule, opening.message)
    elif not part.requests:
        yield _on_first_line("no-requests", "the file is empty" if not size else "there is no request in the file")
    if opening.start:
        yield _on_first_line("bom", "the file begins with a byte order mark")
    if size > FILE_MEGABYTES * MEBIBYTE:
        message = f"the file has {size / MEGABYTE:.1f} MB, {FILE_MEGABYTES} MB at most"
        yield _on_first_line("file-too-large", message)
    elif size > FILE_MEGABYTES * MEGABYTE:
        message = f"the file has {size / MEGABYTE:.1f} MB, documented: {FILE_MEGABYTES} MB at most"
        yield _on_first_line("file-large", message)
    if part.requests > REQUESTS_MAX:
        message = f"{part.requests:,} requests, {REQUESTS_MAX:,} at most"
        yield _on_first_line("too-many-requests", message)
    elif part.requests > REQUESTS_ADVISED:
        message = f"{part.requests:,} requests, recommended: {REQUESTS_ADVISED:,} at most"
        yield _on_first_line("large-batch", message)


def _once_problems(file: FileIO, rule: str, place: LineLocation, number: int) -> LocatedFinding:
    """A rule told once a file, on the first line that breaks it, with the number of the others."""
    others = number - 1
    more = f", as on {others:,} more line{'s' if others > 1 else ''}" if others else ""
    file.seek(place.offset)
    line = file.read(place.length)
    try:
        text, custom_id = line.decode(), custom_id_of(line)
    except (ValueError, RecursionError):
        return LocatedFinding(place, 1, rule, f"{_ONCE_MESSAGES[rule]}{more}")
    column = 1
    if rule in _ONCE_PATHS:
        from tbatch_tui.engine.check.lines.json_spans import locate  # slow to load, and not needed for most files

        start = locate(text, ())
        column = next((at for path in _ONCE_PATHS[rule] if (at := locate(text, path)) > start), start) + 1
    return LocatedFinding(place, column, rule, f"{_ONCE_MESSAGES[rule]}{more}", custom_id)


def _problem(found: LocatedFinding) -> Problem:
    rule, place = RULES[found.rule], found.location
    return Problem(
        line=place.line,
        column=found.column,
        severity=rule.severity,
        rule=rule.id,
        message=found.message,
        fix=rule.fix,
        custom_id=found.custom_id,
        offset=place.offset,
        length=place.length,
    )


def _is_sound(part: PartialReport) -> bool:
    return not any(RULES[rule].severity is Severity.ERROR for rule in part.counts)


def _endpoint(endpoint: Endpoint | None, opening: FileHead, part: PartialReport) -> tuple[Endpoint | None, str]:
    """The endpoint, and why that one."""
    if endpoint is not None:
        return endpoint, "as chosen"
    if opening.kind is None and not (part.requests and _is_sound(part)):
        return None, "no request shows what it asks for"
    if "other-kind" in part.counts:
        return None, "chat and audio requests are mixed"
    if opening.kind is not Kind.AUDIO:
        return Endpoint.CHAT, "every line has messages"
    if opening.url == Endpoint.TRANSLATION:
        return Endpoint.TRANSLATION, "every line has an audio file, and url says translation"
    return Endpoint.TRANSCRIPTION, "every line has an audio file; choose translation if that is meant"
