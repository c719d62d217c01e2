"""What a job that has ended came to, for commands that wait: its exit code, and the sentences that say why."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from tbatch_tui.cli.exit_codes import FAILED, INCOMPLETE, OK
from tbatch_tui.cli.output import print_message
from tbatch_tui.engine.domain.counts import DEFAULT_ATTENTION_SHARE
from tbatch_tui.engine.domain.job import JobStatus
from tbatch_tui.engine.domain.transfer import TransferState

if TYPE_CHECKING:
    from tbatch_tui.cli.session import Session
    from tbatch_tui.engine.domain.record import JobRecord

_COUNTED_WITHIN = 60.0
"""Seconds to wait for the counts of the results. A batch at its limits takes about one.

Without them the exit code is derived from the number of rows in the files alone.
"""


async def wait_for_counts(session: Session, record: JobRecord) -> JobRecord:
    """Return the record with the counts of its results, if they come in time.

    The number of rows is not enough: a row of the output file may be an error, or there twice. Once they are those of
    the last part of a file, the copies that were made of its parts are removed: the command may be over then.
    """
    with suppress(TimeoutError):
        async with asyncio.timeout(_COUNTED_WITHIN):
            record = await session.wait_until(record.key, lambda record: record.is_counted)
    await session.engine.groups.remove_copies(record.key)
    return record


def code_of_ended_job(record: JobRecord) -> int:
    """Return OK if every request has its whole answer, INCOMPLETE if not, FAILED if the job failed; print why.

    Up to 5 % of the answers, or what `[attention]` sets, may be cut short. A job made elsewhere is judged by its status
    where its rows are not here.
    """
    name = record.name
    if record.job is not None and record.job.error:
        print_message(f"{name}: {record.job.error}")
    if record.job is None or record.status == JobStatus.FAILED:
        return FAILED
    if any(transfer.state is TransferState.GONE for transfer in record.transfers):
        for transfer in record.transfers:
            if transfer.state is TransferState.GONE:
                print_message(f"{name}: the {transfer.kind.value} file is gone from the server")
        return FAILED
    counts, requests = record.counts, record.requests
    cut_short = invalid = 0
    share = DEFAULT_ATTENTION_SHARE
    if counts is not None:
        requests, errors, missing = counts.requests, counts.errors, counts.missing
        cut_short, invalid, share = counts.cut_short, counts.invalid, counts.attention_share
    else:
        errors = record.error_rows or 0
        missing = max(0, requests - (record.answered_rows or 0) - errors) if requests and record.submission else 0
    of_all = f"of {requests:,} requests" if requests else "requests"
    if errors:
        print_message(f"{name}: {errors:,} {of_all} failed")
    if missing:
        print_message(f"{name}: {missing:,} {of_all} have no result")
    if invalid:
        print_message(f"{name}: {invalid:,} {of_all} have an answer that doesn't match the request")
    if cut_short:
        print_message(f"{name}: {cut_short:,} {of_all} were cut short")
    is_whole = not (errors or missing or invalid) and 100 * cut_short <= share * (requests or 0)
    # A job that was cancelled or ran out of time is whole only if its counted rows say so.
    is_known = counts is not None or record.status == JobStatus.COMPLETED
    return OK if is_whole and is_known else INCOMPLETE
