"""Results fetched unseen, into a folder of their own: the demo's, so that a first look finds something to read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from tbatch_tui.engine.domain.job import FileKind
from tbatch_tui.engine.domain.transfer import Transfer, TransferState
from tbatch_tui.engine.download import fetch_file as download

if TYPE_CHECKING:
    from pathlib import Path

    from tbatch_tui.engine.client.api import TogetherApi
    from tbatch_tui.engine.domain.record import JobRecord


class Store(Protocol):
    """What this needs of the engine."""

    @property
    def api(self) -> TogetherApi: ...
    def now(self) -> float:
        """Wall time, seconds since the epoch."""

    async def final_path(self, job_id: str, kind: FileKind, folder: Path | None = None) -> Path:
        """Where a result file is to be."""

    async def put(self, job_id: str, transfer: Transfer) -> JobRecord | None:
        """Commit where a transfer stands, then show it."""


async def prefetch(store: Store, record: JobRecord, folder: Path) -> None:
    """Fetch what there is of this job's results and is not here. No transfer is shown, no word said. BatchError."""

    async def started(_: str | None) -> None: ...

    def moved(done: int, total: int | None) -> None: ...

    for kind in FileKind:
        file_id = record.job.file_id(kind) if record.job is not None else None
        here = record.output if kind is FileKind.OUTPUT else record.errors
        if record.job is None or file_id is None or here is not None:
            continue
        final = await store.final_path(record.job.id, kind, folder)
        got = await download.fetch_file(
            store.api, file_id, final, etag=None, rows_before=None, started=started, moved=moved
        )
        await store.put(
            record.job.id,
            Transfer(
                kind,
                file_id,
                TransferState.FETCHED,
                path=got.path,
                size=got.verified.size,
                rows=got.verified.rows,
                updated_at=store.now(),
            ),
        )
