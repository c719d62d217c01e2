"""What the Job screen says: how it stands, where its files are, what it is. Pure; the clock comes from outside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from tbatch_tui.engine.domain.job import FileKind, JobStatus
from tbatch_tui.engine.domain.transfer import Transfer, TransferState
from tbatch_tui.engine.events import TransferProgress
from tbatch_tui.engine.local_files.input_state import InputState
from tbatch_tui.text import format as fmt
from tbatch_tui.tui.keys.hints import fill_keys
from tbatch_tui.tui.render.counts import counts_style, format_counts
from tbatch_tui.tui.render.error_hints import error_hint
from tbatch_tui.tui.render.job import StyledText, kind_of, moved_pieces, next_action, outcome_pieces, progress_cell
from tbatch_tui.tui.render.pace import meter
from tbatch_tui.tui.render.status import ATTENTION, FAILED, OK, QUIET, look_of
from tbatch_tui.tui.sanitize import line, lines

if TYPE_CHECKING:
    from tbatch_tui.engine.domain.record import FamilyMember, JobRecord
    from tbatch_tui.engine.domain.submission import Submission
    from tbatch_tui.engine.progress.history import JobHistory
    from tbatch_tui.tui.widgets.fact_list import Fact

BAR = 24
_SHOWN = 1_500
_EARLIER = 3
_INPUT_WORDS: dict[InputState | None, tuple[str, str]] = {
    None: ("being compared with what was submitted …", QUIET),
    InputState.UNCHANGED: ("unchanged since it was submitted", OK),
    InputState.CHANGED: ("changed since it was submitted: not these bytes any more", ATTENTION),
    InputState.GONE: ("not there any more", ATTENTION),
    InputState.UNREADABLE: ("there, but it cannot be read", ATTENTION),
}

Moved = Mapping[FileKind | None, TransferProgress]


def standing(record: JobRecord, history: JobHistory, seen_at: float | None, now: float, moved: Moved) -> list[Fact]:
    """How it stands: what is under way, what came of it, what went wrong and what helps."""
    job, submission = record.job, record.submission
    facts: list[Fact] = []
    if (up := moved.get(None)) is not None and up.total:
        facts.append(("Upload", moved_pieces(up, BAR)))
    if job is not None and not job.is_ended and (job.status == JobStatus.IN_PROGRESS or job.progress > 0):
        facts.append(("Progress", progress_cell(record, BAR + 6)))
    facts += meter(record, history, seen_at, now)
    if said := next_action(record):
        facts.append(("" if facts else "Now", [(said, QUIET)]))
    if job is not None and job.is_ended and not (job.error and not record.transfers):
        tally = record.counts
        facts.append(("Outcome", [(format_counts(tally), counts_style(tally))] if tally else outcome_pieces(record)))
    if job is not None and job.error:
        facts += [("Error", [(some(job.error), FAILED)]), ("", [(fill_keys(error_hint(job.error)), QUIET)])]
    if record.is_waiting and submission is not None and submission.error:
        facts.append(("First", [(some(submission.error), ATTENTION)]))
    elif submission is not None and submission.error:
        facts += [
            ("Trouble", [(some(submission.error), ATTENTION)]),
            ("", [(some(fill_keys(submission.hint or "")), QUIET)]),
        ]
    if submission is not None and submission.warning:
        facts.append(("Warning", [(some(submission.warning), ATTENTION)]))
    if not said and (said := _what_next(record)):
        facts.append(("" if facts else "Now", [(said, QUIET)]))
    return _said(facts)


def files(record: JobRecord, moved: Moved, input_state: InputState | None) -> list[Fact]:
    """Where the input and the results are."""
    job = record.job
    facts: list[Fact] = []
    if record.submission is not None:
        facts += _input(record.submission, input_state)
    elif record.input_name:
        size = f"{fmt.size(job.file_size)}  " if job is not None and job.file_size is not None else ""
        facts.append(("Input", [(f"{size}{line(record.input_name)}", ""), (", uploaded elsewhere", QUIET)]))
    for kind, title, here in (
        (FileKind.OUTPUT, "Output", record.output),
        (FileKind.ERRORS, "Errors", record.errors),
    ):
        if job is not None and job.file_id(kind) is not None:
            facts += _result(title, here, moved.get(kind))
    return _said(facts)


def about(record: JobRecord, earlier: Sequence[JobRecord], family: Sequence[FamilyMember], now: float) -> list[Fact]:
    """What it is: what does not change, and what the person wrote."""
    job = record.job
    facts: list[Fact] = [
        ("Label", [(line(record.label), "")]),
        ("Note", [(some(record.note), "")]),
        ("Endpoint", [(kind_of(record), ""), (f"  {line(record.endpoint or '')}", QUIET)]),
    ]
    if job is not None:
        facts.append(("Model", [(line(job.model or ("–" if job.is_ended else "named once validated")), "")]))
    if record.requests is not None:
        of = f" of {fmt.count(record.group.requests)}" if record.group is not None else ""
        facts.append(("Requests", [(f"{fmt.count(record.requests)}{of}", "")]))
    if record.group is not None:
        facts.append(("Part of", [(line(fmt.short_path(record.group.path)), ""), (f"  {record.part_words}", QUIET)]))
    facts += _lineage(record, earlier, family, now)
    if job is not None:
        facts.append(("Job id", [(line(job.id), "")]))
        for name, id in (
            ("Input id", job.input_file_id),
            ("Output id", job.output_file_id),
            ("Errors id", job.error_file_id),
        ):
            facts.append((name, [(line(id or ""), QUIET)]))
    return _said(facts)


def some(text: str) -> str:
    """Foreign text of several lines, as much of it as a person would read here; `v` has the rest."""
    more = len(text) - _SHOWN
    return lines(text) if more <= 0 else f"{lines(text[:_SHOWN])} … and {more:,} characters more"


def _what_next(record: JobRecord) -> str:
    """For what has ended, what a person could want to know of it."""
    match record.status:
        case JobStatus.FAILED:
            return "A job that failed has no result files. What failed while validating is not billed."
        case JobStatus.EXPIRED:
            return "Its time was over before all rows were done. What was finished comes back, and is billed."
        case JobStatus.CANCELLED:
            return "What was finished before it was cancelled comes back, and is billed."
        case _ if record.job is not None and not record.job.is_ended:
            return "This app does not know that status. It is shown as the server spells it, and looked at again."
        case _:
            return ""


def _input(submission: Submission, state: InputState | None) -> list[Fact]:
    words, style = _INPUT_WORDS[state]
    return [
        ("Input", [(fmt.size(submission.size), ""), (f"  {line(fmt.short_path(submission.path))}", "")]),
        ("", [(words, style)]),
    ]


def _result(title: str, here: Transfer | None, moved: TransferProgress | None) -> list[Fact]:
    said: StyledText
    if moved is not None:
        said = moved_pieces(moved, BAR)
    elif here is None:
        said = [(fill_keys("on the server; {job.download} fetches it"), ATTENTION)]
    else:
        match here.state:
            case TransferState.FETCHED:
                facts = f"{fmt.size(here.size)}, {fmt.plural(here.rows or 0, 'row')}"
                said = [(facts, ""), (f"  {line(fmt.short_path(here.path))}", "")]
            case TransferState.GONE:
                said = [("gone from the server", ATTENTION)]
            case TransferState.WANTED:
                said = [("being fetched", "$status-active")]
            case TransferState.FAILED:
                said = [(line(fill_keys(here.message or "not fetched")), ATTENTION)]
    facts_: list[Fact] = [(title, said)]
    if here is not None and here.message and here.state is not TransferState.FAILED:
        facts_.append(("", [(line(fill_keys(here.message)), ATTENTION)]))
    return facts_


def _lineage(record: JobRecord, earlier: Sequence[JobRecord], family: Sequence[FamilyMember], now: float) -> list[Fact]:
    """What it is a retry of, its own retries, and other runs of the same bytes."""
    facts: list[Fact] = []
    for title, others in (
        ("Retry of", [kin.record for kin in family if kin.record.key == _parent(record)]),
        ("Retried as", [kin.record for kin in family if _parent(kin.record) == record.key]),
        ("Other parts", [kin.record for kin in family if _is_other_part(kin.record, record)]),
        ("Same file", earlier),
    ):
        for number, other in enumerate(others[:_EARLIER]):
            what = f", {fmt.when(other.created_at, now)}, {look_of(other.status).word.lower()}, {line(other.key[:8])}"
            facts.append((title if not number else "", [(line(other.name), ""), (what, QUIET)]))
        if len(others) > _EARLIER:
            facts.append(("", [(f"and {len(others) - _EARLIER:,} more", QUIET)]))
    return facts


def _is_other_part(other: JobRecord, record: JobRecord) -> bool:
    return record.group is not None and other.group == record.group and other.key != record.key


def _parent(record: JobRecord) -> str | None:
    return record.submission.parent if record.submission is not None else None


def _said(facts: list[Fact]) -> list[Fact]:
    """Without what says nothing."""
    return [(name, pieces) for name, pieces in facts if any(text.strip() for text, _ in pieces)]
