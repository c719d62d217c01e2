"""`watch`: what jobs are doing, in a plain shell, until they have ended."""

from __future__ import annotations

import asyncio
import shlex
from typing import TYPE_CHECKING

from tbatch_tui.cli.exit_codes import exit_code_of, gravest
from tbatch_tui.cli.follow.outcome import code_of_ended_job, wait_for_counts
from tbatch_tui.cli.output import print_json, print_message, print_result
from tbatch_tui.cli.session import Session
from tbatch_tui.cli.targets import find_targets, jobs_of
from tbatch_tui.engine.domain.counts import format_sum
from tbatch_tui.engine.domain.submission import SubmissionState
from tbatch_tui.engine.errors import BatchError, OutcomeUnknownError
from tbatch_tui.engine.next_step import NextStep
from tbatch_tui.engine.record_json import record_to_dict
from tbatch_tui.text import format as fmt

if TYPE_CHECKING:
    import argparse

    from tbatch_tui.config.settings import Settings
    from tbatch_tui.engine.domain.record import JobRecord


async def watch(arguments: argparse.Namespace, settings: Settings) -> int:
    """Follow jobs until they have ended and their files are here; without an id, all that run now."""
    async with Session(settings, background_work=True) as session:
        records = await session.list_jobs()
        if arguments.jobs:
            targets = jobs_of(find_targets(records, arguments.jobs))
        else:
            targets = [record for record in records if record.is_active]
        if not targets:
            print_message("No job is running.")
        with session.bars(targets):
            told = set[str]()
            ended = await asyncio.gather(*(_follow(session, record, told) for record in targets))
    if arguments.json:
        print_json([record_to_dict(record) for _, record in ended])
    else:
        for _, record in ended:
            print_result(_summary(record))
    return gravest([code for code, _ in ended])


async def _follow(session: Session, record: JobRecord, told: set[str]) -> tuple[int, JobRecord]:
    """Follow one job to its end; return its exit code and its record. What is in `told` is not printed once more."""
    try:
        ended = await wait_for_counts(session, await session.wait(record.key, _require_not_held))
    except BatchError as error:
        name = record.name_of_file if isinstance(error, _NotSentError) else record.name
        if (message := f"{name}: {error}") not in told:
            told.add(message)
            print_message(message)
        return exit_code_of(error), session.engine.record(record.key) or record
    return code_of_ended_job(ended), ended


class _NotSentError(OutcomeUnknownError):
    """It waits for the person, with all other parts of its file that were not sent."""


def _require_not_held(record: JobRecord) -> None:
    """Raise OutcomeUnknownError where only a person can go on: nobody may be there."""
    submission = record.submission
    if record.job is None and submission is not None and submission.state is SubmissionState.READY:
        go_on = f"tbatch-tui continue {shlex.quote(record.name_of_file)}"
        what = "The rest" if record.group is not None else "It"
        raise _NotSentError(f"{what} was not sent: {submission.error}", f"`{go_on}` sends it; the app also drops it.")
    if record.job is None and submission is not None and submission.state is SubmissionState.HELD:
        raise OutcomeUnknownError(
            "It is unknown whether a job was created, and you have to decide", f"{NextStep.SETTLE} lets you."
        )


def _summary(record: JobRecord) -> str:
    counts = format_sum(record.counts) if record.counts is not None else ""
    return f"{record.key}  {record.name}  {fmt.join(record.status_words, counts)}"
