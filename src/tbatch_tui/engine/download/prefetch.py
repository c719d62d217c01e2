"""Fetch results without showing it: the demo does, so that a first look has something to read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tbatch_tui.engine.domain.job import FileKind
from tbatch_tui.engine.domain.transfer import Transfer, TransferState
from tbatch_tui.engine.download.fetch_file import fetch_file
from tbatch_tui.engine.download.part_file import PartState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from tbatch_tui.engine.client.api import TogetherApi
    from tbatch_tui.engine.domain.record import JobRecord
    from tbatch_tui.engine.download.result_paths import ResultPaths
    from tbatch_tui.engine.journal.store import JobStore


def latest_without_results(records: Iterable[JobRecord], limit: int) -> list[JobRecord]:
    """Return the latest finished jobs that have an output file on the server and none here."""
    waiting = [
        record
        for record in records
        if record.is_finished
        and not record.transfers
        and record.job is not None
        and record.job.output_file_id is not None
    ]
    return sorted(waiting, key=lambda record: record.created_at, reverse=True)[:limit]


async def prefetch(
    api: TogetherApi, store: JobStore, paths: ResultPaths, record: JobRecord, folder: Path, now: Callable[[], float]
) -> None:
    """Fetch those of a job's result files that are not here into `folder`. No transfer is shown. Raises BatchError."""

    async def save_nothing() -> None: ...

    for kind in FileKind:
        file_id = record.job.file_id(kind) if record.job is not None else None
        transfer = record.output if kind is FileKind.OUTPUT else record.errors
        if record.job is None or file_id is None or transfer is not None:
            continue
        fetched = await fetch_file(
            api,
            file_id,
            await paths.path_of(record.job.id, kind, folder),
            state=PartState(),
            known=None,
            rights=0o600,
            save=save_nothing,
            moved=lambda _done, _total: None,
        )
        await store.save_transfer(
            record.job.id,
            Transfer(
                kind,
                file_id,
                TransferState.FETCHED,
                path=fetched.path,
                size=fetched.verified.size,
                rows=fetched.verified.rows,
                sha256=fetched.verified.sha256,
                updated_at=now(),
            ),
        )
