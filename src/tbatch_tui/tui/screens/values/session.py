"""The answers that Values shows: read in a thread, field by field, with what a pattern took out and a source column."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from tbatch_tui.engine.answers.columns import column_of_cells
from tbatch_tui.engine.answers.fields import FieldKind, NoSuchFieldError
from tbatch_tui.engine.answers.pattern import PatternError, read_by_pattern
from tbatch_tui.engine.answers.table import COUNTED, AnswerTable, read_table
from tbatch_tui.engine.answers.values import CrossTable, FieldValues, cross, describe_column
from tbatch_tui.engine.groups.group_results import results_by_key
from tbatch_tui.engine.lenient_json import loads
from tbatch_tui.engine.results import Outcome
from tbatch_tui.engine.results.index.lookup.masked_rows import MaskedRows
from tbatch_tui.engine.tables.joined.source_column import open_noted_table, read_source_column
from tbatch_tui.engine.threads import run_cancellable, run_reading

if TYPE_CHECKING:
    from array import array
    from collections.abc import Callable, Collection, Sequence

    from tbatch_tui.engine.answers.columns import ValueColumn
    from tbatch_tui.engine.engine import BatchEngine
    from tbatch_tui.engine.journal.tables.recipes import NotedRecipe
    from tbatch_tui.engine.results import ResultIndex


class FieldLine(NamedTuple):
    """A field of the list at the left."""

    values: FieldValues
    group: str
    """`answers`, `every answer` or `pattern`: a thin rule stands between them."""


class ValuesSession:
    """The fields of the answers of one job."""

    def __init__(self, engine: BatchEngine, key: str, index: ResultIndex, rows: Sequence[int] | None) -> None:
        """Make a session that has read nothing yet.

        Args:
            engine: It knows the recipe of the job.
            key: That of the job.
            index: Its results, built.
            rows: The rows that are counted; None for those that are ok.
        """
        self._engine = engine
        self.key = key
        self.index = index
        self.has_own_rows = rows is not None
        self.rows: Sequence[int] = MaskedRows(index.mask(COUNTED)) if rows is None else rows
        self.table: AnswerTable | None = None
        self._taken: dict[str, ValueColumn] = {}
        """What patterns took out, by name."""
        self._origins: dict[str, str] = {}
        """From which field each of them was taken."""
        self._patterns: dict[str, str] = {}
        """By the field that they are searched in."""
        self.by: ValueColumn | None = None
        """The column by which fields are told."""

    async def read(self, progress: Callable[[int, int], object]) -> None:
        """Read all fields, and take out what was taken out of this job's answers before.

        Raises LocalFileError, and OperationCancelledError when the caller is cancelled.
        """
        self.table = await run_cancellable(self._read, progress=progress)
        for name, pattern in parse_patterns(await self._engine.recall(self._memory)).items():
            with suppress(PatternError, NoSuchFieldError):  # the answers may be others by now
                await self._take_out(name, pattern)
                self._patterns[name] = pattern

    def _read(self, *, cancelled: Callable[[], bool], progress: Callable[[int, int], object]) -> AnswerTable:
        from tbatch_tui.engine.answers.fields import find_fields

        fields = find_fields(self.index, self.rows, cancelled)
        names = [field.name for field in fields.all if not (fields.own and field.kind is FieldKind.ANSWER)]
        return read_table(self.index, self.rows, names, cancelled=cancelled, progress=progress)

    def columns(self) -> dict[str, ValueColumn]:
        """Return all columns that were read, by name."""
        return {**(self.table.columns if self.table is not None else {}), **self._taken}

    def fields(self) -> list[FieldLine]:
        """Return what is in each field. For a thread: values are counted and sorted."""
        table = self.table
        if table is None:
            return []
        lines: list[FieldLine] = []
        for name, column in self.columns().items():
            if name in self._taken:
                lines.append(FieldLine(describe_column(column), "pattern"))
                continue
            field = table.fields.find(name)
            group = "every answer" if field.kind.is_derived else "answers"
            lines.append(FieldLine(describe_column(column, field.allowed), group))
        return sorted(lines, key=lambda line: ["answers", "pattern", "every answer"].index(line.group))

    def crossed(self, name: str) -> CrossTable | None:
        """Return a field by the chosen column; None where none is chosen."""
        return cross(self.columns()[name], self.by) if self.by is not None else None

    def not_counted(self) -> array[int] | None:
        """Return the rows that are invalid, where only the ok ones are counted; None where there are none."""
        if self.has_own_rows:
            return None
        return rows if len(rows := self.index.select((Outcome.INVALID,))) else None

    # -- columns of the source -----------------------------------------------------------------------

    async def source_columns(self) -> tuple[str, ...]:
        """Return the columns of the table that the job was made of. Raises BatchError where it is not here."""
        noted, find = await self._noted(), await self._finder()

        def read(*, cancelled: Callable[[], bool]) -> tuple[str, ...]:  # noqa: ARG001 - a quick look
            return open_noted_table(noted, self._name, find)[1].columns

        return await run_reading(read)

    async def cross_by_source(self, name: str) -> None:
        """Tell fields by a column of the source. Raises BatchError."""
        noted, find = await self._noted(), await self._finder()

        def read(*, cancelled: Callable[[], bool]) -> ValueColumn:
            recipe, source = open_noted_table(noted, self._name, find)
            cells = read_source_column(recipe, source, self.index, name, cancelled=cancelled)
            return column_of_cells(name, cells, self.rows)

        self.by = await run_reading(read)

    async def _noted(self) -> NotedRecipe | None:
        record = self._engine.record(self.key)
        return await self._engine.recipes.recipe_of(record) if record is not None else None

    @property
    def _name(self) -> str:
        record = self._engine.record(self.key)
        return record.name if record is not None else "the job"

    async def _finder(self) -> Callable[[str], tuple[str, ResultIndex]]:
        """Return the function from the key of a job, or of a group, to its results."""
        return partial(results_by_key, await self._engine.records())

    # -- patterns ------------------------------------------------------------------------------------

    @property
    def _memory(self) -> str:
        return f"values.patterns:{self.key}"

    def pattern_of(self, name: str) -> str:
        """Return the pattern that fields are taken out of a field with, or this one was; empty for none."""
        return self._patterns.get(self._origins.get(name, name), "")

    async def take_out(self, name: str, pattern: str) -> list[str]:
        """Show the fields that a pattern takes out of a field, and return their names; an empty one takes them away.

        They take the place of those that were taken out of it before, and are kept with the job. Of a field that was
        taken out itself, the field that it was taken from is searched. Raises PatternError, and JournalError.
        """
        name = self._origins.get(name, name)
        names = await self._take_out(name, pattern) if pattern else []
        for other in [other for other, origin in self._origins.items() if origin == name and other not in names]:
            del self._taken[other], self._origins[other]
        self._patterns.pop(name, None)
        if pattern:
            self._patterns[name] = pattern
        await self._engine.remember(self._memory, json.dumps(self._patterns))
        return names

    async def _take_out(self, name: str, pattern: str) -> list[str]:
        table = self.table
        assert table is not None

        def read(*, cancelled: Callable[[], bool]) -> list[ValueColumn]:
            return read_by_pattern(self.index, self.rows, table.fields.find(name), pattern, cancelled=cancelled)

        columns = await run_cancellable(read)
        own = table.columns
        named = [replace(column, name=_free_name(column.name, own)) for column in columns]
        self._taken |= {column.name: column for column in named}
        self._origins |= {column.name: name for column in named}
        return [column.name for column in named]


def parse_patterns(text: str | None) -> dict[str, str]:
    """Return the patterns that were kept with a job, by their fields."""
    kept = loads(text.encode()) if text else None
    if not isinstance(kept, dict):
        return {}
    return {name: pattern for name, pattern in kept.items() if isinstance(pattern, str)}


def _free_name(name: str, taken: Collection[str]) -> str:
    """Return a name that no field of the answers has: a second one gets `_2`, as in exports."""
    free, number = name, 1
    while free in taken:
        number += 1
        free = f"{name}_{number}"
    return free
