"""Rows of the database to and from the values of `model`."""

from __future__ import annotations

import os
from dataclasses import asdict, astuple
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tbatch_tui.engine.domain.cost import Estimate
from tbatch_tui.engine.domain.counts import JobCounts, ModelUsage
from tbatch_tui.engine.domain.job import FileKind, Job
from tbatch_tui.engine.domain.record import JobRecord
from tbatch_tui.engine.domain.submission import JobGroup, Submission, SubmissionState
from tbatch_tui.engine.domain.transfer import Transfer, TransferState
from tbatch_tui.engine.endpoint import Endpoint

if TYPE_CHECKING:
    import sqlite3

JOB_COLUMNS = (
    "status",
    "progress",
    "model",
    "endpoint",
    "input_file_id",
    "file_size",
    "created_at",
    "completed_at",
    "deadline",
    "output_file_id",
    "error_file_id",
    "error",
)

_SUBMISSION_COLUMNS = (
    "id",
    "path",
    "size",
    "sha256",
    "endpoint",
    "label",
    "requests",
    "created_at",
    "state",
    "file_id",
    "known_ids",
    "job_id",
    "error",
    "hint",
    "warning",
    "uncertain_since",
    "estimate",
    "parent",
    "part",
)

_GROUP_COLUMNS = ("id", "path", "size", "sha256", "requests", "parts", "first", "goes_on")

_TRANSFER_COLUMNS = ("kind", "file_id", "state", "path", "size", "rows", "sha256", "etag", "message", "updated_at")

TALLY_COLUMNS = (
    "requests",
    "answered",
    "errors",
    "missing",
    "cut_short",
    "unknown",
    "duplicates",
    "odd",
    "has_input",
    "spent",
    "stamps",
)

RECORD_SELECT = (
    "SELECT r.*, "
    + ", ".join(f"s.{c} AS s_{c}" for c in _SUBMISSION_COLUMNS)
    + ", "
    + ", ".join(f"o.{c} AS o_{c}" for c in _TRANSFER_COLUMNS)
    + ", "
    + ", ".join(f"e.{c} AS e_{c}" for c in _TRANSFER_COLUMNS)
    + ", "
    + ", ".join(f"t.{c} AS t_{c}" for c in TALLY_COLUMNS)
    + ", "
    + ", ".join(f"g.{c} AS g_{c}" for c in _GROUP_COLUMNS)
    + """
    FROM records r
    LEFT JOIN submissions s ON s.id = r.submission_id
    LEFT JOIN groups g ON g.id = s.group_id
    LEFT JOIN transfers o ON o.account_id = r.account_id AND o.job_id = r.key AND o.kind = 'output'
    LEFT JOIN transfers e ON e.account_id = r.account_id AND e.job_id = r.key AND e.kind = 'errors'
    LEFT JOIN tallies t ON t.account_id = r.account_id AND t.job_id = r.key
    """
)


def submission_key(submission_id: int) -> str:
    """The key of a record that has no job id yet."""
    return f"submission:{submission_id}"


def path_to_blob(path: Path) -> bytes:
    """A path as the file system spells it: file names need not be valid UTF-8."""
    return os.fsencode(path)


def blob_to_path(blob: bytes | None) -> Path | None:
    return Path(os.fsdecode(blob)) if blob is not None else None


def job_values(job: Job) -> tuple[Any, ...]:
    """The job's part of a record, in the order of `JOB_COLUMNS`."""
    return tuple(getattr(job, column) for column in JOB_COLUMNS)


def row_to_job(row: sqlite3.Row) -> Job | None:
    if row["status"] is None:
        return None
    return Job(id=row["key"], **{column: row[column] for column in JOB_COLUMNS})


def row_to_submission(row: sqlite3.Row, prefix: str = "") -> Submission:
    path = blob_to_path(row[prefix + "path"])
    assert path is not None
    known = row[prefix + "known_ids"]
    return Submission(
        id=row[prefix + "id"],
        path=path,
        size=row[prefix + "size"],
        sha256=row[prefix + "sha256"],
        endpoint=Endpoint(row[prefix + "endpoint"]),
        label=row[prefix + "label"],
        requests=row[prefix + "requests"],
        created_at=row[prefix + "created_at"],
        state=SubmissionState(row[prefix + "state"]),
        file_id=row[prefix + "file_id"],
        known_ids=tuple(known.split("\n")) if known else (),
        job_id=row[prefix + "job_id"],
        error=row[prefix + "error"],
        hint=row[prefix + "hint"],
        warning=row[prefix + "warning"],
        uncertain_since=row[prefix + "uncertain_since"],
        estimate=_estimate_from_json(row[prefix + "estimate"]),
        parent=row[prefix + "parent"],
        part=row[prefix + "part"],
    )


def row_to_group(row: sqlite3.Row) -> JobGroup | None:
    if row["g_id"] is None:
        return None
    values = {column: row[f"g_{column}"] for column in _GROUP_COLUMNS}
    path, auto_continue = Path(os.fsdecode(values.pop("path"))), bool(values.pop("goes_on"))
    return JobGroup(**values, path=path, auto_continue=auto_continue)


def estimate_to_json(estimate: Estimate | None) -> str | None:
    """An estimate as it is kept."""
    if estimate is None:
        return None
    import json  # the first rows need none of it, unless they have an estimate or a tally

    values = asdict(estimate)
    values["own"] = values.pop("is_custom")
    return json.dumps(values)


def _estimate_from_json(text: str | None) -> Estimate | None:
    """None for what another version wrote in another way."""
    if text is None:
        return None
    import json

    try:
        kept: Any = {name: tuple(part) if isinstance(part, list) else part for name, part in json.loads(text).items()}
        kept["is_custom"] = kept.pop("own")
        return Estimate(**kept)
    except (ValueError, TypeError, AttributeError, KeyError):
        return None


def row_to_transfer(row: sqlite3.Row, prefix: str = "") -> Transfer | None:
    if row[prefix + "kind"] is None:
        return None
    return Transfer(
        kind=FileKind(row[prefix + "kind"]),
        file_id=row[prefix + "file_id"],
        state=TransferState(row[prefix + "state"]),
        path=blob_to_path(row[prefix + "path"]),
        size=row[prefix + "size"],
        rows=row[prefix + "rows"],
        sha256=row[prefix + "sha256"],
        etag=row[prefix + "etag"],
        message=row[prefix + "message"],
        updated_at=row[prefix + "updated_at"],
    )


def counts_values(counts: JobCounts) -> tuple[Any, ...]:
    """In the order of `TALLY_COLUMNS`."""
    import json

    usage = json.dumps([astuple(model) for model in counts.usage])
    named = {"odd": counts.unreadable, "spent": usage}
    return tuple(named[column] if column in named else getattr(counts, column) for column in TALLY_COLUMNS)


def row_to_counts(row: sqlite3.Row, prefix: str) -> JobCounts | None:
    """None also for what another version wrote in another way: it is counted again."""
    if row[prefix + "stamps"] is None:
        return None
    import json

    values = {column: row[prefix + column] for column in TALLY_COLUMNS}
    try:
        usage = tuple(ModelUsage(*model) for model in json.loads(values.pop("spent")))
    except (ValueError, TypeError):
        return None
    unreadable, has_input = values.pop("odd"), bool(values.pop("has_input"))
    return JobCounts(**values, unreadable=unreadable, has_input=has_input, usage=usage)


def row_to_record(row: sqlite3.Row) -> JobRecord:
    return JobRecord(
        key=row["key"],
        job=row_to_job(row),
        submission=row_to_submission(row, "s_") if row["s_id"] is not None else None,
        label=row["label"],
        note=row["note"],
        input_name=row["input_name"],
        requests=row["requests"],
        output=row_to_transfer(row, "o_"),
        errors=row_to_transfer(row, "e_"),
        counts=row_to_counts(row, "t_"),
        first_seen_at=row["first_seen_at"],
        group=row_to_group(row),
    )
