"""One row in full, for reading: its request and its response, decoded from the two lines of the files.

The lines can be any bytes: a part that is not as documented is shown as it is, or left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from tbatch_tui.engine.lenient_json import as_count, as_id, error_message, loads
from tbatch_tui.engine.results.choices import has_error, read_choices, response_body
from tbatch_tui.engine.results.conversation import (
    ContentPart,
    Message,
    PartKind,
    content_parts,
    format_json,
    indent_json,
    parse_answer,
    parse_message,
)
from tbatch_tui.engine.results.outcomes import Outcome, Row
from tbatch_tui.engine.results.recordings.transcript import Transcription, read_transcription
from tbatch_tui.engine.results.usage import Usage, parse_usage
from tbatch_tui.engine.schemas.wrapping import JUDGED_FORMATS, strip_wrapping

if TYPE_CHECKING:
    from tbatch_tui.engine.results.sources import Source


@dataclass(frozen=True, slots=True)
class Failure:
    """The error that came instead of an answer."""

    message: str
    code: str
    status: int | None
    """HTTP status of the request inside the batch, if the row has one."""


@dataclass(frozen=True, slots=True)
class ResultRecord:
    """The request and the response of one row, decoded, and the raw lines as in the files."""

    row: Row
    source: Source | None = None
    """The file with the response."""
    source_line: int | None = None
    model: str = ""
    settings: tuple[tuple[str, str], ...] = ()
    """Names and values of the request body, without model and messages."""
    request_messages: tuple[Message, ...] = ()
    answers: tuple[Message, ...] = ()
    """Usually one; `n` of them if the request sets `n`."""
    transcription: Transcription | None = None
    failure: Failure | None = None
    usage: Usage | None = None
    raw_request: bytes | None = None
    raw_response: bytes | None = None
    origin: str = ""
    """Name of the job the response comes from; empty if there is only one job."""
    issues: tuple[str, ...] = ()
    """Why the request or the response could not be read from its file."""
    removed: tuple[str, ...] = ()
    """What was taken off an answer before it was judged: "reasoning", "fence"; nothing where none was judged."""


def build_record(
    row: Row,
    request: bytes | None,
    response: bytes | None,
    source: Source | None = None,
    source_line: int | None = None,
    issues: tuple[str, ...] = (),
    *,
    is_judged: bool = False,
) -> ResultRecord:
    """Decode the two lines of a row. Never raises.

    Args:
        request: The line of the input file, if there is one.
        response: The line of the output or error file, if there is one.
        source: Which of the two files that is.
        source_line: The line in that file, from 1.
        issues: Why a line could not be read.
        is_judged: Whether the answer is judged although the request asks for nothing in particular.
    """
    request_body = _dict(_dict(loads(request)).get("body")) if request is not None else {}
    row_value = loads(response) if response is not None else None
    body = response_body(_dict(_dict(row_value).get("response")).get("body"))
    return ResultRecord(
        row=row,
        source=source,
        source_line=source_line,
        model=as_id(request_body.get("model")) or as_id(_dict(body).get("model")) or "",
        settings=tuple(
            (name, _one_line(value))
            for name, value in request_body.items()
            if name not in ("model", "messages", "file")
        ),
        request_messages=_request_messages(request_body),
        answers=_answers(body) if row.outcome in (Outcome.OK, Outcome.CUT_SHORT, Outcome.INVALID) else (),
        transcription=read_transcription(body),
        failure=_failure(row, row_value) if _is_failure(row, row_value) else None,
        usage=parse_usage(_dict(body).get("usage")),
        raw_request=request,
        raw_response=response,
        issues=issues,
        removed=_removed(request_body, body, is_judged) if row.outcome in (Outcome.OK, Outcome.INVALID) else (),
    )


def format_raw_line(data: bytes) -> str:
    """Return a raw line for reading: indented if it is JSON, numbers and keys as written; otherwise as it is."""
    text = data.decode("utf-8", "replace")
    return indent_json(text) or text


def _request_messages(body: dict[str, Any]) -> tuple[Message, ...]:
    messages = body.get("messages")
    if isinstance(messages, list):
        return tuple(parse_message(message, "message") for message in messages)
    if "file" in body:
        return (Message("file", (ContentPart(PartKind.AUDIO, _one_line(body["file"])),)),)
    prompt = body.get("prompt", messages)
    return (Message("prompt", content_parts(prompt)),) if prompt is not None else ()


def _answers(body: Any) -> tuple[Message, ...]:
    choices = _dict(body).get("choices")
    if isinstance(choices, list):
        return tuple(map(parse_answer, choices))
    if body is None or read_transcription(body) is not None or has_error(_dict(body).get("error")):
        return ()
    return (Message("answer", content_parts(body)),)


def _removed(request_body: dict[str, Any], body: Any, is_judged: bool) -> tuple[str, ...]:
    """Return what stood around answers that had to be JSON, or to match a pattern."""
    asked = request_body.get("response_format")
    if not (is_judged or (isinstance(asked, dict) and asked.get("type") in JUDGED_FORMATS)):
        return ()
    choices = read_choices(body)
    removed = {part for choice in choices for part in strip_wrapping(choice.text)[1]}
    if any(choice.thinks_aloud for choice in choices):
        removed.add("reasoning")
    return tuple(part for part in ("reasoning", "fence") if part in removed)


def _is_failure(row: Row, row_value: Any) -> bool:
    """Return whether an error came instead of an answer, or a row that cannot be read."""
    if row.outcome is not Outcome.INVALID:
        return row.outcome in (Outcome.ERROR, Outcome.UNREADABLE)
    body = _dict(response_body(_dict(_dict(row_value).get("response")).get("body")))
    return not isinstance(row_value, dict) or has_error(body.get("error"))


def _failure(row: Row, row_value: Any) -> Failure:
    fields = _dict(row_value)
    response, error = _dict(fields.get("response")), fields.get("error")
    body = response_body(response.get("body"))
    code = _dict(error).get("code") or _dict(_dict(body).get("error")).get("code")
    message = "" if row.outcome is Outcome.UNREADABLE else _message(error) or error_message(body)
    return Failure(message or row.preview, as_id(code) or "", as_count(response.get("status_code")))


def _message(error: Any) -> str:
    return error_message(error) if has_error(error) else ""


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _one_line(value: Any) -> str:
    """Return the value of a setting on one line."""
    if isinstance(value, str):
        return value
    try:
        return msgspec.json.encode(value).decode("utf-8", "replace")
    except (ValueError, RecursionError):
        return format_json(value)
