"""Which files on the server may be deleted, and why others may not."""

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
"""Seconds in which the job of a file that somebody else has uploaded may still be to be created."""


_SOUND_ID = re.compile(r"[\w-][\w.-]*", re.ASCII)
"""What goes into the address of a delete: quoted or not, nothing that a proxy could take for another path."""


def jobs_naming(record: JobRecord) -> list[tuple[str, FileRole]]:
    """Id and role of each file that a record names."""
    job, submission = record.job, record.submission
    found = [(submission.file_id if submission is not None else None, FileRole.INPUT)]
    if job is not None:
        found.append((job.input_file_id, FileRole.INPUT))
        found += [(job.output_file_id, FileRole.OUTPUT), (job.error_file_id, FileRole.ERRORS)]
    found += [(transfer.file_id, FileRole(transfer.kind.value)) for transfer in record.transfers]
    return list(dict.fromkeys((file_id, role) for file_id, role in found if file_id))


def might_upload(record: JobRecord) -> bool:
    """Whether this is a submission that may yet find its bytes under an id that is there already."""
    return record.job is None and record.is_active and record.submission is not None and not record.submission.file_id


def with_policy(file: ServerFile, records: Iterable[JobRecord], now: float) -> ServerFile:
    """The file with its uses, and with the first reason for it to stay."""
    uses, kept = [], ""
    for record in records:
        submission = record.submission
        if might_upload(record) and submission is not None and file.size in (None, submission.size):
            kept = kept or f"{record.name} is being submitted, and may be these very bytes"
        for role in (role for file_id, role in jobs_naming(record) if file_id == file.id):
            uses.append(FileUse(role, record.key, record.name))
            kept = kept or (_why_input(record) if role is FileRole.INPUT else _why_results(file, record, role))
    if not uses and not kept:
        kept = _why_orphan(file, now)
    if not _SOUND_ID.fullmatch(file.id):
        kept = "its id cannot be put into an address"
    return replace(file, uses=tuple(uses), keep_reason=kept)


def _why_input(record: JobRecord) -> str:
    if not record.is_active:
        return ""
    return "its job is not over" if record.job is not None else "its submission is under way"


def _why_results(file: ServerFile, record: JobRecord, role: FileRole) -> str:
    transfer = record.output if FileKind(role.value) is FileKind.OUTPUT else record.errors
    if transfer is None or transfer.file_id != file.id:
        return f"not fetched: {NextStep.FETCH} on its job does"
    if transfer.state is not TransferState.FETCHED:
        return "not fetched yet" if transfer.state is TransferState.WANTED else "it could not be fetched"
    if not is_on_disk(transfer):
        return "its copy here is gone or of another size"
    return "its copy here is of another size" if file.size not in (None, transfer.size) else ""


def _why_orphan(file: ServerFile, now: float) -> str:
    if file.purpose and not file.purpose.startswith("batch"):
        return f"it is for {file.purpose}, not for batches"
    if file.looks_like_results:
        return "results of a job that is not known here"
    is_fresh = file.created_at is not None and now - file.created_at < _FRESH
    return "it came just now: its job may be on its way" if is_fresh else ""
