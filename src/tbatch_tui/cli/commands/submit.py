"""`submit`: checks a file, submits it exactly once, and waits for its results if asked to."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from tbatch_tui.cli.check_report import problem_line, summary
from tbatch_tui.cli.endpoint_names import ENDPOINTS
from tbatch_tui.cli.exit_codes import FAILED, OK
from tbatch_tui.cli.job_text import print_paths
from tbatch_tui.cli.output import print_json, print_message, print_result
from tbatch_tui.cli.session import Session
from tbatch_tui.engine.check import check_file
from tbatch_tui.engine.domain.already_submitted import AlreadySubmittedError
from tbatch_tui.engine.domain.check_report import CheckReport, Severity
from tbatch_tui.engine.domain.job import JobStatus
from tbatch_tui.engine.record_json import record_to_dict
from tbatch_tui.engine.submit.checked_input import fingerprint_checked
from tbatch_tui.engine.threads import run_reading
from tbatch_tui.text.plural import plural

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from tbatch_tui.config.settings import Settings
    from tbatch_tui.engine.domain.record import JobRecord
    from tbatch_tui.engine.endpoint import Endpoint
    from tbatch_tui.engine.local_files.fingerprint import Fingerprint

_MOST_PROBLEMS = 20
"""Problems that are printed; `check` prints all of them."""
_NOTHING_SENT = "Stopped. Nothing was submitted."
_NOT_SENT_YET = (
    "Stopped. No job was made yet, and nothing is billed. It is kept, and sent when tbatch-tui is at work on this data "
    "folder again; cancel it in the app if you want none."
)
_COUNTED_WITHIN = 60.0
"""Seconds to wait for the counts of the results. A batch at its limits takes about one.

Without them the exit code is derived from the number of rows in the files alone.
"""


async def submit(arguments: argparse.Namespace, settings: Settings) -> int:
    """Check and submit a file, and wait until it has become a job; with `--wait` until its files are on disk."""
    arguments.interrupted = _NOTHING_SENT
    report = await check_input(Path(arguments.file), ENDPOINTS.get(arguments.endpoint), in_parts=arguments.in_parts)
    if report is None:
        return FAILED
    async with Session(settings, background_work=True) as session:
        return await submit_checked(session, report, arguments, again=arguments.again)


async def check_input(path: Path, endpoint: Endpoint | None, *, in_parts: bool = False) -> CheckReport | None:
    """Check a file, and print why it cannot be submitted. Raises LocalFileError.

    Args:
        path: The input file.
        endpoint: What it is for; None to infer it from the lines.
        in_parts: Whether a file that only breaks the limits may be submitted all the same, as several jobs.

    Returns:
        The report of a file that can be submitted; None for any other.
    """
    report = await run_reading(check_file, path, endpoint=endpoint)
    errors = [problem for problem in report.problems if problem.severity is Severity.ERROR]
    if in_parts and report.can_be_split:
        errors = []
    for problem in errors[:_MOST_PROBLEMS]:
        print_message(f"{report.path}:{problem_line(problem)}")
    if errors:
        print_message(f"{report.path}: {summary(report)}. Nothing was submitted; tbatch-tui check tells all.")
        if report.can_be_split:
            print_message("Its lines are sound: --in-parts submits it as several jobs.")
    elif report.endpoint is None:
        print_message(f"{report.path}: {report.endpoint_why}. Nothing was submitted. Give --endpoint.")
    return None if errors or report.endpoint is None else report


async def submit_checked(
    session: Session, report: CheckReport, arguments: argparse.Namespace, *, again: bool = False
) -> int:
    """Submit a file without errors, follow its jobs, and return the exit code.

    With `again` it is submitted even if these exact bytes ran before. Of a file in parts of which some were refused or
    stopped, only those are sent, either way: what ran would be billed twice.
    """
    engine = session.engine
    assert report.endpoint is not None
    await session.list_jobs()  # only then it is known whose key it is, and so what ran before
    fingerprint = await fingerprint_checked(report)  # the list may have taken long
    key = None
    earlier: Sequence[JobRecord] = await engine.earlier_runs(fingerprint.sha256, report.endpoint)
    if sent := await _send_unsent(session, earlier):
        return await _follow_all(session, sent, arguments)
    if again or not earlier:
        try:
            key = await _start(session, report, arguments, fingerprint, known_runs=None if again else ())
        except AlreadySubmittedError as error:  # another command was quicker, while the parts were written here
            earlier = error.earlier
            await engine.records()
    key = key or await _take_up(session, earlier)
    if key is None:
        print_message(
            f"These exact bytes ran already: {earlier[0].key} ({earlier[0].status_words}). "
            "Nothing was submitted. Submitting again is billed again: give --again if that is meant."
        )
        return FAILED
    parts = [record.key for record in await engine.groups.parts(key) if not record.is_waiting]
    return await _follow_all(session, parts or [key], arguments)


async def _follow_all(session: Session, keys: Sequence[str], arguments: argparse.Namespace) -> int:
    """Follow each of these submissions to its end, and return the gravest exit code.

    When the person stops this, what is said depends on whether a create can have been sent.
    """
    try:
        return max([await _follow(session, key, arguments) for key in keys])
    finally:
        records = [session.engine.record(key) for key in keys]
        is_unsent = all(record is not None and _is_certainly_unsent(record) for record in records)
        arguments.interrupted = _NOT_SENT_YET if is_unsent else ""


def _is_certainly_unsent(record: JobRecord) -> bool:
    """Return whether no create can have been sent for a submission."""
    submission = record.submission
    return record.job is None and submission is not None and not submission.may_have_been_created


async def _send_unsent(session: Session, earlier: Sequence[JobRecord]) -> list[str]:
    """Submit what was refused or stopped of a file that ran in part, and print that only that is sent.

    Returns:
        The keys of what is being submitted now; none if these bytes ran as a whole, or not at all.
    """
    groups = session.engine.groups
    unsent = await groups.unsent_of(earlier)
    try:
        sent = await groups.send_unsent(unsent[0].key) if unsent else []
    except AlreadySubmittedError:  # they ran in another submission
        return []
    if not sent:
        return []
    parts = await groups.parts(sent[0].key)
    were, are = ("was", "that one is") if len(sent) == 1 else ("were", "those are")
    print_message(
        f"{len(sent)} of {plural(len(parts), 'part')} {were} not sent before: only {are} sent now. "
        "What ran is not sent again."
    )
    return list(dict.fromkeys(part.key for part in (*sent, *parts) if part in sent or part.is_being_submitted))


async def _take_up(session: Session, earlier: Sequence[JobRecord]) -> str | None:
    """Return the key of the earlier submission that has not come to its end, and print that it is taken up.

    Of a file in parts, one part that has not is enough. None if there is none.
    """
    for record in earlier:
        if session.engine.record(record.key) is None:
            continue  # of another account of this organisation: an app with its key goes on with it
        parts = await session.engine.groups.parts(record.key) or [record]
        if any(part.is_being_submitted for part in parts):
            # A script that was killed and is run again wants the same job: --again, which makes another, is no help.
            print_message(
                f"These exact bytes are on their way already ({record.status_words}): taken up, nothing is sent twice."
            )
            return record.key
    return None


async def _start(
    session: Session,
    report: CheckReport,
    arguments: argparse.Namespace,
    fingerprint: Fingerprint,
    *,
    known_runs: Sequence[JobRecord] | None,
) -> str:
    """Start the submission and return its key; for a file in parts, the key of the first.

    Raises AlreadySubmittedError if there is a run that is not among `known_runs`.
    """
    engine = session.engine
    assert report.endpoint is not None
    start = engine.groups.submit if report.can_be_split else engine.submit_checked
    return await start(
        report.path,
        report.endpoint,
        requests=report.requests,
        label=arguments.label,
        fingerprint=fingerprint,
        known_runs=known_runs,
    )


async def _follow(session: Session, key: str, arguments: argparse.Namespace) -> int:
    """Wait for the job, with `--wait` for its files too, print them, and return the exit code."""
    record = await session.wait_until(key, lambda record: record.is_resolved)
    if record.job is None:
        assert record.submission is not None
        print_message(f"No job was made: {record.submission.error}. {record.submission.hint or ''}".rstrip())
        return FAILED
    if not arguments.json:
        print_result(record.job.id)
    if record.submission is not None and record.submission.warning:
        print_message(f"The server warned: {record.submission.warning}")
    if arguments.wait:
        record = await _wait_for_counts(session, await session.wait(record.key))
    if arguments.json:
        print_json(record_to_dict(record))
    elif arguments.wait:
        print_paths([record])
    return _exit_code(record) if arguments.wait else OK


async def _wait_for_counts(session: Session, record: JobRecord) -> JobRecord:
    """Return the record with the counts of its results, if they come in time.

    The number of rows is not enough: a row of the output file may be an error, or there twice.
    """
    with suppress(TimeoutError):
        async with asyncio.timeout(_COUNTED_WITHIN):
            return await session.wait_until(record.key, lambda record: record.is_counted)
    return record


def _exit_code(record: JobRecord) -> int:
    """Return OK if every request has its answer, and print what is wrong otherwise."""
    if record.job is not None and record.job.error:
        print_message(f"{record.name}: {record.job.error}")
    counts, requests = record.counts, record.requests or 0
    if counts is not None:
        requests, errors, missing = counts.requests, counts.errors, counts.missing
    else:
        errors = record.error_rows or 0
        missing = requests - (record.answered_rows or 0) - errors
    if errors:
        print_message(f"{record.name}: {errors:,} of {requests:,} requests came back as errors")
    if missing > 0 and record.status == JobStatus.COMPLETED:
        print_message(f"{record.name}: {missing:,} of {requests:,} requests have no row in its files")
    is_complete = record.status == JobStatus.COMPLETED and not errors and missing <= 0
    return OK if is_complete else FAILED
