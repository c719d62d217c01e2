"""The results of a job, or of a file sent as several jobs, and the table that it was made of. All of it offline."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tbatch_tui.cli.commands.results import warn_of_changed_files
from tbatch_tui.cli.opened import find_results
from tbatch_tui.cli.output import print_message
from tbatch_tui.cli.session import Network, Session
from tbatch_tui.cli.targets import find_target, provisional_note
from tbatch_tui.engine.errors import BatchError
from tbatch_tui.engine.groups.group_record import GroupRecord
from tbatch_tui.engine.groups.group_results import results_of
from tbatch_tui.engine.results.index.family import family_index
from tbatch_tui.engine.threads import run_reading

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tbatch_tui.config.settings import Settings
    from tbatch_tui.engine.domain.record import JobRecord
    from tbatch_tui.engine.journal.tables.recipes import NotedRecipe
    from tbatch_tui.engine.results.index.index import ResultIndex


@dataclass(frozen=True, slots=True)
class JobAnswers:
    """A job whose results are here."""

    record: JobRecord
    index: ResultIndex
    """Built."""
    recipe: NotedRecipe | None
    """The recipe of its input file; None where none is known."""
    records: Sequence[JobRecord]
    """All jobs of the history: the table can be one of them."""

    async def source_column(self, name: str) -> dict[int, Any]:
        """Return the cells of a column of the source, by the numbers of the requests.

        Raises BatchError where the table is not known or not here, and what `read_source_column` raises.
        """
        from tbatch_tui.engine.tables.joined.source_column import open_noted_table, read_source_column

        def read(*, cancelled: Callable[[], bool]) -> dict[int, Any]:
            recipe, table = open_noted_table(self.recipe, self.record.name, self._find_results)
            return read_source_column(recipe, table, self.index, name, cancelled=cancelled)

        return await run_reading(read)

    def _find_results(self, text: str) -> tuple[str, ResultIndex]:
        return results_of(find_target(self.records, text))


async def open_answers(settings: Settings, *texts: str) -> list[JobAnswers]:
    """Return the jobs of these names with their results. The name of a file in parts is all of its parts, as one.

    Raises NoSuchJobError, and BatchError where results are not here.
    """
    opened: list[JobAnswers] = []
    async with Session(settings, network=Network.NEVER) as session:
        records = await session.list_jobs()
        for text in texts:
            found = await find_results(session, records, text)
            record = found.parts[0] if isinstance(found, GroupRecord) else found
            if isinstance(found, GroupRecord) and (note := provisional_note(found)):
                print_message(note)
            index = await _index(session, record, is_group=isinstance(found, GroupRecord))
            recipe = await session.engine.recipes.recipe_of(record)
            await run_reading(index.build)
            opened.append(JobAnswers(record, index, recipe, records))
    for answers in opened:
        warn_of_changed_files(answers.index)
    return opened


async def _index(session: Session, record: JobRecord, *, is_group: bool) -> ResultIndex:
    if is_group:
        index = family_index(await session.engine.family(record.key), session.engine.results)
        if index is not None:
            return index
    if not any(transfer.path for transfer in record.transfers):
        raise BatchError(f"The results of {record.name} are not here", f"tbatch-tui fetch {record.key} downloads them.")
    return session.engine.results(record)
