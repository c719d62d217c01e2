"""The story of a job: its steps with their times, and hints for the errors that the server is known to give."""

from __future__ import annotations

from tbatch_tui.engine.model import JobRecord, JobStatus, SubmissionState, TransferState
from tbatch_tui.tui import format as fmt
from tbatch_tui.tui.widgets.job_words import Pieces
from tbatch_tui.tui.widgets.status import look_of

DONE, NOW, AHEAD = "●", "◐", "○"

_HINTS = (
    ("invalid json", "A line is not JSON. The number it names need not be the file's: check the file (n) to find it."),
    ("error reading input file", "Usually a line over 10 MB. Check the file (n): it names the line."),
    ("custom_id", "An id is missing or used twice. Check the file (n): it names both lines."),
    ("model", "Look whether the model's name is right and open to batches for your account."),
    ("not found", "The input file was not on the server any more. Submit the file again."),
    ("credit", "The account has no credit left; see Settings → Billing on api.together.ai."),
)


def error_hint(error: str) -> str:
    """What usually helps with this error; what is safe to say of any other."""
    lowered = error.lower()
    found = next((hint for sign, hint in _HINTS if sign in lowered), None)
    return found or "A job that fails while validating is not billed. The file is still here: mend it and submit again."


def timeline(record: JobRecord, now: float) -> list[Pieces]:
    """The steps, one a line: done with its time, under way, or still ahead."""
    job, submission = record.job, record.submission
    state = submission.state if submission is not None else None
    steps: list[tuple[str, str, str]] = []
    if submission is not None:
        uploaded = state not in (SubmissionState.INTENT,) and submission.file_id is not None
        steps.append((DONE, "Submit pressed", fmt.when(submission.created_at, now)))
        steps.append((DONE if uploaded else NOW, "Uploaded" if uploaded else "Uploading", ""))
    if job is None:
        lost = state is SubmissionState.UNCERTAIN
        dropped = state in (SubmissionState.REJECTED, SubmissionState.STOPPED)
        word = "Create asked, answer lost" if lost else "Not created" if dropped else "Create the job"
        steps.append(("✗" if dropped else NOW if lost else AHEAD, word, ""))
        return [_step(*step) for step in steps]
    steps.append((DONE, "Created" if submission is not None else "Created elsewhere", fmt.when(job.created_at, now)))
    validating = job.status == JobStatus.VALIDATING
    failed_early = job.status == JobStatus.FAILED and job.output_file_id is None
    steps.append((NOW if validating else "✗" if failed_early else DONE, "Checked by the server", ""))
    if not failed_early:
        ran = AHEAD if validating else DONE if job.is_ended else NOW
        steps.append((ran, "Run", "" if validating else fmt.percent(job.progress / 100)))
    end = look_of(job.status)
    if job.is_ended:
        steps.append((end.glyph, end.word, fmt.when(job.completed_at, now) if job.completed_at else ""))
    else:
        steps.append((AHEAD, "Ended", f"by {fmt.when(job.deadline, now)}" if job.deadline is not None else ""))
    if record.transfers or (submission is not None and not job.is_ended):
        fetched = bool(record.transfers) and all(t.state is TransferState.FETCHED for t in record.transfers)
        trouble = any(t.state in (TransferState.FAILED, TransferState.GONE) for t in record.transfers)
        glyph = DONE if fetched else "!" if trouble else NOW if record.transfers else AHEAD
        at = max((t.updated_at for t in record.transfers), default=0.0)
        steps.append((glyph, "Results fetched", fmt.when(at, now) if fetched and at else ""))
    return [_step(*step) for step in steps]


_COLOURS = {DONE: "$status-ok", NOW: "$status-active", AHEAD: "$status-quiet", "✗": "$status-failed"}


def _step(glyph: str, word: str, at: str) -> Pieces:
    colour = _COLOURS.get(glyph, "$status-attention" if glyph in "!⊘" else "")
    return [(f"{glyph} ", colour), (f"{word:<20}", "" if glyph != AHEAD else "$status-quiet"), (at, "$status-quiet")]
