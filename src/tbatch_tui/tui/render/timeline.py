"""The steps of a job, each with its time, from pressing Submit to the files on disk. Pure functions.

Nothing is made up: a time that was not observed is left out, or shown as a bound: `by 14:03`, `≤ 3 h`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tbatch_tui.engine.domain.job import ENDED, JobStatus
from tbatch_tui.engine.domain.submission import SUBMISSION_PREFIX, Submission, SubmissionState
from tbatch_tui.engine.domain.transfer import TransferState
from tbatch_tui.engine.progress.history import JobHistory, ProgressPoint
from tbatch_tui.text import format as fmt
from tbatch_tui.tui.render.status import status_style
from tbatch_tui.tui.sanitize import fit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tbatch_tui.engine.domain.record import JobRecord
    from tbatch_tui.tui.render.styled import StyledText

DONE, NOW, AHEAD, OVER = "●", "◐", "○", "✗"
WATCHED = 300.0
"""Seconds since the poll before within which a change gets a time, and not a bound."""
_COLOURS = {DONE: "$status-ok", NOW: "$status-active", AHEAD: "$status-quiet", OVER: "$status-failed"}
_WORD, _AT, _LASTED = 14, 22, 11


@dataclass(frozen=True, slots=True)
class TimelineStep:
    """A line of the timeline."""

    glyph: str
    word: str
    at: float | None = None
    """When the step happened, or began."""
    lasted: float | None = None
    """Seconds it took, or has taken so far."""
    is_by: bool = False
    """Whether `at` is a bound: the step happened by then."""
    bound: str = ""
    """`≤ ` or `≥ `, where `lasted` is a bound."""
    colour: str = ""

    def styled_text(self, now: float, *, short: bool = False) -> StyledText:
        """Return `● In progress    2026-11-24 14:02:11       41 m`.

        Args:
            short: Whether to leave out the duration, and the date where it is today.
        """
        colour = self.colour or _COLOURS.get(self.glyph, "$status-attention")
        at = "" if self.at is None else fmt.when(self.at, now) if short else fmt.absolute(self.at)
        lasted = "" if self.lasted is None else fmt.duration(self.lasted)
        time = f"{'≤ ' if self.is_by and at else ''}{at}"
        duration = f"{self.bound if lasted else ''}{lasted}"
        if short:
            return [(f"{self.glyph} ", colour), (fit(self.word, _WORD + 1), ""), (time, "$status-quiet")]
        return [
            (f"{self.glyph} ", colour),
            (fit(self.word, _WORD), "$status-quiet" if self.glyph == AHEAD else ""),
            (fit(time, _AT, align="right"), "$status-quiet" if self.glyph == AHEAD else ""),
            (fit(duration, _LASTED, align="right").rstrip(), "$status-quiet"),
        ]


STEP_WIDTH = 2 + _WORD + _AT + _LASTED


def timeline_steps(record: JobRecord, now: float, history: JobHistory = JobHistory()) -> list[TimelineStep]:  # noqa: B008 - it is frozen
    """Return what happened, what is happening and what is still ahead."""
    job = record.job
    timeline: list[TimelineStep] = []
    if record.submission is not None:
        timeline += _sending(record, record.submission, now, history)
    if job is None:
        return timeline
    if record.submission is None:
        timeline.append(TimelineStep(DONE, "Not from here", job.created_at))
    timeline += _on_the_server(record, now, history)
    end = _end(record, history)
    timeline.append(end)
    if record.transfers or (record.submission is not None and not job.is_ended):
        timeline.append(_fetching(record, end))
    return timeline


def _sending(record: JobRecord, submission: Submission, now: float, history: JobHistory) -> Iterator[TimelineStep]:
    """Yield the steps before the server has a job: intent, upload and create."""
    yield TimelineStep(DONE, "Submitted", submission.created_at)
    state = submission.state
    if state.is_waiting:
        yield TimelineStep(NOW if state is SubmissionState.WAITING else "◆", "Waiting", submission.created_at)
        return
    up = history.first(SUBMISSION_PREFIX + SubmissionState.UPLOADED)
    dropped = state in (SubmissionState.REJECTED, SubmissionState.STOPPED)
    if submission.file_id is not None:
        yield TimelineStep(
            DONE, "Uploaded", up.at if up else None, _between(submission.created_at, up.at if up else None)
        )
    elif dropped:
        yield TimelineStep(OVER, "Not uploaded")
    else:
        yield TimelineStep(NOW, "Uploading", None, now - submission.created_at)
    if record.job is not None:
        created = record.job.created_at
        yield TimelineStep(DONE, "Created", created, _between(up.at if up else None, created))
    elif state is not None and state.is_uncertain:
        since = submission.uncertain_since
        yield TimelineStep("?", "Answer lost", since, now - since if since is not None else None)
    elif dropped:
        yield TimelineStep(OVER, "Not created" if state is SubmissionState.REJECTED else "Stopped")
    else:
        yield TimelineStep(NOW if submission.file_id is not None else AHEAD, "Created")


def _on_the_server(record: JobRecord, now: float, history: JobHistory) -> Iterator[TimelineStep]:
    """Yield the statuses between creation and end, as they were observed; the usual two also when they were not."""
    job = record.job
    assert job is not None
    seen = [point for point in history.points if not point.status.startswith(SUBMISSION_PREFIX)]
    stays = _stays(seen)
    statuses = [status for status, _, _ in stays if status not in ENDED]
    ran = (
        JobStatus.IN_PROGRESS in statuses
        or job.status in (JobStatus.COMPLETED, JobStatus.EXPIRED)
        or (job.is_ended and (job.progress > 0 or job.output_file_id is not None))
    )
    if JobStatus.VALIDATING not in statuses and (ran or job.status == JobStatus.IN_PROGRESS):
        statuses.insert(0, JobStatus.VALIDATING)
    if JobStatus.IN_PROGRESS not in statuses and ran:
        statuses.insert(statuses.index(JobStatus.VALIDATING) + 1, JobStatus.IN_PROGRESS)
    if job.status not in statuses and not job.is_ended:
        statuses.append(job.status)
    by_status = {status: (first, after) for status, first, after in stays}
    for index, status in enumerate(statuses):
        first, after = by_status.get(status, (None, None))
        began = _began(status, first, job.created_at)
        word = status_style(status).word
        if status == job.status:
            since = now - began.at if began.at is not None else None
            yield TimelineStep(NOW, word, began.at, since, began.is_by, "≥ " if began.is_by else "")
        else:
            broke = job.status == JobStatus.FAILED and index == len(statuses) - 1
            follows = statuses[index + 1] if index < len(statuses) - 1 else job.status
            if after is not None and after.status != follows:
                after = None  # what came next was not observed: how long this lasted is not known
            ended = after.at if after is not None else None
            rough = "≤ " if after is not None and not _is_watched(after) else ""
            lasted = None if began.is_by else _between(began.at, ended)
            yield TimelineStep(OVER if broke else DONE, word, began.at, lasted, began.is_by, rough)
    if job.status == JobStatus.VALIDATING:
        yield TimelineStep(AHEAD, status_style(JobStatus.IN_PROGRESS).word)


def _began(status: str, first: ProgressPoint | None, created: float | None) -> TimelineStep:
    """Return when a status began.

    Validating begins with the job. For the others the first poll that showed them is a bound.
    """
    if status == JobStatus.VALIDATING:
        return TimelineStep(DONE, "", created)
    if first is None:
        return TimelineStep(DONE, "")
    return TimelineStep(DONE, "", first.at, is_by=not _is_watched(first))


def _stays(points: list[ProgressPoint]) -> list[tuple[str, ProgressPoint, ProgressPoint | None]]:
    """Return each status, the first point that had it, and the first point after that with another one."""
    stays: list[tuple[str, ProgressPoint, ProgressPoint | None]] = []
    for status in dict.fromkeys(point.status for point in points):
        index = next(n for n, point in enumerate(points) if point.status == status)
        stays.append((status, points[index], next((p for p in points[index:] if p.status != status), None)))
    return stays


def _is_watched(point: ProgressPoint) -> bool:
    """Return whether the poll before showed another status, and was not long ago."""
    return point.known_at is not None and point.at - point.known_at <= WATCHED


def _end(record: JobRecord, history: JobHistory) -> TimelineStep:
    job = record.job
    assert job is not None
    if not job.is_ended:
        return TimelineStep(AHEAD, "Deadline", job.deadline)
    style = status_style(job.status)
    first = history.first(job.status)
    at, is_by = job.completed_at, False
    if at is None and first is not None:
        at, is_by = first.at, not _is_watched(first)
    return TimelineStep(
        style.glyph, style.word, at, _between(job.created_at, at), is_by, "≤ " if is_by else "", style.colour
    )


def _fetching(record: JobRecord, end: TimelineStep) -> TimelineStep:
    transfers = record.transfers
    if transfers and all(t.state is TransferState.FETCHED for t in transfers):
        at = max(t.updated_at for t in transfers) or None
        is_automatic = record.submission is not None and not end.is_by  # else the time is that of the user's key press
        return TimelineStep(DONE, "Downloaded", at, _between(end.at, at) if is_automatic else None)
    if any(t.state is TransferState.FAILED for t in transfers):
        return TimelineStep("!", "Not downloaded")
    if any(t.state is TransferState.GONE for t in transfers):
        return TimelineStep("!", "Files gone")
    return TimelineStep(NOW if transfers else AHEAD, "Downloading" if transfers else "Downloaded")


def _between(before: float | None, after: float | None) -> float | None:
    """Return the seconds between two times; None when one is unknown, or two clocks disagree."""
    return after - before if before is not None and after is not None and after >= before else None
