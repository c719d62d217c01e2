"""`results` and `retry`: what the screen Results does."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, BinaryIO, cast

from tbatch_tui.cli.exit_codes import FAILED, OK
from tbatch_tui.cli.output import JsonLines, print_json, print_message, print_result, print_table
from tbatch_tui.cli.session import Session
from tbatch_tui.engine.domain.counts import format_sum
from tbatch_tui.engine.errors import BatchError
from tbatch_tui.engine.results import (
    OUTCOME_OPTIONS,
    ResultIndex,
    counts_from_index,
    errors_by_message,
    rows_to_retry,
    sources_of,
    write_merged,
)
from tbatch_tui.text import format as fmt

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from tbatch_tui.config.settings import Settings
    from tbatch_tui.engine.domain.record import JobRecord

_HEADS = ("LINE", "CUSTOM ID", "OUTCOME", "TOKENS", "ANSWER")
_NUMBER_COLUMNS = frozenset({0, 3})
_LONGEST_ID = 40
_LONGEST_ANSWER = 60


async def results(arguments: argparse.Namespace, settings: Settings) -> int:
    """Print the rows, in the order of the input file, and to standard error what all of them add up to."""
    async with Session(settings, background_work=False) as session:
        record = session.find(await session.list_jobs(), arguments.job)
    index = await _build_index(record)
    rows: Sequence[int] = range(len(index))
    if arguments.filter != "all":
        rows = index.select([OUTCOME_OPTIONS[arguments.filter]])
    rows = rows[: arguments.limit]
    if arguments.json:
        write_merged(index, rows, cast("BinaryIO", JsonLines()), lambda _: record.key)
        sys.stdout.flush()
    else:
        print_table(_HEADS, (_cells(index, row) for row in rows), _NUMBER_COLUMNS)
    print_message(format_sum(counts_from_index(index, submitted=record.requests)))
    return OK


def _cells(index: ResultIndex, number: int) -> tuple[str, ...]:
    row = index.row(number)
    return (
        fmt.count(row.line),
        fmt.cut(row.custom_id, _LONGEST_ID),
        row.issue or row.outcome.words,
        fmt.count(row.tokens),
        fmt.cut(row.preview or row.reason, _LONGEST_ANSWER),
    )


async def retry(arguments: argparse.Namespace, settings: Settings) -> int:
    """Write an input file of the requests to retry, as they were; with `--submit`, submit it."""
    async with Session(settings, background_work=arguments.submit) as session:
        record = session.find(await session.list_jobs(), arguments.job)
        index = await _build_index(record)
        rows = await asyncio.to_thread(_rows_to_retry, index, arguments)
        if not len(rows) and index.has_input:
            print_message("There is nothing to retry: every request that was meant has its whole answer.")
            return FAILED
        path = await session.engine.retries.write(
            index, rows, record.key, model=arguments.model, max_tokens=arguments.max_tokens
        )
        if not arguments.submit:
            print_json({"path": str(path), "parent": record.key}) if arguments.json else print_result(str(path))
            return OK
        print_message(f"Wrote {path}")
        from tbatch_tui.cli.commands.submit import check_input, submit_checked

        report = await check_input(path, None)
        return await submit_checked(session, report, arguments) if report is not None else FAILED


def _rows_to_retry(index: ResultIndex, arguments: argparse.Namespace) -> Sequence[int]:
    """Return the requests that are meant, in a thread: without `--only` all that have no whole answer."""
    only = arguments.only or ("errors", "missing", "cut-short", "invalid")
    return rows_to_retry(
        index,
        groups=errors_by_message(index) if "errors" in only else (),
        missing="missing" in only,
        cut_short="cut-short" in only,
        invalid="invalid" in only,
    )


async def _build_index(record: JobRecord) -> ResultIndex:
    """Read all rows of the job, and warn of an input file that is another one by now.

    Raises BatchError when the job's result files are not on disk.
    """
    sources = sources_of(record)
    if sources.output is None and sources.errors is None:
        raise BatchError(f"The results of {record.name} are not here", f"tbatch-tui fetch {record.key} brings them.")
    index = ResultIndex(sources)
    await asyncio.to_thread(index.build)
    if index.input_changed and sources.input is not None:
        print_message(
            f"{sources.input.name} has changed since it was submitted: what came back is shown without what was asked."
        )
    return index
