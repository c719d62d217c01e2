"""`ls`, `get`, `fetch` and `cancel`: the twins of Jobs and Job."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from tbatch_tui.cli.exit_codes import FAILED, OK, USAGE, exit_code_of
from tbatch_tui.cli.job_text import facts, print_paths
from tbatch_tui.cli.output import print_json, print_message, print_result, table
from tbatch_tui.cli.session import Session, is_brought_home, require_job
from tbatch_tui.config.engine_options import options_of
from tbatch_tui.engine.domain.record import JobRecord, Rank
from tbatch_tui.engine.domain.transfer import TransferState
from tbatch_tui.engine.engine import BatchEngine
from tbatch_tui.engine.errors import BatchError
from tbatch_tui.engine.record_json import record_to_dict
from tbatch_tui.text import format as fmt

if TYPE_CHECKING:
    import argparse

    from tbatch_tui.config.settings import Settings

_RANKS = {"active": Rank.ACTIVE, "attention": Rank.ATTENTION, "done": Rank.DONE}
_LONGEST_NAME = 40


async def ls(arguments: argparse.Namespace, settings: Settings) -> int:
    """The jobs, in the order of the screen."""
    if arguments.offline:
        engine = BatchEngine(options_of(settings, background_work=False), lambda _: None)
        records = engine.first_page(-1)
        now = engine.now()
    else:
        async with Session(settings, background_work=False) as session:
            records = await session.listed()
            now = session.engine.now()
    if arguments.filter != "all":
        records = [record for record in records if record.rank is _RANKS[arguments.filter]]
    records = records[: arguments.limit]
    if arguments.json:
        print_json([record_to_dict(record) for record in records])
    elif records:
        table(
            ("ID", "STATUS", "NAME", "MODEL", "REQUESTS", "DONE", "CREATED"),
            (_cells(record, now) for record in records),
            right=frozenset({4, 5}),
        )
    else:
        print_message("No jobs." if arguments.filter == "all" else f"No jobs: {arguments.filter}.")
    return OK


def _cells(record: JobRecord, now: float) -> tuple[str, ...]:
    job = record.job
    name = record.name if len(record.name) <= _LONGEST_NAME else f"{record.name[: _LONGEST_NAME - 1]}…"
    return (
        record.key,
        record.status_words,
        name,
        fmt.short_model(job.model if job is not None else None),
        fmt.count(record.requests),
        fmt.percent(job.progress / 100) if job is not None else fmt.MISSING,
        fmt.age(record.created_at, now),
    )


async def get(arguments: argparse.Namespace, settings: Settings) -> int:
    """All that is known of one job."""
    async with Session(settings, background_work=False) as session:
        record = session.find(await session.listed(), arguments.job)
        if arguments.json:
            print_json(record_to_dict(record))
        else:
            told = facts(record, session.engine.now())
            width = max(len(name) for name, _ in told)
            for name, value in told:
                print_result(f"{name:<{width}}  {value}")
    return OK


async def fetch(arguments: argparse.Namespace, settings: Settings) -> int:
    """Download again; the paths, once all is verified on disk."""
    code = OK
    fetched: list[JobRecord] = []
    async with Session(settings, background_work=True) as session:
        records = await session.listed()
        found = session.find_all(records, arguments.jobs)
        for record in found:
            try:
                require_job(record, "fetch")
                await session.engine.download(record.key)
                fetched.append(await session.until(record.key, is_brought_home))
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
    """Ask, then cancel each once. A job that had ended already is no error."""
    code = OK
    cancelled: list[JobRecord] = []
    async with Session(settings, background_work=False) as session:
        records = await session.listed()
        found = session.find_all(records, arguments.jobs)
        if not arguments.yes:
            if not sys.stdin.isatty():
                print_message("Nobody can be asked here: nothing was cancelled. Give --yes.")
                return USAGE
            if not _agrees(found):
                print_message("Nothing was cancelled.")
                return FAILED
        for record in found:
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


def _agrees(found: list[JobRecord]) -> bool:
    names = ", ".join(record.name for record in found)
    print_message(f"Cancel {fmt.plural(len(found), 'job')} ({names})?")
    print_message("Rows that are finished come back and are billed; cancelling refunds nothing.")
    sys.stderr.write("[y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")
