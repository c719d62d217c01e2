"""Make an input file of a table: every row is looked at, and the file gets its name only if none has a problem."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from tbatch_tui.engine.check.limits import FILE_MEGABYTES, MEGABYTE, REQUESTS_MAX
from tbatch_tui.engine.errors import BatchError, LocalFileError
from tbatch_tui.engine.local_files.atomic_write import atomic_write
from tbatch_tui.engine.local_files.same_file import is_same_file
from tbatch_tui.engine.tables.output_names import recipe_path
from tbatch_tui.engine.tables.recipe import Recipe, RecipeError, RecipeSource
from tbatch_tui.engine.tables.recipe_file import parse_recipe
from tbatch_tui.engine.tables.recipe_text import recipe_text
from tbatch_tui.engine.tables.requests.run import ANSWERED, ASKED_ONCE, RequestRun
from tbatch_tui.engine.tables.selection import SEED_MAX
from tbatch_tui.text.plural import plural

if TYPE_CHECKING:
    from collections.abc import Callable

    from tbatch_tui.engine.tables.problems import RowProblems
    from tbatch_tui.engine.tables.readers.source import TableSource


@dataclass(frozen=True, slots=True)
class MadeFile:
    """What `make_input` wrote."""

    path: Path
    recipe_path: Path
    recipe: Recipe
    """As it was written, with the source."""
    recipe_text: str
    sha256: str
    """Of the input file."""
    size: int
    rows: int
    """Rows of the source."""
    requests: int
    left_out: dict[str, int]
    """Rows without a request, by the reason."""
    asked_once: int
    """Rows that get the answer of another row, which asks the same."""
    repeats: int
    """Rows that ask the same as one before them, where `once` was not asked for."""

    @property
    def jobs(self) -> int:
        """How many jobs it becomes, at the least."""
        return max(-(-self.requests // REQUESTS_MAX), -(-self.size // (FILE_MEGABYTES * MEGABYTE)), 1)


class NothingToAskError(BatchError):
    """No row is left to ask about; nothing was written."""


def complete_recipe(recipe: Recipe) -> Recipe:
    """Return the recipe with a seed for its sample, as it will be read again: the same bytes come of it."""
    if recipe.rows.sample is not None and recipe.rows.seed is None:
        import secrets

        recipe = replace(recipe, rows=replace(recipe.rows, seed=secrets.randbelow(SEED_MAX)))
    return parse_recipe(recipe_text(recipe))


def preview_requests(
    recipe: Recipe, source: TableSource, number: int, is_answered: Callable[[bytes], bool] | None = None
) -> tuple[list[bytes], RowProblems]:
    """Return the first lines that `make_input` would write, and the problems of the rows that were looked at.

    Raises as `make_input`, for what is wrong before the first row.
    """
    run = RequestRun(complete_recipe(recipe), source, is_answered=is_answered)
    lines: list[bytes] = []
    for _, line in run.numbered_lines():
        lines.append(line)
        if len(lines) >= number:
            break
    return lines, run.problems


def make_input(
    recipe: Recipe,
    source: TableSource,
    out: Path,
    *,
    replace_files: bool = False,
    keep_recipe: Path | None = None,
    is_answered: Callable[[bytes], bool] | None = None,
    context: int | None = None,
    cancelled: Callable[[], bool] = lambda: False,
) -> MadeFile:
    """Write the requests of a recipe for a source, and next to them the recipe.

    Both get their names when they are whole, and only if no row has a problem. A file that its owner alone may read
    gives one that its owner alone may read. For a thread.

    Args:
        recipe: What is asked.
        source: The table.
        out: The path of the input file.
        replace_files: Whether files of these names are replaced.
        keep_recipe: A recipe that a person wrote: if it has the name that ours would get, it stays as it is, and what
            is not in it is added.
        is_answered: Says of the line of a request whether it has a good answer already, and is left out.
        context: How many tokens the model takes, by the catalogue; None where that is not known.
        cancelled: Asked again and again whether to stop.

    Raises:
        FaultyTableError: Rows have problems.
        TemplateTextError: A template cannot be read, or names a column that is not there.
        MissingColumnError: An option does.
        RecipeError: Something is missing in the recipe.
        NothingToAskError: No row is left.
        LocalFileError: A file cannot be read or written.
        OperationCancelledError: `cancelled` returned true.
    """
    recipe = complete_recipe(recipe)
    run = RequestRun(recipe, source, is_answered=is_answered, context=context)
    notes = recipe_path(out)
    with atomic_write(out, replace=replace_files, rights=source.rights()) as file:
        size, sha256 = run.write(file, cancelled)
        run.problems.raise_if_any(source.name)
        _require_requests(run, source)
        recipe = recipe.with_source(_describe(source, notes, run.selection.rows))
        text = recipe_text(recipe)
        with suppress(OSError):
            file.flush()
        rights = os.fstat(file.fileno()).st_mode & 0o777
        kept = keep_recipe is not None and is_same_file(notes, keep_recipe)
        if kept and keep_recipe is not None and not replace_files:
            text = _merged(keep_recipe, recipe)
        with atomic_write(notes, replace=replace_files or kept, rights=rights) as other:
            other.write(text.encode())
    asked_once = run.left_out.pop(ASKED_ONCE, 0)
    return MadeFile(
        out, notes, recipe, text, sha256, size, run.selection.rows, run.requests, dict(run.left_out), asked_once,
        run.repeats,
    )  # fmt: skip


def _require_requests(run: RequestRun, source: TableSource) -> None:
    """Raise NothingToAskError where there are none."""
    if not run.requests and (answered := run.left_out[ANSWERED]):
        title = f"Nothing is new in {source.name}: {plural(answered, 'row')} asked before got a good answer"
        raise NothingToAskError(title, "Nothing was written.")
    if not run.selection.rows:
        things = "files" if source.format == "folder" else "rows"
        raise NothingToAskError(f"{source.name} has no {things}", "Nothing was written.")
    if not run.requests:
        raise NothingToAskError(f"No row of {source.name} is left to send", "Nothing was written.")


def _describe(source: TableSource, notes: Path, rows: int) -> RecipeSource:
    """Return what a recipe says of its source; the path is relative to the recipe."""
    path = source.path.name
    if source.format != "job":
        path = Path(os.path.relpath(source.path.absolute(), notes.absolute().parent)).as_posix()
    return RecipeSource(path, source.sha256, source.format, rows, source.encoding, source.delimiter, source.sheet)


def _merged(written: Path, recipe: Recipe) -> str:
    """Return a person's recipe with the source added. Raises LocalFileError where that is not what was asked."""
    text = written.read_text(encoding="utf-8-sig")
    ours = recipe_text(replace(Recipe(), source=recipe.source)).partition("[source]")
    for candidate in (text, f"{text.rstrip()}\n\n{ours[1]}{ours[2]}"):
        with suppress(RecipeError):
            if parse_recipe(candidate) == recipe:
                return candidate
    raise LocalFileError(
        f"The recipe {written} differs from these options",
        "Nothing was written. Use another name with -o; --force replaces the recipe.",
    )
