"""Ask for the result files of a job: from then on the downloader wants them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tbatch_tui.engine.domain.job import FileKind
from tbatch_tui.engine.domain.transfer import Transfer, TransferState
from tbatch_tui.engine.errors import BatchError

if TYPE_CHECKING:
    from pathlib import Path

    from tbatch_tui.engine.domain.record import JobRecord


def transfers_to_request(record: JobRecord | None, folder: Path, now: float) -> list[Transfer]:
    """Return the transfers that download every result file of a job (again) into a folder.

    Raises BatchError when there are none.
    """
    job = record.job if record is not None else None
    if record is None or job is None:
        raise BatchError("There is no job yet to download results from", "They arrive when it has ended.")
    transfers = []
    for kind in FileKind:
        file_id = job.file_id(kind)
        transfer = record.output if kind is FileKind.OUTPUT else record.errors
        if file_id is not None and transfer is not None:
            again = replace(transfer.wanted(file_id), folder=folder)
            if transfer.folder not in (None, folder):  # the `.part` there is another one, perhaps of another version
                again = replace(again, etag=None, synced=0, part_inode=None)
            transfers.append(again)
        elif file_id is not None:
            transfers.append(Transfer(kind, file_id, TransferState.WANTED, updated_at=now, folder=folder))
    if not transfers:
        raise BatchError(
            "This job has no result files" + ("" if job.is_ended else " yet"),
            "They are available when it has ended." if not job.is_ended else job.error or "",
        )
    return transfers
