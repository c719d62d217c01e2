"""From the form to the file: faults first, then the rows that cannot be asked, then the file by the code of `make`."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, NamedTuple

from textual import work
from textual.screen import Screen

from tbatch_tui.engine.errors import BatchError, OperationCancelledError
from tbatch_tui.engine.local_files.file_stamp import FileStamp, read_stamp
from tbatch_tui.engine.tables.compose.draft import Draft
from tbatch_tui.engine.tables.compose.paced import PacedSource
from tbatch_tui.engine.tables.make import MadeFile, make_input
from tbatch_tui.engine.tables.output_names import free_name, require_free
from tbatch_tui.engine.tables.problems import FaultyTableError
from tbatch_tui.engine.tables.recipe_text import recipe_text
from tbatch_tui.engine.threads import run_cancellable
from tbatch_tui.text import format as fmt
from tbatch_tui.text.paths import path_of
from tbatch_tui.tui.background import BackgroundWork
from tbatch_tui.tui.messages import CheckFile
from tbatch_tui.tui.screens.compose.questions import SHOW, problems_question
from tbatch_tui.tui.screens.compose.uploading import upload_missing

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable
    from pathlib import Path

    from tbatch_tui.engine.engine import BatchEngine
    from tbatch_tui.engine.tables.readers.source import TableSource
    from tbatch_tui.engine.tables.recipe import Recipe
    from tbatch_tui.tui.bridge import Bridge
    from tbatch_tui.tui.screens.compose.form import DraftForm
    from tbatch_tui.tui.screens.compose.session import ComposeSession


class _Written(NamedTuple):
    """What was written last, and of what: the same is not written twice."""

    recipe: Recipe
    source: FileStamp | None
    output: str
    path: Path
    stamp: FileStamp | None


class ComposeWriting(Screen[None]):
    """The action that writes the file and goes on. Mixed into the Compose screen."""

    bridge: Bridge
    engine: BatchEngine
    session: ComposeSession

    def __init__(self) -> None:
        super().__init__()
        self.writing = BackgroundWork()
        self._written: _Written | None = None

    @property
    def form(self) -> DraftForm:
        """The form."""
        raise NotImplementedError

    def take_draft(self, draft: Draft) -> None:
        """Show another draft in the form, and find out what it comes to."""
        raise NotImplementedError

    def context_of(self, model: str) -> int | None:
        """Return how many tokens a model takes; None where that is not known."""
        raise NotImplementedError

    def open_table(self) -> object:
        """Open the table again."""
        raise NotImplementedError

    def go_to(self, row: int) -> None:
        """Show another row."""
        raise NotImplementedError

    def activity_changed(self) -> None:
        """Show or hide the progress."""
        raise NotImplementedError

    @work(group="write", exit_on_error=False)
    async def action_go_on(self) -> None:
        """Write the requests and go on to Check; a second Enter while this runs does nothing."""
        session = self.session
        if session.source is None:
            self.open_table()
            return
        if self.writing.label:
            return
        stop = self.writing.begin("Writing the requests")
        self.activity_changed()
        try:
            session.draft = self.form.draft
            recipe, faults = await asyncio.to_thread(session.recipe)
            if faults:
                self.form.focus_field(faults[0].field)
                self.bridge.notify(faults[0].message, faults[0].hint, "warning")
                return
            path = await self._path_of(recipe, session.source, session.draft, stop)
            if path is not None:
                self.post_message(CheckFile(path))
        except OperationCancelledError:
            self.bridge.notify("Stopped", "Nothing was written.")
        except BatchError as error:
            self.bridge.report(error)
        finally:
            if self.writing.end(stop) and self.is_attached:
                self.activity_changed()

    async def _path_of(self, recipe: Recipe, source: TableSource, draft: Draft, stop: threading.Event) -> Path | None:
        """Return the file of this draft, written now unless it was before; None where rows are in the way."""
        key = self.engine.options.api_key
        if key and key in recipe_text(recipe):
            raise BatchError("The API key is in the request", "Nothing was written. A recipe must not contain it.")
        stamp = await asyncio.to_thread(read_stamp, source.path)
        last = self._written
        is_same = last is not None and (last.recipe, last.source, last.output) == (recipe, stamp, draft.output)
        if last is not None and is_same and last.stamp == await asyncio.to_thread(read_stamp, last.path):
            return last.path
        summary = self.session.summary
        if summary is not None and summary.is_whole and summary.problem_total:
            self._ask_about(FaultyTableError(source.name, summary.problems, summary.problem_total))
            return None
        asked = await asyncio.to_thread(self.session.asked, source, draft)
        try:
            if not await upload_missing(
                self.app, self.engine, self.bridge, asked, self.writing, stop, self.activity_changed
            ):
                return None
            out = await asyncio.to_thread(_output_path, draft, source)
            context = self.context_of(recipe.model)
            made = await run_cancellable(_make, recipe, asked, out, context, self.writing.report_progress, stop=stop)
        except FaultyTableError as error:
            self._ask_about(error)
            return None
        written = await asyncio.to_thread(read_stamp, made.path)
        self._written = _Written(recipe, stamp, draft.output, made.path, written)
        await self._note(made, asked)
        return made.path

    async def _note(self, made: MadeFile, source: TableSource) -> None:
        """Save the recipe with the bytes, and say what was written."""
        left_out = "".join(f" {number:,} left out: {reason}." for reason, number in made.left_out.items())
        once = f" {made.asked_once:,} get the answer of another row." if made.asked_once else ""
        counts = f"{fmt.plural(made.requests, 'request')} of {fmt.plural(made.rows, 'row')}.{left_out}{once}"
        self.bridge.notify(f"Wrote {made.path.name} and {made.recipe_path.name}", counts)
        try:
            path = made.recipe_path.absolute()
            await self.engine.recipes.note_recipe(made.sha256, made.recipe_text, path, source.columns)
            await self.engine.remember("compose.model", made.recipe.model)
        except BatchError as error:
            self.bridge.notify("The history does not know the recipe", error.title, "warning")

    @work(group="problems", exclusive=True, exit_on_error=False)
    async def _ask_about(self, error: FaultyTableError) -> None:
        """Say which rows are in the way, and do what the person wants about them."""
        answer = await self.app.push_screen_wait(problems_question(error.problems, error.total, self.session.draft))
        if isinstance(answer, Draft):
            self.take_draft(answer)
            self.action_go_on()
        elif answer == SHOW and (row := next((problem.row for problem in error.problems if problem.row), 0)):
            self.go_to(row)


def _output_path(draft: Draft, source: TableSource) -> Path:
    """Return the path to write to. Raises LocalFileError where the name is taken."""
    text = draft.output.strip()
    folder = source.path.absolute().parent
    if not text:
        return free_name(folder, source.stem)
    path = folder / path_of(text)
    if os.path.isdir(path):
        return free_name(path, source.stem)
    require_free(path)
    return path


def _make(
    recipe: Recipe,
    source: TableSource,
    out: Path,
    context: int | None,
    report: Callable[[int, int], object],
    *,
    cancelled: Callable[[], bool],
) -> MadeFile:
    return make_input(recipe, PacedSource(source, cancelled, report), out, context=context, cancelled=cancelled)
