"""A job as text, for the list, its details and the Job screen. Pure functions; the clock comes from outside."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rich.cells import cell_len

from tbatch_tui.engine.domain.job import JobStatus, LocalStatus
from tbatch_tui.engine.domain.submission import Pause
from tbatch_tui.engine.domain.transfer import Transfer, TransferState
from tbatch_tui.engine.endpoint import Endpoint
from tbatch_tui.text import format as fmt
from tbatch_tui.tui.keys import bindings as keys
from tbatch_tui.tui.keys.hints import fill_keys, key_display
from tbatch_tui.tui.render.counts import counts_cell
from tbatch_tui.tui.sanitize import fit, line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tbatch_tui.engine.domain.record import JobRecord
    from tbatch_tui.engine.events import TransferProgress
    from tbatch_tui.tui.render.styled import StyledText

_PACE_FROM = 3.0
"""Percent of progress from which the pace so far predicts the end."""
_ERROR_PREFIX = re.compile(r"(Error validating input file: )?(Line \d+ \(within chunk\): )?")
"""How a failed job's error begins. A cell would have room for nothing else, and the line number need not be the
file's. The details show the whole error."""


def format_kind(record: JobRecord) -> str:
    """Return `chat completions`; an unknown endpoint as it is."""
    endpoint = record.endpoint
    if endpoint is None:
        return ""
    try:
        return Endpoint(endpoint).words.lower()
    except ValueError:
        return line(endpoint)


def name_cell(record: JobRecord, width: int) -> str:
    """Return the name of a job. One that is too long loses its middle, never the number of its part."""
    name, part = line(record.name), f" · {record.part_words}" if record.group is not None else ""
    return fit(name, width, keep="middle", tail=cell_len(part)) if cell_len(name) > width else name


def has_bar(record: JobRecord) -> bool:
    """Return whether the Progress column shows a bar."""
    job = record.job
    return job is not None and (job.status == JobStatus.IN_PROGRESS or (not job.is_ended and job.progress > 0))


def progress_cell(record: JobRecord, width: int) -> StyledText:
    """Return the cell of the Progress column: a bar while the job runs, then its outcome."""
    job = record.job
    if job is None:
        return _submission_cell(record)
    if has_bar(record):
        percent = fmt.percent(job.progress / 100)
        done, rest = fmt.bar_parts(job.progress / 100, max(4, min(24, width - 6)))
        return [(done, "$status-active"), (rest, "$rule"), (f" {percent:>5}", "")]
    if job.status == JobStatus.VALIDATING:
        return [("not started yet", "$status-quiet")]
    if not job.is_ended:
        return [("finishing started rows" if "CANCEL" in job.status else "", "$status-quiet")]
    if job.error:
        error = line(job.error)
        return [(_ERROR_PREFIX.sub("", error, count=1) or error, "$status-failed")]
    return format_outcome(record, width)


def format_outcome(record: JobRecord, width: int | None = None) -> StyledText:
    """Return what came back, `1,980 ok · 17 err`, or the state of the files.

    Args:
        width: Cells for the counts, which are shortened to it; None for no limit.
    """
    failed = next((t for t in record.transfers if t.state is TransferState.FAILED), None)
    if failed is not None:
        return [("not downloaded: ", "$status-attention"), (line(fill_keys(failed.message or "")), "")]
    if any(t.state is TransferState.WANTED for t in record.transfers):
        return [("downloading results", "$status-active")]
    if any(t.state is TransferState.GONE for t in record.transfers):
        return [("gone from the server", "$status-attention")]
    if record.counts is not None:
        return counts_cell(record.counts, width)
    answered, errors = record.answered_rows, record.error_rows
    if answered is None and errors is None:
        has_files = record.has_result_files
        return [("not downloaded" if has_files else "no result files", "$status-quiet")]
    counts: StyledText = [(f"{answered or 0:,} answered", "")]
    if errors:
        counts += [(" · ", "$status-quiet"), (f"{errors:,} err", "$status-attention")]
    missing = (record.requests or 0) - (answered or 0) - (errors or 0)
    if record.requests is not None and missing > 0:
        counts += [(" · ", "$status-quiet"), (f"{missing:,} missing", "$status-attention")]
    return counts


def format_transfer(progress: TransferProgress, width: int) -> StyledText:
    """Return the progress of an upload or download: a bar of `width` cells, the amount and the speed."""
    done, rest = fmt.bar_parts(progress.done / progress.total if progress.total else None, width)
    amount = f" {fmt.size(progress.done)} of {fmt.size(progress.total)} {fmt.rate(progress.rate)}"
    return [(done, "$status-active"), (rest, "$rule"), (amount, "")]


def request_count(record: JobRecord) -> int | None:
    """Return how many requests the job has; of one made elsewhere, how many rows came back.

    The API does not report the number of requests.
    """
    if record.counts is not None:
        return record.counts.requests
    if record.requests is not None or not record.transfers:
        return record.requests
    return (record.answered_rows or 0) + (record.error_rows or 0) or None


def _submission_cell(record: JobRecord) -> StyledText:
    submission = record.submission
    if submission is None:
        return []
    if record.is_waiting:
        return format_waiting(record)
    if submission.error:
        style = "$status-failed" if record.status == LocalStatus.NOT_SUBMITTED else "$status-attention"
        return [(line(submission.error), style)]
    return [("creating the job" if record.status == LocalStatus.SUBMITTING else "", "$status-quiet")]


def format_waiting(record: JobRecord) -> StyledText:
    """Return what a part waits for: to be let go, the parts before it, or the user's decision on `9 ok, 1 error`."""
    group = record.group
    if group is not None and group.is_held:
        return [("on hold", "$status-attention")]
    if record.submission is None or not record.submission.error:
        is_next = group is not None and group.first and not group.at_once  # else others may be what it waits for
        first = f"the first {group.first:,}" if group is not None and is_next else "earlier parts"
        return [(f"waits for {first}", "$status-quiet")]
    if record.submission.pause is Pause.COPIED:
        return [("copied", "$status-attention"), (": send it?", "")]
    if record.status == LocalStatus.WAITING:
        return [(f"waits: {line(record.submission.error)}", "$status-quiet")]
    return [(line(record.submission.error), "$status-attention"), (": send it?", "")]


def format_duration(record: JobRecord, now: float) -> str:
    """Return how long the job ran, or has been running."""
    job = record.job
    if job is None or job.created_at is None:
        return fmt.MISSING
    if job.completed_at is not None:
        return fmt.duration(max(0.0, job.completed_at - job.created_at))
    return fmt.MISSING if job.is_ended else fmt.duration(max(0.0, now - job.created_at))


def time_left(record: JobRecord, now: float) -> float | None:
    """Return the seconds that a running job has left at its pace so far, whole ones; None while that says little."""
    job = record.job
    if job is None or job.status != JobStatus.IN_PROGRESS or job.created_at is None or job.progress < _PACE_FROM:
        return None
    left = max(0.0, now - job.created_at) * (100 - job.progress) / job.progress
    return float(max(1, round(left))) if job.progress < 100 else 0.0


def _details_head(record: JobRecord, now: float, width: int | None) -> StyledText:
    """Return name, id, kind and times of a job.

    Where there is no room, parts are left out whole; the deadline never is.
    """
    job, name = record.job, line(record.name)
    short_id, kind = line(record.key[:8]) if job is not None else "", format_kind(record)
    since = f"submitted {fmt.when(record.created_at, now)}"
    ago = f"{since}, {fmt.age(record.created_at, now)}" if width is not None else since  # else its column says it
    until = ""
    if job is not None and not job.is_ended and job.deadline is not None:
        until = f"deadline {fmt.when(job.deadline, now)}"
    shown: list[str] = []
    fewer = ((short_id, ago, until), (short_id, since, until), (since, until), (short_id, until), (until,))
    for parts in ((short_id, kind, ago, until), *fewer):
        shown = [f" · {part}" for part in parts if part]
        room = None if width is None else width - cell_len("".join(shown))
        if room is None or cell_len(name) <= room:
            break
    else:
        name = fit(name, room or 0).rstrip()
    return [(name, "bold"), *((part, "$status-quiet") for part in shown)]


def details_lines(record: JobRecord, now: float, width: int | None = None) -> list[StyledText]:
    """Return three lines that answer most questions about a job without opening it.

    Args:
        width: Cells into which the first line must fit; None where there is room, and each file has a line of its own.
    """
    job, submission = record.job, record.submission
    first = _details_head(record, now, width)
    second: StyledText = []
    if job is not None and job.error:
        second = [(line(job.error), "$status-failed")]
    elif record.is_waiting:
        second = [(next_action(record), "")]
    elif submission is not None and submission.state.is_uncertain:
        second = [(line(submission.error or ""), "$status-attention")]
    elif submission is not None and submission.error:
        second = [(line(submission.error), "$status-attention"), (f"  {line(fill_keys(submission.hint or ''))}", "")]
    elif submission is not None and submission.warning:
        second = [("The server warned: ", "$status-attention"), (line(submission.warning), "")]
    elif record.transfers:
        second = _format_files(record.transfers, "\n" if width is None else " · ")
    elif job is not None and job.is_ended and record.has_result_files:  # more than its row says
        second = [(key_display(keys.DOWNLOAD), "bold $accent-text"), (" downloads its results", "")]
    elif job is not None and job.is_ended:
        second = format_outcome(record)
    else:
        second = [(next_action(record), "")]
    third: StyledText = []
    if submission is not None and submission.state.is_uncertain:
        third = [(key_display(keys.SETTLE), "bold $accent-text"), (" decides", "")]
        third.append((f" · since {fmt.when(submission.uncertain_since, now)} · ", "$status-quiet"))
        third.append((line(fill_keys(submission.hint or "")), ""))
    elif submission is not None:
        of = f", {record.part_words} of" if record.group is not None else ""
        path = record.source_files[0] if record.group is not None else submission.path
        if record.can_send_again:
            third = [(key_display(keys.SETTLE), "bold $accent-text"), (" to send it again · ", "$status-quiet")]
        third += [
            (f"input{of} ", "$status-quiet"),
            (line(fmt.short_path(path)), ""),
            (f" ({fmt.size(submission.size)})", ""),
        ]
    elif record.input_name:
        size = f" ({fmt.size(job.file_size)})" if job is not None and job.file_size else ""
        third = [("not submitted from here: ", "$status-quiet"), (line(record.input_name), ""), (size, "")]
    if record.note:
        third += [("   note ", "$status-quiet"), (line(record.note), "")]
    return [first, second, third]


def _format_files(transfers: Sequence[Transfer], separator: str) -> StyledText:
    """Return size and rows of each file, then the folder.

    Such as `output 1.2 MB, 1,980 rows · errors 243 B, 2 rows · in batch-results`.
    """
    text: StyledText = []
    for transfer in transfers:
        text += [(separator, "$status-quiet")] if text else []
        text += [(f"{transfer.kind.value} ", "$status-quiet"), _format_file(transfer)]
    paths = [each.path for each in transfers if each.state is TransferState.FETCHED and each.path is not None]
    folders = {path.parent for path in paths}
    places = (
        [fmt.short_path(paths[0])]
        if len(paths) == 1
        else [f"in {fmt.short_path(folder)}" for folder in sorted(folders)]
    )
    return [*text, *((separator + line(place), "$status-quiet") for place in places)]


def _format_file(transfer: Transfer) -> tuple[str, str]:
    """Return size and rows of a result file, or why there is none."""
    match transfer.state:
        case TransferState.FETCHED:
            return (f"{fmt.size(transfer.size)}, {fmt.plural(transfer.rows or 0, 'row')}", "")
        case TransferState.WANTED:
            return ("downloading", "$status-active")
        case TransferState.GONE:
            return ("gone from the server", "$status-attention")
        case TransferState.FAILED:
            return (line(fill_keys(transfer.message or "not downloaded")), "$status-attention")


def next_action(record: JobRecord) -> str:
    """Return what is happening with the job, in a sentence."""
    submission = record.submission
    if record.is_waiting and submission is not None and submission.pause is Pause.COPIED:
        return fill_keys("{job.settle} sends it from here, or discards it. ") + line(submission.error or "")
    actions: dict[str, str] = {
        JobStatus.VALIDATING: "Accepted by the server; validation is still running.",
        JobStatus.IN_PROGRESS: "Running. Results download automatically when it finishes."
        if record.submission is not None
        else "Running. Not submitted from here; press {job.download} to download results.",
        JobStatus.CANCELLING: "Cancelling. Finished rows are returned and billed.",
        LocalStatus.UPLOADING: "Uploading the file; the job is created after that.",
        LocalStatus.WAITING: "On hold: {job.settle} sends or discards it."
        if record.group is not None and record.group.is_held
        else "Sent once what was sent before it is back.",
        LocalStatus.READY: "What was sent before it is back. Nothing else is sent until you confirm.",
        LocalStatus.SUBMITTING: "Creating the job (exactly once).",
        LocalStatus.UNCERTAIN: "Checking whether the job exists. Press {job.settle} to decide yourself.",
    }
    return fill_keys(actions.get(record.status, ""))
