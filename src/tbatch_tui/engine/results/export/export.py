"""Rows written to a file of their own: merged, plain, as a table, or to be read."""

from __future__ import annotations

from contextlib import contextmanager
from enum import StrEnum
from typing import TYPE_CHECKING, BinaryIO

from tbatch_tui.engine.errors import BatchError, OperationCancelledError
from tbatch_tui.engine.local_files.atomic_write import atomic_write
from tbatch_tui.engine.results.export.merged_jsonl import JobIdOf, encode_line, write_merged
from tbatch_tui.engine.results.export.tables import (
    DEFAULT_COLUMNS,
    WriteRecord,
    answer_text,
    csv_writer,
    has_parquet,
    parquet_writer,
)
from tbatch_tui.text.escape import escape_for_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from tbatch_tui.engine.results.index.index import ResultIndex
    from tbatch_tui.engine.results.record import ResultRecord

_EVERY = 64
"""Rows between two looks at whether to stop."""


class ExportFormat(StrEnum):
    """What is written of each row."""

    MERGED = "merged"
    ANSWERS = "answers"
    CSV = "csv"
    PARQUET = "parquet"
    MARKDOWN = "markdown"

    @property
    def suffix(self) -> str:
        """The end of the file's name."""
        return _ENDINGS[self]

    @property
    def is_table(self) -> bool:
        """Whether it has columns, which can be chosen."""
        return self in (ExportFormat.CSV, ExportFormat.PARQUET)


_ENDINGS = {
    ExportFormat.MERGED: ".merged.jsonl",
    ExportFormat.ANSWERS: ".answers.jsonl",
    ExportFormat.CSV: ".csv",
    ExportFormat.PARQUET: ".parquet",
    ExportFormat.MARKDOWN: ".md",
}


def export_rows(
    index: ResultIndex,
    rows: Sequence[int],
    path: Path,
    export_format: ExportFormat,
    *,
    columns: Sequence[str] = DEFAULT_COLUMNS,
    job_id_of: JobIdOf = lambda row: "",
    replace: bool = False,
    cancelled: Callable[[], bool] = lambda: False,
    progress: Callable[[int, int], object] = lambda done, total: None,
) -> None:
    """Write these rows, in this order. The file has its name only once it is whole.

    `columns` are of a table. Made to be run in a thread; `progress` is told rows. Raises LocalFileError, also when
    there is such a file and `replace` does not say that it may go, and OperationCancelledError: then nothing is left
    behind.
    """
    if export_format is ExportFormat.PARQUET and not has_parquet():
        raise BatchError("Parquet needs pyarrow, which is not installed", "Install tbatch-tui[parquet], or choose CSV.")
    with atomic_write(path, replace=replace) as file:
        if export_format is ExportFormat.MERGED:
            write_merged(index, rows, file, job_id_of, cancelled=cancelled, progress=progress)
        else:
            with _writer(export_format, file, columns, job_id_of) as write:
                for done, row in enumerate(rows):
                    if done % _EVERY == 0:
                        if cancelled():
                            raise OperationCancelledError("The export was stopped")
                        progress(done, len(rows))
                    write(index.record(row))
    progress(len(rows), len(rows))


@contextmanager
def _writer(form: ExportFormat, file: BinaryIO, columns: Sequence[str], job_of: JobIdOf) -> Iterator[WriteRecord]:
    """What writes one record."""
    match form:
        case ExportFormat.CSV:
            yield csv_writer(file, columns, job_of)
        case ExportFormat.PARQUET:
            with parquet_writer(file, columns, job_of) as write:
                yield write
        case ExportFormat.MARKDOWN:
            yield lambda record: file.write(_markdown(record).encode("utf-8", "replace"))
        case _:
            yield lambda record: file.write(encode_line(_plain(record)) + b"\n")


def _plain(record: ResultRecord) -> dict[str, str | None]:
    """The answer; None where there is none."""
    is_answered = record.answers or record.transcription is not None
    return {"custom_id": record.row.custom_id, "answer": answer_text(record) if is_answered else None}


def _markdown(record: ResultRecord) -> str:
    """A heading for the row, then the conversation as it went."""
    row = record.row
    parts = [f"## {_heading(row.custom_id)}", f"*{row.outcome.words}{f' · {record.model}' if record.model else ''}*"]
    parts += [f"**{_heading(message.role)}**\n\n{_quoted(message.text)}" for message in record.request_messages]
    if record.failure is not None:
        parts.append(f"**error**\n\n{_quoted(record.failure.message)}")
    elif answer := answer_text(record):
        parts.append(f"**answer**\n\n{_quoted(answer)}")
    return escape_for_file("\n\n".join(parts)) + "\n\n"


def _heading(text: str) -> str:
    return " ".join(text.split())


def _quoted(text: str) -> str:
    """As a quote, so that an answer's own headings stay inside of it."""
    return "\n".join(f"> {line}" for line in text.splitlines() or [""])
