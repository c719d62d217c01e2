"""Writing rows to a file: asks where and in which format, writes in a thread, and can be stopped."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from tbatch_tui.engine.errors import BatchError
from tbatch_tui.engine.local_files.filenames import safe_name
from tbatch_tui.engine.results import export_rows
from tbatch_tui.engine.threads import run_cancellable, yield_to_loop
from tbatch_tui.text import format as fmt
from tbatch_tui.tui.sanitize import line

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from textual.app import App

    from tbatch_tui.engine.domain.record import JobRecord
    from tbatch_tui.engine.results import ResultIndex
    from tbatch_tui.tui.bridge import Bridge
    from tbatch_tui.tui.screens.results.export_dialog import ExportChoice
    from tbatch_tui.tui.screens.results.rows import ChosenRows


class Exporter:
    """One export at a time. Cancel the worker that awaits `run` to stop it."""

    def __init__(self, bridge: Bridge, folder: Path, changed: Callable[[], object]) -> None:
        """Make an exporter.

        Args:
            bridge: Where the outcome is reported.
            folder: Where files go unless the person names another place.
            changed: Called when writing starts and when it is over.
        """
        self.progress: tuple[int, int] | None = None
        """Rows written and rows in all, while a file is being written."""
        self._bridge = bridge
        self._folder = folder
        self._changed = changed

    async def run(self, app: App[Any], index: ResultIndex, record: JobRecord | None, chosen: ChosenRows) -> None:
        """Ask what to write, and write it."""
        choice = await self._ask(app, index, record, chosen)
        if choice is None:
            return
        replace = await asyncio.to_thread(choice.path.exists)
        if replace and not await self._may_replace(app, choice.path):
            return
        rows = chosen.rows if choice.shown_only else range(len(index))
        job_id = record.job.id if record is not None and record.job is not None else ""
        try:
            await self._write(index, rows, choice, job_id=job_id, replace=replace)
        except BatchError as error:
            self._bridge.report(error)
        else:
            self._bridge.notify(f"Wrote {fmt.plural(len(rows), 'row')}", fmt.short_path(choice.path))

    async def _ask(
        self, app: App[Any], index: ResultIndex, record: JobRecord | None, chosen: ChosenRows
    ) -> ExportChoice | None:
        from tbatch_tui.tui.screens.results.export_dialog import ExportDialog

        name = record.name if record is not None else "results"
        stem = safe_name(name)
        if record is not None and record.job is not None:
            stem += f"-{safe_name(record.job.id[:8])}"
        return await app.push_screen_wait(
            ExportDialog(name, stem, self._folder, count=len(index), shown=len(chosen.rows), label=chosen.label)
        )

    async def _may_replace(self, app: App[Any], path: Path) -> bool:
        from tbatch_tui.tui.dialogs.confirm import Confirm

        return await app.push_screen_wait(
            Confirm(f"Overwrite {line(path.name)}?", "Its current content will be lost.", yes="Write", no="Keep")
        )

    async def _write(
        self, index: ResultIndex, rows: Sequence[int], choice: ExportChoice, *, job_id: str, replace: bool
    ) -> None:
        """Write in a thread that stops when this is cancelled. Raises BatchError."""

        def report_progress(done: int, total: int) -> None:
            self.progress = (done, total)
            yield_to_loop()

        def write(*, cancelled: Callable[[], bool]) -> None:
            export_rows(
                index,
                rows,
                choice.path,
                choice.format,
                columns=choice.columns,
                job_id_of=lambda row: index.job_id_of(row) or job_id,
                replace=replace,
                cancelled=cancelled,
                progress=report_progress,
            )

        self.progress = (0, len(rows))
        self._changed()
        try:
            await run_cancellable(write)
        except asyncio.CancelledError:
            self._bridge.notify("The export was stopped", "No files were left behind.")
            raise
        finally:
            self.progress = None
            self._changed()
