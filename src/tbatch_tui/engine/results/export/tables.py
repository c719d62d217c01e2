"""Rows as a table: the columns, and writers for CSV and Parquet."""

from __future__ import annotations

import csv
import importlib.util
import io
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, BinaryIO

from tbatch_tui.engine.lenient_json import content_text, loads, to_json
from tbatch_tui.engine.results.choices import Choice, read_choices, response_body
from tbatch_tui.engine.results.export.merged_jsonl import JobIdOf, as_valid_json
from tbatch_tui.engine.results.record import ResultRecord

Cell = str | int | float | None
_ROW_GROUP = 2_000
"""Rows held in memory and written together, as one row group of the Parquet file."""
_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
_STRIPPED = ("\t", "\r")
"""Characters that some spreadsheets drop at the start of a cell, so that a formula can follow them."""
_GAP = re.compile(r"""(?<![\s";|])[\s";|]++(?=[=+\-@＝＋－＠])""")
"""White space, quotes and what may part cells, before what may begin a formula. The whole run: it stays linear."""
_PARTS_CELLS = re.compile(r"[;|\t\r\n]")
"""What else parts cells: programs of most of Europe read `;`, and a line break counts where quotes do not."""
_NUMBER = re.compile(r"[+-]?[0-9][0-9.,_]*(?:[eE][+-]?[0-9]+)?%?")


def prompt_text(record: ResultRecord) -> str:
    """Return the last user message, unchanged; for audio, the URL of the file."""
    body = _dict(_dict(loads(record.raw_request or b"")).get("body"))
    messages = body.get("messages")
    user_messages = [
        message
        for message in (messages if isinstance(messages, list) else ())
        if isinstance(message, dict) and message.get("role") == "user"
    ]
    prompt = user_messages[-1].get("content") if user_messages else body.get("prompt", body.get("file"))
    return content_text(prompt)


def answer_text(record: ResultRecord) -> str:
    """Return the answer without reasoning: the content, a refusal, what was spoken, or the tool calls. Of several, all.

    (The messages of a record are formatted for reading.)
    """
    if record.transcription is not None:
        return record.transcription.text
    if not record.answers:
        return ""
    choices = answer_choices(record)
    if not choices:
        return "\n\n".join(filter(None, (answer.text for answer in record.answers)))
    return "\n\n".join(filter(None, (choice.answer for choice in choices)))


def answer_choices(record: ResultRecord) -> list[Choice]:
    """Return what each choice of the response says; none for a transcription and for rows without an answer."""
    if not record.answers:
        return []
    return read_choices(response_body(_dict(_dict(loads(record.raw_response or b"")).get("response")).get("body")))


def reasoning_text(record: ResultRecord) -> str:
    """Return the reasoning of all choices, `<think>` blocks among it."""
    return "\n\n".join(filter(None, (answer.reasoning for answer in record.answers)))


def failure_text(record: ResultRecord) -> str:
    """Return the message of an error, or why an answer is invalid."""
    return record.failure.message if record.failure is not None else record.row.reason


def answers_json(record: ResultRecord) -> str:
    """Return the answers as a JSON list where there are several (`n`)."""
    choices = answer_choices(record)
    return to_json([as_valid_json(choice.answer) for choice in choices]) if len(choices) > 1 else ""


def tool_calls_json(record: ResultRecord) -> str:
    """Return the tool calls as JSON, as the response has them; of several choices all in one list."""
    calls = [call for choice in answer_choices(record) for call in choice.tool_calls]
    return to_json(calls) if calls else ""


def logprobs_json(record: ResultRecord) -> str:
    """Return the logprobs as JSON, as the response has them; of several choices a list."""
    logprobs = [choice.logprobs for choice in answer_choices(record)]
    if not any(logprobs):
        return ""
    return to_json(logprobs[0] if len(logprobs) == 1 else logprobs)


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


COLUMNS: dict[str, Callable[[ResultRecord], Cell]] = {
    "line": lambda record: record.row.line,
    "custom_id": lambda record: record.row.custom_id,
    "outcome": lambda record: record.row.outcome.words,
    "model": lambda record: record.model,
    "prompt": prompt_text,
    "answer": answer_text,
    "answers": answers_json,
    "reasoning": reasoning_text,
    "finish_reason": lambda record: ", ".join(filter(None, (answer.finish_reason for answer in record.answers))),
    "tool_calls": tool_calls_json,
    "logprobs": logprobs_json,
    "error": failure_text,
    "prompt_tokens": lambda record: record.row.prompt_tokens,
    "completion_tokens": lambda record: record.row.tokens,
    "reasoning_tokens": lambda record: record.usage.reasoning if record.usage is not None else None,
    "cached_tokens": lambda record: record.usage.cached if record.usage is not None else None,
    "duration": lambda record: record.row.seconds,
    "language": lambda record: record.transcription.language if record.transcription is not None else "",
    "seconds": lambda record: record.row.seconds,
    "issue": lambda record: record.row.issue or "",
    "job": lambda _record: "",
}
"""The columns of a table: a function from record to cell for each. The writer fills in `job`."""

DEFAULT_COLUMNS = ("line", "custom_id", "outcome", "answer", "error", "prompt_tokens", "completion_tokens")
"""The columns of a table if none are chosen."""

AUDIO_TABLE = ("line", "custom_id", "outcome", "answer", "duration", "language", "error")
"""The same of a table of recordings."""

_INTEGERS = {"line", "prompt_tokens", "completion_tokens", "reasoning_tokens", "cached_tokens"}

WriteRecord = Callable[[ResultRecord], object]


def table_row(record: ResultRecord, columns: Sequence[str], job_of: JobIdOf) -> list[Cell]:
    """Return the cells of one row."""
    return [job_of(record.row.number) if name == "job" else COLUMNS[name](record) for name in columns]


def csv_writer(file: BinaryIO, columns: Sequence[str], job_of: JobIdOf) -> WriteRecord:
    """Write the header line; return a function that writes a row."""
    file.write(_csv_line(columns))
    return lambda record: file.write(_csv_line([escape_formula(cell) for cell in table_row(record, columns, job_of)]))


def escape_formula(cell: Cell) -> Cell:
    """Put an apostrophe before text that a spreadsheet would run as a formula. Cells that are a number stay one.

    So it is inside of a cell after everything by which a program may part cells, before numbers too: what is a number
    to a program that parts by `;` can be the beginning of a formula to one that parts by tabs.
    """
    if not isinstance(cell, str):
        return cell
    text = cell.strip()
    is_formula = text.startswith(_FORMULA) and not _NUMBER.fullmatch(text)
    guarded = _GAP.sub(lambda gap: f"{gap[0]}'" if _PARTS_CELLS.search(gap[0]) else gap[0], cell)
    return f"'{guarded}" if is_formula or cell.startswith(_STRIPPED) else guarded


def _csv_line(cells: Sequence[Cell]) -> bytes:
    line = io.StringIO()
    csv.writer(line).writerow(["" if cell is None else cell for cell in cells])
    return line.getvalue().encode("utf-8", "replace")


def has_parquet() -> bool:
    """Return whether Parquet can be written: the extra `parquet` is installed."""
    return importlib.util.find_spec("pyarrow") is not None


@contextmanager
def parquet_writer(file: BinaryIO, columns: Sequence[str], job_of: JobIdOf) -> Iterator[WriteRecord]:
    """Yield a function that writes a row. The file is complete when the context ends; unknown values are null."""
    import pyarrow as arrow  # takes half a second to import
    from pyarrow import parquet

    types = dict.fromkeys(("seconds", "duration"), arrow.float64()) | dict.fromkeys(_INTEGERS, arrow.int64())
    schema = arrow.schema([(name, types.get(name, arrow.string())) for name in columns])
    pending: list[list[Cell]] = []

    def flush() -> None:
        if pending:
            values = dict(zip(columns, map(list, zip(*pending, strict=True)), strict=True))
            writer.write_table(arrow.table(values, schema=schema))
            pending.clear()

    def write(record: ResultRecord) -> None:
        pending.append(
            [as_valid_json(cell) if isinstance(cell, str) else cell for cell in table_row(record, columns, job_of)]
        )
        if len(pending) >= _ROW_GROUP:
            flush()

    with parquet.ParquetWriter(file, schema) as writer:
        yield write
        flush()
