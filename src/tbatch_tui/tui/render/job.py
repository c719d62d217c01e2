"""A job in words: what the list, its foot and the Job screen say of it. Pure; the clock comes from outside."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rich.cells import cell_len

from tbatch_tui.engine.domain.job import FileKind, JobStatus, LocalStatus
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

_NAMED = 4
"""Cells of a name below which its part is not worth them."""
_BEFORE_THE_CAUSE = re.compile(r"(Error validating input file: )?(Line \d+ \(within chunk\): )?")
"""What a failed job's error begins with: in a cell it would be all there is room for, and that line need not be the
file's. The foot says all of it."""


def format_kind(record: JobRecord) -> str:
    """`chat completions`; an endpoint nobody knows as it is."""
    endpoint = record.endpoint
    if endpoint is None:
        return ""
    try:
        return Endpoint(endpoint).words.lower()
    except ValueError:
        return line(endpoint)


def name_cell(record: JobRecord, width: int) -> str:
    """What it is called; of a part, which one it is has its room first."""
    part = f" · {record.part_words}" if record.group is not None else ""
    room = width - cell_len(part)
    if not part or room < _NAMED or cell_len(line(record.name_of_file)) <= room:
        return record.name
    return fit(record.name_of_file, room).rstrip() + part


def progress_cell(record: JobRecord, width: int) -> StyledText:
    """What the Progress column says: a bar while it runs, then what came of it."""
    job = record.job
    if job is None:
        return _submission_cell(record)
    if job.status == JobStatus.IN_PROGRESS or (not job.is_ended and job.progress > 0):
        percent = fmt.percent(job.progress / 100)
        done, rest = fmt.bar_parts(job.progress / 100, max(4, min(24, width - 6)))
        return [(done, "$status-active"), (rest, "$rule"), (f" {percent:>5}", "")]
    if job.status == JobStatus.VALIDATING:
        return [("being checked by the server", "$status-quiet")]
    if not job.is_ended:
        return [("finishing the rows under way" if "CANCEL" in job.status else "", "$status-quiet")]
    if job.error:
        said = line(job.error)
        return [(_BEFORE_THE_CAUSE.sub("", said, count=1) or said, "$status-failed")]
    return format_outcome(record, width)


def format_outcome(record: JobRecord, width: int | None = None) -> StyledText:
    """What came back: `1,980 ok · 17 err`, or where the files stand; in `width` cells as much of it as can be said."""
    trouble = next((t for t in record.transfers if t.state is TransferState.FAILED), None)
    if trouble is not None:
        return [("not fetched: ", "$status-attention"), (line(fill_keys(trouble.message or "")), "")]
    if any(t.state is TransferState.WANTED for t in record.transfers):
        return [("fetching results", "$status-active")]
    if any(t.state is TransferState.GONE for t in record.transfers):
        return [("gone from the server", "$status-attention")]
    if record.counts is not None:
        return counts_cell(record.counts, width)
    answered, errors = record.answered_rows, record.error_rows
    if answered is None and errors is None:
        has_files = record.job is not None and any(record.job.file_id(kind) for kind in FileKind)
        return [("on the server" if has_files else "no result files", "$status-quiet")]
    pieces: StyledText = [(f"{answered or 0:,} ok", "$status-ok" if not errors else "")]
    if errors:
        pieces += [(" · ", "$status-quiet"), (f"{errors:,} err", "$status-attention")]
    missing = (record.requests or 0) - (answered or 0) - (errors or 0)
    if record.requests is not None and missing > 0:
        pieces += [(" · ", "$status-quiet"), (f"{missing:,} missing", "$status-attention")]
    return pieces


def format_transfer(moved: TransferProgress, width: int) -> StyledText:
    """Bytes on their way: a bar of `width` cells, how many of how many, and how fast."""
    done, rest = fmt.bar_parts(moved.done / moved.total if moved.total else None, width)
    words = f" {fmt.size(moved.done)} of {fmt.size(moved.total)} {fmt.rate(moved.rate)}"
    return [(done, "$status-active"), (rest, "$rule"), (words, "")]


def request_count(record: JobRecord) -> int | None:
    """How many requests the job has; of one made elsewhere, how many rows came back. The API does not say."""
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
    """What the rest of a file waits for: the first requests, or the word on `9 answered, 1 error`."""
    if record.submission is None or not record.submission.error:
        first = f"the first {record.group.first:,}" if record.group is not None else "the first"
        return [(f"waits for {first}", "$status-quiet")]
    return [(line(record.submission.error), "$status-attention"), (": send it?", "")]


def format_duration(record: JobRecord, now: float) -> str:
    """How long it ran, or runs by now."""
    job = record.job
    if job is None or job.created_at is None:
        return fmt.MISSING
    if job.completed_at is not None:
        return fmt.duration(max(0.0, job.completed_at - job.created_at))
    return fmt.MISSING if job.is_ended else fmt.duration(max(0.0, now - job.created_at))


def _foot_head(record: JobRecord, now: float, width: int | None) -> StyledText:
    """What it is, and from when until when. Where there is no room, parts go whole, and the deadline never does."""
    job, name = record.job, line(record.name)
    id, kind = line(record.key[:8]) if job is not None else "", format_kind(record)
    since = f"submitted {fmt.when(record.created_at, now)}"
    ago = f"{since}, {fmt.age(record.created_at, now)}"
    until = ""
    if job is not None and not job.is_ended and job.deadline is not None:
        until = f"deadline {fmt.when(job.deadline, now)}"
    said: list[str] = []
    fewer = ((id, ago, until), (id, since, until), (since, until), (id, until), (until,))
    for parts in ((id, kind, ago, until), *fewer):
        said = [f" · {part}" for part in parts if part]
        room = None if width is None else width - cell_len("".join(said))
        if room is None or cell_len(name) <= room:
            break
    else:
        name = fit(name, room or 0).rstrip()
    return [(name, "bold"), *((part, "$status-quiet") for part in said)]


def details_lines(record: JobRecord, now: float, width: int | None = None) -> list[StyledText]:
    """Three lines that answer most questions about a row without opening it.

    In `width` cells the first is cut by parts; without one there is room, and the files stand under each other.
    """
    job, submission = record.job, record.submission
    first = _foot_head(record, now, width)
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
        second = _files_said(record.transfers, "\n" if width is None else " · ")
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
        path = record.group.path if record.group is not None else submission.path
        third = [
            (f"input{of} ", "$status-quiet"),
            (line(fmt.place(path)), ""),
            (f" ({fmt.size(submission.size)})", ""),
        ]
    elif record.input_name:
        size = f" ({fmt.size(job.file_size)})" if job is not None and job.file_size else ""
        third = [("made elsewhere from ", "$status-quiet"), (line(record.input_name), ""), (size, "")]
    if record.note:
        third += [("   note ", "$status-quiet"), (line(record.note), "")]
    return [first, second, third]


def _files_said(transfers: Sequence[Transfer], between: str) -> StyledText:
    """`output 1.2 MB, 1,980 rows · errors 243 B, 2 rows · in batch-results`: how much there is, and then where."""
    said: StyledText = []
    for transfer in transfers:
        said += [(between, "$status-quiet")] if said else []
        said += [(f"{transfer.kind.value} ", "$status-quiet"), _file_said(transfer)]
    here = [one.path for one in transfers if one.state is TransferState.FETCHED and one.path is not None]
    folders = {path.parent for path in here}
    where = [fmt.place(here[0])] if len(here) == 1 else [f"in {fmt.place(folder)}" for folder in sorted(folders)]
    return [*said, *((between + line(one), "$status-quiet") for one in where)]


def _file_said(transfer: Transfer) -> tuple[str, str]:
    """How much there is of a result file, or why there is nothing."""
    match transfer.state:
        case TransferState.FETCHED:
            return (f"{fmt.size(transfer.size)}, {fmt.plural(transfer.rows or 0, 'row')}", "")
        case TransferState.WANTED:
            return ("being fetched", "$status-active")
        case TransferState.GONE:
            return ("gone from the server", "$status-attention")
        case TransferState.FAILED:
            return (line(fill_keys(transfer.message or "not fetched")), "$status-attention")


def next_action(record: JobRecord) -> str:
    """What is happening, in a sentence."""
    words: dict[str, str] = {
        JobStatus.VALIDATING: "The server is checking the file. Accepted is not yet valid.",
        JobStatus.IN_PROGRESS: "Running. Results are fetched by themselves when it ends."
        if record.submission is not None
        else "Running; made elsewhere, so its results are fetched on {job.download}.",
        JobStatus.CANCELLING: "Being cancelled. Rows that are finished come back and are billed.",
        LocalStatus.UPLOADING: "The file goes up; the job is created after that.",
        LocalStatus.WAITING: "Nothing of it is sent before the first requests are back.",
        LocalStatus.READY: "The first requests are back. Nothing more is sent before you say so.",
        LocalStatus.SUBMITTING: "The job is being created, once.",
        LocalStatus.UNCERTAIN: "Whether the job was made is being looked up. {job.settle} decides it yourself.",
    }
    return fill_keys(words.get(record.status, ""))
