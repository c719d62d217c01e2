"""`values`: what is in the fields of a job's answers, the twin of `V` in Results. Needs neither a key nor a network."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from tbatch_tui.cli.commands.answers.open_answers import open_answers
from tbatch_tui.cli.commands.answers.values_text import print_lines, print_report
from tbatch_tui.cli.exit_codes import OK, USAGE
from tbatch_tui.cli.output import print_json, print_message
from tbatch_tui.engine.answers.columns import column_of_cells
from tbatch_tui.engine.answers.fields import NoSuchFieldError
from tbatch_tui.engine.answers.table import read_table
from tbatch_tui.engine.answers.values import count_outcomes, cross, describe, values_as_data
from tbatch_tui.engine.results.outcomes import OUTCOME_OPTIONS
from tbatch_tui.engine.tables.joined.source_column import NoSuchColumnError
from tbatch_tui.engine.threads import run_reading

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from tbatch_tui.cli.commands.answers.open_answers import JobAnswers
    from tbatch_tui.config.settings import Settings
    from tbatch_tui.engine.answers.columns import ValueColumn
    from tbatch_tui.engine.answers.table import AnswerTable


async def values(arguments: argparse.Namespace, settings: Settings) -> int:
    """Print what is in each field, or in the one that was asked for; to standard error, how many rows were counted."""
    [job] = await open_answers(settings, arguments.job)
    index = job.index
    rows: Sequence[int] = range(len(index.requests))
    if arguments.filter != "all":
        rows = index.select([OUTCOME_OPTIONS[arguments.filter]])
    names = [arguments.field] if arguments.field is not None else None
    try:
        table = await run_reading(read_table, index, rows, names)
        by = await _read_by(job, table, arguments.by) if arguments.by is not None else None
    except (NoSuchFieldError, NoSuchColumnError) as error:
        print_message(str(error))
        return USAGE
    submitted = job.record.requests
    if arguments.json:
        print_json(values_as_data(table, by, submitted=submitted))
        return OK
    if by is None:
        found = [describe(table, name) for name in table.columns]
        print_report(found) if sys.stdout.isatty() else print_lines(found)
    else:
        from tbatch_tui.cli.commands.answers.values_text import print_cross, print_cross_lines

        crossed = [(describe(table, name), cross(table.column(name), by)) for name in table.columns]
        print_cross(crossed) if sys.stdout.isatty() else print_cross_lines(crossed)
    outcomes = count_outcomes(index, submitted)
    told = ", ".join(f"{count:,} {words}" for words, count in outcomes.items() if count)
    print_message(f"{len(rows):,} rows counted, of {sum(outcomes.values()):,}{f': {told}' if told else ''}.")
    return OK


async def _read_by(job: JobAnswers, table: AnswerTable, name: str) -> ValueColumn:
    """Return the field of the answers of this name, else the column of the source. Raises NoSuchFieldError."""
    if any(field.name == name for field in table.fields.all):
        other = table if name in table.columns else await run_reading(read_table, job.index, table.rows, [name])
        return other.column(name)
    if job.recipe is None:
        raise table.fields.no_such(name)
    cells = await job.source_column(name)
    return column_of_cells(name, cells, table.rows)
