"""`results` and `retry`: what the screen Results does."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, BinaryIO, cast

from tbatch_tui.cli.exit_codes import FAILED, OK, USAGE
from tbatch_tui.cli.opened import find_results
from tbatch_tui.cli.output import JsonLines, print_json, print_long_table, print_message, print_result
from tbatch_tui.cli.session import Network, Session
from tbatch_tui.cli.targets import open_group, provisional_note
from tbatch_tui.engine.domain.counts import format_sum
from tbatch_tui.engine.domain.record import JobRecord
from tbatch_tui.engine.errors import BatchError
from tbatch_tui.engine.groups.group_record import GroupRecord
from tbatch_tui.engine.results import (
    OUTCOME_OPTIONS,
    ResultIndex,
    counts_from_index,
    errors_by_message,
    rows_to_retry,
    sources_of,
    token_limit,
    write_merged,
)
from tbatch_tui.engine.threads import run_reading
from tbatch_tui.text import format as fmt

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Sequence

    from tbatch_tui.config.settings import Settings

_HEADS = ("LINE", "CUSTOM ID", "OUTCOME", "TOKENS", "ANSWER")
_NUMBER_COLUMNS = frozenset({0, 3})
_LONGEST_ID = 40
_LONGEST_ANSWER = 60


async def results(arguments: argparse.Namespace, settings: Settings) -> int:
    """Print the rows, in the order of the input file, and to standard error what all of them add up to."""
    async with Session(settings, network=Network.NEVER) as session:
        record = await find_results(session, await session.list_jobs(), arguments.job)
        index = await build_target(session, record)
    rows = (await choose_rows(index, arguments))[: arguments.limit]
    if arguments.json:
        key = "" if isinstance(record, JobRecord) and record.is_opened else record.key
        write_merged(index, rows, cast("BinaryIO", JsonLines()), lambda row: index.job_id_of(row) or key)
        sys.stdout.flush()
    else:
        print_long_table(_HEADS, lambda: (_cells(index, row) for row in rows), _NUMBER_COLUMNS)
    print_message(format_sum(counts_from_index(index, submitted=record.requests)))
    if isinstance(record, GroupRecord) and (note := provisional_note(record)):
        print_message(note)
    return OK


async def choose_rows(index: ResultIndex, arguments: argparse.Namespace) -> Sequence[int]:
    """Return the rows that `--filter` and `--search` leave, and print how many are hits."""
    rows: Sequence[int] = range(len(index))
    if arguments.filter != "all":
        rows = index.select([OUTCOME_OPTIONS[arguments.filter]])
    if arguments.search:
        hits = await run_reading(_search, index, arguments.search)
        rows = [row for row in rows if hits[row]]
        print_message(fmt.plural(len(rows), "hit"))
    return rows


def _search(index: ResultIndex, text: str, *, cancelled: Callable[[], bool]) -> bytearray:
    """Return which rows hold a text, as the screen searches for it."""
    from tbatch_tui.engine.answers.fields import find_fields
    from tbatch_tui.engine.answers.search import Hits, find_hits, parse_query

    names = [field.name for field in find_fields(index, range(len(index)), cancelled).own]
    query, hits = parse_query(text, names), Hits(len(index))
    if not query.text.strip():
        raise BatchError("--search: there is no text to search for", "For example: --search 'prompt: refund'.")
    find_hits(index, query, hits, cancelled=cancelled)
    return hits.rows


def _cells(index: ResultIndex, number: int) -> tuple[str, ...]:
    row = index.row(number)
    return (
        fmt.count(row.line),
        fmt.cut(row.custom_id, _LONGEST_ID),
        row.issue or row.outcome.words,
        fmt.count(row.tokens),
        fmt.cut(fmt.join(row.reason, row.preview if row.preview != row.reason else ""), _LONGEST_ANSWER),
    )


async def retry(arguments: argparse.Namespace, settings: Settings) -> int:
    """Write an input file of the requests to retry, as they were; with `--submit`, submit it."""
    only = arguments.only or ()
    if "cut-short" in only and arguments.max_tokens is None:
        print_message(
            "--only cut-short needs a larger --max-tokens: with the same limit they would be cut short again."
        )
        return USAGE
    network = Network.NEEDED if arguments.submit else Network.NEVER
    async with Session(settings, background_work=arguments.submit, network=network) as session:
        record = await find_results(session, await session.list_jobs(), arguments.job)
        index = await build_target(session, record)
        if isinstance(record, GroupRecord) and record.is_provisional:
            print_message(
                f"{provisional_note(record)} What is still out counts as missing: try again when all are here."
            )
            return FAILED
        if index.has_input:
            offer = await asyncio.to_thread(_RetryOffer.of, index, takes_all_errors=arguments.model is not None)
            if "cut-short" in only and offer.limit is not None and arguments.max_tokens <= offer.limit:
                print_message(f"--max-tokens {arguments.max_tokens:,} is no more than before: {offer.limit:,}.")
                return USAGE
            print_message(offer.words(only))
            rows = offer.rows(only)
            if not len(rows):
                return FAILED
        else:
            rows = ()  # what is written of it is an error, with the reason
        path = await session.engine.retries.write(
            index, rows, record.key, model=arguments.model, max_tokens=arguments.max_tokens
        )
        if not arguments.submit:
            print_json({"path": str(path), "parent": record.key}) if arguments.json else print_result(str(path))
            return OK
        print_message(f"Wrote {path}")
        from tbatch_tui.cli.commands.submit import check_input, submit_checked

        report = await check_input(path, None, store=session.engine.options.store_address)
        return await submit_checked(session, report, arguments) if report is not None else FAILED


@dataclass(frozen=True, slots=True)
class _RetryOffer:
    """The requests without a whole answer, by kind. What is taken by default is what the app's dialog has ticked."""

    errors: Sequence[int]
    """Errors that may go well the next time."""
    lasting: Sequence[int]
    """Errors that would come back the same."""
    missing: Sequence[int]
    cut_short: Sequence[int]
    invalid: Sequence[int]
    limit: int | None
    """The token limit of an answer that was cut short; None if it is not known."""

    @classmethod
    def of(cls, index: ResultIndex, *, takes_all_errors: bool) -> _RetryOffer:
        """Read what is there to be retried, in a thread. With another model, all errors may go well."""
        groups = errors_by_message(index)
        lasting = [] if takes_all_errors else [group for group in groups if not group.cause.retryable]
        cut_short = rows_to_retry(index, cut_short=True)
        return cls(
            errors=rows_to_retry(index, groups=[group for group in groups if group not in lasting]),
            lasting=rows_to_retry(index, groups=lasting),
            missing=rows_to_retry(index, missing=True),
            cut_short=cut_short,
            invalid=rows_to_retry(index, invalid=True),
            limit=token_limit(index.record(cut_short[0])) if cut_short else None,
        )

    def rows(self, only: Sequence[str]) -> Sequence[int]:
        """Return the requests that are taken, in the order of the input file."""
        kinds = only or ("errors", "missing")
        chosen = (
            self.errors if "errors" in kinds else (),
            self.lasting if "errors" in only else (),
            self.missing if "missing" in kinds else (),
            self.cut_short if "cut-short" in kinds else (),
            self.invalid if "invalid" in kinds else (),
        )
        return sorted(chain.from_iterable(chosen))

    def words(self, only: Sequence[str]) -> str:
        """Return what is taken, and what is left and how to take it."""
        kinds = only or ("errors", "missing")
        errors = len(self.errors) * ("errors" in kinds) + len(self.lasting) * ("errors" in only)
        taken = fmt.join(
            fmt.plural(errors, "error") if errors else "",
            f"{len(self.missing):,} missing" if self.missing and "missing" in kinds else "",
            f"{len(self.cut_short):,} cut short" if self.cut_short and "cut-short" in kinds else "",
            f"{len(self.invalid):,} invalid" if self.invalid and "invalid" in kinds else "",
            by=", ",
        )
        left = [
            (len(self.errors) * ("errors" not in kinds), "errors", "--only errors"),
            (len(self.lasting) * ("errors" not in only), "errors that would fail again", "--only errors"),
            (len(self.missing) * ("missing" not in kinds), "missing", "--only missing"),
            (
                len(self.cut_short) * ("cut-short" not in kinds),
                "cut short",
                "--only cut-short with --max-tokens " + (f"over {self.limit:,}" if self.limit else "N"),
            ),
            (len(self.invalid) * ("invalid" not in kinds), "invalid", "--only invalid"),
        ]
        parts = [f"Included: {taken}." if taken else "Nothing to retry: no request matches."]
        if not taken and not any(number for number, _, _ in left):
            parts = ["Nothing to retry: every request has a complete answer."]
        parts += [f"Left out: {number:,} {words} ({how})." for number, words, how in left if number]
        return " ".join(parts)


async def build_target(session: Session, target: JobRecord | GroupRecord) -> ResultIndex:
    """Read all rows of a job, or those of all parts of a group that are here. Raises BatchError as `build_index`."""
    if isinstance(target, JobRecord):
        return await build_index(target)
    index = await open_group(session.engine, target)
    if index is None:
        raise BatchError(f"No results of {target.name} are here yet", "tbatch-tui fetch NAME downloads them.")
    await run_reading(index.build)
    warn_of_changed_files(index)
    return index


async def build_index(record: JobRecord) -> ResultIndex:
    """Read all rows of the job, and warn of an input file that is another one by now.

    Raises BatchError when the job's result files are not on disk.
    """
    sources = sources_of(record)
    if sources.output is None and sources.errors is None:
        raise BatchError(f"The results of {record.name} are not here", f"tbatch-tui fetch {record.key} downloads them.")
    index = ResultIndex(sources)
    await run_reading(index.build)
    warn_of_changed_files(index)
    return index


def warn_of_changed_files(index: ResultIndex) -> None:
    """Print that the input file is another one by now, and so is left out, or that a result file is."""
    for path in index.changed_downloads:
        print_message(f"{path.name} was changed after it was downloaded: it is read as it is.")
    if index.input_changed and index.sources.input is not None:
        name = index.sources.input.name
        print_message(f"{name} has changed since it was submitted: showing results without their requests.")
