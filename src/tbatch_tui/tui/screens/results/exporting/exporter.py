"""Writing rows to a file: asks where and in which format, writes in a thread, and can be stopped."""

from __future__ import annotations

import asyncio
import os
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from tbatch_tui.engine.audio.transcript_files import TranscriptFormat, is_audio, write_transcripts
from tbatch_tui.engine.errors import BatchError
from tbatch_tui.engine.groups.group_results import results_by_key
from tbatch_tui.engine.local_files.filenames import safe_name
from tbatch_tui.engine.results import ExportFormat, MergedIndex, export_rows
from tbatch_tui.engine.threads import run_cancellable, yield_to_loop
from tbatch_tui.text import format as fmt
from tbatch_tui.tui.sanitize import line
from tbatch_tui.tui.screens.results.family import name_of_shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from textual.app import App

    from tbatch_tui.engine.domain.record import JobRecord
    from tbatch_tui.engine.engine import BatchEngine
    from tbatch_tui.engine.results import ResultIndex
    from tbatch_tui.engine.results.export.report.parts import ComparisonTable
    from tbatch_tui.engine.tables.join_back import KnownSource
    from tbatch_tui.tui.bridge import Bridge
    from tbatch_tui.tui.screens.results.exporting.choice import ExportChoice
    from tbatch_tui.tui.screens.results.exporting.dialog import ComparedWith
    from tbatch_tui.tui.screens.results.rows import ChosenRows


def _memory_of(record: JobRecord | None) -> str:
    """Return under which name the history keeps what was chosen for a job."""
    return f"export:{record.key if record is not None else ''}"


class Exporter:
    """One export at a time. Cancel the worker that awaits `run` to stop it."""

    def __init__(self, engine: BatchEngine, bridge: Bridge, changed: Callable[[], object]) -> None:
        """Make an exporter.

        Args:
            engine: It knows the recipes, and where files go unless the person names another place.
            bridge: Where the outcome is reported.
            changed: Called when writing starts and when it is over.
        """
        self.progress: tuple[int, int] | None = None
        """Rows written and rows in all, while a file is being written."""
        self._bridge = bridge
        self._engine = engine
        self._folder = engine.options.output_dir
        self._changed = changed

    async def run(self, app: App[Any], index: ResultIndex, record: JobRecord | None, chosen: ChosenRows) -> None:
        """Ask what to write, and write it."""
        source = await self._find_source(record)
        choice = await self._ask(app, index, record, chosen, source)
        if choice is None:
            return
        replace = await asyncio.to_thread(os.path.exists, choice.path)
        if replace and not await self._may_replace(app, choice.path):
            return
        told = ""
        rows = chosen.rows if choice.shown_only else range(len(index))
        try:
            if choice.format is None and source is not None and record is not None:
                count = await self._join(source.at(choice.table), record, choice.path, replace=replace)
            elif isinstance(choice.format, TranscriptFormat):
                write = partial(write_transcripts, index, rows, choice.path, choice.format, replace=replace)
                with self._under_way(len(rows)):
                    wrote = await run_cancellable(partial(write, progress=self._report_progress))
                told, count = wrote.without_words, wrote.files
            else:
                await self._write(index, rows, choice, record, replace=replace)
                count = len(rows)
            await self._engine.remember(_memory_of(record), choice.preferences().as_text())
        except BatchError as error:
            self._bridge.report(error)
        else:
            what = "file" if isinstance(choice.format, TranscriptFormat) else "row"
            self._bridge.notify(f"Wrote {fmt.plural(count, what)}", fmt.join(fmt.short_path(choice.path), told))

    async def _find_source(self, record: JobRecord | None) -> KnownSource | None:
        """Return the table that a job was made of, if that is known."""
        noted = await self._engine.recipes.recipe_of(record) if record is not None else None
        if noted is None:
            return None
        from tbatch_tui.engine.tables.join_back import KnownSource

        return await asyncio.to_thread(KnownSource.find, noted.text, noted.path)

    async def _ask(
        self,
        app: App[Any],
        index: ResultIndex,
        record: JobRecord | None,
        chosen: ChosenRows,
        source: KnownSource | None,
    ) -> ExportChoice | None:
        from tbatch_tui.tui.screens.results.exporting.choice import ExportPreferences
        from tbatch_tui.tui.screens.results.exporting.dialog import ExportDialog

        name = name_of_shown(record, is_merged=isinstance(index, MergedIndex)) or "results"
        stem = safe_name(name)
        job_id = record.job.id if record is not None and record.job is not None else ""
        if job_id:
            stem += f"-{safe_name(job_id[:8])}"
        return await app.push_screen_wait(
            ExportDialog(
                name,
                stem,
                self._folder,
                count=len(index),
                shown=len(chosen.rows),
                label=chosen.label,
                source=source,
                source_is_here=source is not None and await asyncio.to_thread(lambda: source.is_here),
                job_id=job_id,
                last=ExportPreferences.read(await self._engine.recall(_memory_of(record))),
                recordings=is_audio(index, record.endpoint if record is not None else None),
                compared=await self._compared(app, index, record, has_source=source is not None),
            )
        )

    async def _compared(
        self, app: App[Any], index: ResultIndex, record: JobRecord | None, *, has_source: bool
    ) -> ComparedWith | None:
        """Return what a report can compare the answers with."""
        if record is None:
            return None
        from tbatch_tui.tui.screens.comparing import CompareSession, Other, choose_other
        from tbatch_tui.tui.screens.results.exporting.dialog import ComparedWith

        session = CompareSession(self._engine, record.key, index)

        async def ask(kind: str) -> Other | None:
            is_job = kind == "other"
            try:
                return await choose_other(app, session, self._engine.now(), jobs=is_job, columns=not is_job)
            except BatchError as error:
                self._bridge.report(error)
                return None

        names = {each.key: each.name for each in await session.choices()}
        return ComparedWith(ask, names, has_source=has_source)

    async def _may_replace(self, app: App[Any], path: Path) -> bool:
        from tbatch_tui.tui.dialogs.confirm import Confirm

        title, text = f"Overwrite {line(path.name)}?", "Its current content will be lost."
        if await asyncio.to_thread(os.path.isdir, path):
            title, text = f"Write into {line(path.name)}?", "Files of the same names are replaced; its others stay."
        return await app.push_screen_wait(Confirm(title, text, yes="Write", no="Keep"))

    async def _write(
        self,
        index: ResultIndex,
        rows: Sequence[int],
        choice: ExportChoice,
        record: JobRecord | None,
        *,
        replace: bool,
    ) -> None:
        """Write in a thread that stops when this is cancelled. Raises BatchError."""
        form = choice.format
        assert isinstance(form, ExportFormat)
        job_id = record.job.id if record is not None and record.job is not None else ""
        tables = []
        if form is ExportFormat.HTML and record is not None:
            tables = await self._compare(index, record, choice)

        def write(*, cancelled: Callable[[], bool]) -> None:
            parts = None
            if form is ExportFormat.HTML:
                from tbatch_tui.engine.answers.report_parts import report_parts

                submitted = record.requests if record is not None and not isinstance(index, MergedIndex) else None
                parts = report_parts(index, record, rows, submitted=submitted, comparisons=tables, cancelled=cancelled)
            export_rows(
                index,
                rows,
                choice.path,
                form,
                columns=choice.columns,
                job_id_of=lambda row: index.job_id_of(row) or job_id,
                reasoning=choice.reasoning,
                parts=parts,
                replace=replace,
                cancelled=cancelled,
                progress=self._report_progress,
            )

        with self._under_way(len(rows)):
            await run_cancellable(write)

    async def _compare(self, index: ResultIndex, record: JobRecord, choice: ExportChoice) -> list[ComparisonTable]:
        """Return the comparisons of a report, with another job and with a gold column. Raises BatchError."""
        from tbatch_tui.engine.answers.report_parts import comparison_table
        from tbatch_tui.tui.screens.comparing import CompareSession, Other

        session, tables = CompareSession(self._engine, record.key, index), []
        for other in (Other(key=choice.other), Other(gold=choice.gold)):
            if other != Other():
                with self._under_way(len(index)):
                    found = await session.compare(other)
                tables.append(comparison_table(found, session.own_name, session.other_name))
        return tables

    async def _join(self, source: KnownSource, record: JobRecord, path: Path, *, replace: bool) -> int:
        """Write the source table with the answers of all jobs of the family; return its rows. Raises BatchError."""
        from tbatch_tui.engine.results.index.family import family_index

        engine = self._engine
        family = await engine.family(record.key)
        index = family_index(family, engine.results)
        known = [member.record.key for member in family]
        runs = await engine.recipes.other_runs(source.recipe, await engine.records(), engine.results, known)
        if index is None:
            raise BatchError("The results of the first job are not here", "They are joined with those of its retries.")
        write = partial(
            source.join,
            index,
            path,
            job_results=partial(results_by_key, await engine.records()),
            runs=runs,
            replace=replace,
            progress=self._report_progress,
        )
        with self._under_way(source.recipe.source.rows or 0 if source.recipe.source is not None else 0):
            joined = await run_cancellable(write)
        if joined.is_changed:
            self._bridge.notify(
                f"{line(source.name)} has changed since the requests were made",
                f"Its rows were joined by their ids: {joined.new_total:,} are new, {joined.gone_total:,} are gone.",
            )
        return joined.rows

    def _report_progress(self, done: int, total: int) -> None:
        self.progress = (done, total)
        yield_to_loop()

    @contextmanager
    def _under_way(self, total: int) -> Iterator[None]:
        """Show that rows are written, and say so where that is stopped."""
        self.progress = (0, total)
        self._changed()
        try:
            yield
        except asyncio.CancelledError:
            self._bridge.notify("The export was stopped", "No files were left behind.")
            raise
        finally:
            self.progress = None
            self._changed()
