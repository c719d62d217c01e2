"""A record as plain data, for `--json`, for `Y` (copy), and for the person's notify command."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tbatch_tui.engine.domain.counts import JobCounts
    from tbatch_tui.engine.domain.record import JobRecord
    from tbatch_tui.engine.domain.transfer import Transfer


def record_to_dict(record: JobRecord) -> dict[str, Any]:
    """Return all that is known of a record, as JSON takes it. Times are UTC; what is not known is None."""
    job, submission, slices = record.job, record.submission, record.slices_read
    return {
        "id": job.id if job is not None else None,
        "key": record.key,
        "name": record.name,
        "label": record.label,
        "note": record.note,
        "status": record.status,
        "status_words": record.status_words,
        "is_active": record.is_active,
        "progress": job.progress if job is not None else None,
        "endpoint": record.endpoint,
        "model": job.model if job is not None else None,
        "requests": record.requests,
        "created_at": format_time(record.created_at),
        "completed_at": format_time(job.completed_at if job is not None else None),
        "deadline": format_time(job.deadline if job is not None else None),
        "error": (job.error if job is not None else None) or (submission.error if submission is not None else None),
        "warning": submission.warning if submission is not None else None,
        "input": {
            "name": record.input_name or None,
            "path": _path(submission.path) if submission is not None and not slices else None,
            "slices": [
                {"path": _path(each.path), "offset": each.offset, "size": each.size - each.lacks_end} for each in slices
            ]
            or None,
            "sha256": submission.sha256 if submission is not None else None,
            "size": submission.size if submission is not None else (job.file_size if job is not None else None),
            "file_id": job.input_file_id if job is not None else (submission.file_id if submission else None),
        },
        "output": _file(record.output, job.output_file_id if job is not None else None),
        "errors": _file(record.errors, job.error_file_id if job is not None else None),
        "retry_of": submission.parent if submission is not None and record.group is None else None,
        "group": _group(record),
        "tally": _counts(record.counts),
    }


def _group(record: JobRecord) -> dict[str, Any] | None:
    """Return the input file that the record is a part of; None for one that was submitted as one job."""
    group, submission = record.group, record.submission
    if group is None or submission is None:
        return None
    return {
        "id": group.id,
        "path": _path(record.source_files[0]),
        "requests": group.requests,
        "part": submission.part,
        "parts": group.parts,
        "first": group.first or None,
    }


def _counts(counts: JobCounts | None) -> dict[str, Any] | None:
    """Return how many requests came to which outcome; None until the files are counted."""
    if counts is None:
        return None
    return {
        "requests": counts.requests,
        "answered": counts.answered,
        "errors": counts.errors,
        "missing": counts.missing,
        "ok": counts.ok,
        "cut_short": counts.cut_short,
        "invalid": counts.invalid,
        "unknown_ids": counts.unknown,
        "duplicates": counts.duplicates,
        "unreadable": counts.unreadable,
        "is_even": counts.is_even,
        "prompt_tokens": counts.prompt_tokens,
        "completion_tokens": counts.completion_tokens,
        "audio_seconds": counts.audio_seconds,
    }


def _file(transfer: Transfer | None, file_id: str | None) -> dict[str, Any] | None:
    if transfer is None:
        return None if file_id is None else {"file_id": file_id, "state": "on-server"}
    return {
        "file_id": transfer.file_id,
        "state": transfer.state.value,
        "path": _path(transfer.path) if transfer.path is not None else None,
        "size": transfer.size,
        "rows": transfer.rows,
        "message": transfer.message,
    }


def _path(path: object) -> str:
    return str(path).encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def format_time(seconds: float | None) -> str | None:
    """Return a moment (seconds since the epoch) as ISO 8601 in UTC."""
    try:
        return None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
    except (OverflowError, OSError, ValueError):  # a server may send anything
        return None
