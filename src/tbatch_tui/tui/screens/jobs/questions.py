"""What is asked before something is done to one job or to several, and what is said of it afterwards."""

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
"""So many jobs are named; the rest is counted."""
NAME_WIDTH = 40
BILLED = "Rows that are finished come back and are billed; cancelling refunds nothing."
NOTHING_YET = "Nothing has been created yet: stopping now leaves no job and costs nothing."


@dataclass(frozen=True, slots=True)
class Question:
    """What a `Confirm` is given."""

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


def cancel_question(records: Sequence[JobRecord], *, hidden: int = 0, left: int = 0) -> Question:
    """Before cancelling. `hidden` of them are not shown now; `left` more were meant, but cannot be cancelled."""
    created = [record for record in records if record.job is not None]
    if len(records) == 1:
        [record] = records
        job = record.job
        at = f"It is at {fmt.percent(job.progress / 100)}. " if job is not None and job.progress > 0 else ""
        means = at + BILLED if job is not None else NOTHING_YET
        yes = "Cancel the job" if job is not None else "Stop it"
        return Question(f"Cancel {line(record.name)}?", _paragraphs(means, _left(left)), yes, "Keep it running")
    uncreated = len(records) - len(created)
    return Question(
        f"Cancel {len(records):,} jobs?",
        _paragraphs(
            _names(records) + _hidden(hidden),
            BILLED if created else NOTHING_YET,
            f"{_are(uncreated)} not created yet: stopping leaves no job and costs nothing."
            if uncreated and created
            else "",
            _left(left),
        ),
        f"Cancel {len(records):,} jobs",
        "Keep them running",
    )


def create_again_question(record: JobRecord) -> Question:
    """Return what is asked before a second create, while the outcome of the first is unknown."""
    return Question(
        f"Create {line(record.name)} again?",
        "If the first create was carried out after all, both jobs run and both are billed.",
        yes="Create again",
        no="Look on",
    )


def remove_question(records: Sequence[JobRecord], *, hidden: int = 0, kept: Sequence[str] = ()) -> Question:
    """Before taking jobs out of the list. `kept` says, for each that stays though it was meant, why."""
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
            _names(records) + _hidden(hidden) if several else "",
            f"{they_are} not on the server any more. Files on this disk stay. "
            f"Should the server list {them} again, {'they come' if several else 'it comes'} back."
            if any(record.job is not None for record in records)
            else f"{'They were' if several else 'It was'} never submitted, and cost nothing.",
            f"The results of {unfetched:,} were never fetched." if unfetched else "",
            rest_stays(kept),
        ),
        f"Remove {them}",
        f"Keep {them}",
    )


def nothing_removed(reasons: Sequence[str]) -> str:
    """Return why none of the jobs can be removed from the list."""
    return f"It stays in the list: {reasons[0]}." if len(reasons) == 1 else rest_stays(reasons)


def rest_stays(reasons: Sequence[str]) -> str:
    """`2 stay: still on the server's list …`, a sentence for each reason."""
    counted = {reason: reasons.count(reason) for reason in reasons}
    return " ".join(f"{count:,} {'stays' if count == 1 else 'stay'}: {reason}." for reason, count in counted.items())


def group_text(
    failures: Sequence[tuple[JobRecord, BatchError]], meant: int, not_done: str, untried: int = 0
) -> BatchError:
    """One message for all that went wrong: of one job as it is, of several by what went wrong.

    Args:
        failures: What went wrong, and with which job.
        meant: How many were meant.
        not_done: `not cancelled`.
        untried: How many were not tried any more.
    """
    if meant == 1:
        return failures[0][1]
    reasons: dict[str, list[str]] = {}
    for record, error in failures:
        reasons.setdefault(error.title, []).append(fit(record.name, NAME_WIDTH).rstrip())
    said = [f"{title}: {_listed(names)}." for title, names in reasons.items()]
    said += [f"{untried:,} {'was' if untried == 1 else 'were'} not tried any more."] if untried else []
    said.append("They are still marked: press the key again to try them again.")
    return BatchError(f"{len(failures) + untried:,} of {meant:,} were {not_done}", " ".join(said))


def _paragraphs(*said: str) -> str:
    return "\n\n".join(part for part in said if part)


def _are(count: int) -> str:
    return f"{count:,} {'is' if count == 1 else 'are'}"


def _left(count: int) -> str:
    return f"{_are(count)} marked too, but cannot be cancelled." if count else ""


def _hidden(count: int) -> str:
    return f"\n{_are(count)} hidden by the filter." if count else ""


def _names(records: Sequence[JobRecord]) -> str:
    return _listed([fit(record.name, NAME_WIDTH).rstrip() for record in records])


def _listed(names: Sequence[str]) -> str:
    """`a, b and c`; `a, b, c, d, e and 12 more`."""
    shown = list(names[:NAMED])
    more = len(names) - len(shown)
    last = f"{more:,} more" if more else shown.pop()
    return f"{', '.join(shown)} and {last}" if shown else last
