"""Decide which files on the server may be deleted, and why others may not."""

from __future__ import annotations

import re
import stat
from dataclasses import replace
from typing import TYPE_CHECKING

from tbatch_tui.engine.domain.job import FileKind
from tbatch_tui.engine.domain.server_file import FileRole, FileUse, ServerFile
from tbatch_tui.engine.domain.submission import parse_slices
from tbatch_tui.engine.domain.transfer import TransferState
from tbatch_tui.engine.download.stream_check import hash_file
from tbatch_tui.engine.local_files.file_slices import InputPlace
from tbatch_tui.engine.next_step import NextStep

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

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


def with_policy(file: ServerFile, records: Iterable[JobRecord], now: float, *, verify: bool = False) -> ServerFile:
    """Return the file with its uses, and with the first reason to keep it. For a thread.

    Args:
        verify: Whether the copies here are read and compared, not only looked at: right before a delete.
    """
    uses, reason, inputs = [], "", []
    for record in records:
        submission = record.submission
        if might_upload(record) and submission is not None and file.size in (None, submission.size):
            reason = reason or f"{record.name} is being submitted, and may be this file"
        for role in (role for file_id, role in files_of(record) if file_id == file.id):
            uses.append(FileUse(role, record.key, record.name))
            is_input = role is FileRole.INPUT
            inputs += [record] * is_input
            reason = reason or (
                _reason_for_input(record) if is_input else _reason_for_results(file, record, role, verify=verify)
            )
    if not uses and not reason:
        reason = _reason_for_unused(file, now)
    is_last_copy = not reason and bool(inputs) and not any(_has_copy(record, verify=verify) for record in inputs)
    if is_last_copy:
        reason = _reason_for_last_copy(inputs)
    if not _SAFE_ID.fullmatch(file.id):
        reason, is_last_copy = "its id can't be used in a URL", False
    return replace(file, uses=tuple(uses), keep_reason=reason, is_last_copy=is_last_copy)


def _reason_for_input(record: JobRecord) -> str:
    if not record.is_active:
        return ""
    return "in use: its job has not ended" if record.job is not None else "in use: being submitted"


def _has_copy(record: JobRecord, *, verify: bool) -> bool:
    """Return whether the bytes that were submitted are still on this machine, as a file or as a part of one."""
    submission, group = record.submission, record.group
    if submission is None:
        return False  # made elsewhere: what its bytes were is not known here
    if is_copy(submission.path, submission.size, submission.sha256, verify=verify) or (
        group is not None and is_copy(group.path, group.size, group.sha256, verify=verify)
    ):
        return True
    place = InputPlace(submission.path, parse_slices(submission.slices))
    if not place.is_sliced or place.stamp is None:
        return False
    try:
        return place.read().sha256 == submission.sha256
    except OSError:
        return False


def _reason_for_last_copy(inputs: Iterable[JobRecord]) -> str:
    if all(record.submission is None for record in inputs):
        return "only copy: not submitted from here, so there is none on this machine"
    return "only copy: the local file is gone or has changed"


def is_copy(path: Path, size: int | None, sha256: str | None, *, verify: bool) -> bool:
    """Return whether a file has this size and, where it is to be read and its hash is known, these bytes."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode) or status.st_size != size:
            return False
        return not verify or sha256 is None or hash_file(path) == sha256
    except (OSError, ValueError):
        return False


def _reason_for_results(file: ServerFile, record: JobRecord, role: FileRole, *, verify: bool) -> str:
    transfer = record.output if FileKind(role.value) is FileKind.OUTPUT else record.errors
    if transfer is None or transfer.file_id != file.id:
        return f"not downloaded: {NextStep.FETCH} on its job downloads it"
    if transfer.state is not TransferState.FETCHED:
        return "not downloaded: " + ("it is on its way" if transfer.state is TransferState.WANTED else "that failed")
    if transfer.path is None or not is_copy(transfer.path, transfer.size, None, verify=False):
        return "not downloaded: the local copy is gone or has another size"
    if not is_copy(transfer.path, transfer.size, transfer.sha256, verify=verify):
        return "copy changed: the local copy has changed since the download"
    return "copy changed: the local copy has another size" if file.size not in (None, transfer.size) else ""


def _reason_for_unused(file: ServerFile, now: float) -> str:
    if file.purpose and not file.purpose.startswith("batch"):
        return f"not a batch: it is for {file.purpose}"
    if file.looks_like_results:
        return "unknown job: these are results"
    is_fresh = file.created_at is not None and now - file.created_at < _FRESH
    return "just uploaded: its job may be on its way" if is_fresh else ""
