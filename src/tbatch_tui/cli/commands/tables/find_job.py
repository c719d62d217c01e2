"""Jobs of the history, without asking the server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tbatch_tui.cli.session import Network, Session
from tbatch_tui.cli.targets import find_target
from tbatch_tui.config.engine_options import options_from
from tbatch_tui.engine.groups.group_results import results_of
from tbatch_tui.engine.journal.store import JobStore
from tbatch_tui.engine.tables.joined.runs import AnsweredRequests
from tbatch_tui.engine.threads import run_reading

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tbatch_tui.config.settings import Settings
    from tbatch_tui.engine.results.index.index import ResultIndex
    from tbatch_tui.engine.tables.recipe import Recipe


async def find_in_history(text: str, settings: Settings) -> tuple[str, ResultIndex]:
    """Return the id and the results of a job, or of a group by its name.

    Raises NoSuchJobError, BatchError where results are not here, and LocalFileError without a history.
    """
    store = JobStore(options_from(settings, background_work=False), lambda _: None)
    await store.open()
    try:
        record = find_target(await store.load(), text)
    finally:
        await store.close()
    return results_of(record)


async def read_answered(recipe: Recipe, settings: Settings) -> AnsweredRequests:
    """Return which requests of the jobs of a recipe have a good answer. Raises LocalFileError."""
    async with Session(settings, network=Network.NEVER) as session:
        engine = session.engine
        runs = await engine.recipes.other_runs(recipe, await session.list_jobs(), engine.results)
    return await run_reading(_answered, [index for _, index in runs])


def _answered(indexes: Sequence[ResultIndex], *, cancelled: Callable[[], bool]) -> AnsweredRequests:
    for index in indexes:
        if not index.is_built:
            index.build(cancelled=cancelled)
    return AnsweredRequests(indexes)
