"""The questions before something is done to one job or several, and the messages about what failed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tbatch_tui.engine.errors import BatchError
from tbatch_tui.text import format as fmt
from tbatch_tui.tui.sanitize import fit, line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import App

    from tbatch_tui.engine.domain.record import JobRecord

NAMED = 5
"""How many jobs are named; the rest is counted."""
NAME_WIDTH = 40
"""Cells of a job's name in a question or message."""
BILLED = "Finished rows are returned and billed. Cancelling doesn't refund them."
NOTHING_YET = "Nothing has been created yet; stopping now costs nothing."


@dataclass(frozen=True, slots=True)
class Question:
    """What a `Confirm` dialog shows."""

    question: str
    explanation: str
    yes: str
    no: str


async def ask(app: App[Any], question: Question) -> bool:
    """Ask with a `Confirm` dialog; for a worker, because it waits for the answer."""
    from tbatch_tui.tui.dialogs.confirm import Confirm

    return await app.push_screen_wait(
        Confirm(question.question, question.explanation, yes=question.yes, no=question.no)
    )


def cancel_question(records: Sequence[JobRecord], *, hidden: int = 0, left: int = 0, waiting: int = 0) -> Question:
    """Return what is asked before jobs are cancelled.

    Args:
        records: What would be cancelled.
        hidden: How many of them the filter hides.
        left: How many more are marked, but cannot be cancelled.
        waiting: How many parts of the same files wait, and would not be sent any more.
    """
    dropped = f"{fmt.plural(waiting, 'part')} on hold will not be sent." if waiting else ""
    created = [record for record in records if record.job is not None]
    if len(records) == 1:
        [record] = records
        job = record.job
        at = f"It is at {fmt.percent(job.progress / 100)}. " if job is not None and job.progress > 0 else ""
        meaning = at + BILLED if job is not None else NOTHING_YET
        yes = "Cancel the job" if job is not None else "Stop it"
        return Question(
            f"Cancel {line(record.name)}?", _paragraphs(meaning, dropped, _format_left(left)), yes, "Keep it running"
        )
    uncreated = len(records) - len(created)
    return Question(
        f"Cancel {len(records):,} jobs?",
        _paragraphs(
            _format_names(records) + _format_hidden(hidden),
            BILLED if created else NOTHING_YET,
            f"{_count_and_verb(uncreated)} not created yet: stopping costs nothing." if uncreated and created else "",
            dropped,
            _format_left(left),
        ),
        f"Cancel {len(records):,} jobs",
        "Keep them running",
    )


def create_again_question(record: JobRecord) -> Question:
    """Return what is asked before a second create, while the outcome of the first is unknown."""
    return Question(
        f"Create {line(record.name)} again?",
        "If the first job was created after all, both run and both are billed.",
        yes="Create again",
        no="Keep looking",
    )


def send_again_question(unsent: Sequence[JobRecord], elsewhere: Sequence[JobRecord]) -> Question:
    """Return what is asked before that is sent which was refused or stopped.

    Args:
        unsent: The records that would be sent, all of one file.
        elsewhere: Other submissions of the same bytes that ran.
    """
    several = len(unsent) > 1
    first = unsent[0]
    group, submission = first.group, first.submission
    requests = fmt.plural(sum(record.requests or 0 for record in unsent), "request")
    reason = ". ".join(filter(None, (submission.error, submission.hint))) if submission is not None else ""
    ran = ""
    if elsewhere:
        run = elsewhere[0]
        ran = f"This file ran as {line(run.key)[:12]} ({run.status_words}): sending it again costs again."
    return Question(
        f"Send {len(unsent):,} parts of {line(first.name_of_file)} again?"
        if several
        else f"Send {line(first.name)} again?",
        _paragraphs(
            f"{_format_names(unsent)}: {'they were' if several else 'it was'} not sent." if several else "",
            f"Why it was not sent: {line(reason).rstrip('.')}." if reason else "",
            f"{requests}, each billed as it is answered."
            + (" Parts that ran are not sent again." if group is not None else ""),
            ran,
        ),
        yes="Send them" if several else "Send it",
        no="Cancel",
    )


def remove_question(records: Sequence[JobRecord], *, hidden: int = 0, blockers: Sequence[str] = ()) -> Question:
    """Return what is asked before jobs are removed from the list.

    Args:
        records: What would be removed.
        hidden: How many of them the filter hides.
        blockers: For each of the other marked jobs, why it stays.
    """
    several = len(records) > 1
    them, they_are = ("them", "They are") if several else ("it", "It is")
    unfetched = sum(
        bool(record.job and not record.transfers and (record.job.output_file_id or record.job.error_file_id))
        for record in records
    )
    return Question(
        f"Remove {len(records):,} jobs from this list?"
        if several
        else f"Remove {line(records[0].name)} from the list?",
        _paragraphs(
            _format_names(records) + _format_hidden(hidden) if several else "",
            f"{they_are} not on the server any more. Files on this disk stay. "
            f"Should the server list {them} again, {'they come' if several else 'it comes'} back."
            if any(record.job is not None for record in records)
            else f"{'They were' if several else 'It was'} never submitted and cost nothing.",
            f"The results of {unfetched:,} were never downloaded." if unfetched else "",
            format_blockers(blockers),
        ),
        f"Remove {them}",
        f"Keep {them}",
    )


def nothing_removed(blockers: Sequence[str]) -> str:
    """Return why none of the jobs can be removed from the list."""
    return f"Not removed: {blockers[0]}." if len(blockers) == 1 else format_blockers(blockers)


def format_blockers(blockers: Sequence[str]) -> str:
    """Return `2 not removed: the server still lists it …`, a sentence for each reason."""
    counts = {reason: blockers.count(reason) for reason in blockers}
    return " ".join(f"{count:,} not removed: {reason}." for reason, count in counts.items())


def combine_errors(
    failures: Sequence[tuple[JobRecord, BatchError]], total: int, not_done: str, untried: int = 0
) -> BatchError:
    """Return one error for all failures: that of a single job as it is, those of several grouped by their titles.

    Args:
        failures: The errors, each with its job.
        total: How many jobs it was to be done to.
        not_done: What they are now: `not cancelled`.
        untried: How many were not attempted.
    """
    if total == 1:
        return failures[0][1]
    names_by_title: dict[str, list[str]] = {}
    for record, error in failures:
        names_by_title.setdefault(error.title, []).append(fit(record.name, NAME_WIDTH).rstrip())
    sentences = [f"{title}: {_format_list(names)}." for title, names in names_by_title.items()]
    sentences += [f"{untried:,} {'was' if untried == 1 else 'were'} not attempted."] if untried else []
    sentences.append("They are still selected: press the key again to retry.")
    return BatchError(f"{len(failures) + untried:,} of {total:,} were {not_done}", " ".join(sentences))


def _paragraphs(*parts: str) -> str:
    return "\n\n".join(part for part in parts if part)


def _count_and_verb(count: int) -> str:
    return f"{count:,} {'is' if count == 1 else 'are'}"


def _format_left(count: int) -> str:
    return f"{_count_and_verb(count)} also selected, but can't be cancelled." if count else ""


def _format_hidden(count: int) -> str:
    return f"\n{_count_and_verb(count)} hidden by the filter." if count else ""


def _format_names(records: Sequence[JobRecord]) -> str:
    return _format_list([fit(record.name, NAME_WIDTH).rstrip() for record in records])


def _format_list(names: Sequence[str]) -> str:
    """Return `a, b and c`, or `a, b, c, d, e and 12 more`."""
    shown = list(names[:NAMED])
    more = len(names) - len(shown)
    last = f"{more:,} more" if more else shown.pop()
    return f"{', '.join(shown)} and {last}" if shown else last
