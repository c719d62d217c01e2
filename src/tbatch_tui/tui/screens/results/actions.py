"""What can be done with results, apart from reading them: asking once more for what failed, and exporting."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.worker import get_current_worker

from tbatch_tui.engine.errors import BatchError, OperationCancelledError
from tbatch_tui.engine.local_files.filenames import safe_name
from tbatch_tui.engine.results import (
    ErrorGroup,
    Outcome,
    ResultIndex,
    ResultRecord,
    errors_by_message,
    export_rows,
    retry_path,
    rows_to_retry,
    write_retry,
)
from tbatch_tui.engine.threads import run_cancellable, yield_to_loop
from tbatch_tui.text import format as fmt
from tbatch_tui.tui.keys import bindings as keys
from tbatch_tui.tui.messages import CheckFile
from tbatch_tui.tui.sanitize import line
from tbatch_tui.tui.screens.results.family import ResultsFamily

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from textual.binding import BindingType

    from tbatch_tui.tui.screens.results.export_dialog import ExportWish
    from tbatch_tui.tui.screens.results.retry_dialog import RetryOffer, RetryWish

_LIMITS = ("max_completion_tokens", "max_tokens")


class ResultsActions(ResultsFamily):
    """Actions on what `reader` has read."""

    BINDINGS: ClassVar[list[BindingType]] = [keys.RETRY, keys.EXPORT]

    def export_moved(self) -> None:
        """An export has begun, or is over."""
        raise NotImplementedError

    async def known_causes(self) -> list[ErrorGroup]:
        """Errors by cause, the most frequent first; none while the files are being read."""
        index = self.reader.index
        if self.causes is None and index.is_built:
            found = await asyncio.to_thread(errors_by_message, index)
            if index is self.reader.index:
                self.causes = found
        return self.causes or []

    @work(group="retry", exclusive=True, exit_on_error=False)
    async def action_retry(self) -> None:
        """Choose what is to be asked once more, write it as a new input file, and go on with checking that."""
        from tbatch_tui.tui.screens.results.retry_dialog import RetryDialog

        index = self.reader.index
        source = index.sources.input
        if not index.is_built or source is None or not index.has_input or index.input_changed:
            why = "has changed since" if index.input_changed else "is not here"
            self.bridge.notify(
                f"The input file {why}", "A retry needs the lines that were asked, as they were.", "warning"
            )
            return
        offer = await self._offer(index)
        if not (offer.groups or offer.missing or offer.cut_short or offer.marked):
            self.bridge.notify("There is nothing to retry", "Every request has its whole answer.")
            return
        wish = await self.app.push_screen_wait(RetryDialog(offer))
        if wish is None:
            return
        try:
            path = await self._write(index, source, wish)
        except OperationCancelledError:
            return
        except BatchError as error:
            self.bridge.report(error)
            return
        await self.engine.add_retry(path, self.parent_of_retry)
        self.post_message(CheckFile(path))

    async def _offer(self, index: ResultIndex) -> RetryOffer:
        """What could be asked once more, of the requests whose lines are here."""
        from tbatch_tui.tui.screens.results.retry_dialog import RetryOffer

        job, causes, marked = self.job, await self.known_causes(), self.marked_rows()

        def look() -> RetryOffer:
            cut, missing = (rows_to_retry(index, cut_short=True), rows_to_retry(index, missing=True))
            chosen = rows_to_retry(index, marked=marked)
            sample = index.record(cut[0] if cut else 0)
            return RetryOffer(
                name=job.name if job is not None else "",
                groups=tuple(causes),
                missing=len(missing),
                cut_short=len(cut),
                marked=len(chosen),
                model=sample.model,
                max_tokens=_limit_of(sample) if cut else None,
            )

        return await asyncio.to_thread(look)

    async def _write(self, index: ResultIndex, source: Path, wish: RetryWish) -> Path:
        """Write the lines that were chosen; the file's path. Raises BatchError."""
        worker, marked = get_current_worker(), self.marked_rows()

        def write() -> Path:
            rows = rows_to_retry(
                index,
                groups=wish.groups,
                missing=wish.missing,
                cut_short=wish.cut_short,
                marked=marked if wish.marked else (),
            )
            if not len(rows):
                raise BatchError("None of these rows is a request of the input file", "Nothing was written.")
            path = retry_path(source)
            write_retry(
                index,
                rows,
                path,
                model=wish.model,
                max_tokens=wish.max_tokens,
                cancelled=lambda: worker.is_cancelled,
            )
            return path

        path = await asyncio.to_thread(write)
        self.bridge.notify(f"Wrote {path.name}", f"{fmt.place(path)}: nothing is sent before you submit it.")
        return path

    def action_export(self) -> None:
        """Write rows to a file; while that is under way, stop it."""
        if self.exported is None:
            self._export()
        else:
            self.workers.cancel_group(self, "export")

    @work(group="export", exclusive=True, exit_on_error=False)
    async def _export(self) -> None:
        from tbatch_tui.tui.dialogs.confirm import Confirm
        from tbatch_tui.tui.screens.results.export_dialog import ExportDialog

        index, job = self.reader.index, self.job
        of, shown = self.shown_rows()
        name = job.name if job is not None else "results"
        stem = safe_name(name) + (f"-{safe_name(job.job.id[:8])}" if job is not None and job.job is not None else "")
        folder = self.engine.options.output_dir
        wish = await self.app.push_screen_wait(
            ExportDialog(name, stem, folder, count=len(index), shown=len(shown), of=of)
        )
        if wish is None:
            return
        replace = await asyncio.to_thread(wish.path.exists)
        if replace and not await self.app.push_screen_wait(
            Confirm(f"Write over {line(wish.path.name)}?", "What is in it now would be gone.", yes="Write", no="Keep")
        ):
            return
        rows = shown if wish.shown_only else range(len(index))
        try:
            await self._write_export(index, rows, wish, replace)
        except BatchError as error:
            self.bridge.report(error)
        else:
            self.bridge.notify(f"Wrote {fmt.plural(len(rows), 'row')}", fmt.place(wish.path))

    async def _write_export(self, index: ResultIndex, rows: Sequence[int], wish: ExportWish, replace: bool) -> None:
        """Write in a thread, which stops when this is cancelled. Raises BatchError."""
        job_id = job.job.id if (job := self.job) is not None and job.job is not None else ""

        def moved(done: int, total: int) -> None:
            self.exported = (done, total)
            yield_to_loop()

        def write(*, cancelled: Callable[[], bool]) -> None:
            export_rows(
                index,
                rows,
                wish.path,
                wish.form,
                columns=wish.columns,
                job_id_of=lambda row: index.job_id_of(row) or job_id,
                replace=replace,
                cancelled=cancelled,
                progress=moved,
            )

        self.exported = (0, len(rows))
        self.export_moved()
        try:
            await run_cancellable(write)
        except asyncio.CancelledError:
            self.bridge.notify("The export was stopped", "Nothing was left behind.")
            raise
        finally:
            self.exported = None
            self.export_moved()


def _limit_of(record: ResultRecord) -> int | None:
    """The most tokens an answer was allowed to have, as its request says."""
    settings = dict(record.settings)
    found = next((settings[name] for name in _LIMITS if name in settings), "")
    return int(found) if found.isascii() and found.isdigit() and record.row.outcome is Outcome.CUT_SHORT else None
