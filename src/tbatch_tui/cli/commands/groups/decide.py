"""`hold`, `continue` and `settle`: the twins of `w` in the app."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from tbatch_tui.cli.exit_codes import FAILED, INCOMPLETE, OK, UNKNOWN, USAGE
from tbatch_tui.cli.follow.follow import follow_jobs
from tbatch_tui.cli.output import print_message, print_result
from tbatch_tui.cli.session import Session
from tbatch_tui.cli.targets import find_target, jobs_of
from tbatch_tui.engine.domain.job import LocalStatus
from tbatch_tui.engine.groups.group_record import make_group
from tbatch_tui.engine.pricing.over_budget import OverBudgetError
from tbatch_tui.engine.submit.lookup import LookupDecision
from tbatch_tui.text.plural import plural

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from tbatch_tui.config.settings import Settings
    from tbatch_tui.engine.domain.job import Job
    from tbatch_tui.engine.domain.record import JobRecord

_LOOKED_UP_WITHIN = 30.0
"""Seconds in which the look-up of a lost create must have begun, so that it can be decided about."""
_COMPARED_WITHIN = 10.0
"""Seconds after that in which a job of the list is found to be one that it could be."""


async def hold(arguments: argparse.Namespace, settings: Settings) -> int:
    """Hold what has not been sent of a group: jobs that were created run on."""
    async with Session(settings) as session:
        target = find_target(await session.list_jobs(), arguments.job)
        record = jobs_of([target])[0]
        if record.group is None:
            print_message(f"{target.name} is one job: there is nothing to hold. tbatch-tui cancel stops it.")
            return FAILED
        count = await session.engine.groups.hold(record.key)
        if not count:
            print_message(f"{record.name_of_file}: every part was sent already; there is nothing to hold.")
            return FAILED
        print_message(f"{record.name_of_file}: {plural(count, 'part')} on hold. tbatch-tui continue sends them.")
        return OK


async def go_on(arguments: argparse.Namespace, settings: Settings) -> int:
    """Send what a group holds back, and follow what is sent now until it is a job."""
    async with Session(settings, background_work=True) as session:
        target = find_target(await session.list_jobs(), arguments.job)
        record = jobs_of([target])[0]
        groups = session.engine.groups
        waiting = {part.key for part in await groups.parts(record.key) or [record] if part.is_waiting}
        try:
            count = await groups.go_on(record.key, over_budget=arguments.over_budget)
        except OverBudgetError as error:
            print_message(f"{error.title}. Nothing was submitted. Use --over-budget to submit anyway.")
            return FAILED
        if not count:
            print_message(f"{target.name}: nothing waits to be sent.")
            return FAILED
        if record.group is None:
            return await follow_jobs(session, [record.key], arguments)
        parts = [part for part in await groups.parts(record.key) if part.key in waiting]
        if any(part.status == LocalStatus.READY for part in parts):  # held before it was known what came of the others
            print_message(f"{record.name_of_file}: tbatch-tui continue again sends them.")
            return INCOMPLETE
        sent = [part.key for part in parts if arguments.wait or not part.is_waiting]
        code = await follow_jobs(session, sent, arguments)
        if left := sum(part.is_waiting for part in await session.engine.groups.parts(record.key)):
            print_message(still_waiting(await session.engine.groups.parts(record.key), left))
        return code


def still_waiting(parts: Sequence[JobRecord], left: int) -> str:
    """Return what is said of parts that follow later, and so need somebody who sends them."""
    group = make_group(parts)
    why = f": {group.waits_for}" if group.waits_for else ""
    return (
        f"{group.name}: {plural(left, 'part')} not sent yet{why}. They follow while the app or `tbatch-tui watch` runs."
    )


async def settle(arguments: argparse.Namespace, settings: Settings) -> int:
    """Decide about an uncertain submission: it became this job, or none."""
    async with Session(settings, background_work=True) as session:
        target = find_target(await session.list_jobs(), arguments.job)
        parts = jobs_of([target])
        if arguments.found is not None and any(
            part.job is not None and part.job.id == arguments.found for part in parts
        ):
            print_result(arguments.found)  # it is known by now, or was said before
            return OK
        uncertain = [part for part in parts if _is_uncertain(part)]
        if len(uncertain) != 1:
            keys = ", ".join(part.key for part in uncertain)
            print_message(f"{target.name}: {f'settle each alone: {keys}' if keys else 'there is nothing to decide'}.")
            return USAGE if uncertain else FAILED
        [record] = uncertain
        chosen = arguments.found
        candidates = await _candidates(session, record.key, chosen)
        if candidates is None and not _is_resolved(session, record.key):
            print_message("Another tbatch-tui works on this data folder: decide there, or end it.")
            return UNKNOWN
        if candidates is not None and chosen is not None and chosen not in {job.id for job in candidates}:
            ids = ", ".join(job.id for job in candidates) or "none"
            print_message(f"{chosen} cannot be its job. These can: {ids}.")
            return FAILED
        decision = LookupDecision(job_id=chosen) if chosen is not None else LookupDecision(give_up=True)
        decided = candidates is not None and await session.engine.decide(record.key, decision)
        settled = await session.wait_until(record.key, lambda record: record.is_resolved)
        found = settled.job.id if settled.job is not None else None
        if not decided and found != chosen:  # the list was quicker
            print_message(f"{record.name}: it has been settled in the meantime: {found or settled.status_words}.")
            return FAILED
    print_result(settled.job.id if settled.job is not None else f"{settled.key}  {settled.status_words}")
    return OK


def _is_uncertain(part: JobRecord) -> bool:
    """Return whether it is unknown what came of a create; of a command that was killed, nobody has said so yet."""
    submission = part.submission
    return submission is not None and submission.state.is_open and submission.may_have_been_created


def _is_resolved(session: Session, key: str) -> bool:
    record = session.engine.record(key)
    return record is not None and record.is_resolved


async def _candidates(session: Session, key: str, chosen: str | None) -> tuple[Job, ...] | None:
    """Return the jobs that the submission could be, once it is being looked up here.

    A chosen job is waited for until a list has been compared. None if the look-up does not begin, or is over.
    """
    found = None
    with suppress(TimeoutError):
        async with asyncio.timeout(_LOOKED_UP_WITHIN):
            while (found := session.engine.candidates(key)) is None and not _is_resolved(session, key):  # noqa: ASYNC110
                await asyncio.sleep(0.1)  # nothing is announced when a look-up begins
    with suppress(TimeoutError):
        async with asyncio.timeout(_COMPARED_WITHIN):
            while chosen is not None and found == ():
                await asyncio.sleep(0.1)
                found = session.engine.candidates(key)
    return found
