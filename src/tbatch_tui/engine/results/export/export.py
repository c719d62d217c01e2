"""Export rows to a file: merged JSONL, answers only, CSV, Parquet, Markdown, or an HTML report."""

from __future__ import annotations

from contextlib import contextmanager
from enum import StrEnum
from typing import TYPE_CHECKING, Any, BinaryIO

from msgspec import Raw

from tbatch_tui.engine.errors import BatchError, OperationCancelledError
from tbatch_tui.engine.local_files.atomic_write import atomic_write
from tbatch_tui.engine.local_files.rights import rights_of
from tbatch_tui.engine.results.export.merged_jsonl import JobIdOf, as_valid_json, encode_line, write_merged
from tbatch_tui.engine.results.export.report.parts import ReportParts
from tbatch_tui.engine.results.export.tables import (
    DEFAULT_COLUMNS,
    WriteRecord,
    answer_choices,
    answer_text,
    csv_writer,
    failure_text,
    has_parquet,
    parquet_writer,
    reasoning_text,
    tool_calls_json,
)
from tbatch_tui.text.escape import escape_for_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from tbatch_tui.engine.results.index.index import ResultIndex
    from tbatch_tui.engine.results.record import ResultRecord

_CHECK_EVERY = 64
"""Rows between two calls of `cancelled` and `progress`."""


class ExportFormat(StrEnum):
    """The formats of an export."""

    MERGED = "merged"
    ANSWERS = "answers"
    CSV = "csv"
    PARQUET = "parquet"
    MARKDOWN = "markdown"
    HTML = "html"

    @property
    def suffix(self) -> str:
        """The ending of the file name."""
        return _SUFFIXES[self]

    @property
    def is_table(self) -> bool:
        """Whether it has columns to choose."""
        return self in (ExportFormat.CSV, ExportFormat.PARQUET)


_SUFFIXES = {
    ExportFormat.MERGED: ".merged.jsonl",
    ExportFormat.ANSWERS: ".answers.jsonl",
    ExportFormat.CSV: ".csv",
    ExportFormat.PARQUET: ".parquet",
    ExportFormat.MARKDOWN: ".md",
    ExportFormat.HTML: ".html",
}


def export_rows(
    index: ResultIndex,
    rows: Sequence[int],
    path: Path,
    export_format: ExportFormat,
    *,
    columns: Sequence[str] = DEFAULT_COLUMNS,
    job_id_of: JobIdOf = lambda _row: "",
    reasoning: bool = False,
    parts: ReportParts | None = None,
    replace: bool = False,
    cancelled: Callable[[], bool] = lambda: False,
    progress: Callable[[int, int], object] = lambda _done, _total: None,
) -> None:
    """Write rows to a new file, in the order given.

    The file gets its name only when it is complete; after an error nothing is left behind. Reads and writes files: run
    it in a thread. Raises LocalFileError, also if the file exists and `replace` is False, OperationCancelledError, and
    BatchError if Parquet cannot be written.

    Args:
        columns: The columns of a table, of `COLUMNS`. Other formats have none.
        job_id_of: Returns the job id of a row, for the column `job` and for merged lines.
        reasoning: Whether answers, Markdown, HTML and tables hold the reasoning too, a table as a column behind the
            answer; merged lines always do.
        parts: What stands in an HTML report above the rows.
        replace: Whether to replace an existing file.
        progress: Called with the rows written and the rows in all.
    """
    if export_format is ExportFormat.PARQUET and not has_parquet():
        raise BatchError("Parquet needs pyarrow, which is not installed", "Install tbatch-tui[parquet], or choose CSV.")
    if reasoning and export_format.is_table and "reasoning" not in columns:
        place = columns.index("answer") + 1 if "answer" in columns else len(columns)
        columns = [*columns[:place], "reasoning", *columns[place:]]
    with atomic_write(path, replace=replace, rights=rights_of(*index.paths())) as file:
        if export_format is ExportFormat.MERGED:
            write_merged(index, rows, file, job_id_of, cancelled=cancelled, progress=progress)
        else:
            parts = parts or ReportParts()
            with _writer(export_format, file, columns, job_id_of, parts, reasoning=reasoning) as write:
                for done, row in enumerate(rows):
                    if done % _CHECK_EVERY == 0:
                        if cancelled():
                            raise OperationCancelledError("The export was stopped")
                        progress(done, len(rows))
                    write(index.record(row))
    progress(len(rows), len(rows))


@contextmanager
def _writer(
    form: ExportFormat,
    file: BinaryIO,
    columns: Sequence[str],
    job_of: JobIdOf,
    parts: ReportParts,
    *,
    reasoning: bool,
) -> Iterator[WriteRecord]:
    """Yield a function that writes one record."""
    match form:
        case ExportFormat.CSV:
            yield csv_writer(file, columns, job_of)
        case ExportFormat.PARQUET:
            with parquet_writer(file, columns, job_of) as write:
                yield write
        case ExportFormat.HTML:
            from tbatch_tui.engine.results.export.report.writer import report_writer

            with report_writer(file, parts, reasoning=reasoning) as write:
                yield write
        case ExportFormat.MARKDOWN:
            yield lambda record: file.write(_markdown(record, reasoning=reasoning).encode("utf-8", "replace"))
        case _:
            yield lambda record: file.write(encode_line(_answer_only(record, reasoning=reasoning)) + b"\n")


def _answer_only(record: ResultRecord, *, reasoning: bool) -> dict[str, Any]:
    """Return id and answer; None if there is no answer. Several answers and tool calls are told apart beside it."""
    is_answered = record.answers or record.transcription is not None
    line: dict[str, Any] = {
        "custom_id": record.row.custom_id,
        "answer": answer_text(record) if is_answered else None,
    }
    choices = answer_choices(record)
    if len(choices) > 1:
        line["answers"] = [as_valid_json(choice.answer) for choice in choices]
    if calls := tool_calls_json(record):
        line["tool_calls"] = Raw(calls.encode())
    if reasoning and (text := reasoning_text(record)):
        line["reasoning"] = text
    return line


def _markdown(record: ResultRecord, *, reasoning: bool) -> str:
    """Return a heading and the conversation of a row."""
    row = record.row
    parts = [f"## {_one_line(row.custom_id)}", f"*{row.outcome.words}{f' · {record.model}' if record.model else ''}*"]
    parts += [f"**{_one_line(message.role)}**\n\n{_quoted(message.text)}" for message in record.request_messages]
    if failure := failure_text(record):
        parts.append(f"**{row.outcome.words}**\n\n{_quoted(failure)}")
    if reasoning and (text := reasoning_text(record)):
        parts.append(f"**reasoning**\n\n{_quoted(text)}")
    if answer := answer_text(record):
        parts.append(f"**answer**\n\n{_quoted(answer)}")
    return escape_for_file("\n\n".join(parts)) + "\n\n"


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _quoted(text: str) -> str:
    """Return text as a quote, so that headings in it do not become headings of the document."""
    return "\n".join(f"> {line}" for line in text.splitlines() or [""])
