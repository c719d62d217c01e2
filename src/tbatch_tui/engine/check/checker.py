"""Check a whole file, from its path to the report."""

from __future__ import annotations

import os
import stat
import time
from typing import TYPE_CHECKING, Any

from tbatch_tui.engine.check.limits import FILE_MEGABYTES, LONG_LINE, MEBIBYTE, MEGABYTE, REQUESTS_ADVISED, REQUESTS_MAX
from tbatch_tui.engine.check.lines.params import Kind
from tbatch_tui.engine.check.model_rules import MODEL_RULES, Evidence, check_models
from tbatch_tui.engine.check.rules import RULES
from tbatch_tui.engine.check.scan.duplicates import add_duplicates, custom_id_of
from tbatch_tui.engine.check.scan.parallel import PARALLEL_BYTES_MIN, scan_parallel
from tbatch_tui.engine.check.scan.partial import LineLocation, LocatedFinding, PartialReport
from tbatch_tui.engine.check.scan.reader import read_error
from tbatch_tui.engine.check.scan.scan import scan
from tbatch_tui.engine.check.scan.sniff import FileHead, sniff
from tbatch_tui.engine.check.signed_size import signed_size
from tbatch_tui.engine.check.totals import with_problems
from tbatch_tui.engine.domain.check_report import CheckReport, Problem, Severity
from tbatch_tui.engine.endpoint import Endpoint
from tbatch_tui.engine.errors import LocalFileError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from io import FileIO
    from pathlib import Path

    from tbatch_tui.engine.domain.catalogue import ModelInfo

_ONCE_MESSAGES = {
    "crlf": "the line ends in CR LF",
    "stream": "body.stream is true, which has no effect in a batch",
    "no-max-tokens": "body.max_tokens is missing",
    "openai-envelope": "the line has OpenAI's method and url, which are not needed",
}
_ONCE_PATHS: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "stream": (("body", "stream"),),
    "openai-envelope": (("url",), ("method",)),
}
"""Where in the line these rules point to: the first of the paths that is there."""


def check_file(
    path: Path,
    *,
    endpoint: Endpoint | None = None,
    catalogue: Mapping[str, ModelInfo] | None = None,
    processes: int = 1,
    progress: Callable[[int, int], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
    measure: bool = True,
    now: float | None = None,
    store: str = "",
    keep_ids: bool = False,
) -> CheckReport:
    """Check every line of an input file. Raises LocalFileError, and OperationCancelledError once `cancelled()` is true.

    Args:
        endpoint: What the batch is to run against. Without it, the first request that shows its kind decides.
        catalogue: The models of the server. Without it their names and context lengths are not checked.
        processes: With 2, a child process made by fork checks the later half of a large file. Not for a process that
            has threads.
        progress: Called with the bytes done and the bytes in all.
        measure: Whether to estimate the tokens, and to report the longest line also where it is under 32 kB.
        now: When the job would begin, in seconds since the epoch, for URLs that run out; now if None.
        store: `s3://bucket/prefix`, whose recordings get links when the file is submitted; empty for none.
        keep_ids: Whether the report keeps 8 bytes of each custom_id, for `together.check_together`.
    """
    began, status = time.perf_counter(), _stat_file(path)
    size = status.st_size
    try:
        with path.open("rb", buffering=0) as file:
            head = sniff(file)
            kind = (Kind.AUDIO if endpoint.is_audio else Kind.CHAT) if endpoint else head.kind or Kind.CHAT
            how = (_within(progress, size), cancelled, measure)
            part = _scan_all(file, head, size, kind, processes, *how, now=now, store=store)
            once = [_once_finding(file, rule, part) for rule in part.once_locations]
            tokens = _tokens(file, head.start, size, part) if measure and kind is Kind.CHAT else {}
            jobs = _count_jobs(file, head, size, part, cancelled)
            signed = signed_size(file, size, part.requests) if store and kind is Kind.AUDIO else size
            of_file = [*_file_findings(path, head, part, size, _has_changed(path, file, status), jobs, signed)]
    except OSError as error:
        raise read_error(path, error) from error
    inferred, why = _infer_endpoint(endpoint, head, part)
    report = CheckReport(
        path=path,
        size=size,
        mtime_ns=status.st_mtime_ns,
        lines=part.lines,
        requests=part.requests,
        endpoint=inferred,
        endpoint_why=why,
        models=dict(sorted(part.models.items(), key=lambda item: -item[1])),
        problems=tuple(map(_problem, (*of_file, *once, *part.findings))),
        counts={**part.counts, **{finding.rule: 1 for finding in of_file}},
        tokens=tokens,
        longest_line=part.longest_line if measure or part.longest_line > LONG_LINE else 0,
        jobs=jobs,
        store=store,
        evidence=Evidence(part.models, part.model_locations, part.long_lines, kind, part.id_hashes if keep_ids else ()),
    )
    return apply_catalogue(report, catalogue)._replace(seconds=time.perf_counter() - began)


def apply_catalogue(report: CheckReport, catalogue: Mapping[str, ModelInfo] | None) -> CheckReport:
    """Return the report with the rules about models checked against this catalogue. The file is not read again."""
    evidence = report.evidence
    if not isinstance(evidence, Evidence):
        return report
    problems = [problem for problem in report.problems if problem.rule not in MODEL_RULES]
    counts = {rule: number for rule, number in report.counts.items() if rule not in MODEL_RULES}
    for finding, lines in check_models(evidence, catalogue):
        problems.append(_problem(finding))
        counts[finding.rule] = counts.get(finding.rule, 0) + lines
    return with_problems(report, problems, counts)


def _stat_file(path: Path) -> os.stat_result:
    """Return the status of a regular file. Raises LocalFileError for anything else."""
    try:
        status = path.stat()
    except (OSError, ValueError) as error:
        raise read_error(path, error) from error
    if stat.S_ISDIR(status.st_mode):
        raise LocalFileError(f"{path} is a folder", "Choose the JSONL file inside it.")
    if not stat.S_ISREG(status.st_mode):
        raise LocalFileError(f"{path} is not a regular file", "Save its output to a file, and check that.")
    return status


def _within(progress: Callable[[int, int], None] | None, size: int) -> Callable[[int], None] | None:
    """Return what is called with the bytes done, which a parallel scan may guess too high."""
    return None if progress is None else (lambda done: progress(min(done, size), size))


def _scan_all(
    file: FileIO,
    head: FileHead,
    size: int,
    kind: Kind,
    processes: int,
    progress: Callable[[int], None] | None,
    cancelled: Callable[[], bool] | None,
    measure: bool,
    **where_and_when: Any,
) -> PartialReport:
    """Check the lines of a file, unless it has none."""
    if head.rule:
        return PartialReport()
    is_parallel = processes > 1 and size >= PARALLEL_BYTES_MIN and hasattr(os, "fork")
    scan_lines = scan_parallel if is_parallel else scan
    part = scan_lines(file, head.start, size, kind, progress, cancelled, measure, **where_and_when)
    add_duplicates(part, file, kind, cancelled)
    return part


def _has_changed(path: Path, file: FileIO, before: os.stat_result) -> bool:
    """Whether the file was written to while it was read, or another has taken its name, or none has it any more."""
    try:
        now = (os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return True
    return any((after.st_size, after.st_mtime_ns) != (before.st_size, before.st_mtime_ns) for after in now)


def _tokens(file: FileIO, start: int, size: int, part: PartialReport) -> dict[str, int]:
    if not part.models:
        return {}
    from tbatch_tui.engine.check.scan.tokens import estimate_tokens  # the command needs it only with --json

    return estimate_tokens(file, start, size, part.models)


def _count_jobs(
    file: FileIO, head: FileHead, size: int, part: PartialReport, cancelled: Callable[[], bool] | None
) -> int:
    """Return how many jobs the file goes as; 1 where it is not over the limits, or has to be mended first."""
    is_over = size > FILE_MEGABYTES * MEBIBYTE or part.requests > REQUESTS_MAX
    if not is_over or head.rule or _has_errors(part):
        return 1
    from tbatch_tui.engine.check.scan.job_count import count_jobs  # few files are over the limits

    return count_jobs(file, head.start, size, part.requests, cancelled)


def _on_first_line(rule: str, message: str) -> LocatedFinding:
    return LocatedFinding(LineLocation(1, 0, 0), 1, rule, message)


def _file_findings(
    path: Path, head: FileHead, part: PartialReport, size: int, is_changed: bool, jobs: int, signed: int
) -> Iterator[LocatedFinding]:
    """Yield the findings about the file as a whole, all of them on line 1."""
    in_jobs = f": it will be submitted as {jobs:,} jobs" if jobs > 1 else ""
    if path.suffix != ".jsonl" and not head.rule:  # of what is not JSON Lines at all the name is not the fault
        shown = f"the name ends in {path.suffix}" if path.suffix else "the name has no suffix"
        yield _on_first_line("suffix", f"{shown}; only .jsonl is accepted")
    if head.rule:
        yield _on_first_line(head.rule, head.message)
    elif not part.requests:
        yield _on_first_line("no-requests", "the file is empty" if not size else "there is no request in the file")
    if head.start:
        yield _on_first_line("bom", "the file begins with a byte order mark")
    if size > FILE_MEGABYTES * MEBIBYTE:
        message = f"the file has {size / MEGABYTE:.1f} MB (max. {FILE_MEGABYTES} MB per job){in_jobs}"
        yield _on_first_line("file-too-large", message)
    elif size > FILE_MEGABYTES * MEGABYTE:
        message = f"the file has {size / MEGABYTE:.1f} MB (documented max. {FILE_MEGABYTES} MB)"
        yield _on_first_line("file-large", message)
    if part.requests > REQUESTS_MAX:
        message = f"{part.requests:,} requests (max. {REQUESTS_MAX:,} per job){in_jobs}"
        yield _on_first_line("too-many-requests", message)
    elif part.requests > REQUESTS_ADVISED:
        message = f"{part.requests:,} requests (recommended max. {REQUESTS_ADVISED:,})"
        yield _on_first_line("large-batch", message)
    if is_changed:
        yield _on_first_line("changed-while-read", "the file changed while it was being read")
    yield from _links_finding(signed, jobs)


def _links_finding(signed: int, jobs: int) -> Iterator[LocatedFinding]:
    """Yield that the file is too large once its addresses are links. Its parts are of equal size."""
    if signed > jobs * FILE_MEGABYTES * MEBIBYTE:
        of_part = f" in {jobs:,} parts" if jobs > 1 else ""
        message = f"with its links the file has at least {signed / MEGABYTE:,.1f} MB{of_part}"
        yield _on_first_line("links-too-large", f"{message} (max. {FILE_MEGABYTES} MB per job)")


def _once_finding(file: FileIO, rule: str, part: PartialReport) -> LocatedFinding:
    """Return the finding of a once-per-file rule: on the first line that breaks it, with the number of the others."""
    location, others = part.once_locations[rule], part.counts[rule] - 1
    more = f", as on {others:,} more line{'s' if others > 1 else ''}" if others else ""
    file.seek(location.offset)
    line = file.read(location.length)
    try:
        text, custom_id = line.decode(), custom_id_of(line)
    except (ValueError, RecursionError):
        return LocatedFinding(location, 1, rule, f"{_ONCE_MESSAGES[rule]}{more}")
    column = 1
    if rule in _ONCE_PATHS:
        from tbatch_tui.engine.check.lines.json_spans import locate  # slow to load, and most files do not need it

        start = locate(text, ())
        column = next((at for path in _ONCE_PATHS[rule] if (at := locate(text, path)) > start), start) + 1
    return LocatedFinding(location, column, rule, f"{_ONCE_MESSAGES[rule]}{more}", custom_id)


def _problem(finding: LocatedFinding) -> Problem:
    rule, location = RULES[finding.rule], finding.location
    return Problem(
        line=location.line,
        column=finding.column,
        severity=rule.severity,
        rule=rule.id,
        message=finding.message,
        fix=rule.fix,
        custom_id=finding.custom_id,
        offset=location.offset,
        length=location.length,
    )


def _has_errors(part: PartialReport) -> bool:
    return any(RULES[rule].severity is Severity.ERROR for rule in part.counts)


def _infer_endpoint(endpoint: Endpoint | None, head: FileHead, part: PartialReport) -> tuple[Endpoint | None, str]:
    """Return the endpoint that was chosen, or else the one that the lines show, and the reason in words."""
    if endpoint is not None:
        return endpoint, "as chosen"
    if head.kind is None and (not part.requests or _has_errors(part)):
        return None, "couldn't tell the endpoint"
    if "other-kind" in part.counts:
        return None, "chat and audio requests are mixed"
    if head.kind is not Kind.AUDIO:
        return Endpoint.CHAT, "every line has messages"
    if head.url == Endpoint.TRANSLATION:
        return Endpoint.TRANSLATION, "every line has an audio file, and url says translation"
    return Endpoint.TRANSCRIPTION, "every line has an audio file; pick translation if you want English"
