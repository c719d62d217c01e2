"""One table and what is asked of its rows, off the event loop: columns, the row under view, and the sums."""

from __future__ import annotations

import asyncio
import hashlib
import os
import secrets
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from tbatch_tui.engine.errors import BatchError, LocalFileError
from tbatch_tui.engine.local_files.file_stamp import FileStamp, read_stamp
from tbatch_tui.engine.tables.compose.draft import Draft, draft_of, recipe_of
from tbatch_tui.engine.tables.compose.draft_store import DraftStore, StoredDraft
from tbatch_tui.engine.tables.compose.paced import PacedSource
from tbatch_tui.engine.tables.compose.preview import NO_MODEL, RequestPreview, RowPreview, cells_of
from tbatch_tui.engine.tables.compose.profile import TableProfile, profile_table
from tbatch_tui.engine.tables.compose.row_window import RowWindow
from tbatch_tui.engine.tables.compose.summary import TableSummary, summarize
from tbatch_tui.engine.tables.output_names import SUFFIX as RECIPE_SUFFIX
from tbatch_tui.engine.tables.output_names import recipe_path
from tbatch_tui.engine.tables.problems import RowProblems
from tbatch_tui.engine.tables.readers.folder import FolderSource, recordings_in
from tbatch_tui.engine.tables.readers.open_source import open_source, split_table
from tbatch_tui.engine.tables.recipe_file import read_recipe
from tbatch_tui.engine.tables.recipe_text import recipe_text
from tbatch_tui.engine.tables.selection import SEED_MAX
from tbatch_tui.engine.threads import run_detached, run_reading

if TYPE_CHECKING:
    from collections.abc import Callable

    from tbatch_tui.engine.engine import BatchEngine
    from tbatch_tui.engine.estimates.learned import Learned
    from tbatch_tui.engine.tables.compose.draft import FieldFault
    from tbatch_tui.engine.tables.readers.source import TableSource
    from tbatch_tui.engine.tables.recipe import Recipe


Known = TypeVar("Known")


class Reading(NamedTuple):
    """How a table is read, where that cannot be told from it."""

    encoding: str | None = None
    delimiter: str | None = None
    sheet: str | None = None


class Opened(NamedTuple):
    """A source that was opened, and the recipe whose file was given; None for a table."""

    source: TableSource
    recipe: Recipe | None
    base: str
    """The hash of the recipe's file; empty without one."""


class ComposeSession:
    """What is known of a table and of a draft so far. Threads find it out; the screen reads it when it likes."""

    def __init__(self, engine: BatchEngine, path: Path) -> None:
        """Create a session; nothing is read before `open`.

        Args:
            engine: Knows recipes and the folder of drafts.
            path: A table, a folder, a list, or a recipe.
        """
        self.path = path
        self.reading = Reading()
        self.draft = Draft()
        self.has_begun = False
        """Whether the first draft is there."""
        self.row = 1
        self.source: TableSource | None = None
        self.profile: TableProfile | None = None
        self.preview: RowPreview | None = None
        self.faults: tuple[FieldFault, ...] = ()
        self.template_error: BatchError | None = None
        """What is wrong with a text or a column that is named."""
        self.summary: TableSummary | None = None
        """Of the draft as it is now; None while nothing is known."""
        self.learned: dict[str, Learned] = {}
        """What rows of earlier jobs used, by model: of the recipe as it is now, else of the model."""
        self.began_with = ""
        """Where the first draft came from, for the person to read."""
        self._engine = engine
        options = engine.options
        self._store = DraftStore(options.data_dir, [options.api_key])
        self._window = RowWindow()
        self._window_of: tuple[str, ...] = ()
        self._stamp: FileStamp | None = None
        self._last_seen: FileStamp | None = None
        self._base = ""
        self._seed = secrets.randbelow(SEED_MAX)
        """Of a sample whose seed is not typed: the same as long as the screen is open."""
        self._saved: tuple[str, StoredDraft] | None = None

    # -- opening -------------------------------------------------------------------------------------

    @property
    def is_recipe(self) -> bool:
        """Whether a recipe was opened, not a table."""
        return self.path.name.lower().endswith(RECIPE_SUFFIX)

    @property
    def folder(self) -> Path:
        """The folder from which paths in the draft are meant, and where the file goes."""
        return Path() if self.source is None else self.source.path.absolute().parent

    async def open(self) -> None:
        """Open the table, and begin with its draft, else with a recipe for it.

        Raises LocalFileError, RecipeError, EncodingError, SeveralTablesError, DelimiterError and other BatchErrors.
        """
        self.source = None
        opened = await run_detached(lambda: _open(self.path, self.reading, is_recipe=self.is_recipe))
        source = opened.source
        self._stamp = self._last_seen = await asyncio.to_thread(read_stamp, source.path)
        self._window.clear()
        self.profile = self.summary = self.preview = None
        self.source = source
        self._base = opened.base
        if not self.has_begun:
            await self._begin(opened)
            self.has_begun = True

    async def _begin(self, opened: Opened) -> None:
        """Find the draft to begin with."""
        source = opened.source
        stored = await asyncio.to_thread(self._store.load, self._key)
        if stored is not None and stored.base == opened.base:
            self.draft, self.row, self.began_with = stored.draft, stored.row, "as you left it"
            return
        if opened.recipe is not None:
            self.draft, self.began_with = draft_of(opened.recipe), f"from {self.path.name}"
            return
        recipe = await self._engine.recipes.last_for(source.columns)
        if recipe is not None:
            self.draft, self.began_with = draft_of(recipe), "from the last recipe for these columns"
            return
        beside = recipe_path(self.folder / f"{source.stem}.jsonl")
        if (recipe := await asyncio.to_thread(_recipe_beside, beside)) is not None:
            self.draft, self.began_with = draft_of(recipe), f"from {beside.name}"
            return
        model = await self._engine.recall("compose.model") or ""
        self.draft = replace(await run_detached(lambda: _first_draft(source)), model=model)

    @property
    def _key(self) -> str:
        """What the draft is stored under."""
        sheet = self.source.sheet if self.source is not None and self.source.format in ("excel", "sqlite") else None
        return f"{self.path.absolute()}{f':{sheet}' if sheet else ''}"

    def save(self) -> None:
        """Store the draft, if it has changed. Blocks, for a moment."""
        stored = StoredDraft(self.draft, self.row, self._base)
        if self.source is not None and self._saved != (self._key, stored):
            self._saved = (self._key, stored)
            self._store.save(self._key, stored)

    async def has_changed(self) -> bool:
        """Return whether the table is another one than was read, or gone, and no longer being written."""
        path = self.path if self.source is None else self.source.path
        now = await asyncio.to_thread(read_stamp, path)
        last, self._last_seen = self._last_seen, now
        if self.source is None and self._stamp is None and last is None and now is None:
            return False
        return now != self._stamp and now == last

    def close(self) -> None:
        """Leave a table that cannot be read: it is opened again once it is another one."""
        self.save()
        path = self.path if self.source is None else self.source.path
        self.source = self.profile = self.summary = self.preview = None
        self._stamp = self._last_seen = read_stamp(path)

    # -- the recipe ----------------------------------------------------------------------------------

    def recipe(self) -> tuple[Recipe, tuple[FieldFault, ...]]:
        """Return the recipe of the draft with a seed where there is a sample, and the faults. May read a schema."""
        recipe, faults = recipe_of(self.draft, self.folder)
        if recipe.rows.sample is not None and recipe.rows.seed is None:
            recipe = replace(recipe, rows=replace(recipe.rows, seed=self._seed))
        return recipe, faults

    # -- what threads find out -----------------------------------------------------------------------

    async def find_columns(self, report: Callable[[], object]) -> None:
        """Read the table to know its columns. `report` is called on the loop whenever more is known.

        Raises LocalFileError and FaultyTableError.
        """
        source, loop = self._require_source(), asyncio.get_running_loop()

        def show(profile: TableProfile) -> None:
            if self.source is source:
                self.profile = profile
                report()

        def read(*, cancelled: Callable[[], bool]) -> TableProfile:
            try:
                asked = self.asked(source, self.draft, is_read=False)
            except BatchError:  # the request says it
                asked = source
            return profile_table(
                PacedSource(asked, cancelled), lambda known: _call(loop, show, known, unless=cancelled)
            )

        show(await run_reading(read))

    async def find_preview(self) -> None:
        """Render the row under view. Raises LocalFileError and FaultyTableError."""
        source, number = self._require_source(), self.row
        draft = self.draft

        def read(*, cancelled: Callable[[], bool]) -> _Found:
            recipe, faults = self.recipe()
            error: BatchError | None = None
            try:
                paced = PacedSource(self.asked(source, draft, is_read=False), cancelled)
            except BatchError as failure:
                error, paced = failure, PacedSource(source, cancelled)
            if self._window_of != paced.columns:  # rows of recordings are others than those of their folder
                self._window_of = paced.columns
                self._window.clear()
            row = self._window.row(paced, number)
            preview: RowPreview | None = None
            try:
                if error is not None:
                    raise error
                request = RequestPreview(recipe, paced)
                preview = None if row is None else request.row(row)
            except LocalFileError:
                raise
            except BatchError as failure:
                error = failure
                if row is not None:
                    preview = RowPreview(number, problem=row.problem, cells=cells_of(row) if row.cells else ())
            return _Found(faults, error, preview)

        found = await run_reading(read)
        if self.source is source and self.draft == draft:
            self.faults, self.template_error, self.preview = found

    async def find_sums(self, context: int | None, report: Callable[[], object]) -> None:
        """Find out what the draft comes to; nothing while it has faults other than that it lacks a model.

        Raises LocalFileError, FaultyTableError, and BatchError for what is wrong with a text.

        Args:
            context: The tokens that the model takes; None if that is not known.
            report: Called on the loop whenever more is known.
        """
        source, loop = self._require_source(), asyncio.get_running_loop()
        recipe, faults = await run_detached(self.recipe)
        if any(fault.field != "model" for fault in faults):
            return
        with suppress(BatchError):  # the bound is known without the history
            self.learned = await self._engine.estimates.learned([recipe.model], recipe)
        draft, recipe = self.draft, replace(recipe, model=recipe.model or NO_MODEL)

        def show(summary: TableSummary) -> None:
            if self.source is source and self.draft == draft:
                self.summary = summary
                report()

        def read(*, cancelled: Callable[[], bool]) -> TableSummary:
            paced = PacedSource(self.asked(source, draft, is_read=False), cancelled)
            return summarize(recipe, paced, lambda known: _call(loop, show, known, unless=cancelled), context)

        show(await run_reading(read))

    def asked(self, source: TableSource, draft: Draft, *, is_read: bool = True) -> TableSource:
        """Return the table whose rows are asked: of a folder, for transcriptions, its recordings. Blocks.

        Raises BatchError where there are none, or no store that the server could fetch them from.

        Args:
            source: The table.
            draft: What is asked.
            is_read: False for requests that are only looked at, before the recordings are read.
        """
        if draft.kind != "audio" or draft.audio.strip() or not isinstance(source, FolderSource):
            return source
        try:
            store, skips_empty = self._engine.options.store_address, draft.empty == "skip"
            return recordings_in(source, store, is_read=is_read, skips_empty=skips_empty)
        except LocalFileError as error:  # the folder itself can be read
            raise BatchError(error.title, error.hint) from None

    def _require_source(self) -> TableSource:
        if self.source is None:
            raise LocalFileError("The table is not open", "Look at the message above.")
        return self.source


class _Found(NamedTuple):
    faults: tuple[FieldFault, ...]
    error: BatchError | None
    preview: RowPreview | None


def _call(
    loop: asyncio.AbstractEventLoop, function: Callable[[Known], object], value: Known, *, unless: Callable[[], bool]
) -> None:
    """Call a function on the loop, from a thread, unless its work was cancelled."""

    def call() -> None:
        if not unless():
            function(value)

    loop.call_soon_threadsafe(call)


def _open(path: Path, reading: Reading, *, is_recipe: bool) -> Opened:
    """Open a table, or the table of a recipe. Blocks."""
    text, recipe, base = str(path), None, ""
    if is_recipe:
        recipe = read_recipe(path)
        base = hashlib.sha256(recipe_text(recipe).encode("utf-8", "surrogatepass")).hexdigest()
        if (written := recipe.source) is None:
            raise BatchError(
                f"{path.name} names no table", 'Write path = "reviews.csv" below [source] in it, or open a table.'
            )
        if written.path.startswith("job:"):
            raise BatchError(
                f"{path.name} is for the results of a job", f"tbatch-tui make --recipe {path.name} makes its requests."
            )
        text = str(path.absolute().parent / written.path)
        reading = Reading(
            reading.encoding or written.encoding,
            reading.delimiter or written.delimiter,
            reading.sheet or written.sheet,
        )
    else:
        text, table = split_table(text)
        reading = reading._replace(sheet=reading.sheet or table)
    source = open_source(text, encoding=reading.encoding, delimiter=reading.delimiter, sheet=reading.sheet)
    if source.format == "folder" and next(iter(source.rows((), RowProblems())), None) is None:
        raise LocalFileError(f"The folder {source.name} has no files", "Hidden files and folders are left out.")
    return Opened(source, recipe, base)


def _recipe_beside(path: Path) -> Recipe | None:
    try:
        return read_recipe(path) if os.path.isfile(path) else None
    except BatchError:
        return None


_URLS = ("http://", "https://")


_AUDIO = Draft(kind="audio", parameters="response_format = verbose_json")
"""Recordings, asked for with times: without them there are no subtitles."""


def _first_draft(source: TableSource) -> Draft:
    """Return what a table without a recipe begins with: a list of URLs is one of recordings."""
    if isinstance(source, FolderSource) and source.is_of_recordings:
        return _AUDIO
    if source.format != "lines":
        return Draft(prompt="{{ prompt }}") if "prompt" in source.columns else Draft()
    rows = iter(source.rows(source.columns, RowProblems()))
    first = [str(cells[0]).strip().lower() for _, cells in zip(range(20), rows, strict=False) if cells]
    is_list = bool(first) and all(text.startswith(_URLS) and " " not in text for text in first)
    return _AUDIO if is_list else Draft()
