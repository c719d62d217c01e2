"""Rows written to a file of their own: merged, plain, as a table, or to be read."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from tbatch_tui.engine.errors import Stopped

from .index import ResultIndex
from .record import Record
from .shapes import loads, text_of
from .written import written

_EVERY = 64
"""Rows between two looks at whether to stop."""


class ExportFormat(StrEnum):
    """What is written of each row."""

    MERGED = "merged"
    ANSWERS = "answers"
    CSV = "csv"
    MARKDOWN = "markdown"

    @property
    def ending(self) -> str:
        """The end of the file's name."""
        return {"merged": ".merged.jsonl", "answers": ".answers.jsonl", "csv": ".csv", "markdown": ".md"}[self]


def _prompt(record: Record) -> str:
    """What the person said last, to the letter; of audio, the address of the file."""
    body = _dict(_dict(loads(record.raw_request or b"")).get("body"))
    messages = body.get("messages")
    said = (
        [m for m in messages if isinstance(m, dict) and m.get("role") == "user"] if isinstance(messages, list) else []
    )
    found = said[-1].get("content") if said else body.get("prompt", body.get("file"))
    return text_of(found)


def _answer(record: Record) -> str:
    """What came back, to the letter: a record's own messages are laid out to be read."""
    if record.audio is not None:
        return record.audio.text
    if not record.answers:
        return ""
    body = _dict(_dict(_dict(loads(record.raw_response or b"")).get("response")).get("body"))
    choices = body.get("choices")
    if not isinstance(choices, list):
        return "\n\n".join(filter(None, (answer.text for answer in record.answers)))
    texts = (text_of(_dict(_dict(choice).get("message")).get("content")) for choice in choices)
    return "\n\n".join(filter(None, texts))


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


COLUMNS: dict[str, Callable[[Record], str | int | float | None]] = {
    "line": lambda record: record.row.line,
    "custom_id": lambda record: record.row.custom_id,
    "outcome": lambda record: record.row.outcome.words,
    "model": lambda record: record.model,
    "prompt": _prompt,
    "answer": _answer,
    "reasoning": lambda record: "\n\n".join(filter(None, (answer.reasoning for answer in record.answers))),
    "finish_reason": lambda record: ", ".join(filter(None, (answer.finish_reason for answer in record.answers))),
    "error": lambda record: record.failure.message if record.failure is not None else "",
    "prompt_tokens": lambda record: record.row.prompt_tokens,
    "completion_tokens": lambda record: record.row.tokens,
    "language": lambda record: record.audio.language if record.audio is not None else "",
    "seconds": lambda record: record.row.seconds,
}
"""What a table can say of a row."""

USUAL = ("line", "custom_id", "outcome", "answer", "error", "prompt_tokens", "completion_tokens")
"""The columns of a table, unless others are asked for."""


def export_rows(
    index: ResultIndex,
    rows: Sequence[int],
    path: Path,
    form: ExportFormat,
    *,
    columns: Sequence[str] = USUAL,
    replace: bool = False,
    cancelled: Callable[[], bool] = lambda: False,
    progress: Callable[[int, int], object] = lambda done, total: None,
) -> None:
    """Write these rows, in this order. The file has its name only once it is whole.

    `columns` are of a table. Made to be run in a thread; `progress` is told rows. Raises FileTrouble, also when there
    is such a file and `replace` does not say that it may go, and Stopped: then nothing is left behind.
    """
    with written(path, replace=replace) as file:
        write = _writer(form, file, columns)
        for done, row in enumerate(rows):
            if done % _EVERY == 0:
                if cancelled():
                    raise Stopped("The export was stopped")
                progress(done, len(rows))
            write(index.record(row))
    progress(len(rows), len(rows))


def _writer(form: ExportFormat, file: BinaryIO, columns: Sequence[str]) -> Callable[[Record], object]:
    """What writes one record."""
    match form:
        case ExportFormat.MERGED:
            return lambda record: file.write(_line(_merged(record)))
        case ExportFormat.ANSWERS:
            return lambda record: file.write(_line({"custom_id": record.row.custom_id, "answer": _plain(record)}))
        case ExportFormat.MARKDOWN:
            return lambda record: file.write(_clean(_markdown(record)))
        case ExportFormat.CSV:
            file.write(_clean(_csv_line(columns)))
            return lambda record: file.write(_clean(_csv_line([COLUMNS[column](record) for column in columns])))


def _merged(record: Record) -> dict[str, Any]:
    """Request and response as they are in the files, side by side."""
    request, came = _fields(record.raw_request), _fields(record.raw_response)
    merged: dict[str, Any] = {"custom_id": record.row.custom_id, "outcome": record.row.outcome.words}
    if "body" in request:
        merged["request"] = request["body"]
    for name in ("response", "error"):
        if name in came:
            merged[name] = came[name]
    if record.raw_response is not None and not came:
        merged["unreadable"] = record.raw_response.decode("utf-8", "replace")
    return merged


def _fields(data: bytes | None) -> dict[str, msgspec.Raw]:
    """The fields of a line, each as it is spelled; none of what is no JSON object."""
    if data is None:
        return {}
    try:
        return msgspec.json.decode(data, type=dict[str, msgspec.Raw])
    except (ValueError, RecursionError):
        value = loads(data)  # half a surrogate pair, which only the standard library takes, and can write again
        return {key: msgspec.Raw(json.dumps(part)) for key, part in value.items()} if isinstance(value, dict) else {}


def _plain(record: Record) -> str | None:
    """The answer; None where there is none."""
    return _answer(record) if record.answers or record.audio is not None else None


def _line(value: dict[str, Any]) -> bytes:
    """A value as a line of JSON; half a surrogate pair, which no file can hold, is replaced."""
    clean = {key: _clean(part).decode() if isinstance(part, str) else part for key, part in value.items()}
    return msgspec.json.encode(clean) + b"\n"


def _clean(text: str) -> bytes:
    return text.encode("utf-8", "replace")


def _csv_line(cells: Sequence[object]) -> str:
    said = io.StringIO()
    csv.writer(said).writerow(["" if cell is None else cell for cell in cells])
    return said.getvalue()


def _markdown(record: Record) -> str:
    """A heading for the row, then the conversation as it went."""
    row = record.row
    parts = [f"## {_heading(row.custom_id)}", f"*{row.outcome.words}{f' · {record.model}' if record.model else ''}*"]
    parts += [f"**{_heading(message.role)}**\n\n{_quoted(message.text)}" for message in record.asked]
    if record.failure is not None:
        parts.append(f"**error**\n\n{_quoted(record.failure.message)}")
    elif answer := _answer(record):
        parts.append(f"**answer**\n\n{_quoted(answer)}")
    return "\n\n".join(parts) + "\n\n"


def _heading(text: str) -> str:
    return " ".join(text.split())


def _quoted(text: str) -> str:
    """As a quote, so that an answer's own headings stay inside of it."""
    return "\n".join(f"> {line}" for line in text.splitlines() or [""])
