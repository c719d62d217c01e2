"""What to do with a create whose answer is lost: which job it is, look on, create again, or give up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tbatch_tui.engine.submit.lookup import LookupDecision
from tbatch_tui.text import format as fmt
from tbatch_tui.tui.dialogs.choose import ChoiceDialog, Option
from tbatch_tui.tui.render.status import QUIET, status_style
from tbatch_tui.tui.sanitize import line

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tbatch_tui.engine.domain.job import Job
    from tbatch_tui.engine.domain.record import JobRecord
    from tbatch_tui.tui.render.styled import StyledText


class UncertainDialog(ChoiceDialog[LookupDecision]):
    """One of the ways, or None to leave it to the list."""

    def __init__(self, record: JobRecord, candidates: Sequence[Job], now: float) -> None:
        submission = record.submission
        since = submission.uncertain_since if submission is not None else None
        said = (submission.error if submission is not None else None) or ""
        super().__init__(
            f"Was {record.name} created?",
            f"{said.rstrip('.')}. Not known since {_moment(since, now)}.",
            list(_ways(candidates, now)),
            leave="Leave it to the list",
        )


def _ways(candidates: Sequence[Job], now: float) -> Iterator[Option[LookupDecision]]:
    yield Option(LookupDecision(wait=True), "Wait longer", [("looked for, not created by itself", "")])
    for job in candidates:
        look = status_style(job.status)
        created = f" · created {_moment(job.created_at, now)} · " if job.created_at is not None else " · "
        means: StyledText = [(f"{look.glyph} {look.word}", look.colour), (created, ""), (line(job.id), QUIET)]
        yield Option(LookupDecision(job_id=job.id), f"It is {line(job.id[:8])}", means)
    yield Option(LookupDecision(again=True), "Create again", [("billed twice if the first was made", "")])
    yield Option(LookupDecision(), "Give up", [("a job that was made shows up later, as made elsewhere", "")])


def _moment(then: float | None, now: float) -> str:
    """`14:02:11`, and of another day that day: jobs made seconds apart are to be told apart."""
    if then is None:
        return fmt.MISSING
    said = fmt.when(then, now)
    return f"{said}:{int(then) % 60:02d}" if ":" in said else said
