"""Decide which files on the server may be deleted, and why others may not."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from tbatch_tui.engine.domain.job import FileKind
from tbatch_tui.engine.domain.server_file import FileRole, FileUse, ServerFile
from tbatch_tui.engine.domain.transfer import TransferState
from tbatch_tui.engine.download.fetch_file import is_on_disk
from tbatch_tui.engine.next_step import NextStep

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tbatch_tui.engine.domain.record import JobRecord

_FRESH = 600.0
"""Seconds after an upload in which somebody else may yet create the job of the file."""
_SAFE_ID = re.compile(r"[\w-][\w.-]*", re.ASCII)
"""Ids that go into the URL of a delete: quoted or not, nothing that a proxy could take for another path."""


def files_of(record: JobRecord) -> list[tuple[str, FileRole]]:
    """Return id and role of each file that a record names."""
    job, submission = record.job, record.submission
    files = [(submission.file_id if submission is not None else None, FileRole.INPUT)]
    if job is not None:
        files.append((job.input_file_id, FileRole.INPUT))
        files += [(job.output_file_id, FileRole.OUTPUT), (job.error_file_id, FileRole.ERRORS)]
    files += [(transfer.file_id, FileRole(transfer.kind.value)) for transfer in record.transfers]
    return list(dict.fromkeys((file_id, role) for file_id, role in files if file_id))


def might_upload(record: JobRecord) -> bool:
    """Return whether this is a submission whose upload may yet turn out to be a file that is already there."""
    return record.job is None and record.is_active and record.submission is not None and not record.submission.file_id


def with_policy(file: ServerFile, records: Iterable[JobRecord], now: float) -> ServerFile:
    """Return the file with its uses, and with the first reason to keep it."""
    uses, reason = [], ""
    for record in records:
        submission = record.submission
        if might_upload(record) and submission is not None and file.size in (None, submission.size):
            reason = reason or f"{record.name} is being submitted, and may be these very bytes"
        for role in (role for file_id, role in files_of(record) if file_id == file.id):
            uses.append(FileUse(role, record.key, record.name))
            is_input = role is FileRole.INPUT
            reason = reason or (_reason_for_input(record) if is_input else _reason_for_results(file, record, role))
    if not uses and not reason:
        reason = _reason_for_unused(file, now)
    if not _SAFE_ID.fullmatch(file.id):
        reason = "its id cannot be put into an address"
    return replace(file, uses=tuple(uses), keep_reason=reason)


def _reason_for_input(record: JobRecord) -> str:
    if not record.is_active:
        return ""
    return "its job is not over" if record.job is not None else "its submission is under way"


def _reason_for_results(file: ServerFile, record: JobRecord, role: FileRole) -> str:
    transfer = record.output if FileKind(role.value) is FileKind.OUTPUT else record.errors
    if transfer is None or transfer.file_id != file.id:
        return f"not fetched: {NextStep.FETCH} on its job does"
    if transfer.state is not TransferState.FETCHED:
        return "not fetched yet" if transfer.state is TransferState.WANTED else "it could not be fetched"
    if not is_on_disk(transfer):
        return "its copy here is gone or of another size"
    return "its copy here is of another size" if file.size not in (None, transfer.size) else ""


def _reason_for_unused(file: ServerFile, now: float) -> str:
    if file.purpose and not file.purpose.startswith("batch"):
        return f"it is for {file.purpose}, not for batches"
    if file.looks_like_results:
        return "results of a job that is not known here"
    is_fresh = file.created_at is not None and now - file.created_at < _FRESH
    return "it came just now: its job may be on its way" if is_fresh else ""
