"""The facts of the Job screen: status, files, and what the job is. Pure functions; the caller passes the time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from tbatch_tui.engine.domain.counts import format_sum
from tbatch_tui.engine.domain.job import FileKind, JobStatus, LocalStatus
from tbatch_tui.engine.domain.submission import Pause
from tbatch_tui.engine.domain.transfer import Transfer, TransferState
from tbatch_tui.engine.events import TransferProgress
from tbatch_tui.engine.local_files.input_state import InputState
from tbatch_tui.text import format as fmt
from tbatch_tui.tui.keys.hints import fill_keys
from tbatch_tui.tui.render.counts import counts_style
from tbatch_tui.tui.render.error_hints import error_hint
from tbatch_tui.tui.render.job import format_kind, format_outcome, format_transfer, next_action, progress_cell
from tbatch_tui.tui.render.pace import pace_facts
from tbatch_tui.tui.render.status import ATTENTION, FAILED, OK, QUIET, status_style
from tbatch_tui.tui.sanitize import line, lines

if TYPE_CHECKING:
    from tbatch_tui.engine.domain.record import FamilyMember, JobRecord
    from tbatch_tui.engine.domain.submission import Submission
    from tbatch_tui.engine.progress.history import JobHistory
    from tbatch_tui.tui.render.styled import StyledText
    from tbatch_tui.tui.widgets.fact_list import Fact

BAR = 24
"""Cells of a progress bar."""
_MAX_TEXT = 1_500
"""Characters that are shown of a text of the server or the person."""
_MAX_RELATED = 3
"""Related jobs that are named one by one."""
_INPUT_WORDS: dict[InputState | None, tuple[str, str]] = {
    None: ("comparing with what was submitted …", QUIET),
    InputState.UNCHANGED: ("unchanged since it was submitted", OK),
    InputState.CHANGED: ("changed since it was submitted", ATTENTION),
    InputState.GONE: ("no longer there", ATTENTION),
    InputState.UNREADABLE: ("there, but unreadable", ATTENTION),
}

Transfers = Mapping[FileKind | None, TransferProgress]
"""The transfers of a job that are running; None is the upload."""


def status_facts(
    record: JobRecord, history: JobHistory, seen_at: float | None, now: float, transfers: Transfers
) -> list[Fact]:
    """Return what is going on, how it ended, what went wrong, and what helps."""
    job, submission = record.job, record.submission
    facts: list[Fact] = []
    if (upload := transfers.get(None)) is not None and upload.total:
        facts.append(("Upload", format_transfer(upload, BAR)))
    if job is not None and not job.is_ended and (job.status == JobStatus.IN_PROGRESS or job.progress > 0):
        facts.append(("Progress", progress_cell(record, BAR + 6)))
    facts += pace_facts(record, history, seen_at, now)
    if action := next_action(record):
        facts.append(("" if facts else "Now", [(action, QUIET)]))
    if job is not None and job.is_ended and not (job.error and not record.transfers):
        counts = record.counts
        text = (
            [(format_sum(counts), counts_style(counts, counts.attention_share))] if counts else format_outcome(record)
        )
        facts.append(("Outcome", text))
    if job is not None and job.error:
        facts += [("Error", [(shorten(job.error), FAILED)]), ("", [(fill_keys(error_hint(job.error)), QUIET)])]
    if record.is_waiting and submission is not None and submission.error:
        is_ready = record.status == LocalStatus.READY
        is_first = is_ready and submission.pause is not Pause.COPIED
        facts.append(("First" if is_first else "Waits", [(shorten(submission.error), ATTENTION if is_ready else "")]))
    elif submission is not None and submission.error:
        facts += [
            ("Trouble", [(shorten(submission.error), ATTENTION)]),
            ("", [(shorten(fill_keys(submission.hint or "")), QUIET)]),
        ]
    if submission is not None and submission.warning:
        facts.append(("Warning", [(shorten(submission.warning), ATTENTION)]))
    if not action and (explanation := _explanation(record)):
        facts.append(("" if facts else "Now", [(explanation, QUIET)]))
    return _without_empty(facts)


def file_facts(record: JobRecord, transfers: Transfers, input_state: InputState | None) -> list[Fact]:
    """Return where the input file and the result files are."""
    job = record.job
    facts: list[Fact] = []
    if record.submission is not None:
        facts += _input(record, record.submission, input_state)
    elif record.input_name:
        size = f"{fmt.size(job.file_size)}  " if job is not None and job.file_size is not None else ""
        facts.append(("Input", [(f"{size}{line(record.input_name)}", ""), (", not uploaded from here", QUIET)]))
    for kind, title, transfer in (
        (FileKind.OUTPUT, "Output", record.output),
        (FileKind.ERRORS, "Errors", record.errors),
    ):
        if job is not None and job.file_id(kind) is not None:
            facts += _result(title, transfer, transfers.get(kind))
    return _without_empty(facts)


def about_facts(
    record: JobRecord, earlier: Sequence[JobRecord], family: Sequence[FamilyMember], now: float
) -> list[Fact]:
    """Return what does not change about a job, and what the person wrote about it."""
    job = record.job
    facts: list[Fact] = [
        ("Label", [(line(record.label), "")]),
        ("Note", [(shorten(record.note), "")]),
        ("Endpoint", [(format_kind(record), ""), (f"  {line(record.endpoint or '')}", QUIET)]),
    ]
    if job is not None:
        facts.append(("Model", [(line(job.model or ("–" if job.is_ended else "named once validated")), "")]))
    if record.requests is not None:
        of = f" of {fmt.count(record.group.requests)}" if record.group is not None else ""
        facts.append(("Requests", [(f"{fmt.count(record.requests)}{of}", "")]))
    if record.group is not None:
        facts.append(
            ("Part of", [(line(fmt.short_path(record.source_files[0])), ""), (f"  {record.part_words}", QUIET)])
        )
    facts += _lineage(record, earlier, family, now)
    if job is not None:
        facts.append(("Job id", [(line(job.id), "")]))
        for name, file_id in (
            ("Input id", job.input_file_id),
            ("Output id", job.output_file_id),
            ("Errors id", job.error_file_id),
        ):
            facts.append((name, [(line(file_id or ""), QUIET)]))
    return _without_empty(facts)


def shorten(text: str) -> str:
    """Return the start of a text from outside, safe for the screen; the raw view has all of it."""
    more = len(text) - _MAX_TEXT
    return lines(text) if more <= 0 else f"{lines(text[:_MAX_TEXT])} … and {more:,} characters more"


def _explanation(record: JobRecord) -> str:
    """Return what a person may want to know about a status."""
    match record.status:
        case JobStatus.FAILED:
            return "Failed jobs have no result files. A job that fails validation is not billed."
        case JobStatus.EXPIRED:
            return "It expired before all rows were done. Finished rows are returned and billed."
        case JobStatus.CANCELLED:
            return "Rows finished before it was cancelled are returned and billed."
        case _ if record.job is not None and not record.job.is_ended:
            return "Unknown status, shown as the server spells it; still polling."
        case _:
            return ""


def _input(record: JobRecord, submission: Submission, state: InputState | None) -> list[Fact]:
    words, style = _INPUT_WORDS[state]
    slices = record.slices_read
    place = fmt.short_path(slices[0].path if slices else submission.path)
    if slices:
        place += f", {record.source_words}"
    return [
        ("Input", [(fmt.size(submission.size), ""), (f"  {line(place)}", "")]),
        ("", [(words, style)]),
    ]


def _result(title: str, transfer: Transfer | None, progress: TransferProgress | None) -> list[Fact]:
    pieces: StyledText
    if progress is not None:
        pieces = format_transfer(progress, BAR)
    elif transfer is None:
        pieces = [(fill_keys("not downloaded; press {job.download} to download"), ATTENTION)]
    else:
        match transfer.state:
            case TransferState.FETCHED:
                size = f"{fmt.size(transfer.size)}, {fmt.plural(transfer.rows or 0, 'row')}"
                pieces = [(size, ""), (f"  {line(fmt.short_path(transfer.path))}", "")]
            case TransferState.GONE:
                pieces = [("gone from the server", ATTENTION)]
            case TransferState.WANTED:
                pieces = [("downloading", "$status-active")]
            case TransferState.FAILED:
                pieces = [(line(fill_keys(transfer.message or "not downloaded")), ATTENTION)]
    facts: list[Fact] = [(title, pieces)]
    if transfer is not None and transfer.message and transfer.state is not TransferState.FAILED:
        facts.append(("", [(line(fill_keys(transfer.message)), ATTENTION)]))
    return facts


def _lineage(record: JobRecord, earlier: Sequence[JobRecord], family: Sequence[FamilyMember], now: float) -> list[Fact]:
    """Return what the job is a retry of, its own retries, its other parts, and other runs of the same bytes."""
    facts: list[Fact] = []
    for title, others in (
        ("Retry of", [member.record for member in family if member.record.key == _parent(record)]),
        ("Retried as", [member.record for member in family if _parent(member.record) == record.key]),
        ("Other parts", [member.record for member in family if _is_other_part(member.record, record)]),
        ("Same file", earlier),
    ):
        for number, other in enumerate(others[:_MAX_RELATED]):
            status = status_style(other.status).word.lower()
            details = f", {fmt.when(other.created_at, now)}, {status}, {line(other.key[:8])}"
            facts.append((title if not number else "", [(line(other.name), ""), (details, QUIET)]))
        if len(others) > _MAX_RELATED:
            facts.append(("", [(f"and {len(others) - _MAX_RELATED:,} more", QUIET)]))
    return facts


def _is_other_part(other: JobRecord, record: JobRecord) -> bool:
    return record.group is not None and other.group == record.group and other.key != record.key


def _parent(record: JobRecord) -> str | None:
    return record.submission.parent if record.submission is not None else None


def _without_empty(facts: list[Fact]) -> list[Fact]:
    """Return the facts that have a text."""
    return [(name, pieces) for name, pieces in facts if any(text.strip() for text, _ in pieces)]
