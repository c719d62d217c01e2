"""Rows as a table: what a column says of a row, and the table as CSV or Parquet."""

from __future__ import annotations

import csv
import importlib.util
import io
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, BinaryIO

from tbatch_tui.engine.lenient_json import content_text, loads
from tbatch_tui.engine.results.export.merged_jsonl import JobIdOf, as_valid_json
from tbatch_tui.engine.results.record import ResultRecord

Cell = str | int | float | None
_PARQUET_ROWS = 2_000
"""Rows that are held before they are written, as one group of the file."""
_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
_STRIPPED = ("\t", "\r")
"""What some programs drop when they read a cell."""
_NUMBER = re.compile(r"[+-]?[0-9][0-9.,_]*(?:[eE][+-]?[0-9]+)?%?")


def prompt_text(record: ResultRecord) -> str:
    """What the person said last, to the letter; of audio, the address of the file."""
    body = _dict(_dict(loads(record.raw_request or b"")).get("body"))
    messages = body.get("messages")
    said = (
        [m for m in messages if isinstance(m, dict) and m.get("role") == "user"] if isinstance(messages, list) else []
    )
    found = said[-1].get("content") if said else body.get("prompt", body.get("file"))
    return content_text(found)


def answer_text(record: ResultRecord) -> str:
    """What came back, to the letter: a record's own messages are laid out to be read."""
    if record.transcription is not None:
        return record.transcription.text
    if not record.answers:
        return ""
    body = _dict(_dict(_dict(loads(record.raw_response or b"")).get("response")).get("body"))
    choices = body.get("choices")
    if not isinstance(choices, list):
        return "\n\n".join(filter(None, (answer.text for answer in record.answers)))
    texts = (content_text(_dict(_dict(choice).get("message")).get("content")) for choice in choices)
    return "\n\n".join(filter(None, texts))


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


COLUMNS: dict[str, Callable[[ResultRecord], Cell]] = {
    "line": lambda record: record.row.line,
    "custom_id": lambda record: record.row.custom_id,
    "outcome": lambda record: record.row.outcome.words,
    "model": lambda record: record.model,
    "prompt": prompt_text,
    "answer": answer_text,
    "reasoning": lambda record: "\n\n".join(filter(None, (answer.reasoning for answer in record.answers))),
    "finish_reason": lambda record: ", ".join(filter(None, (answer.finish_reason for answer in record.answers))),
    "error": lambda record: record.failure.message if record.failure is not None else "",
    "prompt_tokens": lambda record: record.row.prompt_tokens,
    "completion_tokens": lambda record: record.row.tokens,
    "reasoning_tokens": lambda record: record.usage.reasoning if record.usage is not None else None,
    "cached_tokens": lambda record: record.usage.cached if record.usage is not None else None,
    "language": lambda record: record.transcription.language if record.transcription is not None else "",
    "seconds": lambda record: record.row.seconds,
    "job": lambda record: "",
}
"""What a table can say of a row. The job it comes from is told by who writes the table."""

DEFAULT_COLUMNS = ("line", "custom_id", "outcome", "answer", "error", "prompt_tokens", "completion_tokens")
"""The columns of a table, unless others are asked for."""

_WHOLE = {"line", "prompt_tokens", "completion_tokens", "reasoning_tokens", "cached_tokens"}

WriteRecord = Callable[[ResultRecord], object]


def table_row(record: ResultRecord, columns: Sequence[str], job_of: JobIdOf) -> list[Cell]:
    """The row of a table."""
    return [job_of(record.row.number) if name == "job" else COLUMNS[name](record) for name in columns]


def csv_writer(file: BinaryIO, columns: Sequence[str], job_of: JobIdOf) -> WriteRecord:
    """Writes the head, and gives what writes a row."""
    file.write(_csv_line(columns))
    return lambda record: file.write(_csv_line([escape_formula(cell) for cell in table_row(record, columns, job_of)]))


def escape_formula(cell: Cell) -> Cell:
    """A text that no spreadsheet takes for a formula: with an apostrophe before it. A number stays one."""
    if not isinstance(cell, str):
        return cell
    said = cell.strip()
    is_formula = said.startswith(_FORMULA) and not _NUMBER.fullmatch(said)
    return f"'{cell}" if is_formula or cell.startswith(_STRIPPED) else cell


def _csv_line(cells: Sequence[Cell]) -> bytes:
    said = io.StringIO()
    csv.writer(said).writerow(["" if cell is None else cell for cell in cells])
    return said.getvalue().encode("utf-8", "replace")


def has_parquet() -> bool:
    """Whether Parquet can be written: the extra `parquet` is installed."""
    return importlib.util.find_spec("pyarrow") is not None


@contextmanager
def parquet_writer(file: BinaryIO, columns: Sequence[str], job_of: JobIdOf) -> Iterator[WriteRecord]:
    """Gives what writes a row; the file is whole when this is left. Numbers are numbers, what is not known is null."""
    import pyarrow as arrow  # half a second, and only for this
    from pyarrow import parquet

    types = {"seconds": arrow.float64()} | dict.fromkeys(_WHOLE, arrow.int64())
    schema = arrow.schema([(name, types.get(name, arrow.string())) for name in columns])
    waiting: list[list[Cell]] = []

    def flush() -> None:
        if waiting:
            parts = dict(zip(columns, map(list, zip(*waiting, strict=True)), strict=True))
            writer.write_table(arrow.table(parts, schema=schema))
            waiting.clear()

    def write(record: ResultRecord) -> None:
        waiting.append(
            [as_valid_json(cell) if isinstance(cell, str) else cell for cell in table_row(record, columns, job_of)]
        )
        if len(waiting) >= _PARQUET_ROWS:
            flush()

    with parquet.ParquetWriter(file, schema) as writer:
        yield write
        flush()
