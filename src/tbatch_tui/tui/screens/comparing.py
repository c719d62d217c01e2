"""A job, and another one or a gold column that it is compared with, for Compare and for a report of Results.

What is read is read in threads.
"""

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
from tbatch_tui.engine.groups.group_record import GroupRecord, group_records
from tbatch_tui.engine.groups.group_results import results_by_key
from tbatch_tui.engine.results.index.family import family_index
from tbatch_tui.engine.results.index.merged import MergedIndex
from tbatch_tui.engine.tables.joined.source_column import open_noted_table, read_source_column
from tbatch_tui.engine.threads import run_cancellable, run_reading
from tbatch_tui.text import format as fmt
from tbatch_tui.tui.sanitize import line

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.app import App

    from tbatch_tui.engine.answers.fields import Field
    from tbatch_tui.engine.answers.reading import Answer
    from tbatch_tui.engine.domain.record import JobRecord
    from tbatch_tui.engine.engine import BatchEngine
    from tbatch_tui.engine.journal.tables.recipes import NotedRecipe
    from tbatch_tui.engine.results import ResultIndex


@dataclass(frozen=True, slots=True)
class Other:
    """What a job is compared with: the key of another one, or of a group; or a column of its source table."""

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
        self._groups: dict[str, GroupRecord] = {}

    def name(self, key: str) -> str:
        """Return the name of a job or a group; of a job whose parts are read as one, that of its group."""
        if (known := self._groups.get(key)) is not None:
            return known.name
        record = self._engine.record(key)
        if record is None:
            return key[:8]
        is_whole = key == self.key and isinstance(self.first, MergedIndex)
        return record.name_of_file if is_whole and record.group is not None else record.name

    @property
    def own_name(self) -> str:
        """The name of the job that is compared."""
        return self.name(self.key)

    @property
    def other_name(self) -> str:
        """The name of the other job, or of the gold column."""
        if self.other is None:
            return ""
        return self.other.gold or self.name(self.other.key)

    def place_of(self, key: str) -> tuple[str, bool]:
        """Return the key that Results opens a job or a group by, and whether as one with its parts or retries."""
        record = self._record(key)
        return record.key if record is not None else key, key in self._groups

    def _record(self, key: str) -> JobRecord | None:
        """Return the record of a job, of a group the first of its parts."""
        group = self._groups.get(key)
        return group.parts[0] if group is not None else self._engine.record(key)

    async def choices(self) -> list[JobRecord | GroupRecord]:
        """Return the other jobs and groups with results here: of the same input, of as many requests, then the latest.

        Parts of a group follow it, as jobs of their own.
        """
        records = await self._engine.records()
        groups = [group for group in group_records(records) if isinstance(group, GroupRecord)]
        self._groups = {group.key: group for group in groups}
        own = self._record(self.key)
        is_whole = isinstance(self.first, MergedIndex)
        own_group = own.group.key if own is not None and own.group is not None and is_whole else self.key
        family = {member.record.key for member in await self._engine.family(own.key)} if own is not None else set()
        path = own.submission.path if own is not None and own.submission is not None else None
        requests = self._groups[own_group].requests if own_group in self._groups else own.requests if own else None

        def rank(each: JobRecord | GroupRecord) -> tuple[bool, bool, float, int]:
            first = each.parts[0] if isinstance(each, GroupRecord) else each
            is_same = first.key in family or (first.submission is not None and first.submission.path == path)
            group = self._groups.get(first.group.key) if first.group is not None else None
            part = first.submission.part if first is each and first.submission is not None else 0
            is_as_long = requests is not None and each.requests == requests
            return (not is_same, not is_as_long, -(group or each).created_at, part)

        own_parts = {part.key for part in self._groups[own_group].parts} if own_group in self._groups else {self.key}
        others = [record for record in records if record.key not in own_parts and record.paths]
        whole = [group for group in groups if group.key != own_group and any(part.paths for part in group.parts)]
        return sorted([*whole, *others], key=rank)

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
        """Read the results of a job, or of all parts of a group with their retries."""
        records = await self._engine.records()  # the history may still be opening
        found = next((each for each in (*records, *group_records(records)) if each.key == key), None)
        if isinstance(found, GroupRecord):
            self._groups[key] = found
            index = family_index(await self._engine.family(found.parts[0].key), self._engine.results)
        else:
            index = self._engine.results(found) if found is not None else None
        if index is None:
            raise BatchError("This job is not in the list any more", "Choose another one.")
        await run_reading(index.build)
        return index

    async def _read_gold(self, name: str, index: ResultIndex) -> dict[int, Any]:
        noted, find = await self._noted(), await self._finder()

        def read(*, cancelled: Callable[[], bool]) -> dict[int, Any]:
            recipe, source = open_noted_table(noted, self.name(self.key), find)
            return read_source_column(recipe, source, index, name, cancelled=cancelled)

        return await run_reading(read)

    async def _noted(self) -> NotedRecipe | None:
        record = self._record(self.key)
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


async def choose_other(
    app: App[Any], session: CompareSession, now: float, *, jobs: bool = True, columns: bool = True
) -> Other | None:
    """Ask with which job or column of its source a job is compared; None where nothing is chosen.

    Raises BatchError where there is nothing to choose from.

    Args:
        app: It shows the question.
        session: It holds the job.
        now: Seconds since the epoch, for the ages of the jobs.
        jobs: Whether other jobs are offered.
        columns: Whether columns of the source are.
    """
    from tbatch_tui.tui.dialogs.choose import ChoiceDialog, Option

    quiet, explanation = "$status-quiet", "A column with what each answer should be."
    if jobs:
        explanation = "Another job with the same ids, or a column with what each answer should be."
    others: list[Option[Other]] = []
    if jobs:
        for each in await session.choices():
            what = "group" if isinstance(each, GroupRecord) else "job"
            means = [(f"{what} of {fmt.when(each.created_at, now)}", quiet)]
            others.append(Option(Other(key=each.key), each.name, means))
    gold: list[Option[Other]] = []
    try:
        names = await session.gold_columns() if columns else ()
        gold = [Option(Other(gold=name), name, [("column of the source table", quiet)]) for name in names]
    except BatchError as error:
        if not jobs:
            raise
        explanation += f" Columns are not here: {line(error.title)}."
    if jobs and not columns:
        explanation = "Another job with the same ids."
    options = [*others[:3], *gold, *others[3:]]
    if not options:
        raise BatchError(
            f"There is nothing here to compare {session.own_name} with",
            "It takes the results of another job, or the table that it was made of, with what each answer should be.",
        )
    dialog = ChoiceDialog(
        f"Compare {line(session.own_name)} with?", explanation, options,
        leave="Cancel", heads=("Name", "What it is"), verb="Compare", title_width=30, lines=10,
    )  # fmt: skip
    return await app.push_screen_wait(dialog)
