"""The answers of a job back in the table that it was made of: the same rows, in the same order, with new columns.

    joined = join_back(recipe, source, index, Path("reviews-1a2b3c4d.joined.csv"))
    print(joined.rows, joined.outcomes)

The bytes of the source are copied, never written anew, where its format allows it.
"""

from __future__ import annotations

import gc
import os
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from tbatch_tui.engine.errors import BatchError, LocalFileError, OperationCancelledError
from tbatch_tui.engine.local_files.atomic_write import atomic_write
from tbatch_tui.engine.local_files.filenames import free_path, safe_name
from tbatch_tui.engine.local_files.rights import rights_of
from tbatch_tui.engine.local_files.same_file import is_same_file
from tbatch_tui.engine.tables.joined.answers import OUTCOMES, AnswerReader, format_of_recipe, new_columns
from tbatch_tui.engine.tables.joined.matching import NotTheSourceError as NotTheSourceError
from tbatch_tui.engine.tables.joined.matching import choose_matcher
from tbatch_tui.engine.tables.joined.runs import RunsMatcher, match_runs
from tbatch_tui.engine.tables.problems import RowProblems
from tbatch_tui.engine.tables.readers.folder import RECORDINGS, RecordingsSource
from tbatch_tui.engine.tables.readers.json_rows import JsonSource
from tbatch_tui.engine.tables.readers.open_source import JOB_PREFIX, open_source
from tbatch_tui.engine.tables.recipe import RecipeError
from tbatch_tui.engine.tables.recipe_file import parse_recipe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tbatch_tui.engine.results.index.index import ResultIndex
    from tbatch_tui.engine.tables.joined.copies import NewColumn, TableCopy
    from tbatch_tui.engine.tables.joined.matching import FindMany, IdMatcher, RecipeMatcher
    from tbatch_tui.engine.tables.readers.source import Cells, TableSource
    from tbatch_tui.engine.tables.recipe import Recipe

_BATCH, _BATCH_BYTES = 500, 1 << 20
"""Rows, and bytes of them, that are read and written together, between two calls of `cancelled` and `progress`."""
_OWN_FORMATS = ("csv", "tsv", "json", "jsonl", "parquet")


@dataclass(frozen=True, slots=True)
class JoinedTable:
    """What `join_back` wrote."""

    path: Path
    rows: int
    outcomes: dict[str, int]
    """Rows by outcome, in the order in which outcomes are told; those without rows are left out."""
    columns: tuple[str, ...]
    """The names of the new columns."""
    is_changed: bool
    """Whether the source has changed since the recipe was used on it: rows were joined by their ids alone."""
    new: tuple[str, ...]
    """The ids of the first rows that were not asked for, of a source that has changed."""
    new_total: int
    gone: tuple[str, ...]
    """The ids of the first requests that have no row any more."""
    gone_total: int
    replaced: int
    """Characters of answers that the encoding of the source does not have: they stand there as `\\u2192`."""


def open_table(
    text: str, recipe: Recipe, job_results: Callable[[str], tuple[str, ResultIndex]] | None = None
) -> TableSource:
    """Open the table of a recipe as the recipe was used on it; a table that has changed as it is now.

    Raises what `open_source` raises.

    Args:
        text: The path as it was given, or `job:ID`.
        recipe: It names encoding, delimiter and sheet.
        job_results: Returns the id and the results of a job, or of a group.
    """
    told = recipe.source
    if told is not None and told.format == RECORDINGS:
        return RecordingsSource(Path(text))
    if told is None:
        return open_source(text, job_results=job_results)
    try:
        source = open_source(
            text, encoding=told.encoding, delimiter=told.delimiter, sheet=told.sheet, job_results=job_results
        )
    except BatchError:
        return open_source(text, job_results=job_results)  # saved by another program since
    if recipe.id is None or source.has_column(recipe.id):
        return source
    return open_source(text, job_results=job_results)


def joined_path(folder: Path, stem: str, suffix: str, job_id: str) -> Path:
    """Return `<stem>-<first 8 of the job id>.joined<suffix>` in a folder, numbered where that is taken."""
    name = f"{safe_name(stem)}-{safe_name(job_id[:8])}" if job_id else safe_name(stem)
    return free_path(folder, name, f".joined{suffix}")


def joined_suffix(path: Path, source_format: str) -> str:
    """Return the suffix of the table with the answers of a source of this path and format."""
    return path.suffix if source_format in _OWN_FORMATS else ".csv"


@dataclass(frozen=True, slots=True)
class KnownSource:
    """The table that a job was made of, as its recipe names it."""

    recipe: Recipe
    text: str
    """Its path, which may be no more, or `job:ID`."""

    @classmethod
    def find(cls, text: str, recipe_path: Path | None) -> KnownSource | None:
        """Return the source that a recipe names; None where that cannot be told. Looks at the file: for a thread.

        Args:
            text: The recipe.
            recipe_path: Where it was written: the path of the source is relative to that.
        """
        try:
            recipe = parse_recipe(text)
        except RecipeError:  # of another version
            return None
        if recipe.source is None:
            return None
        if recipe.source.path.startswith(JOB_PREFIX):
            return cls(recipe, recipe.source.path)
        path = Path(recipe.source.path)
        return cls(recipe, str((recipe_path.parent / path).resolve() if recipe_path is not None else path))

    @property
    def name(self) -> str:
        """What it is called."""
        return self.text if self.is_job else Path(self.text).name

    @property
    def is_job(self) -> bool:
        """Whether it is the results of a job, or of a group."""
        return self.text.startswith(JOB_PREFIX)

    @property
    def is_here(self) -> bool:
        """Whether it is still where it was."""
        return self.is_job or (Path(self.text).is_absolute() and os.path.exists(self.text))

    def at(self, text: str) -> KnownSource:
        """Return the same source, which is somewhere else now."""
        return KnownSource(self.recipe, text)

    def joined_path(self, folder: Path, job_id: str) -> Path:
        """Return where the table with the answers goes unless a person names another place."""
        told = self.recipe.source.format if self.recipe.source is not None else ""
        if self.is_job:
            return joined_path(folder, self.text.removeprefix(JOB_PREFIX)[:8], ".csv", job_id)
        path = Path(self.text)
        stem = path.name if told in ("folder", RECORDINGS) else path.stem
        return joined_path(folder, stem, joined_suffix(path, told), job_id)

    def join(
        self,
        index: ResultIndex,
        path: Path,
        *,
        job_results: Callable[[str], tuple[str, ResultIndex]] | None = None,
        runs: Sequence[tuple[Recipe, ResultIndex]] = (),
        replace: bool,
        cancelled: Callable[[], bool],
        progress: Callable[[int, int], object],
    ) -> JoinedTable:
        """Read the results if they are not read yet, and write the table. Raises as `open_table` and `join_back`."""
        if not index.is_built:
            index.build(cancelled=cancelled)
        table = open_table(self.text, self.recipe, job_results)
        return join_back(
            self.recipe, table, index, path, runs=runs, replace=replace, cancelled=cancelled, progress=progress
        )


def join_back(
    recipe: Recipe,
    source: TableSource,
    index: ResultIndex,
    path: Path,
    *,
    runs: Sequence[tuple[Recipe, ResultIndex]] = (),
    replace: bool = False,
    cancelled: Callable[[], bool] = lambda: False,
    progress: Callable[[int, int], object] = lambda _done, _total: None,
) -> JoinedTable:
    """Write a table with the answers to its rows. Rows that were not asked for stay.

    The file gets its name when it is complete. For a thread. A few hundred rows are held, and a number for each.

    Args:
        recipe: That of the job's input file.
        source: The table; its bytes should be those that the recipe was used on.
        index: The results; of a job with retries, or in parts, those of all.
        path: Never that of the source.
        runs: The other jobs of the recipe, the latest first, each with that of its file.
        replace: Whether a file of this name is replaced.
        progress: Called with the rows written and the rows in all, 0 where they are not known.

    Raises:
        NotTheSourceError: The source has changed, and the recipe names no column of ids.
        FaultyTableError: The source, which has changed, has problems.
        LocalFileError: A file cannot be read or written; there is one of this name; it is the source.
    """
    _require_other(path, source, index)
    matcher, before, is_changed = _choose(recipe, source, index, runs, cancelled)
    total = 0  # not known
    if isinstance(matcher, RunsMatcher):
        index = matcher.index
    elif recipe.source is not None and not is_changed:
        total = recipe.source.rows or 0
    columns = new_columns(asked := format_of_recipe(recipe), _names(source), recordings=recipe.is_audio)
    rights = source.rights() & rights_of(*index.paths())
    is_collecting = gc.isenabled()
    gc.disable()  # rows make no cycles, and there are many
    try:
        with atomic_write(path, replace=replace, rights=rights) as file, ExitStack() as stack:
            answers = AnswerReader(index, asked, columns, typed=_is_typed(source), stack=stack)
            copy = _copy_of(source, file, columns, matcher.needed)
            writer = _Writer(copy, answers, total, cancelled, progress)
            matcher.prepare()
            matcher.match(_without_problems(copy, source), copy.columns, writer)
            writer.flush()
            copy.close()
            if copy.sha256 != before or (total and total != writer.rows):
                raise LocalFileError(f"{source.name} changed while being read", "Nothing was written. Try again.")
    finally:
        if is_collecting:
            gc.enable()
    outcomes = {words: count for words in OUTCOMES if (count := answers.outcomes[words])}
    new, gone = matcher.new, matcher.gone
    return JoinedTable(
        path, writer.rows, outcomes, tuple(column.name for column in columns), is_changed,
        tuple(new.names), new.total, tuple(gone.names), gone.total, copy.replaced,
    )  # fmt: skip


def _is_typed(source: TableSource) -> bool:
    """Return whether the cells of the copy have types."""
    return source.format == "parquet"


def _choose(
    recipe: Recipe,
    source: TableSource,
    index: ResultIndex,
    runs: Sequence[tuple[Recipe, ResultIndex]],
    cancelled: Callable[[], bool],
) -> tuple[RunsMatcher | RecipeMatcher | IdMatcher, str, bool]:
    """Return what finds the requests of rows, the hash of the source, and whether it has changed since."""
    if runs and (found := match_runs(recipe, source, index, runs, cancelled)) is not None:
        return (*found, False)
    return choose_matcher(recipe, source, index)


class _Writer:
    """Writes rows in batches."""

    def __init__(
        self,
        copy: TableCopy,
        answers: AnswerReader,
        total: int,
        cancelled: Callable[[], bool],
        progress: Callable[[int, int], object],
    ) -> None:
        self.rows = 0
        self._copy = copy
        self._answers = answers
        self._total, self._cancelled, self._progress = total, cancelled, progress
        self._held: list[Any] = []
        self._requests: list[int] = []
        self._bytes = 0

    def emit(self, row: Any, request: int) -> None:
        """Take a row of the copy, and the number of its request. Raises OperationCancelledError."""
        self._held.append(row)
        self._requests.append(request)
        self._bytes += self._copy.size(row)
        if len(self._held) >= _BATCH or self._bytes >= _BATCH_BYTES:
            self.flush()

    def emit_many(self, rows: Iterator[tuple[Cells, Any]], find: FindMany) -> None:
        """Take all rows, and let `find` return the numbers of the requests of many at once."""
        size = self._copy.size
        many: list[Cells] = []
        for cells, row in rows:
            many.append(cells)
            self._held.append(row)
            self._bytes += size(row)
            if len(many) >= _BATCH or self._bytes >= _BATCH_BYTES:
                self._requests = find(many)
                self.flush()
                many = []
        self._requests = find(many)
        self.flush()

    def flush(self) -> None:
        """Write the rows that are held. Raises OperationCancelledError."""
        if self._cancelled():
            raise OperationCancelledError("The export was stopped")
        if self._held:
            self._copy.write(self._held, self._answers.cells(self._requests))
            self.rows += len(self._held)
            self._held, self._requests, self._bytes = [], [], 0
            self._progress(self.rows, max(self._total, self.rows))


def _without_problems(copy: TableCopy, source: TableSource) -> Iterator[tuple[Cells, Any]]:
    """Yield the rows of a copy, and raise FaultyTableError at the end where rows have problems."""
    problems = RowProblems()
    for row in copy.rows(problems):
        if not problems.total:
            yield row
    problems.raise_if_any(source.name)


def _copy_of(source: TableSource, file: BinaryIO, new: Sequence[NewColumn], needed: Sequence[str]) -> TableCopy:
    """Return the copy in the source's own format; CSV of what is no table of rows in a file."""
    if source.format in ("csv", "tsv"):
        from tbatch_tui.engine.tables.joined.csv_copy import CsvCopy

        return CsvCopy(source, file, new, needed)
    if isinstance(source, JsonSource):
        from tbatch_tui.engine.tables.joined.json_copy import JsonArrayCopy, JsonLinesCopy

        return (JsonArrayCopy if source.format == "json" else JsonLinesCopy)(source, file, new, needed)
    if source.format == "parquet":
        from tbatch_tui.engine.tables.joined.parquet_copy import ParquetCopy

        return ParquetCopy(source, file, new, needed)
    from tbatch_tui.engine.tables.joined.csv_copy import PlainCsv

    return PlainCsv(source, file, new, needed)


def _names(source: TableSource) -> set[str]:
    """Return the names that a new column may not have."""
    if isinstance(source, JsonSource):
        return {name for row in source.objects(RowProblems()) for name in row or ()}
    return set(source.columns)


def _require_other(path: Path, source: TableSource, index: ResultIndex) -> None:
    """Raise LocalFileError where the path is that of the source, or of a file that the answers are read from."""
    for other in (source.path, *index.paths()):
        is_same = path.absolute() == other.absolute()
        if is_same or is_same_file(path, other):
            raise LocalFileError(f"{path} is the source table, which is never overwritten", "Use another name with -o.")
