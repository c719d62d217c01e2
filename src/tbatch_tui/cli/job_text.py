"""A job as lines of text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tbatch_tui.cli.output import print_result
from tbatch_tui.engine.domain.counts import format_sum
from tbatch_tui.engine.domain.transfer import Transfer, TransferState
from tbatch_tui.text import format as fmt

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tbatch_tui.engine.domain.counts import JobCounts
    from tbatch_tui.engine.domain.record import JobRecord
    from tbatch_tui.engine.domain.server_file import ValidationReport
    from tbatch_tui.engine.pricing.prices import Cost

_FILE_STATES = {
    TransferState.WANTED: "to fetch",
    TransferState.FETCHED: "here",
    TransferState.FAILED: "not downloaded",
    TransferState.GONE: "gone from the server",
}


def job_facts(
    record: JobRecord, now: float, cost: Cost | None = None, report: ValidationReport | None = None
) -> list[tuple[str, str]]:
    """Return what `get` prints of a job, as names and values; what is not known is left out.

    Args:
        record: The job.
        now: Wall time, seconds since the epoch.
        cost: What the job cost, or None where no price is known.
        report: What the server says of its input file, if that is known.
    """
    job, submission = record.job, record.submission
    facts = [
        ("id", record.key),
        ("name", record.name),
        ("label", record.label),
        ("status", record.status_words),
        ("progress", fmt.percent(job.progress / 100) if job is not None and not job.is_ended else ""),
        ("error", (job.error if job is not None else "") or (submission.error if submission is not None else "") or ""),
        *(("report", text) for text in (report.words_beside(job.error) if report and job else ())),
        ("model", (job.model if job is not None else "") or ""),
        ("endpoint", record.endpoint or ""),
        ("requests", fmt.count(record.requests) if record.requests is not None else ""),
        ("outcomes", format_sum(record.counts) if record.counts is not None else ""),
        ("created", f"{fmt.absolute(record.created_at)} ({fmt.age(record.created_at, now)})"),
        ("ended", fmt.absolute(job.completed_at) if job is not None and job.completed_at is not None else ""),
        ("deadline", fmt.absolute(job.deadline) if job is not None and job.deadline and not job.is_ended else ""),
        ("tokens", _tokens(record.counts)),
        ("cost", _cost(cost)),
        ("input", _input(record)),
        ("warning", (submission.warning if submission is not None else "") or ""),
        ("note", record.note),
    ]
    facts += [(transfer.kind.value, _file_state(transfer)) for transfer in record.transfers]
    return [(name, value) for name, value in facts if value]


def _input(record: JobRecord) -> str:
    if slices := record.slices_read:
        return f"{slices[0].path}, {record.source_words}"
    return str(record.submission.path) if record.submission is not None else record.input_name


def _tokens(counts: JobCounts | None) -> str:
    if counts is None:
        return ""
    has_tokens = any(usage.rows_with_tokens for usage in counts.usage)
    return fmt.join(
        f"{counts.prompt_tokens:,} in, {counts.completion_tokens:,} out" if has_tokens else "",
        f"{fmt.duration(counts.audio_seconds)} of audio" if counts.audio_seconds else "",
    )


def _cost(cost: Cost | None) -> str:
    if cost is None or cost.usd is None:
        return ""
    date = fmt.date(cost.priced_at) if cost.priced_at is not None else ""
    prices = "at your own prices" if cost.is_custom else f"at prices of {date}" if date else ""
    return fmt.join(fmt.money(cost.usd), prices, "" if cost.is_whole else "some prices are unknown")


def _file_state(transfer: Transfer) -> str:
    if transfer.state is TransferState.FETCHED and transfer.path is not None:
        return f"{transfer.path} ({fmt.join(fmt.size(transfer.size), fmt.plural(transfer.rows or 0, 'row'))})"
    return fmt.join(_FILE_STATES[transfer.state], transfer.message or "")


def print_paths(records: Iterable[JobRecord]) -> None:
    """Print the paths of the result files on disk, one a line."""
    for record in records:
        for path in record.paths:
            print_result(str(path))
