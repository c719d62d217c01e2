"""A row in full: what was asked and what came back, of whatever shape the two lines are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from tbatch_tui.engine.lenient_json import as_count, as_id, as_seconds, error_message, loads
from tbatch_tui.engine.results.conversation import (
    ContentPart,
    Message,
    PartKind,
    content_parts,
    format_json,
    indent_json,
    parse_message,
)
from tbatch_tui.engine.results.outcomes import Outcome, Row
from tbatch_tui.engine.results.usage import Usage, parse_usage

if TYPE_CHECKING:
    from tbatch_tui.engine.results.sources import Source


@dataclass(frozen=True, slots=True)
class Transcription:
    """What was heard."""

    text: str
    language: str
    seconds: float | None


@dataclass(frozen=True, slots=True)
class Failure:
    """What was said instead of an answer."""

    message: str
    code: str
    status: int | None
    """The HTTP status of the request inside the batch, where the row has one."""


@dataclass(frozen=True, slots=True)
class ResultRecord:
    """Request and response of one row. Raw lines are as in the files."""

    row: Row
    source: Source | None = None
    """The file the response stands in."""
    source_line: int | None = None
    model: str = ""
    settings: tuple[tuple[str, str], ...] = ()
    """All of the request's body but its model and messages: name and value."""
    request_messages: tuple[Message, ...] = ()
    answers: tuple[Message, ...] = ()
    """Usually one; `n` of them where more were asked for."""
    transcription: Transcription | None = None
    failure: Failure | None = None
    usage: Usage | None = None
    raw_request: bytes | None = None
    raw_response: bytes | None = None
    origin: str = ""
    """The job that the response comes from, in words, where the rows of several are shown as one."""
    issues: tuple[str, ...] = ()
    """Why a part of it could not be read again."""


def build_record(
    row: Row,
    request: bytes | None,
    response: bytes | None,
    source: Source | None = None,
    source_line: int | None = None,
    issues: tuple[str, ...] = (),
) -> ResultRecord:
    """Put a record together. Never raises."""
    asked = _dict(_dict(loads(request)).get("body")) if request is not None else {}
    came = loads(response) if response is not None else None
    answer = _dict(came).get("response")
    body = _dict(answer).get("body")
    return ResultRecord(
        row=row,
        source=source,
        source_line=source_line,
        model=as_id(asked.get("model")) or as_id(_dict(body).get("model")) or "",
        settings=tuple((name, _short(asked[name])) for name in asked if name not in ("model", "messages", "file")),
        request_messages=_asked(asked),
        answers=_answers(body) if row.outcome in (Outcome.OK, Outcome.CUT_SHORT) else (),
        transcription=_audio(body),
        failure=_failure(row, came) if row.outcome in (Outcome.ERROR, Outcome.UNREADABLE) else None,
        usage=parse_usage(_dict(body).get("usage")),
        raw_request=request,
        raw_response=response,
        issues=issues,
    )


def format_raw_line(data: bytes) -> str:
    """A raw line to be read: indented where it is JSON, its numbers and keys as they are; else as it is."""
    text = data.decode("utf-8", "replace")
    return indent_json(text) or text


def _asked(body: dict[str, Any]) -> tuple[Message, ...]:
    messages = body.get("messages")
    if isinstance(messages, list):
        return tuple(parse_message(message, "message") for message in messages)
    if "file" in body:
        return (Message("file", (ContentPart(PartKind.AUDIO, _short(body["file"])),)),)
    found = body.get("prompt", messages)
    return (Message("prompt", content_parts(found)),) if found is not None else ()


def _answers(body: Any) -> tuple[Message, ...]:
    choices = _dict(body).get("choices")
    if isinstance(choices, list):
        return tuple(
            parse_message(_dict(choice).get("message", _dict(choice).get("text")), "assistant", _reason(choice))
            for choice in choices
        )
    if body is None or _audio(body) is not None:
        return ()
    return (Message("answer", content_parts(body)),)


def _reason(choice: Any) -> str:
    return as_id(_dict(choice).get("finish_reason")) or ""


def _audio(body: Any) -> Transcription | None:
    body = _dict(body)
    text = body.get("text")
    if "choices" in body or not isinstance(text, str):
        return None
    return Transcription(text, as_id(body.get("language")) or "", as_seconds(body.get("duration")))


def _failure(row: Row, came: Any) -> Failure:
    came = _dict(came)
    response, error = _dict(came.get("response")), came.get("error")
    body = response.get("body")
    code = _dict(error).get("code") or _dict(_dict(body).get("error")).get("code")
    message = "" if row.outcome is Outcome.UNREADABLE else error_message(error) or error_message(body)
    return Failure(message or row.preview, as_id(code) or "", as_count(response.get("status_code")))


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _short(value: Any) -> str:
    """A setting's value, on one line."""
    if isinstance(value, str):
        return value
    try:
        return msgspec.json.encode(value).decode("utf-8", "replace")
    except (ValueError, RecursionError):
        return format_json(value)
