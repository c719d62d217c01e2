"""`export`: the answers of a job as a file, the twin of `x` in Results."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tbatch_tui.cli.commands.answers.open_answers import JobAnswers
from tbatch_tui.cli.commands.results import build_target, choose_rows, warn_of_changed_files
from tbatch_tui.cli.exit_codes import OK, USAGE
from tbatch_tui.cli.opened import find_results
from tbatch_tui.cli.output import print_json, print_message, print_result
from tbatch_tui.cli.session import Network, Session
from tbatch_tui.cli.targets import jobs_of, provisional_note
from tbatch_tui.engine.audio.transcript_files import TranscriptFormat, is_audio, write_transcripts
from tbatch_tui.engine.domain.counts import format_sum
from tbatch_tui.engine.errors import BatchError
from tbatch_tui.engine.groups.group_record import GroupRecord
from tbatch_tui.engine.local_files.filenames import free_path, safe_name
from tbatch_tui.engine.results import (
    AUDIO_TABLE,
    COLUMNS,
    DEFAULT_COLUMNS,
    ExportFormat,
    ResultIndex,
    counts_from_index,
    export_rows,
)
from tbatch_tui.engine.results.index.family import merged_index
from tbatch_tui.engine.tables.joined.source_column import NoSuchColumnError
from tbatch_tui.engine.threads import run_cancellable, run_reading
from tbatch_tui.text.plural import plural

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Mapping, Sequence

    from tbatch_tui.config.settings import Settings
    from tbatch_tui.engine.domain.record import JobRecord
    from tbatch_tui.engine.results.export.report.parts import ReportParts

AnyFormat = ExportFormat | TranscriptFormat

FORMATS: dict[str, AnyFormat] = {
    "jsonl": ExportFormat.MERGED,
    "answers": ExportFormat.ANSWERS,
    "csv": ExportFormat.CSV,
    "parquet": ExportFormat.PARQUET,
    "md": ExportFormat.MARKDOWN,
    "html": ExportFormat.HTML,
    "txt": TranscriptFormat.TXT,
    "srt": TranscriptFormat.SRT,
    "vtt": TranscriptFormat.VTT,
    "json": TranscriptFormat.JSON,
}
"""The formats by the word that is given. A test holds them equal to the parser's, which loads nothing."""


async def export(arguments: argparse.Namespace, settings: Settings) -> int:
    """Write the rows to a file and print its path; to standard error, what the rows add up to."""
    if arguments.into is not None:
        from tbatch_tui.cli.commands.tables.export_into import export_into

        return await export_into(arguments, settings)
    columns = _columns(arguments.columns)
    form = _format(arguments.format, arguments.output)
    only_html = ["--compare"] * (arguments.compare is not None) + ["--gold"] * (arguments.gold is not None)
    if only_html and form is not ExportFormat.HTML:
        print_message(f"{only_html[0]} is for an HTML report: leave it out, or give --format html.")
        return USAGE
    async with Session(settings, network=Network.NEVER) as session:
        records = await session.list_jobs()
        target = await find_results(session, records, arguments.job)
        record = jobs_of([target])[0]
        index = await _index(session, target, merged=arguments.merged)
        other, others = None, None
        if arguments.compare is not None:
            compared_with = await find_results(session, records, arguments.compare)
            other, others = jobs_of([compared_with])[0], await _index(session, compared_with, merged=arguments.merged)
        gold = {}
        if arguments.gold is not None:
            answers = JobAnswers(record, index, await session.engine.recipes.recipe_of(record), records)
            try:
                gold = {arguments.gold: await answers.source_column(arguments.gold)}
            except NoSuchColumnError as error:
                print_message(str(error))
                return USAGE
    path = Path(arguments.output or _default_path(settings.output_dir, target, record, form)).absolute()  # noqa: ASYNC240
    if arguments.output and os.path.lexists(path) and not arguments.force:  # noqa: ASYNC240
        print_message(f"{path} already exists. Nothing was written: use another name, or --force.")
        return USAGE
    rows = await choose_rows(index, arguments)
    if isinstance(form, TranscriptFormat):
        return await _write_transcripts(index, record, rows, path, form, arguments)
    submitted = None if arguments.merged else target.requests
    parts = None
    if form is ExportFormat.HTML:
        compared = (record, other, others) if other is not None and others is not None else None
        parts = await run_cancellable(_report_parts, index, record, rows, submitted, compared, gold)
    await run_cancellable(
        export_rows,
        index,
        rows,
        path,
        form,
        columns=columns or (AUDIO_TABLE if is_audio(index, record.endpoint) else DEFAULT_COLUMNS),
        job_id_of=lambda row: index.job_id_of(row) or (record.job.id if record.job is not None else ""),
        reasoning=arguments.reasoning,
        parts=parts,
        replace=arguments.force,
    )
    print_json({"path": str(path), "rows": len(rows)}) if arguments.json else print_result(str(path))
    print_message(f"{len(rows):,} rows. {format_sum(counts_from_index(index, submitted=submitted))}")
    if isinstance(target, GroupRecord) and (note := provisional_note(target)):
        print_message(note)
    return OK


async def _write_transcripts(
    index: ResultIndex,
    record: JobRecord,
    rows: Sequence[int],
    path: Path,
    form: TranscriptFormat,
    arguments: argparse.Namespace,
) -> int:
    """Write a folder with a file for each recording. Raises BatchError for a job that has none."""
    if not is_audio(index, record.endpoint):
        others = ", ".join(name for name, other in FORMATS.items() if isinstance(other, ExportFormat))
        raise BatchError(f"{form.value} is for recordings, and {record.name} has none", f"Use {others}.")
    wrote = await run_cancellable(write_transcripts, index, rows, path, form, replace=arguments.force)
    print_json({"path": str(path), "rows": wrote.files}) if arguments.json else print_result(str(path))
    print_message(". ".join(filter(None, (plural(wrote.files, "file"), wrote.without_words))))
    return OK


def _report_parts(
    index: ResultIndex,
    record: JobRecord,
    rows: Sequence[int],
    submitted: int | None,
    compared: tuple[JobRecord, JobRecord, ResultIndex] | None,
    gold: Mapping[str, Mapping[int, Any]],
    *,
    cancelled: Callable[[], bool],
) -> ReportParts:
    """Count what stands in a report above its rows. For a thread."""
    from tbatch_tui.engine.answers.compare import compare, compare_with_gold
    from tbatch_tui.engine.answers.report_parts import comparison_table, report_parts

    tables = []
    if compared is not None:
        _, other, others = compared
        found = compare(index, others, cancelled=cancelled)
        tables = [comparison_table(found, record.name, other.name)]
    for name, cells in gold.items():
        tables.append(comparison_table(compare_with_gold(index, cells, cancelled=cancelled), record.name, name))
    return report_parts(index, record, rows, submitted=submitted, comparisons=tables, cancelled=cancelled)


async def _index(session: Session, target: JobRecord | GroupRecord, *, merged: bool) -> ResultIndex:
    """Read all rows of a job, or of all parts of a group in the order of the file; with `merged`, of its family.

    Raises BatchError where the files are not here.
    """
    if not merged:
        return await build_target(session, target)
    [record, *_] = jobs_of([target])
    index = merged_index(await session.engine.family(record.key), session.engine.results)
    if index is None:
        raise BatchError(
            f"The results that {record.name} belongs to are not here",
            f"tbatch-tui fetch {record.key} downloads its own.",
        )
    await run_reading(index.build)
    warn_of_changed_files(index)
    return index


def _format(name: str | None, output: str | None) -> AnyFormat:
    """Return the format that is named, else that of the file's ending, else merged JSONL."""
    if name is not None:
        return FORMATS[name]
    endings = sorted(FORMATS.values(), key=lambda form: -len(form.suffix))
    return next((form for form in endings if output and output.lower().endswith(form.suffix)), ExportFormat.MERGED)


def _default_path(folder: Path, target: JobRecord | GroupRecord, record: JobRecord, form: AnyFormat) -> Path:
    """Return `<name>-<first 8 of the job id><suffix>` in the output folder, with a number where that is taken.

    The job of a group is its first part.
    """
    stem = safe_name(target.name)
    if record.job is not None:
        stem += f"-{safe_name(record.job.id[:8])}"
    return free_path(folder, stem, form.suffix)


def _columns(text: str | None) -> Sequence[str]:
    """Return the columns of a table, none where none are named. Raises BatchError for one that does not exist."""
    if text is None:
        return ()
    names = [name.strip() for name in text.split(",") if name.strip()]
    if unknown := [name for name in names if name not in COLUMNS]:
        raise BatchError(f"There is no column {unknown[0]!r}", f"There are: {', '.join(COLUMNS)}.")
    return names
