"""`submit`: the twin of Check and Create. Checked first, submitted exactly once, and, if asked, waited for."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from tbatch_tui.cli.check_report import problem_line, summary
from tbatch_tui.cli.exit_codes import FAILED, OK
from tbatch_tui.cli.job_text import print_paths
from tbatch_tui.cli.output import print_json, print_message, print_result
from tbatch_tui.cli.session import Session, is_brought_home
from tbatch_tui.engine.check import check_file
from tbatch_tui.engine.domain.check_report import CheckReport, Severity
from tbatch_tui.engine.domain.job import JobStatus, LocalStatus
from tbatch_tui.engine.domain.submission import SubmissionState
from tbatch_tui.engine.endpoint import Endpoint
from tbatch_tui.engine.record_json import record_to_dict

if TYPE_CHECKING:
    import argparse

    from tbatch_tui.config.settings import Settings
    from tbatch_tui.engine.domain.record import JobRecord
    from tbatch_tui.engine.local_files.fingerprint import Fingerprint

_TOLD = 20
"""Problems that are told; `check` tells all."""
_COUNTED_WITHIN = 60.0
"""Seconds; a batch at its limits takes about one. Then the rows of its files are all there is to go by."""
_ENDPOINTS = {
    "chat": Endpoint.CHAT,
    "transcription": Endpoint.TRANSCRIPTION,
    "translation": Endpoint.TRANSLATION,
}


async def submit(arguments: argparse.Namespace, settings: Settings) -> int:
    """Check the file, commit the intent, and stay until there is a job; with `--wait` until its files are here."""
    report = await checked(Path(arguments.file), _ENDPOINTS.get(arguments.endpoint), in_parts=arguments.in_parts)
    if report is None:
        return FAILED
    async with Session(settings, background_work=True) as session:
        return await send(session, report, arguments, again=arguments.again)


async def checked(path: Path, endpoint: Endpoint | None, *, in_parts: bool = False) -> CheckReport | None:
    """The report of a file that can be submitted; None of one that cannot, which is said as `check` says it.

    With `in_parts`, one that is only over the limits can be. Raises LocalFileError.
    """
    report = await asyncio.to_thread(check_file, path, endpoint=endpoint)
    errors = [problem for problem in report.problems if problem.severity is Severity.ERROR]
    if in_parts and report.goes_in_parts:
        errors = []
    for problem in errors[:_TOLD]:
        print_message(f"{report.path}:{problem_line(problem)}")
    if errors:
        print_message(f"{report.path}: {summary(report)}. Nothing was submitted; tbatch-tui check tells all.")
        if report.goes_in_parts:
            print_message("Its lines are sound: --in-parts submits it as several jobs.")
    elif report.endpoint is None:
        print_message(f"{report.path}: {report.endpoint_why}. Nothing was submitted. Give --endpoint.")
    return None if errors or report.endpoint is None else report


async def send(session: Session, report: CheckReport, arguments: argparse.Namespace, *, again: bool = False) -> int:
    """Submit a file that is sound. `again`: also when these exact bytes ran before."""
    engine = session.engine
    assert report.endpoint is not None
    await session.listed()  # whose key it is must be known, and what ran before
    fingerprint = await engine.fingerprint(report.path)
    earlier = [] if again else await engine.earlier_runs(fingerprint.sha256, report.endpoint)
    begun = await _begun(session, earlier)
    if begun is not None:
        # A script that was killed and runs again means the same job: of --again it is not told, that would be a second.
        print_message(
            f"These exact bytes are on their way already ({begun.status_words}): taken up, nothing is sent twice."
        )
        key = begun.key
    elif earlier:
        print_message(
            f"These exact bytes ran already: {earlier[0].key} ({earlier[0].status_words}). "
            "Nothing was submitted. Submitting again is billed again: give --again if that is meant."
        )
        return FAILED
    else:
        key = await _committed(session, report, arguments, fingerprint)
    parts = [record.key for record in await engine.groups.parts(key) if not record.is_waiting]
    return max([await _follow(session, part, arguments) for part in parts or [key]])


async def _begun(session: Session, earlier: list[JobRecord]) -> JobRecord | None:
    """The earlier submit of these bytes that has not come to its end; of a file in parts, if one of them has not."""
    for record in earlier:
        if any(map(_is_under_way, await session.engine.groups.parts(record.key) or [record])):
            return record
    return None


async def _committed(
    session: Session, report: CheckReport, arguments: argparse.Namespace, fingerprint: Fingerprint
) -> str:
    """The key of the submission; of a file in parts, of its first."""
    engine, label = session.engine, arguments.label
    assert report.endpoint is not None
    if report.goes_in_parts:
        return await engine.groups.submit(
            report.path, report.endpoint, requests=report.requests, label=label, fingerprint=fingerprint
        )
    return await engine.submit_checked(
        report.path, report.endpoint, requests=report.requests, label=label, fingerprint=fingerprint
    )


async def _follow(session: Session, key: str, arguments: argparse.Namespace) -> int:
    """Stay until there is a job, or with `--wait` until its files are here; the exit code."""
    record = await session.until(key, _is_settled)
    if record.job is None:
        assert record.submission is not None
        print_message(f"No job was made: {record.submission.error}. {record.submission.hint or ''}".rstrip())
        return FAILED
    if not arguments.json:
        print_result(record.job.id)
    if record.submission is not None and record.submission.warning:
        print_message(f"The server warned: {record.submission.warning}")
    if arguments.wait:
        record = await _counted(session, await session.until(record.key, is_brought_home))
    if arguments.json:
        print_json(record_to_dict(record))
    elif arguments.wait:
        print_paths([record])
    return _code(record) if arguments.wait else OK


def _is_under_way(record: JobRecord) -> bool:
    """Whether an earlier submit has not come to a job yet: it was killed in between, or another app works on it."""
    if record.job is not None or record.submission is None or record.is_waiting:
        return False
    return record.submission.state.is_open


def _is_settled(record: JobRecord) -> bool:
    """Whether it is known what became of the submission."""
    state = record.submission.state if record.submission is not None else SubmissionState.CREATED
    return record.job is not None or (not state.is_open and record.status == LocalStatus.NOT_SUBMITTED)


async def _counted(session: Session, record: JobRecord) -> JobRecord:
    """The record with what came of each request: a row of the output file may be an error, or there twice."""
    with suppress(TimeoutError):
        async with asyncio.timeout(_COUNTED_WITHIN):
            return await session.until(record.key, lambda r: r.counts is not None or not r.has_results_here)
    return record


def _code(record: JobRecord) -> int:
    """Whether all that was asked was answered."""
    if record.job is not None and record.job.error:
        print_message(f"{record.name}: {record.job.error}")
    tally, asked = record.counts, record.requests or 0
    if tally is not None:
        asked, errors, missing = tally.requests, tally.errors, tally.missing
    else:
        errors = record.error_rows or 0
        missing = asked - (record.answered_rows or 0) - errors
    if errors:
        print_message(f"{record.name}: {errors:,} of {asked:,} requests came back as errors")
    if missing > 0 and record.status == JobStatus.COMPLETED:
        print_message(f"{record.name}: {missing:,} of {asked:,} requests have no row in its files")
    whole = record.status == JobStatus.COMPLETED and not errors and missing <= 0
    return OK if whole else FAILED
