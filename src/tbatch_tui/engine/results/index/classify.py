"""Classify a response row: its id, and whether it is an answer, an answer cut short, or an error.

Nearly all rows are chat answers of one shape; msgspec reads those without decoding the answer. All others (errors, tool
calls, audio, and whatever is not as documented) are decoded as plain JSON and classified by the same rules.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from tbatch_tui.engine.lenient_json import (
    UNREADABLE,
    as_count,
    as_id,
    as_seconds,
    content_text,
    error_message,
    loads,
    tool_calls_text,
)
from tbatch_tui.engine.results.index.previews import PREVIEW_MAX, preview_bytes
from tbatch_tui.engine.results.outcomes import Outcome
from tbatch_tui.engine.results.usage import NO_USAGE, parse_usage

_NO_CALLS = (b"[]", b"null")
_QUOTE = 0x22
_ID = re.compile(rb'"custom_id"\s*:\s*("(?:[^"\\]|\\.)*"|-?[0-9]+)')


class ClassifiedRow(Struct, gc=False):
    """What the index stores of a response row."""

    custom_id: str | None
    outcome: Outcome
    preview: bytes = b""
    """The beginning of the answer or the error message, as JSON without the quotes."""
    tokens: int | None = None
    prompt_tokens: int | None = None
    reasoning_tokens: int | None = None
    cached_tokens: int | None = None
    seconds: float | None = None
    model: str = ""
    """The model that the response names."""


class _Message(Struct, gc=False):
    content: Raw
    tool_calls: Raw | UnsetType = UNSET


class _Choice(Struct, gc=False):
    message: _Message
    finish_reason: str | None = None


class _PromptDetails(Struct, gc=False):
    cached_tokens: int | None = None


class _CompletionDetails(Struct, gc=False):
    reasoning_tokens: int | None = None


class _Usage(Struct, gc=False):
    completion_tokens: int
    prompt_tokens: int
    reasoning_tokens: int | None = None
    cached_tokens: int | None = None
    completion_tokens_details: _CompletionDetails | None = None
    prompt_tokens_details: _PromptDetails | None = None

    def details(self) -> tuple[int | None, int | None]:
        """Return reasoning and cached tokens. The details win over the fields beside them."""
        reasoning, cached = self.reasoning_tokens, self.cached_tokens
        if (completion := self.completion_tokens_details) is not None and completion.reasoning_tokens is not None:
            reasoning = completion.reasoning_tokens
        if (prompt := self.prompt_tokens_details) is not None and prompt.cached_tokens is not None:
            cached = prompt.cached_tokens
        return _count(reasoning), _count(cached)


class _Body(Struct, gc=False):
    choices: list[_Choice]
    usage: _Usage
    model: str = ""


class _Response(Struct, gc=False):
    status_code: int
    body: _Body


class _Row(Struct, gc=False):
    custom_id: str
    response: _Response
    error: Raw | UnsetType = UNSET


class _RequestBody(Struct, gc=False):
    model: str = ""


class _Request(Struct, gc=False):
    custom_id: str
    body: _RequestBody


_decode_row = msgspec.json.Decoder(_Row).decode
_decode_request = msgspec.json.Decoder(_Request).decode


def classify(data: bytes) -> ClassifiedRow:
    """Classify one row of an output or error file. Never raises."""
    try:
        row = _decode_row(data)
    except (ValueError, RecursionError):  # msgspec's errors are ValueErrors
        return classify_value(loads(data))
    choices = row.response.body.choices
    if row.response.status_code != 200 or len(choices) != 1:
        return classify_value(loads(data))
    message, error = choices[0].message, row.error
    calls, content = message.tool_calls, bytes(message.content)
    if (
        content[0] != _QUOTE
        or (error is not UNSET and bytes(error) != b"null")
        or (calls is not UNSET and bytes(calls) not in _NO_CALLS)
    ):
        return classify_value(loads(data))
    is_cut = len(content) == 2 or choices[0].finish_reason == "length"
    usage = row.response.body.usage
    return ClassifiedRow(
        row.custom_id,
        Outcome.CUT_SHORT if is_cut else Outcome.OK,
        content[1:-1][:PREVIEW_MAX],
        _count(usage.completion_tokens),
        _count(usage.prompt_tokens),
        *usage.details(),
        model=row.response.body.model,
    )


def _count(number: int | None) -> int | None:
    return number if number is not None and number >= 0 else None


def parse_request(data: bytes) -> tuple[str | None, str]:
    """Return the `custom_id` (None if there is none) and the model of an input line. Never raises."""
    try:
        request = _decode_request(data)
        return request.custom_id, request.body.model
    except (ValueError, RecursionError):
        value = loads(data)
        if not isinstance(value, dict):
            return None, ""
        body = value.get("body")
        return as_id(value.get("custom_id")), (as_id(body.get("model")) or "") if isinstance(body, dict) else ""


def salvage_id(data: bytes) -> str:
    """Return the `custom_id` that an unreadable row seems to have: good enough to list it by, not to join it by."""
    match = _ID.search(data[:4096])
    return (as_id(loads(match[1])) or "") if match else ""


def classify_value(value: Any) -> ClassifiedRow:
    """Classify a row that is decoded as plain JSON."""
    if not isinstance(value, dict):
        reason = "not JSON" if value is UNREADABLE else "not a JSON object"
        return ClassifiedRow(None, Outcome.UNREADABLE, preview_bytes(f"This row is {reason}"))
    custom_id = as_id(value.get("custom_id"))
    response, error = value.get("response"), value.get("error")
    body = response.get("body") if isinstance(response, dict) else None
    status = as_count(response.get("status_code")) if isinstance(response, dict) else None
    if error is not None or response is None or (status is not None and status != 200):
        message = error_message(error) or error_message(body)
        if not message:
            message = f"HTTP {status}, without a message" if status is not None else "Neither an answer nor an error"
        classified = ClassifiedRow(custom_id, Outcome.ERROR, preview_bytes(message))
    else:
        classified = ClassifiedRow(custom_id, *_classify_answer(body))
    if isinstance(body, dict):
        usage = parse_usage(body.get("usage")) or NO_USAGE
        classified.tokens, classified.prompt_tokens = usage.completion, usage.prompt
        classified.reasoning_tokens, classified.cached_tokens = usage.reasoning, usage.cached
        classified.seconds = as_seconds(body.get("duration"))
        classified.model = as_id(body.get("model")) or ""
    if custom_id is None:
        classified.outcome = Outcome.UNREADABLE
        classified.preview = preview_bytes("This row has no custom_id")
    return classified


def _classify_answer(body: Any) -> tuple[Outcome, bytes]:
    """Return outcome and preview of the body of a 200. A transcript of silence is an answer; no text at all is not."""
    if not isinstance(body, dict):
        return Outcome.CUT_SHORT, b""
    choices = body.get("choices")
    if not isinstance(choices, list):
        text = body.get("text")
        return (Outcome.OK, preview_bytes(text)) if isinstance(text, str) else (Outcome.CUT_SHORT, b"")
    texts: list[str] = []
    is_cut = False
    for choice in choices:
        if not isinstance(choice, dict):
            continue
        is_cut = is_cut or choice.get("finish_reason") == "length"
        message = choice.get("message")
        message = message if isinstance(message, dict) else {}
        text = content_text(message.get("content")) or content_text(choice.get("text"))
        texts.append(text or tool_calls_text(message.get("tool_calls")))
    is_cut = is_cut or not any(texts)
    return (Outcome.CUT_SHORT if is_cut else Outcome.OK), preview_bytes(next(filter(None, texts), ""))
