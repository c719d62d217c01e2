"""The recipes of input files in the history of this machine: they go with the bytes of a file.

What is made of a file inherits its recipe: a mended copy, an edited one, a retry, the parts of a group.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from typing import TYPE_CHECKING

from tbatch_tui.engine.errors import BatchError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from pathlib import Path

    from tbatch_tui.engine.domain.record import JobRecord
    from tbatch_tui.engine.journal.journal import Journal
    from tbatch_tui.engine.journal.store import JobStore
    from tbatch_tui.engine.journal.tables.recipes import NotedRecipe
    from tbatch_tui.engine.results.index.index import ResultIndex
    from tbatch_tui.engine.tables.make import MadeFile
    from tbatch_tui.engine.tables.recipe import Recipe


class RecipeHistory:
    """The recipes that an open engine knows."""

    def __init__(self, store: JobStore) -> None:
        self._store = store

    async def note_recipe(self, sha256: str, text: str, path: Path, columns: Sequence[str] = ()) -> None:
        """Save that the bytes with this SHA-256 were made by a recipe. Raises JournalError.

        Args:
            sha256: Of the input file.
            text: The recipe.
            path: Its file: the source in it is relative to that.
            columns: Of its table: the next one with these columns begins with this recipe.
        """
        await self._store.note_recipe(sha256, text, path)
        if columns:
            await self._store.remember(_memory_name(columns), text)

    async def last_for(self, columns: Sequence[str]) -> Recipe | None:
        """Return the recipe that was used last for a table with these columns; None if there is none."""
        from tbatch_tui.engine.tables.recipe_file import parse_recipe

        text = await self._store.recall(_memory_name(columns))
        with suppress(BatchError):
            return None if text is None else parse_recipe(text)
        return None

    async def inherit(self, parent: Path, path: Path) -> bool:
        """Save that one file was made of another, and has its recipe; False if that has none.

        Both are read in a thread. Raises LocalFileError and JournalError.
        """
        from tbatch_tui.engine.local_files.fingerprint import fingerprint_file

        parent_sha256 = (await fingerprint_file(parent)).sha256
        if await self._store.recipe(parent_sha256) is None:
            return False
        return await self._store.inherit_recipe(parent_sha256, (await fingerprint_file(path)).sha256)

    async def note_run(self, record: JobRecord, made: MadeFile) -> None:
        """Save that a job of the list ran a file made here, as if that had been submitted here, with its recipe.

        Raises LocalFileError and JournalError, and JobClaimedError if a submission has become the job.
        """
        from tbatch_tui.engine.local_files.fingerprint import fingerprint_file

        assert record.job is not None
        await self._store.note_recipe(made.sha256, made.recipe_text, made.recipe_path.absolute())
        await self._store.submissions.add_run(
            record.job, made.path.absolute(), await fingerprint_file(made.path), made.requests
        )

    async def runs_of(self, recipe: Recipe, records: Sequence[JobRecord]) -> list[tuple[Recipe, JobRecord]]:
        """Return the jobs whose requests were made by this recipe, of any rows and table: the latest first.

        Of a file that was sent as several jobs it is one of them; retries are left out, as they belong to a job.
        """
        from tbatch_tui.engine.tables.joined.runs import is_same_recipe
        from tbatch_tui.engine.tables.recipe_file import parse_recipe

        runs: dict[str, tuple[Recipe, JobRecord]] = {}
        recipes: dict[str, Recipe | None] = {}
        for record in sorted(records, key=lambda record: -record.created_at):
            submission, group = record.submission, record.group
            if submission is None or (submission.parent is not None and group is None):
                continue
            if submission.sha256 not in recipes:
                recipes[submission.sha256] = None
                if (noted := await self._store.recipe(submission.sha256)) is not None:
                    with suppress(BatchError):  # of another version
                        recipes[submission.sha256] = parse_recipe(noted.text)
            found = recipes[submission.sha256]
            if found is not None and is_same_recipe(found, recipe):
                runs.setdefault(record.key if group is None else group.key, (found, record))
        return list(runs.values())

    async def other_runs(
        self,
        recipe: Recipe,
        records: Sequence[JobRecord],
        open_index: Callable[[JobRecord], ResultIndex],
        known: Collection[str] = (),
    ) -> list[tuple[Recipe, ResultIndex]]:
        """Return the results, not built yet, of the jobs of a recipe, each with that of its file: the latest first.

        Those whose files are not on this machine are left out.

        Args:
            recipe: What was asked.
            records: All jobs.
            open_index: Returns the index over the files of one job.
            known: The keys of jobs that are not returned.
        """
        from tbatch_tui.engine.results.index.family import family_index

        runs: list[tuple[Recipe, ResultIndex]] = []
        for found, record in await self.runs_of(recipe, records):
            family = await self._store.family(record.key)
            if any(member.record.key in known for member in family):
                continue
            if (index := family_index(family, open_index)) is not None:
                runs.append((found, index))
        return runs

    async def recipe_of(self, record: JobRecord) -> NotedRecipe | None:
        """Return the recipe of a job's input file, or of the job that it is a retry of; None if none is known."""
        seen: set[str] = set()
        member: JobRecord | None = record
        while member is not None and member.submission is not None and member.key not in seen:
            seen.add(member.key)
            if (recipe := await self._store.recipe(member.submission.sha256)) is not None:
                return recipe
            if (parent := member.submission.parent) is None:
                return None
            member = await self._store.read_record(parent)
        return None


def note_recipe(data_dir: Path, sha256: str, text: str, path: Path, columns: Sequence[str] = ()) -> None:
    """Save the recipe of these bytes, without an engine.

    Raises LocalFileError, and JournalError while the history cannot be used.

    Args:
        data_dir: The folder of the history.
        sha256: Of the input file.
        text: The recipe.
        path: Its file.
        columns: Of its table.
    """
    journal = _open(data_dir)
    try:
        with journal.database.translate_errors():
            journal.recipes.note(sha256, text, path.absolute())
            if columns:
                journal.memory.remember(_memory_name(columns), text)
    finally:
        journal.close()


def inherit_recipe(data_dir: Path, parent: Path, path: Path) -> bool:
    """Save that one file was made of another, and has its recipe, without an engine; False if that has none.

    A history that is not there, or cannot be used, knows of no recipe.
    """
    if not os.path.exists(data_dir / "history.db"):
        return False
    from tbatch_tui.engine.local_files.fingerprint import read_fingerprint

    with suppress(BatchError):
        journal = _open(data_dir)
        try:
            with journal.database.translate_errors():
                parent_sha256 = read_fingerprint(parent).sha256
                if journal.recipes.get(parent_sha256) is None:
                    return False
                return journal.recipes.inherit(parent_sha256, read_fingerprint(path).sha256)
        finally:
            journal.close()
    return False


def _memory_name(columns: Sequence[str]) -> str:
    """Return the name under which the last recipe of a table with these columns is remembered."""
    digest = hashlib.sha256("\0".join(columns).encode("utf-8", "surrogatepass")).hexdigest()
    return f"recipe.columns.{digest[:24]}"


def _open(data_dir: Path) -> Journal:
    from tbatch_tui.engine.journal.journal import Journal

    return Journal(data_dir / "history.db")
