"""What Compare holds: a job, and another one or a gold column; both are read in threads."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from tbatch_tui.engine.answers.columns import value_text
from tbatch_tui.engine.answers.compare import Comparison, compare, compare_with_gold, field_text
from tbatch_tui.engine.answers.fields import find_fields
from tbatch_tui.engine.answers.reading import read_answers
from tbatch_tui.engine.answers.table import COUNTED
from tbatch_tui.engine.errors import BatchError
from tbatch_tui.engine.groups.group_results import results_by_key
from tbatch_tui.engine.tables.joined.source_column import open_noted_table, read_source_column
from tbatch_tui.engine.threads import run_cancellable, run_reading

if TYPE_CHECKING:
    from collections.abc import Callable

    from tbatch_tui.engine.answers.fields import Field
    from tbatch_tui.engine.answers.reading import Answer
    from tbatch_tui.engine.domain.record import JobRecord
    from tbatch_tui.engine.engine import BatchEngine
    from tbatch_tui.engine.journal.tables.recipes import NotedRecipe
    from tbatch_tui.engine.results import ResultIndex


@dataclass(frozen=True, slots=True)
class Other:
    """What a job is compared with: the key of another one, or a column of its source table."""

    key: str = ""
    gold: str = ""


class CompareSession:
    """A job, what it is compared with, and how they compare."""

    def __init__(self, engine: BatchEngine, key: str, index: ResultIndex | None) -> None:
        """Make a session that has read nothing yet; without an index, that of the job is read."""
        self._engine = engine
        self.key = key
        self.first = index
        self.second: ResultIndex | None = None
        self.other: Other | None = None
        self.found: Comparison | None = None
        self.field: str | None = None
        """The field that is compared; None for the one that answers are told by."""
        self._gold: dict[int, Any] = {}

    def name(self, key: str) -> str:
        """Return the name of a job."""
        record = self._engine.record(key)
        return record.name if record is not None else key[:8]

    @property
    def other_name(self) -> str:
        """The name of the other job, or of the gold column."""
        if self.other is None:
            return ""
        return self.other.gold or self.name(self.other.key)

    async def choices(self) -> list[JobRecord]:
        """Return the other jobs with results here: of the same input file, of as many requests, then the latest."""
        records = [record for record in await self._engine.records() if record.key != self.key and record.paths]
        own = self._engine.record(self.key)
        family = {member.record.key for member in await self._engine.family(self.key)}
        path = own.submission.path if own is not None and own.submission is not None else None

        def rank(record: JobRecord) -> tuple[bool, bool, float]:
            is_same = record.key in family or (record.submission is not None and record.submission.path == path)
            is_as_long = own is not None and record.requests == own.requests
            return (not is_same, not is_as_long, -record.created_at)

        return sorted(records, key=rank)

    async def gold_columns(self) -> tuple[str, ...]:
        """Return the columns of the table that the job was made of. Raises BatchError where it is not here."""
        noted, find = await self._noted(), await self._finder()

        def read(*, cancelled: Callable[[], bool]) -> tuple[str, ...]:  # noqa: ARG001 - a quick look
            return open_noted_table(noted, self.name(self.key), find)[1].columns

        return await run_reading(read)

    async def fields(self) -> tuple[Field, ...]:
        """Return the fields that the answers of the job can be compared by. Raises BatchError."""
        first = self.first
        if first is None:
            return ()

        def find(*, cancelled: Callable[[], bool]) -> tuple[Field, ...]:
            return find_fields(first, first.select(COUNTED), cancelled).compared

        return await run_cancellable(find)

    async def compare(self, other: Other, field: str | None = None) -> Comparison:
        """Read what is not read yet, and compare by a field. Raises BatchError; then nothing has changed."""
        if self.first is None:
            self.first = await self._read(self.key)
        first = self.first
        if other.gold:
            gold = await self._read_gold(other.gold, first)
            found = await run_cancellable(compare_with_gold, first, gold, field)
            second = None
        else:
            gold = {}
            second = await self._read(other.key)
            found = await run_cancellable(compare, first, second, field)
        self.other, self.found, self.second, self._gold, self.field = other, found, second, gold, field
        return found

    async def _read(self, key: str) -> ResultIndex:
        record = self._engine.record(key)
        if record is None:  # the history may still be opening
            record = next((each for each in await self._engine.records() if each.key == key), None)
        if record is None:
            raise BatchError("This job is not in the list any more", "Choose another one.")
        index = self._engine.results(record)
        await run_reading(index.build)
        return index

    async def _read_gold(self, name: str, index: ResultIndex) -> dict[int, Any]:
        noted, find = await self._noted(), await self._finder()

        def read(*, cancelled: Callable[[], bool]) -> dict[int, Any]:
            recipe, source = open_noted_table(noted, self.name(self.key), find)
            return read_source_column(recipe, source, index, name, cancelled=cancelled)

        return await run_reading(read)

    async def _noted(self) -> NotedRecipe | None:
        record = self._engine.record(self.key)
        return await self._engine.recipes.recipe_of(record) if record is not None else None

    async def _finder(self) -> Callable[[str], tuple[str, ResultIndex]]:
        """Return the function from the key of a job, or of a group, to its results."""
        return partial(results_by_key, await self._engine.records())

    def texts(self, first_row: int | None, second_row: int | None) -> tuple[str, str]:
        """Return both answers of a pair in full; of a gold column, the field and what it should be.

        Reads the files, so it is for a thread. Raises LocalFileError.
        """
        assert self.first is not None
        assert self.found is not None
        if self.found.is_gold:
            field = find_fields(self.first, self.first.select(COUNTED)[:1]).find(self.found.field)
            gold = value_text(self._gold.get(second_row)) if second_row is not None else ""
            return _text(self.first, first_row, lambda answer: field_text(field, answer)), gold
        second = _text(self.second, second_row, _whole) if self.second is not None else ""
        return _text(self.first, first_row, _whole), second


def _text(index: ResultIndex, row: int | None, text_of: Callable[[Answer], str]) -> str:
    if row is None:
        return ""
    return next((text_of(answer) for _, answer in read_answers(index, [row])), "")


def _whole(answer: Answer) -> str:
    return answer.text
