"""What the server says of the lines of a failed job's input file: its report on that file, and the way to Check."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tbatch_tui.engine.domain.job import JobStatus
from tbatch_tui.engine.domain.server_file import refused_lines
from tbatch_tui.engine.errors import BatchError
from tbatch_tui.tui.keys.hints import fill_keys
from tbatch_tui.tui.messages import CheckFile
from tbatch_tui.tui.render.status import FAILED, QUIET
from tbatch_tui.tui.sanitize import line

if TYPE_CHECKING:
    from tbatch_tui.engine.domain.record import JobRecord
    from tbatch_tui.engine.domain.server_file import RefusedLine, ValidationReport
    from tbatch_tui.engine.engine import BatchEngine
    from tbatch_tui.tui.widgets.fact_list import Fact

NOTHING_TO_CHECK = "Only the input file of a job that failed is checked again from here"
NOT_HERE = "Its input file is not on this machine: {job.fetch-input} gets that of a job not submitted here"
_CHECK = "{go.on} checks the file again"
_FETCH = "{job.fetch-input} gets its input file; {go.on} then checks that."
_MAX_LINES = 8
"""Lines of a report that are shown one by one."""


async def ask_for_report(engine: BatchEngine, record: JobRecord | None) -> ValidationReport | None:
    """Return what the server says of the job's input file; None where it says nothing, or cannot be asked."""
    if record is None or record.status != JobStatus.FAILED:
        return None
    try:
        return await engine.files.validation_report(record)
    except BatchError:
        return None


def report_facts(report: ValidationReport | None, record: JobRecord, *, can_check: bool) -> list[Fact]:
    """Return what a report adds to the error of the job, a line for each line of the file that it names.

    Args:
        can_check: Whether `enter` checks the file, which is said then.
    """
    texts = report.words_beside(record.job.error) if report is not None and record.job is not None else []
    facts: list[Fact] = [("" if index else "Report", [(line(text), FAILED)]) for index, text in enumerate(texts)]
    if (more := len(facts) - _MAX_LINES) > 0:
        facts[_MAX_LINES:] = [("", [(f"and {more:,} more", QUIET)])]
    if can_check:
        place = ", at the line that was refused." if _refused(record, report) else "."
        facts.append(("", [(fill_keys(f"{_CHECK}{place}"), QUIET)]))
    elif record.status == JobStatus.FAILED and record.can_fetch_input:
        facts.append(("", [(fill_keys(_FETCH), QUIET)]))
    return facts


def check_blocker(record: JobRecord | None, *, is_here: bool) -> str:
    """Return why the input file of a job cannot be checked again; empty if it can."""
    if record is None or record.status != JobStatus.FAILED:
        return NOTHING_TO_CHECK
    return "" if record.submission is not None and is_here else NOT_HERE


def check_input(record: JobRecord, report: ValidationReport | None) -> CheckFile | None:
    """Return the message that goes to Check with the input file, at the first line that the server refused."""
    if record.submission is None:
        return None
    refused = _refused(record, report)
    return CheckFile(record.submission.path, refused[0] if refused else None)


def _refused(record: JobRecord, report: ValidationReport | None) -> list[RefusedLine]:
    """Return the lines that the report names, else those that the error of the job names."""
    named = report.refused if report is not None else []
    return named or refused_lines((record.job.error if record.job is not None else None) or "")
