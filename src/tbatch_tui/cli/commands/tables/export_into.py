"""`export --into`: the table that a job was made of, with the answers. Needs neither a key nor a network."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from tbatch_tui.cli.commands.results import warn_of_changed_files
from tbatch_tui.cli.exit_codes import FAILED, OK, USAGE
from tbatch_tui.cli.opened import find_results
from tbatch_tui.cli.output import print_json, print_message, print_result
from tbatch_tui.cli.session import Network, Session
from tbatch_tui.cli.targets import find_target, jobs_of
from tbatch_tui.engine.errors import BatchError
from tbatch_tui.engine.groups.group_results import results_of
from tbatch_tui.engine.results.index.family import family_index
from tbatch_tui.engine.tables.join_back import JoinedTable, join_back, joined_path, joined_suffix, open_table
from tbatch_tui.engine.tables.problems import EncodingError, FaultyTableError
from tbatch_tui.engine.tables.recipe_file import parse_recipe
from tbatch_tui.engine.threads import run_cancellable, run_reading
from tbatch_tui.text.plural import plural

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from tbatch_tui.config.settings import Settings
    from tbatch_tui.engine.domain.record import JobRecord
    from tbatch_tui.engine.results.index.index import ResultIndex
    from tbatch_tui.engine.tables.readers.source import TableSource
    from tbatch_tui.engine.tables.recipe import Recipe

_SHOWN = 5
"""Ids that are named of rows that are gone or new."""


async def export_into(arguments: argparse.Namespace, settings: Settings) -> int:
    """Write the table and print its path; to standard error, the rows by outcome, and what is gone or new."""
    others = {"--format": arguments.format, "--columns": arguments.columns, "--reasoning": arguments.reasoning}
    given = [name for name, value in others.items() if value] + ["--filter"] * (arguments.filter != "all")
    given += [f"--{name}" for name in ("search", "compare", "gold") if getattr(arguments, name) is not None]
    if given:
        print_message(f"--into writes the whole table in its own format: leave {' and '.join(given)} out.")
        return USAGE
    async with Session(settings, network=Network.NEVER) as session:
        records = await session.list_jobs()
        record = jobs_of([await find_results(session, records, arguments.job)])[0]
        recipe = await _read_recipe(session, record)
        family = await session.engine.family(record.key)
        index = family_index(family, session.engine.results)
        known = [member.record.key for member in family]
        runs = await session.engine.recipes.other_runs(recipe, records, session.engine.results, known)
    if index is None:
        raise BatchError(f"The results of {record.name} are not here", f"tbatch-tui fetch {record.key} downloads them.")
    try:
        source = open_table(arguments.into, recipe, lambda text: _find_results(records, text))
        path = _choose_path(arguments.output, settings.output_dir, record, source)
        if arguments.output and os.path.lexists(path) and not arguments.force:  # noqa: ASYNC240
            print_message(f"{path} already exists. Nothing was written: use another name, or --force.")
            return USAGE
        await run_reading(index.build)
        warn_of_changed_files(index)
        joined = await run_cancellable(join_back, recipe, source, index, path, runs=runs, replace=arguments.force)
    except FaultyTableError as error:
        _print_problems(error)
        return FAILED
    _print_summary(joined, source)
    if arguments.json:
        print_json({"path": str(path), "rows": joined.rows, "outcomes": joined.outcomes})
    else:
        print_result(str(path))
    return OK


async def _read_recipe(session: Session, record: JobRecord) -> Recipe:
    """Return the recipe of a job. Raises BatchError where none is known."""
    noted = await session.engine.recipes.recipe_of(record)
    if noted is None:
        raise BatchError(
            f"It is not known which table {record.name} was made from",
            "Answers join the table that `tbatch-tui make` or the app made the input file from, here.",
        )
    return parse_recipe(noted.text, f"the recipe of {record.name}")


def _find_results(records: Sequence[JobRecord], text: str) -> tuple[str, ResultIndex]:
    """Return the id and the results of the job, or the group, that is the source."""
    return results_of(find_target(records, text))


def _choose_path(output: str | None, folder: Path, record: JobRecord, source: TableSource) -> Path:
    """Return the path that was given, else a free one in the output folder."""
    if output:
        return Path(output).absolute()
    job_id = record.job.id if record.job is not None else ""
    return joined_path(folder, source.stem, joined_suffix(source.path, source.format), job_id).absolute()


def _print_problems(error: FaultyTableError) -> None:
    for problem in error.problems:
        print_message(f"{error.source}: {problem}")
    if error.total > len(error.problems):
        print_message(f"{error.source}: and {error.total - len(error.problems):,} more problems")
    for name, text in error.readings if isinstance(error, EncodingError) else ():
        print_message(f"  {name:<10} {text}")
    print_message("Nothing was written.")


def _print_summary(joined: JoinedTable, source: TableSource) -> None:
    words = ", ".join(f"{count:,} {outcome}" for outcome, count in joined.outcomes.items())
    print_message(f"{plural(joined.rows, 'row')}{f': {words}' if words else ''}.")
    if joined.is_changed:
        print_message(f"{source.name} has changed since the requests were made: rows were joined by id.")
    if joined.new_total:
        print_message(
            f"{plural(joined.new_total, 'row')} new, or left out back then: {_named(joined.new, joined.new_total)}"
        )
    if joined.gone_total:
        print_message(f"{plural(joined.gone_total, 'row')} gone since then: {_named(joined.gone, joined.gone_total)}")
    if joined.replaced:
        print_message(
            f"{plural(joined.replaced, 'character')} that {source.encoding} cannot encode "
            "are written as escapes, such as \\u2192."
        )


def _named(names: Sequence[str], total: int) -> str:
    more = f" and {total - _SHOWN:,} more" if total > _SHOWN else ""
    return f"{', '.join(names[:_SHOWN])}{more}."
