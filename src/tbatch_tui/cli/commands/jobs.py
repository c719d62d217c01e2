"""`ls`, `get`, `fetch` and `cancel`: what the screens Jobs and Job do."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from tbatch_tui.cli.commands.groups.group_text import group_cells, group_facts
from tbatch_tui.cli.commands.tables.stored_recordings import delete_recordings, note_left
from tbatch_tui.cli.exit_codes import FAILED, OK, USAGE, exit_code_of, gravest
from tbatch_tui.cli.follow.outcome import code_of_ended_job, wait_for_counts
from tbatch_tui.cli.job_text import job_facts, print_paths
from tbatch_tui.cli.output import print_json, print_message, print_result, print_table
from tbatch_tui.cli.session import Network, Session, require_job
from tbatch_tui.cli.targets import find_target, find_targets, jobs_of
from tbatch_tui.engine.domain.record import JobRecord, Rank
from tbatch_tui.engine.errors import BatchError
from tbatch_tui.engine.groups.group_record import GroupRecord, group_records, group_to_dict
from tbatch_tui.engine.record_json import record_to_dict
from tbatch_tui.text import format as fmt

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Sequence

    from tbatch_tui.config.settings import Settings
    from tbatch_tui.engine.domain.server_file import ValidationReport
    from tbatch_tui.engine.pricing.prices import PriceList

_RANKS = {"active": Rank.ACTIVE, "attention": Rank.ATTENTION, "done": Rank.DONE}
_HEADS = ("ID", "STATUS", "NAME", "MODEL", "REQUESTS", "DONE", "ERRORS", "CREATED")
_NUMBER_COLUMNS = frozenset({4, 5, 6})
_LONGEST_NAME = 40


async def ls(arguments: argparse.Namespace, settings: Settings) -> int:
    """List the jobs, in the order of the screen; with `--offline` as the history has them."""
    async with Session(settings, network=Network.NEVER if arguments.offline else Network.IF_ANSWERED) as session:
        records = await session.list_jobs()
        now = session.engine.now()
        prices = await session.engine.prices.price_list(ask=False) if arguments.json else None
    rows = group_records(records)
    if arguments.filter != "all":
        rows = [row for row in rows if row.rank is _RANKS[arguments.filter]]
    rows = rows[: arguments.limit]
    if arguments.json:
        print_json([_to_dict(row, prices) for row in rows])
    elif rows:
        print_table(_HEADS, _lines(rows, now, with_parts=arguments.parts), _NUMBER_COLUMNS)
        for row in rows:
            if isinstance(row, GroupRecord) and row.waits_for:
                print_message(f"{row.name}: parts wait: {row.waits_for}.")
            elif isinstance(row, GroupRecord) and row.group.is_held and (left := sum(p.is_waiting for p in row.parts)):
                print_message(f"{row.name}: {fmt.plural(left, 'part')} on hold: `tbatch-tui continue NAME` sends them.")
    else:
        print_message("No jobs." if arguments.filter == "all" else f"No jobs: {arguments.filter}.")
    return OK


def _lines(rows: Sequence[JobRecord | GroupRecord], now: float, *, with_parts: bool) -> Iterator[tuple[str, ...]]:
    """Yield the cells of each job and each group; with its parts, those below it."""
    for row in rows:
        if isinstance(row, JobRecord):
            yield _cells(row, now)
            continue
        yield group_cells(row, now)
        if with_parts:
            for part in row.parts:
                key, status, name, *others = _cells(part, now)
                yield (f"  {key}", status, f"  {name}", *others)


def _cells(record: JobRecord, now: float) -> tuple[str, ...]:
    job = record.job
    return (
        record.key,
        record.status_words,
        fmt.cut(record.name, _LONGEST_NAME),
        fmt.short_model(job.model if job is not None else None),
        fmt.count(record.requests),
        fmt.percent(job.progress / 100) if job is not None else fmt.MISSING,
        fmt.count(_errors(record)),
        fmt.age(record.created_at, now),
    )


def _errors(record: JobRecord) -> int | None:
    """Return how many requests came back as errors; None where that is not known."""
    return record.counts.errors if record.counts is not None else record.error_rows


def _to_dict(row: JobRecord | GroupRecord, prices: PriceList | None) -> dict[str, Any]:
    """Return a job, or a group with its parts, as plain data."""
    if isinstance(row, JobRecord):
        return _job_to_dict(row, prices)
    values = group_to_dict(row, [_job_to_dict(part, prices) for part in row.parts])
    return {**values, "cost": row.cost(prices) if prices is not None else None, "most_cost": row.most_cost}


def _job_to_dict(record: JobRecord, prices: PriceList | None) -> dict[str, Any]:
    """Return all that is known of a job as plain data, with what it cost."""
    from tbatch_tui.engine.pricing.prices import record_cost

    cost = record_cost(record, prices) if prices is not None and record.counts is not None else None
    return {**record_to_dict(record), "cost": None if cost is None else cost.usd}


async def get(arguments: argparse.Namespace, settings: Settings) -> int:
    """Print everything that is known of a job or a group; where the server does not answer, what the history knows."""
    from tbatch_tui.engine.pricing.prices import record_cost

    async with Session(settings, network=Network.IF_ANSWERED) as session:
        found = find_target(await session.list_jobs(), arguments.job)
        prices = await session.engine.prices.price_list(ask=False)
        now = session.engine.now()
        report = await _validation_report(session, found)
    if arguments.json:
        print_json({**_to_dict(found, prices), **_report_to_dict(found, report)})
    elif isinstance(found, GroupRecord):
        _print_facts(group_facts(found, now, prices))
    else:
        cost = record_cost(found, prices) if prices is not None and found.counts is not None else None
        _print_facts(job_facts(found, now, cost, report))
    return OK


async def _validation_report(session: Session, found: JobRecord | GroupRecord) -> ValidationReport | None:
    """Return what the server says of the input file of a job that failed; None where it cannot be asked."""
    if not isinstance(found, JobRecord):
        return None
    try:
        return await session.engine.files.validation_report(found)
    except BatchError:
        return None


def _report_to_dict(found: JobRecord | GroupRecord, report: ValidationReport | None) -> dict[str, Any]:
    """Return the field of a job that only `get` has, which asks the server for it."""
    if not isinstance(found, JobRecord):
        return {}
    if report is None:
        return {"validation_report": None}
    refused = [line._asdict() for line in report.refused]
    return {
        "validation_report": {
            "valid": report.valid,
            "error": report.error or None,
            "lines": report.lines,
            "refused": refused,
        }
    }


def _print_facts(facts: Sequence[tuple[str, str]]) -> None:
    width = max(len(name) for name, _ in facts)
    for name, value in facts:
        print_result(f"{name:<{width}}  {value}")


async def fetch(arguments: argparse.Namespace, settings: Settings) -> int:
    """Download the result files again, and print their paths once every file is verified on disk."""
    codes: list[int] = []
    fetched: list[JobRecord] = []
    async with Session(settings, background_work=True) as session:
        targets = find_targets(await session.list_jobs(), arguments.jobs)
        if arguments.input:
            return await _fetch_inputs(session, jobs_of(targets), as_json=arguments.json)
        records = _jobs_to_fetch(targets)
        with session.bars(records):
            for record in records:
                try:
                    require_job(record, "fetch")
                    await session.engine.download(record.key)
                    fetched.append(await wait_for_counts(session, await session.wait(record.key)))
                except BatchError as error:
                    print_message(f"{record.name}: {error}")
                    codes.append(exit_code_of(error))
        codes += [code_of_ended_job(record) for record in fetched]
        if arguments.json:
            print_json([record_to_dict(record) for record in fetched])
        else:
            print_paths(fetched)
        if arguments.delete_recordings:
            codes.append(await delete_recordings(session.engine, fetched, yes=arguments.yes))
        else:
            await note_left(session.engine, fetched)
    return gravest(codes)


def _jobs_to_fetch(targets: Sequence[JobRecord | GroupRecord]) -> list[JobRecord]:
    """Return the jobs, and of each group the parts that have results; print which parts have none yet."""
    records: list[JobRecord] = []
    for target in targets:
        if isinstance(target, JobRecord):
            records.append(target)
            continue
        ready = [part for part in target.parts if part.has_result_files]
        records += ready or target.parts[:1]  # what is wrong with the first is said as of a job
        if ready and len(ready) < target.group.parts:
            print_message(f"{target.name}: {len(ready):,} of {target.group.parts:,} parts have results yet.")
    return list({record.key: record for record in records}.values())


async def _fetch_inputs(session: Session, records: Sequence[JobRecord], *, as_json: bool) -> int:
    """Download the input files that are not here, of jobs from elsewhere and of parts, and print their paths."""
    from tbatch_tui.engine.server_files.input_file import InputIsHereError

    codes: list[int] = []
    for record in records:
        try:
            path = await session.engine.files.fetch_input(record.key)
        except InputIsHereError as error:
            if len(records) == 1:  # of several parts, those that are missing are wanted
                print_message(f"{record.name}: {error}")
                codes.append(exit_code_of(error))
            continue
        except BatchError as error:
            print_message(f"{record.name}: {error}")
            codes.append(exit_code_of(error))
            continue
        if not as_json:
            print_result(str(path))
    if as_json:
        print_json([record_to_dict(session.engine.record(record.key) or record) for record in records])
    return gravest(codes)


async def cancel(arguments: argparse.Namespace, settings: Settings) -> int:
    """Ask for confirmation, then cancel each job once. One that had ended already is no error."""
    code = OK
    cancelled: list[JobRecord] = []
    async with Session(settings, background_work=False) as session:
        targets = find_targets(await session.list_jobs(), arguments.jobs)
        records = _jobs_to_cancel(targets)
        if not arguments.yes:
            if not sys.stdin.isatty():
                print_message("No terminal to ask on: nothing was cancelled. Use --yes.")
                return USAGE
            if not _confirm(records):
                print_message("Nothing was cancelled.")
                return FAILED
        for target in targets:  # first, so that none of them is sent because another was cancelled
            if isinstance(target, JobRecord):
                if _is_waiting_file(target) and await session.engine.groups.drop_rest(target.key):
                    print_message(f"{target.name}: it waited, and will not be sent")
            elif count := await session.engine.groups.drop_rest(target.parts[0].key):
                print_message(f"{target.name}: {fmt.plural(count, 'part')} that waited will not be sent")
        for record in records:
            if _is_waiting_file(record):
                continue
            try:
                if not await session.engine.cancel(require_job(record, "cancel")):
                    print_message(f"{record.name}: it has already ended")
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


def _is_waiting_file(record: JobRecord) -> bool:
    """Return whether it is a whole file that waits to be sent, as in a copied history."""
    return record.group is None and record.is_waiting


def _jobs_to_cancel(targets: Sequence[JobRecord | GroupRecord]) -> list[JobRecord]:
    """Return the jobs, and of each group those that have not ended."""
    records: list[JobRecord] = []
    for target in targets:
        if isinstance(target, JobRecord):
            records.append(target)
        else:
            records += [part for part in target.parts if part.job is not None and part.can_cancel]
    return list({record.key: record for record in records}.values())


def _confirm(records: Sequence[JobRecord]) -> bool:
    names = ", ".join(record.name for record in records)
    print_message(f"Cancel {fmt.plural(len(records), 'job')} ({names})?")
    print_message("Finished rows are returned and billed. Cancelling doesn't refund them.")
    sys.stderr.write("[y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")
