"""`results` and `retry`: the twins of Results. Read what came back, and ask once more for what did not."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, BinaryIO, cast

from tbatch_tui.cli.exit_codes import FAILED, OK
from tbatch_tui.cli.output import JsonLines, print_json, print_message, print_result, table
from tbatch_tui.cli.session import Session
from tbatch_tui.engine.errors import BatchError, LocalFileError
from tbatch_tui.engine.results import (
    Outcome,
    RequestCounts,
    ResultIndex,
    errors_by_message,
    retry_path,
    rows_to_retry,
    sources_of,
    write_merged,
    write_retry,
)
from tbatch_tui.text import format as fmt

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence
    from pathlib import Path

    from tbatch_tui.config.settings import Settings
    from tbatch_tui.engine.domain.record import JobRecord

_OUTCOMES = {
    "ok": (Outcome.OK,),
    "errors": (Outcome.ERROR, Outcome.UNREADABLE),
    "cut-short": (Outcome.CUT_SHORT,),
    "missing": (Outcome.MISSING,),
}
_LONGEST_ID = 40
_LONGEST_ANSWER = 60


async def results(arguments: argparse.Namespace, settings: Settings) -> int:
    """The rows, in the order of the input file; the sum of all of them on standard error."""
    async with Session(settings, background_work=False) as session:
        record = session.find(await session.listed(), arguments.job)
    index = await _index(record)
    rows: Sequence[int] = range(len(index))
    if arguments.filter != "all":
        rows = index.select(_OUTCOMES[arguments.filter])
    rows = rows[: arguments.limit]
    if arguments.json:
        write_merged(index, rows, cast("BinaryIO", JsonLines()), lambda _: record.key)
        sys.stdout.flush()
    else:
        table(("LINE", "CUSTOM ID", "OUTCOME", "TOKENS", "ANSWER"), (_cells(index, row) for row in rows), _NUMBERS)
    if index.counts is not None:
        print_message(_sum(index.counts))
    return OK


_NUMBERS = frozenset({0, 3})


def _cells(index: ResultIndex, number: int) -> tuple[str, ...]:
    row = index.row(number)
    return (
        fmt.count(row.line),
        _cut(row.custom_id, _LONGEST_ID),
        row.issue or row.outcome.words,
        fmt.count(row.tokens),
        _cut(row.preview, _LONGEST_ANSWER),
    )


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def _sum(found: RequestCounts) -> str:
    extra = ((found.cut_short, "cut short"), (found.unknown, "unknown ids"), (found.duplicates, "duplicates"))
    return fmt.joined(
        f"{found.requests:,} in = {found.answered:,} answered + {fmt.plural(found.errors, 'error')} "
        f"+ {found.missing:,} missing",
        *(f"{number:,} {words}" for number, words in extra if number),
    )


async def retry(arguments: argparse.Namespace, settings: Settings) -> int:
    """Write the original lines of what is to be asked once more; with `--submit`, submit that file."""
    async with Session(settings, background_work=arguments.submit) as session:
        record = session.find(await session.listed(), arguments.job)
        index = await _index(record)
        source = index.sources.input
        if source is None or not index.has_input:
            raise LocalFileError("The input file is not here", "A retry needs the lines that were asked, as they were.")
        path = await asyncio.to_thread(_write, index, source, arguments)
        if path is None:
            print_message("There is nothing to retry: every request that was meant has its whole answer.")
            return FAILED
        if not arguments.submit:
            print_json({"path": str(path), "parent": record.key}) if arguments.json else print_result(str(path))
            return OK
        print_message(f"Wrote {path}")
        from tbatch_tui.cli.commands.submit import checked, send

        report = await checked(path, None)
        return await send(session, report, arguments) if report is not None else FAILED


def _write(index: ResultIndex, source: Path, arguments: argparse.Namespace) -> Path | None:
    """Write the file, in a thread; None when no row is to be asked again."""
    only = arguments.only or ("errors", "missing", "cut-short")
    rows = rows_to_retry(
        index,
        groups=errors_by_message(index) if "errors" in only else (),
        missing="missing" in only,
        cut_short="cut-short" in only,
    )
    if not len(rows):
        return None
    path = retry_path(source)
    write_retry(index, rows, path, model=arguments.model, max_tokens=arguments.max_tokens)
    return path


async def _index(record: JobRecord) -> ResultIndex:
    """All rows of the job. Raises BatchError when its files are not here."""
    sources = sources_of(record)
    if sources.output is None and sources.errors is None:
        raise BatchError(f"The results of {record.name} are not here", f"tbatch-tui fetch {record.key} brings them.")
    index = ResultIndex(sources)
    await asyncio.to_thread(index.build)
    return index
