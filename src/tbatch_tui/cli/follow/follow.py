"""Follow what was submitted: until it is a job, until its files are here, and through the requests that go first."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from tbatch_tui.cli.exit_codes import FAILED, INCOMPLETE, OK, gravest
from tbatch_tui.cli.follow.outcome import code_of_ended_job, wait_for_counts
from tbatch_tui.cli.job_text import print_paths
from tbatch_tui.cli.output import print_json, print_message, print_result
from tbatch_tui.engine.domain.job import LocalStatus
from tbatch_tui.engine.groups.stages import format_outcome, is_answered_whole, is_counted
from tbatch_tui.engine.record_json import record_to_dict
from tbatch_tui.text.plural import plural

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Sequence

    from tbatch_tui.cli.session import Session
    from tbatch_tui.engine.domain.record import JobRecord

_NOT_SENT_YET = (
    "Stopped. No job was created yet, and nothing is billed. It is saved, and sent when tbatch-tui runs on this "
    "data folder again; cancel it in the app if you don't want it."
)


async def follow_jobs(
    session: Session, keys: Sequence[str], arguments: argparse.Namespace, ended: Iterable[JobRecord] = ()
) -> int:
    """Wait until these submissions are jobs, with `--wait` for their files too; print them, and return the exit code.

    Args:
        session: The open engine.
        keys: Of the records to follow.
        arguments: Those of `submit`.
        ended: Records that belong to the same file and have ended already: they count, and come first in the JSON.
    """
    records = list(ended)
    codes = [code_of_ended_job(record) for record in records]
    try:
        held: set[str] = set()
        with session.bars([record for key in keys if (record := session.engine.record(key)) is not None]):
            for key in keys:
                code, record = await _follow(session, key, arguments, held)
                codes.append(code)
                records.append(record)
    finally:
        _say_if_unsent(session, keys, arguments)
    if arguments.json:
        found = [record_to_dict(record) for record in records]
        print_json(found[0] if len(found) == 1 else found)
    return gravest(codes)


def _say_if_unsent(session: Session, keys: Sequence[str], arguments: argparse.Namespace) -> None:
    """Set what is said if the person stops the command: that no job was made, where no create can have been sent."""
    records = [session.engine.record(key) for key in keys]
    is_unsent = all(record is not None and _is_certainly_unsent(record) for record in records)
    arguments.interrupted = _NOT_SENT_YET if is_unsent else ""


def _is_certainly_unsent(record: JobRecord) -> bool:
    """Return whether no create can have been sent for a submission."""
    submission = record.submission
    return record.job is None and submission is not None and not submission.may_have_been_created


async def _follow(session: Session, key: str, arguments: argparse.Namespace, held: set[str]) -> tuple[int, JobRecord]:
    """Follow one submission. Of which groups it was said that the rest is on hold is in `held`."""
    record = await session.wait_until(key, lambda record: record.is_resolved or record.status == LocalStatus.READY)
    if record.status == LocalStatus.READY:
        assert record.submission is not None
        if record.name_of_file not in held:
            held.add(record.name_of_file)
            parts = await session.engine.groups.parts(record.key) or [record]
            print_message(_on_hold(parts, record.submission.error or ""))
        return INCOMPLETE, record
    if record.job is None:
        assert record.submission is not None
        print_message(f"No job was created: {record.submission.error}. {record.submission.hint or ''}".rstrip())
        return FAILED, record
    if not arguments.json:
        print_result(record.job.id)
    if record.submission is not None and record.submission.warning:
        print_message(f"The server warned: {record.submission.warning}")
    if not arguments.wait:
        return OK, record
    record = await wait_for_counts(session, await session.wait(record.key))
    if not arguments.json:
        print_paths([record])
    return code_of_ended_job(record), record


def _on_hold(parts: Sequence[JobRecord], why: str) -> str:
    """Return which parts wait for the person, and what for."""
    name, is_group = parts[0].name_of_file, parts[0].group is not None
    count = f"{plural(sum(part.is_waiting for part in parts), 'part')} " if is_group else ""
    go_on = f"`tbatch-tui continue {shlex.quote(name)}` sends {'the rest' if is_group else 'it'}"
    return f"{name}: {count}on hold ({why}): {go_on}."


async def waiting_parts(session: Session, earlier: Sequence[JobRecord]) -> list[JobRecord]:
    """Return all parts of the file that some of these records are of, if one of them waits to be sent; else none."""
    for record in earlier:
        if session.engine.record(record.key) is None:
            continue  # of another account of this organisation
        parts = await session.engine.groups.parts(record.key)
        if any(part.is_waiting for part in parts):
            return parts
    return []


async def follow_first(session: Session, key: str, arguments: argparse.Namespace) -> int:
    """Wait for the requests that go first; then follow the rest, if each of the first has a whole answer.

    Otherwise the rest waits: the exit code is INCOMPLETE.

    Args:
        session: The open engine.
        key: Of the part that goes first.
        arguments: Those of `submit`.
    """
    parts = await session.engine.groups.parts(key)
    first, rest = parts[0], parts[1:]
    try:
        with session.bars(parts):
            first = await session.wait_until(first.key, is_counted)
            if first.job is not None and not arguments.json:
                print_result(first.job.id)
            for part in rest:
                await session.wait_until(part.key, lambda record: record.status != LocalStatus.WAITING)
    finally:
        _say_if_unsent(session, [first.key], arguments)
    rest = (await session.engine.groups.parts(first.key))[1:]
    if any(part.is_waiting for part in rest):
        decided = next((part.submission for part in rest if part.status == LocalStatus.READY), None)
        if not is_answered_whole(first) or decided is not None:
            why = decided.error if decided is not None else None
            print_message(f"{first.name}: {why or format_outcome(first)}")
        count = sum(part.requests or 0 for part in rest)
        print_message(
            f"The other {plural(count, 'request')} are on hold; none has been sent: "
            f"`tbatch-tui submit {_files(arguments)} --rest` sends them; `w` in the app lets you decide."
        )
        if arguments.json:
            print_json([record_to_dict(record) for record in (first, *rest)])
        return INCOMPLETE
    outcome = "all answered" if is_answered_whole(first) else format_outcome(first)
    print_message(f"{first.name}: {outcome}; submitting the rest.")
    return await follow_jobs(session, [part.key for part in rest], arguments, ended=[first])


def _files(arguments: argparse.Namespace) -> str:
    """Return the files of `submit` as they have to be given again."""
    group = f" --group {shlex.quote(arguments.group)}" if arguments.group else ""
    return " ".join(map(shlex.quote, arguments.file)) + group


async def send_rest(session: Session, parts: Sequence[JobRecord], arguments: argparse.Namespace) -> int:
    """Submit the parts of a file that wait, and follow them."""
    waiting = [part.key for part in parts if part.is_waiting]
    await session.engine.groups.send_rest(parts[0].key, over_budget=arguments.over_budget)
    return await follow_jobs(session, waiting, arguments)
