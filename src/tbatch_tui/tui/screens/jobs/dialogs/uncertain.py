"""What to do about a create whose answer is lost: which job it became, keep looking, create again, or give up."""

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
    """Answers the decision, or None to leave it to the next list of jobs."""

    def __init__(self, record: JobRecord, candidates: Sequence[Job], now: float) -> None:
        """Ask about an uncertain submission.

        Args:
            record: The submission.
            candidates: Jobs on the server that the create may have made.
            now: Seconds since the epoch, for times that are shown relative to it.
        """
        submission = record.submission
        since = submission.uncertain_since if submission is not None else None
        reason = (submission.error if submission is not None else None) or ""
        super().__init__(
            f"Was {record.name} created?",
            f"{reason.rstrip('.')}. Unknown since {_format_time(since, now)}.",
            list(_options(candidates, now)),
            leave="Cancel",
        )


def _options(candidates: Sequence[Job], now: float) -> Iterator[Option[LookupDecision]]:
    yield Option(LookupDecision(wait=True), "Wait longer", [("keep looking, never re-create", "")])
    for job in candidates:
        look = status_style(job.status)
        created = f" · created {_format_time(job.created_at, now)} · " if job.created_at is not None else " · "
        means: StyledText = [(f"{look.glyph} {look.word}", look.colour), (created, ""), (line(job.id), QUIET)]
        yield Option(LookupDecision(job_id=job.id), f"It is {line(job.id[:8])}", means)
    yield Option(LookupDecision(again=True), "Create again", [("billed twice if the first one exists", "")])
    yield Option(
        LookupDecision(give_up=True), "Give up", [("if the job exists, it will appear as not submitted from here", "")]
    )


def _format_time(then: float | None, now: float) -> str:
    """Return `14:02:11`, or the day if it was another: with seconds, because candidates may be seconds apart."""
    if then is None:
        return fmt.MISSING
    time = fmt.when(then, now)
    return f"{time}:{int(then) % 60:02d}" if ":" in time else time
