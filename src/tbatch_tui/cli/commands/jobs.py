"""`ls`, `get`, `fetch` and `cancel`: what the screens Jobs and Job do."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from tbatch_tui.cli.exit_codes import FAILED, OK, USAGE, exit_code_of
from tbatch_tui.cli.job_text import job_facts, print_paths
from tbatch_tui.cli.output import print_json, print_message, print_result, print_table
from tbatch_tui.cli.session import Session, require_job
from tbatch_tui.config.engine_options import options_from
from tbatch_tui.engine.domain.record import JobRecord, Rank
from tbatch_tui.engine.domain.transfer import TransferState
from tbatch_tui.engine.engine import BatchEngine
from tbatch_tui.engine.errors import BatchError
from tbatch_tui.engine.record_json import record_to_dict
from tbatch_tui.text import format as fmt

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from tbatch_tui.config.settings import Settings

_RANKS = {"active": Rank.ACTIVE, "attention": Rank.ATTENTION, "done": Rank.DONE}
_HEADS = ("ID", "STATUS", "NAME", "MODEL", "REQUESTS", "DONE", "CREATED")
_NUMBER_COLUMNS = frozenset({4, 5})
_LONGEST_NAME = 40


async def ls(arguments: argparse.Namespace, settings: Settings) -> int:
    """List the jobs, in the order of the screen; with `--offline` as the history has them."""
    if arguments.offline:
        engine = BatchEngine(options_from(settings, background_work=False), lambda _: None)
        records = engine.first_page(-1)
        now = engine.now()
    else:
        async with Session(settings, background_work=False) as session:
            records = await session.list_jobs()
            now = session.engine.now()
    if arguments.filter != "all":
        records = [record for record in records if record.rank is _RANKS[arguments.filter]]
    records = records[: arguments.limit]
    if arguments.json:
        print_json([record_to_dict(record) for record in records])
    elif records:
        print_table(_HEADS, (_cells(record, now) for record in records), _NUMBER_COLUMNS)
    else:
        print_message("No jobs." if arguments.filter == "all" else f"No jobs: {arguments.filter}.")
    return OK


def _cells(record: JobRecord, now: float) -> tuple[str, ...]:
    job = record.job
    return (
        record.key,
        record.status_words,
        fmt.cut(record.name, _LONGEST_NAME),
        fmt.short_model(job.model if job is not None else None),
        fmt.count(record.requests),
        fmt.percent(job.progress / 100) if job is not None else fmt.MISSING,
        fmt.age(record.created_at, now),
    )


async def get(arguments: argparse.Namespace, settings: Settings) -> int:
    """Print everything that is known of one job."""
    async with Session(settings, background_work=False) as session:
        record = session.find(await session.list_jobs(), arguments.job)
        if arguments.json:
            print_json(record_to_dict(record))
        else:
            facts = job_facts(record, session.engine.now())
            width = max(len(name) for name, _ in facts)
            for name, value in facts:
                print_result(f"{name:<{width}}  {value}")
    return OK


async def fetch(arguments: argparse.Namespace, settings: Settings) -> int:
    """Download the result files again, and print their paths once every file is verified on disk."""
    code = OK
    fetched: list[JobRecord] = []
    async with Session(settings, background_work=True) as session:
        for record in session.find_all(await session.list_jobs(), arguments.jobs):
            try:
                require_job(record, "fetch")
                await session.engine.download(record.key)
                fetched.append(await session.wait(record.key))
            except BatchError as error:
                print_message(f"{record.name}: {error}")
                code = max(code, exit_code_of(error))
    for record in fetched:
        for transfer in record.transfers:
            if transfer.state is TransferState.GONE:
                print_message(f"{record.name}: the {transfer.kind.value} file is gone from the server")
                code = max(code, FAILED)
    if arguments.json:
        print_json([record_to_dict(record) for record in fetched])
    else:
        print_paths(fetched)
    return code


async def cancel(arguments: argparse.Namespace, settings: Settings) -> int:
    """Ask for confirmation, then cancel each job once. One that had ended already is no error."""
    code = OK
    cancelled: list[JobRecord] = []
    async with Session(settings, background_work=False) as session:
        records = session.find_all(await session.list_jobs(), arguments.jobs)
        if not arguments.yes:
            if not sys.stdin.isatty():
                print_message("Nobody can be asked here: nothing was cancelled. Give --yes.")
                return USAGE
            if not _confirm(records):
                print_message("Nothing was cancelled.")
                return FAILED
        for record in records:
            try:
                if not await session.engine.cancel(require_job(record, "cancel")):
                    print_message(f"{record.name}: it had ended already")
                cancelled.append(session.engine.record(record.key) or record)
            except BatchError as error:
                print_message(f"{record.name}: {error}")
                code = max(code, exit_code_of(error))
    if arguments.json:
        print_json([record_to_dict(record) for record in cancelled])
    else:
        for record in cancelled:
            print_result(f"{record.key}  {record.status_words}")
    return code


def _confirm(records: Sequence[JobRecord]) -> bool:
    names = ", ".join(record.name for record in records)
    print_message(f"Cancel {fmt.plural(len(records), 'job')} ({names})?")
    print_message("Rows that are finished come back and are billed; cancelling refunds nothing.")
    sys.stderr.write("[y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")
