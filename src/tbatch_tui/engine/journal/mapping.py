"""Rows of the database to and from the values of `domain`.

Columns keep the names they were made with. `_FIELDS` says which fields are called otherwise today.
"""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tbatch_tui.engine.domain.job import FileKind, Job
from tbatch_tui.engine.domain.record import JobRecord
from tbatch_tui.engine.domain.submission import WHOLE, Gate, JobGroup, Pause, Submission, SubmissionState, parse_gate
from tbatch_tui.engine.domain.transfer import Transfer, TransferState
from tbatch_tui.engine.endpoint import Endpoint

if TYPE_CHECKING:
    import sqlite3

    from tbatch_tui.engine.domain.cost import Estimate
    from tbatch_tui.engine.domain.counts import JobCounts

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
    "create_sent_at",
    "create_sent_server_at",
    "repeated_at",
    "redirected_to",
    "output_dir",
    "pause",
    "slices",
)

_GROUP_COLUMNS = (
    *("id", "path", "size", "sha256", "requests", "parts", "first", "goes_on"),
    *("name", "held", "stages", "share", "gates", "at_once", "approved", "over_budget", "copies"),
)

TRANSFER_COLUMNS = (
    "kind",
    "file_id",
    "state",
    "path",
    "size",
    "rows",
    "sha256",
    "etag",
    "message",
    "updated_at",
    "folder",
)

COUNTS_COLUMNS = (
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
    "invalid",
    "attention_share",
)

_FIELDS = {"goes_on": "auto_continue", "held": "is_held", "odd": "unreadable", "own": "is_custom", "spent": "usage"}
"""Column to field, where the two differ: a stored name never changes."""

_JOINED = {
    "s": _SUBMISSION_COLUMNS,
    "o": TRANSFER_COLUMNS,
    "e": TRANSFER_COLUMNS,
    "t": COUNTS_COLUMNS,
    "g": _GROUP_COLUMNS,
}

RECORD_SELECT = f"""
    SELECT r.*, a.quiet_before,
        {", ".join(f"{table}.{name} AS {table}_{name}" for table, names in _JOINED.items() for name in names)}
    FROM records r
    JOIN accounts a ON a.id = r.account_id
    LEFT JOIN submissions s ON s.id = r.submission_id
    LEFT JOIN groups g ON g.id = s.group_id
    LEFT JOIN transfers o ON o.account_id = r.account_id AND o.job_id = r.key AND o.kind = 'output'
    LEFT JOIN transfers e ON e.account_id = r.account_id AND e.job_id = r.key AND e.kind = 'errors'
    LEFT JOIN tallies t ON t.account_id = r.account_id AND t.job_id = r.key
"""
"""Everything that makes a record. The columns of each joined table begin with the table's letter."""


MAY_RUN = "({0}.state NOT IN ('rejected', 'stopped') OR {0}.create_sent_at IS NOT NULL)"
"""The condition that a submission became a job, or still may. `{0}` is what the statement calls its row."""

_EARLIER_PART = (
    f"SELECT 1 FROM submissions p WHERE p.group_id = s.group_id AND p.part < s.part AND {MAY_RUN.format('p')}"
)
RAN_IN_GROUP = (
    f"(g.sha256 = :sha256 AND NOT EXISTS ({_EARLIER_PART}) OR EXISTS (SELECT 1 FROM group_files f WHERE"
    " f.group_id = s.group_id AND f.sha256 = :sha256 AND s.part BETWEEN f.first_part AND f.last_part"
    f" AND NOT EXISTS ({_EARLIER_PART} AND p.part >= f.first_part)))"
)
"""The condition that a submission is the first that ran of the parts of these bytes: of a whole group, or one file."""

SUBMISSION_KEYS = "submission:"
"""What the keys of records begin with that have no job id yet."""


def submission_key(submission_id: int) -> str:
    """Return the key of a record that has no job id yet."""
    return f"{SUBMISSION_KEYS}{submission_id}"


def path_to_blob(path: Path) -> bytes:
    """Return a path as the file system spells it: file names need not be valid UTF-8."""
    return os.fsencode(path)


def blob_to_path(blob: bytes | None) -> Path | None:
    """Return the path that `path_to_blob` stored; None for none."""
    return Path(os.fsdecode(blob)) if blob is not None else None


def job_values(job: Job) -> tuple[Any, ...]:
    """Return the job's part of a record, in the order of `JOB_COLUMNS`."""
    return tuple(getattr(job, column) for column in JOB_COLUMNS)


def row_to_job(row: sqlite3.Row) -> Job | None:
    """Return the job of a record; None while it has none."""
    if row["status"] is None:
        return None
    return Job(id=row["key"], **{column: row[column] for column in JOB_COLUMNS})


def row_to_submission(row: sqlite3.Row, prefix: str = "") -> Submission:
    """Return a submission, of columns that begin with `prefix`."""
    path = blob_to_path(row[prefix + "path"])
    assert path is not None
    known_ids = row[prefix + "known_ids"]
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
        known_ids=tuple(known_ids.split("\n")) if known_ids else (),
        job_id=row[prefix + "job_id"],
        error=row[prefix + "error"],
        hint=row[prefix + "hint"],
        warning=row[prefix + "warning"],
        uncertain_since=row[prefix + "uncertain_since"],
        estimate=_estimate_from_json(row[prefix + "estimate"]),
        parent=row[prefix + "parent"],
        part=row[prefix + "part"],
        create_sent_at=row[prefix + "create_sent_at"],
        create_sent_server_at=row[prefix + "create_sent_server_at"],
        repeated_at=row[prefix + "repeated_at"],
        redirected_to=row[prefix + "redirected_to"],
        output_dir=blob_to_path(row[prefix + "output_dir"]),
        pause=Pause(row[prefix + "pause"]),
        slices=row[prefix + "slices"],
    )


def row_to_group(row: sqlite3.Row) -> JobGroup | None:
    """Return the group that a record is a part of; None for a record of a whole file."""
    if row["g_id"] is None:
        return None
    values = {_FIELDS.get(column, column): row[f"g_{column}"] for column in _GROUP_COLUMNS}
    values |= {
        "path": Path(os.fsdecode(values["path"])),
        "auto_continue": bool(values["auto_continue"]),
        "is_held": bool(values["is_held"]),
        "over_budget": bool(values["over_budget"]),
        "stages": tuple(int(end) for end in values["stages"].split()),
        "gates": tuple(map(parse_gate, values["gates"].split())),
    }
    if (share := values.pop("share")) != WHOLE:  # of a version that had one for all stages
        values["gates"] = (Gate(share),)
    return JobGroup(**values)


def estimate_to_json(estimate: Estimate | None) -> str | None:
    """Return an estimate as it is stored."""
    if estimate is None:
        return None
    import json  # the first rows need it only if they have an estimate or counts

    values = asdict(estimate)
    values["own"] = values.pop("is_custom")
    return json.dumps(values)


def _estimate_from_json(text: str | None) -> Estimate | None:
    """Return a stored estimate; None for what another version wrote in another way."""
    if text is None:
        return None
    import json

    from tbatch_tui.engine.domain.cost import Estimate

    try:
        values: Any = {name: tuple(part) if isinstance(part, list) else part for name, part in json.loads(text).items()}
        values["tokens"] = tuple((model, number) for model, number in values.get("tokens", ()))
        values["is_custom"] = values.pop("own")
        return Estimate(**values)
    except (ValueError, TypeError, AttributeError, KeyError):
        return None


def transfer_values(transfer: Transfer) -> tuple[Any, ...]:
    """Return a transfer in the order of `TRANSFER_COLUMNS`."""
    values = {
        "path": path_to_blob(transfer.path) if transfer.path is not None else None,
        "etag": _part_to_text(transfer),
        "folder": path_to_blob(transfer.folder) if transfer.folder is not None else None,
    }
    return tuple(values[column] if column in values else getattr(transfer, column) for column in TRANSFER_COLUMNS)


def _part_to_text(transfer: Transfer) -> str | None:
    """Return what is known of the `.part`, in lines: ETag, bytes synced, inode. No ETag has a line end."""
    if transfer.etag is None or transfer.part_inode is None:
        return transfer.etag
    return f"{transfer.etag}\n{transfer.synced}\n{transfer.part_inode}"


def _part_from_text(text: str | None) -> dict[str, Any]:
    """Return the fields that `_part_to_text` stored. Version 0.1.0 stored the ETag alone: then nothing is synced."""
    etag, *numbers = text.split("\n") if text is not None else (None,)
    if len(numbers) != 2 or not all(number.isdecimal() for number in numbers):
        return {"etag": etag}
    return {"etag": etag, "synced": int(numbers[0]), "part_inode": int(numbers[1])}


def row_to_transfer(row: sqlite3.Row, prefix: str = "") -> Transfer | None:
    """Return a transfer, of columns that begin with `prefix`; None where there is none."""
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
        **_part_from_text(row[prefix + "etag"]),
        message=row[prefix + "message"],
        updated_at=row[prefix + "updated_at"],
        folder=blob_to_path(row[prefix + "folder"]),
    )


def counts_values(counts: JobCounts) -> tuple[Any, ...]:
    """Return counts in the order of `COUNTS_COLUMNS`."""
    import json

    values = {"spent": json.dumps(counts.usage)}
    return tuple(
        values[column] if column in values else getattr(counts, _FIELDS.get(column, column))
        for column in COUNTS_COLUMNS
    )


def row_to_counts(row: sqlite3.Row, prefix: str) -> JobCounts | None:
    """Return counts, of columns that begin with `prefix`.

    None where there are none, and for what another version wrote in another way: that is counted again.
    """
    if row[prefix + "stamps"] is None:
        return None
    import json

    from tbatch_tui.engine.domain.counts import JobCounts, ModelUsage

    values = {_FIELDS.get(column, column): row[prefix + column] for column in COUNTS_COLUMNS}
    try:
        usage = tuple(ModelUsage(*model) for model in json.loads(values.pop("usage")))
    except (ValueError, TypeError):
        return None
    return JobCounts(**values | {"usage": usage, "has_input": bool(values["has_input"])})


def row_to_record(row: sqlite3.Row) -> JobRecord:
    """Return the record that `RECORD_SELECT` read."""
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
        acknowledged=row["acknowledged"],
        answer_schema=row["answer_schema"],
        is_old=row["submission_id"] is None and (row["created_at"] or row["first_seen_at"]) < row["quiet_before"],
    )
