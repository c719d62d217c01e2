"""Make an input file of a table: every row is looked at, and the file gets its name only if none has a problem."""

from __future__ import annotations

import hashlib
import os
from array import array
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from tbatch_tui.engine.check.limits import FILE_MEGABYTES, LINE_BYTES_MAX, MEGABYTE, REQUESTS_MAX
from tbatch_tui.engine.errors import BatchError, LocalFileError, OperationCancelledError
from tbatch_tui.engine.local_files.atomic_write import atomic_write
from tbatch_tui.engine.local_files.rights import PRIVATE
from tbatch_tui.engine.tables.output_names import recipe_path
from tbatch_tui.engine.tables.problems import RowProblems
from tbatch_tui.engine.tables.readers.read_ahead import batches, can_read_ahead, read_ahead
from tbatch_tui.engine.tables.recipe import Recipe, RecipeError, RecipeSource
from tbatch_tui.engine.tables.recipe_file import parse_recipe
from tbatch_tui.engine.tables.recipe_text import recipe_text
from tbatch_tui.engine.tables.repeats import FirstOnly, digest
from tbatch_tui.engine.tables.requests.builder import RequestBuilder, RowError
from tbatch_tui.engine.tables.selection import SEED_MAX, RowSelection

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from tbatch_tui.engine.tables.readers.source import Cells, TableSource
    from tbatch_tui.engine.tables.requests.builder import BoundBuilder

_FLUSH = 1 << 20
"""Bytes that are written at once."""


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


def preview_requests(recipe: Recipe, source: TableSource, number: int) -> tuple[list[bytes], RowProblems]:
    """Return the first lines that `make_input` would write, and the problems of the rows that were looked at.

    Raises as `make_input`, for what is wrong before the first row.
    """
    run = _Run(complete_recipe(recipe), source)
    lines: list[bytes] = []
    for line in run.lines():
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
    run = _Run(recipe, source)
    notes = recipe_path(out)
    with atomic_write(out, replace=replace_files, rights=source.rights()) as file:
        size, sha256 = run.write(file, cancelled)
        run.problems.raise_if_any(source.name)
        if not run.requests:
            raise NothingToAskError(f"No row of {source.name} is left to ask about", "Nothing was written.")
        recipe = recipe.with_source(_describe(source, notes, run.selection.rows))
        text = recipe_text(recipe)
        with suppress(OSError):
            file.flush()
        rights = os.fstat(file.fileno()).st_mode & 0o777
        kept = keep_recipe is not None and notes.exists() and notes.samefile(keep_recipe)
        if kept and keep_recipe is not None and not replace_files:
            text = _merged(keep_recipe, recipe)
        with atomic_write(notes, replace=replace_files or kept, rights=rights) as other:
            other.write(text.encode())
    asked_once = run.left_out.pop(_ONCE, 0)
    return MadeFile(
        out, notes, recipe, text, sha256, size, run.selection.rows, run.requests, dict(run.left_out), asked_once,
        run.repeats,
    )  # fmt: skip


_ONCE = "asked once"


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
        f"The recipe {written} says something else than what was asked",
        "Nothing was written. Give another name with -o; --force replaces the recipe.",
    )


class _Run:
    """One reading of the source, from rows to lines."""

    def __init__(self, recipe: Recipe, source: TableSource) -> None:
        self.problems = RowProblems()
        self.requests = 0
        self.left_out: Counter[str] = Counter()
        self.repeats = 0
        self._file: BinaryIO | None = None
        self._recipe = recipe
        self._source = source
        self.selection = RowSelection(recipe.rows, source)
        self._builder = RequestBuilder(recipe, source, self._make_private)
        self._needed = tuple(dict.fromkeys([*self._builder.needed, *self.selection.needed]))
        self._tails: array[int] = array("q")
        self._ids: array[int] | None = None if self._builder.id_column is None else array("q")

    def _make_private(self) -> None:
        if self._file is not None:
            with suppress(OSError):
                os.fchmod(self._file.fileno(), PRIVATE)

    def write(self, file: BinaryIO, cancelled: Callable[[], bool]) -> tuple[int, str]:
        """Write all lines; return their bytes and their hash. After the first problem nothing more is written."""
        self._file = file
        sha256, size, held, lines = hashlib.sha256(), 0, 0, list[bytes]()
        for piece in self._pieces():
            lines.append(piece)
            held += len(piece)
            if held >= _FLUSH:
                if cancelled():
                    raise OperationCancelledError("Making the file was stopped")
                self._write(file, sha256, lines)
                size += held
                held, lines = 0, []
        self._write(file, sha256, lines)
        self._name_doubled_ids()
        return size + held, sha256.hexdigest()

    def _write(self, file: BinaryIO, sha256: hashlib._Hash, lines: list[bytes]) -> None:
        if not self.problems.total:
            data = b"".join(lines)
            file.write(data)
            sha256.update(data)

    def _rows(self, problems: RowProblems) -> Iterator[tuple[int, Cells, BoundBuilder]]:
        """Yield the rows that are asked for and have all that is asked for in them."""
        rows = self._source.rows(self._needed, problems)
        bound = self._builder.bind(rows.columns)
        return self._asked(self.selection.choose(rows, rows.columns), bound, problems)

    def _asked(
        self, rows: Iterable[tuple[int, Cells]], bound: BoundBuilder, problems: RowProblems | None = None
    ) -> Iterator[tuple[int, Cells, BoundBuilder]]:
        problems = self.problems if problems is None else problems
        policy, empty_columns = self._recipe.rows.empty, bound.empty_columns
        for number, cells in rows:
            if not cells:  # its problem is known
                continue
            if policy != "keep" and (empty := empty_columns(cells)):
                if policy == "skip":
                    self.left_out[f"{empty[0]} is empty"] += 1
                else:
                    for column in empty:
                        problems.add(number, column, "the cell is empty")
                continue
            yield number, cells, bound

    def _pieces(self) -> Iterator[bytes]:
        """Yield the lines of all requests: many at once where nothing about the rows needs a closer look."""
        is_plain = self._source.has_text_only and self.selection.is_everything and not self._recipe.rows.once
        is_plain = is_plain and self._recipe.image is None
        if not is_plain or self._builder.id_column != self._recipe.id or self._recipe.rows.empty == "keep":
            yield from self.lines()
            return
        columns, number = self._needed, 0
        if can_read_ahead(self._source) and columns:
            taken = read_ahead(self._source, columns, self.problems)
        else:
            rows = self._source.rows(columns, self.problems)
            columns, taken = rows.columns, batches(rows, self._source)
        bound = self._builder.bind(columns)
        for batch in taken:
            made = bound.batch(number + 1, batch)
            if made is None or max(map(len, made.lines)) > LINE_BYTES_MAX:
                asked = self._asked(enumerate(batch, start=number + 1), bound)
                yield from self._lines_of(asked, None)
            else:
                self.requests += len(batch)
                self._tails.extend(made.keys)
                if self._ids is not None:
                    self._ids.extend(made.ids)
                yield b"".join(made.lines)
            number += len(batch)
        self.selection.rows = number
        self._count_repeats()

    def lines(self) -> Iterator[bytes]:
        """Yield the line of each request. Problem with rows is added to the problems."""
        self.selection.count()
        once = self._find_repeated() if self._recipe.rows.once else None
        before = self._source.sha256  # of an earlier reading, if there was one
        self.left_out.clear()
        yield from self._lines_of(self._rows(self.problems), once)
        self.left_out.update(self.selection.left_out)
        if before and before != self._source.sha256:
            raise BatchError(f"{self._source.name} has changed while it was read", "Nothing was written. Try again.")
        if once is None:
            self._count_repeats()

    def _lines_of(self, rows: Iterable[tuple[int, Cells, BoundBuilder]], once: FirstOnly | None) -> Iterator[bytes]:
        problems, tails, ids = self.problems, self._tails, self._ids
        for number, cells, bound in rows:
            try:
                tail, key = bound.tail(cells)
                if once is None:
                    tails.append(key)
                elif not once.is_first(digest(tail)):
                    self.left_out[_ONCE] += 1
                    continue
                custom_id = bound.custom_id(number, cells)
                line = bound.line(custom_id, tail)
            except RowError as error:
                problems.add(number, error.column, str(error))
                continue
            if ids is not None:
                ids.append(hash(custom_id))
            self.requests += 1
            yield line

    def _count_repeats(self) -> None:
        self.repeats = FirstOnly(self._tails).repeats
        self._tails = array("q")

    def _find_repeated(self) -> FirstOnly:
        """Read the rows once to know which requests there are more than once."""
        hashes: array[int] = array("Q")
        for _, cells, bound in self._rows(RowProblems()):
            with suppress(RowError):
                hashes.append(digest(bound.tail(cells)[0]))
        return FirstOnly(hashes)

    def _name_doubled_ids(self) -> None:
        """Find custom_ids that are there twice, and read the rows again to name them."""
        if self._ids is None:
            return
        doubled = FirstOnly(self._ids)
        self._ids = None
        if not doubled.repeats:
            return
        first_rows: dict[str, int] = {}
        column, named = self._builder.id_column or "", 0
        once = self._find_repeated() if self._recipe.rows.once else None
        for number, cells, bound in self._rows(RowProblems()):
            try:
                if once is not None and not once.is_first(digest(bound.tail(cells)[0])):
                    continue
                custom_id = bound.custom_id(number, cells)
            except RowError:
                continue
            if doubled.place(hash(custom_id)) is None:
                continue
            first = first_rows.setdefault(custom_id, number)
            if first != number:
                named += 1
                self.problems.add(number, column, f"the id {custom_id} is that of row {first:,} too")
                if named >= _NAMED_IDS:
                    break
        self.problems.count(max(0, doubled.repeats - named))


_NAMED_IDS = 1_000
"""Doubled ids that are named; the others are only counted, so that few are held."""
