"""`submit`: checks a file, submits it exactly once, and waits for its results if asked to."""

from __future__ import annotations

import shlex
from functools import partial
from typing import TYPE_CHECKING

from tbatch_tui.cli.check_report import problem_line, summary
from tbatch_tui.cli.commands.groups.decide import still_waiting
from tbatch_tui.cli.commands.groups.several_files import have_one_endpoint, input_paths, print_errors
from tbatch_tui.cli.endpoint_names import ENDPOINTS
from tbatch_tui.cli.exit_codes import FAILED, USAGE
from tbatch_tui.cli.follow.follow import follow_first, follow_jobs, send_rest, waiting_parts
from tbatch_tui.cli.output import print_message
from tbatch_tui.cli.session import Session
from tbatch_tui.engine.check import apply_catalogue, check_file
from tbatch_tui.engine.check.together import check_together, sum_reports
from tbatch_tui.engine.domain.already_submitted import AlreadySubmittedError
from tbatch_tui.engine.domain.check_report import OVER_LIMITS, CheckReport, Severity
from tbatch_tui.engine.pricing.over_budget import OverBudgetError
from tbatch_tui.engine.submit.checked_input import fingerprint_checked
from tbatch_tui.engine.threads import run_reading
from tbatch_tui.text.plural import plural

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence
    from pathlib import Path

    from tbatch_tui.config.settings import Settings
    from tbatch_tui.engine.domain.cost import Estimate
    from tbatch_tui.engine.domain.record import JobRecord
    from tbatch_tui.engine.domain.submission import GroupFile
    from tbatch_tui.engine.endpoint import Endpoint
    from tbatch_tui.engine.local_files.fingerprint import Fingerprint

_MOST_PROBLEMS = 20
"""Problems that are printed; `check` prints all of them."""
_NOTHING_SENT = "Stopped. Nothing was submitted."


async def submit(arguments: argparse.Namespace, settings: Settings) -> int:
    """Check and submit files, and wait until they have become jobs; with `--wait` until their results are on disk."""
    arguments.interrupted = _NOTHING_SENT
    paths = input_paths(arguments.file)
    if len(paths) > 1:
        return await _submit_together(paths, arguments, settings)
    in_parts = arguments.in_parts or bool(arguments.stages)
    report = await check_input(
        paths[0], ENDPOINTS.get(arguments.endpoint), in_parts=in_parts, store=settings.store_address
    )
    if report is None:
        return FAILED
    if _is_too_few_parts(arguments, report.jobs):
        return USAGE
    async with Session(settings, background_work=True) as session:
        return await submit_checked(session, report, arguments, again=arguments.again)


async def _submit_together(paths: Sequence[Path], arguments: argparse.Namespace, settings: Settings) -> int:
    """Submit several files as one group: each is one part, or several where it is over the limits."""
    if not arguments.group:
        print_message("Several files are one group: --group NAME says what it is called. Nothing was submitted.")
        return USAGE
    endpoint = ENDPOINTS.get(arguments.endpoint)
    store = settings.store_address
    checked = [await check_input(path, endpoint, in_parts=True, store=store, keep_ids=True) for path in paths]
    reports = [report for report in checked if report is not None]
    if len(reports) < len(checked) or not have_one_endpoint(reports):
        return FAILED
    if _is_too_few_parts(arguments, sum(report.jobs for report in reports)):
        return USAGE
    together = await run_reading(check_together, reports)
    if together.errors:
        print_errors(together, reports)
        return FAILED
    async with (
        Session(settings, background_work=True) as session,
        session.engine.groups.joined(reports, arguments.group) as joined,
    ):
        stamp = joined.path.stat()
        report = sum_reports(reports, joined.path)._replace(size=stamp.st_size, mtime_ns=stamp.st_mtime_ns)
        return await submit_checked(
            session, report, arguments, again=arguments.again, reports=reports, files=joined.files
        )


def _is_too_few_parts(arguments: argparse.Namespace, jobs: int) -> bool:
    """Return whether `--stages` leaves nothing for the last stage, and print that."""
    if sum(arguments.stages) < jobs:
        return False
    print_message(f"--stages: the file has {plural(jobs, 'part')}. Nothing was submitted; see --first.")
    return True


async def check_input(
    path: Path, endpoint: Endpoint | None, *, in_parts: bool = False, store: str = "", keep_ids: bool = False
) -> CheckReport | None:
    """Check a file, and print why it cannot be submitted. Raises LocalFileError.

    Args:
        path: The input file.
        endpoint: What it is for; None to infer it from the lines.
        in_parts: Whether a file that only breaks the limits may be submitted all the same, as several jobs.
        store: `s3://bucket/prefix`, where its recordings may be; empty for none.
        keep_ids: Whether the report keeps the custom_ids, to compare them with those of other files.

    Returns:
        The report of a file that can be submitted; None for any other.
    """
    report = await run_reading(check_file, path, endpoint=endpoint, store=store, keep_ids=keep_ids)
    errors = [problem for problem in report.problems if problem.severity is Severity.ERROR]
    for problem in errors[:_MOST_PROBLEMS]:
        print_message(f"{report.path}:{problem_line(problem)}")
    if errors:
        print_message(f"{report.path}: {summary(report)}. Nothing was submitted; tbatch-tui check shows them all.")
    elif report.endpoint is None:
        print_message(f"{report.path}: {report.endpoint_why}. Nothing was submitted. Use --endpoint.")
    elif report.can_be_split and not in_parts:
        for problem in report.problems:
            if problem.rule in OVER_LIMITS:
                print_message(f"{report.path}:{problem_line(problem)}")
        print_message(f"{report.path}: nothing was submitted. --in-parts submits it as {report.jobs:,} jobs.")
        return None
    return None if errors or report.endpoint is None else report


def _print_warnings(report: CheckReport) -> None:
    """Print what may go wrong all the same, to standard error."""
    warnings = [problem for problem in report.problems if problem.severity is Severity.WARNING]
    for problem in warnings[:_MOST_PROBLEMS]:
        print_message(f"{report.path}:{problem_line(problem)}")
    if (more := report.warnings - len(warnings[:_MOST_PROBLEMS])) > 0:
        print_message(f"{report.path}: {more:,} more warnings; tbatch-tui check shows them all.")


async def submit_checked(
    session: Session,
    report: CheckReport,
    arguments: argparse.Namespace,
    *,
    again: bool = False,
    reports: Sequence[CheckReport] = (),
    files: tuple[GroupFile, ...] = (),
) -> int:
    """Submit a file without errors, follow its jobs, and return the exit code; above the budget that is FAILED.

    Args:
        session: The open engine.
        report: Of the file.
        arguments: Those of `submit`.
        again: Whether to submit what ran before.
        reports: Of each of the files that it was joined of; empty where it is one file.
        files: Those files, as they were joined.
    """
    catalogue = await session.engine.prices.catalogue()
    for each in reports or [report]:
        _print_warnings(apply_catalogue(each, catalogue))
    try:
        return await _submit_checked(session, report, arguments, files, again=again)
    except OverBudgetError as error:
        print_message(f"{error.title}. Nothing was submitted. Use --over-budget to submit anyway.")
        return FAILED


async def _submit_checked(
    session: Session,
    report: CheckReport,
    arguments: argparse.Namespace,
    files: tuple[GroupFile, ...],
    *,
    again: bool,
) -> int:
    """Submit a file without errors, and follow its jobs.

    With `again` it is submitted even if these exact bytes ran before. Of a file in parts of which some were refused or
    stopped, only those are sent, either way: what ran would be billed twice.
    """
    engine = session.engine
    assert report.endpoint is not None
    await session.list_jobs()  # only then it is known whose key it is, and so what ran before
    fingerprint = await fingerprint_checked(report)  # the list may have taken long
    key = None
    earlier: Sequence[JobRecord] = await engine.earlier_runs(fingerprint.sha256, report.endpoint)
    if sent := await _send_unsent(session, earlier, fingerprint.sha256, over_budget=arguments.over_budget):
        return await _follow_sent(session, sent, arguments)
    if (waiting := await waiting_parts(session, _runs_of(earlier, fingerprint))) and not again:
        if arguments.rest:
            await print_budget(session)
            return await send_rest(session, waiting, arguments)
        if arguments.first:
            return await follow_first(session, waiting[0].key, arguments)
    if arguments.rest:
        print_message("This file has no rest to send: --rest sends what --first held back.")
        return FAILED
    if again or not earlier:
        try:
            key = await _start(session, report, arguments, fingerprint, files, known_runs=None if again else ())
        except AlreadySubmittedError as error:  # another command was quicker, while the parts were written here
            if error.path in {file.path for file in files}:
                _print_ran_before(str(error.path), error.earlier)
                return FAILED
            earlier = error.earlier
            await engine.records()
    key = key or await _take_up(session, _runs_of(earlier, fingerprint))
    if key is None:
        _print_ran_before("this exact file" if not files else "exactly these files", earlier)
        return FAILED
    parts = await engine.groups.parts(key)
    if arguments.first and any(part.is_waiting for part in parts):
        return await follow_first(session, key, arguments)
    return await _follow_sent(session, [part.key for part in parts] or [key], arguments)


async def _follow_sent(session: Session, keys: Sequence[str], arguments: argparse.Namespace) -> int:
    """Follow parts of a file, or the file, until they are jobs; those that wait only with `--wait`."""
    groups, first = session.engine.groups, keys[0]
    waiting = {part.key for part in await groups.parts(first) if part.is_waiting}
    now = [key for key in keys if arguments.wait or key not in waiting]
    code = await follow_jobs(session, now or keys[:1], arguments)
    parts = await groups.parts(first)
    if left := sum(part.is_waiting for part in parts):
        print_message(still_waiting(parts, left))
    return code


def _runs_of(earlier: Sequence[JobRecord], fingerprint: Fingerprint) -> list[JobRecord]:
    """Return the runs of the file itself, without those in which it went with others as one group."""
    return [run for run in earlier if run.group is None or run.group.sha256 == fingerprint.sha256]


def _print_ran_before(what: str, earlier: Sequence[JobRecord]) -> None:
    if earlier[0].is_waiting:
        name = shlex.quote(earlier[0].name_of_file)
        print_message(f"You already submitted {what}, and it waits: `tbatch-tui continue {name}` sends it.")
        return
    print_message(
        f"You already submitted {what}: {earlier[0].key} ({earlier[0].status_words}). "
        "Nothing was submitted. Submitting again costs again: use --again to submit anyway."
    )


async def _send_unsent(session: Session, earlier: Sequence[JobRecord], sha256: str, *, over_budget: bool) -> list[str]:
    """Submit what was refused or stopped of a file that ran in part, and print that only that is sent.

    Returns:
        The keys of what is being submitted now; none if these bytes ran as a whole, or not at all.
    """
    groups = session.engine.groups
    unsent = await groups.unsent_of(earlier, sha256)
    try:
        sent = await groups.send_unsent(unsent[0].key, over_budget=over_budget) if unsent else []
    except AlreadySubmittedError:  # they ran in another submission
        return []
    if not sent:
        return []
    await print_budget(session)
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
                f"This exact file is already being submitted ({record.status_words}): continuing with it, nothing "
                f"is sent twice."
            )
            return record.key
    return None


async def _start(
    session: Session,
    report: CheckReport,
    arguments: argparse.Namespace,
    fingerprint: Fingerprint,
    files: tuple[GroupFile, ...],
    *,
    known_runs: Sequence[JobRecord] | None,
) -> str:
    """Start the submission and return its key; for a file in parts, the key of the first.

    Raises AlreadySubmittedError if there is a run that is not among `known_runs`.
    """
    engine = session.engine
    assert report.endpoint is not None
    first = arguments.first if 0 < arguments.first < report.requests else 0
    estimate = await engine.estimates.of_file(report.path)
    if words := estimate.words:
        print_message(f"{report.path.name}: {words}")
    await print_budget(session, estimate)
    start = partial(engine.submit_checked, estimate=estimate)
    if first or report.can_be_split or arguments.group:
        start = partial(
            engine.groups.submit,
            first=first,
            auto_continue=True,
            name=arguments.group,
            stages=arguments.stages,
            gates=arguments.gate,
            files=files,
        )
    return await start(
        report.path,
        report.endpoint,
        requests=report.requests,
        label=arguments.label,
        fingerprint=fingerprint,
        known_runs=known_runs,
        over_budget=arguments.over_budget,
    )


async def print_budget(session: Session, estimate: Estimate | None = None) -> None:
    """Print what is left of the budget, and what the file may cost; nothing without a budget."""
    gate = session.engine.prices.budget
    if not gate.is_set:
        return
    from tbatch_tui.engine.pricing.budget import budget_words

    verdict = await gate.judge(estimate.most if estimate is not None else 0.0)
    print_message(f"Budget: {budget_words(verdict, names_bound=estimate is not None)}.")
