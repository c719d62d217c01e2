"""What one row says: whose it is, and whether it is an answer, an answer cut short, or an error.

Nearly all rows have one shape, which msgspec reads without decoding the answer. Every other row is read as
whatever JSON it is, so that the shapes that are hard to foresee are judged by the same words, only slower.
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
    """What was found in a row. `head` is the beginning of the answer or message as JSON spells it, unquoted."""

    custom_id: str | None
    outcome: Outcome
    preview: bytes = b""
    tokens: int | None = None
    prompt_tokens: int | None = None
    reasoning_tokens: int | None = None
    cached_tokens: int | None = None
    seconds: float | None = None
    model: str = ""
    """What the answer says it comes from."""


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
        """Reasoning and cached tokens; what is said in the details goes before what is said beside them."""
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


class _Asked(Struct, gc=False):
    model: str = ""


class _Request(Struct, gc=False):
    custom_id: str
    body: _Asked


_row = msgspec.json.Decoder(_Row).decode
_request = msgspec.json.Decoder(_Request).decode


def classify(data: bytes) -> ClassifiedRow:
    """Judge one row of an output or error file. Never raises."""
    try:
        row = _row(data)
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
    """The `custom_id` of an input line, None where it has none, and the model it asks. Never raises."""
    try:
        request = _request(data)
        return request.custom_id, request.body.model
    except (ValueError, RecursionError):
        value = loads(data)
        if not isinstance(value, dict):
            return None, ""
        body = value.get("body")
        return as_id(value.get("custom_id")), (as_id(body.get("model")) or "") if isinstance(body, dict) else ""


def salvage_id(data: bytes) -> str:
    """The `custom_id` that a row which cannot be read seems to have: to show it by, not to join it by."""
    found = _ID.search(data[:4096])
    return (as_id(loads(found[1])) or "") if found else ""


def classify_value(value: Any) -> ClassifiedRow:
    """Judge a row that was read as plain JSON."""
    if not isinstance(value, dict):
        why = "not JSON" if value is UNREADABLE else "not a JSON object"
        return ClassifiedRow(None, Outcome.UNREADABLE, preview_bytes(f"This row is {why}"))
    custom_id = as_id(value.get("custom_id"))
    response, error = value.get("response"), value.get("error")
    body = response.get("body") if isinstance(response, dict) else None
    status = as_count(response.get("status_code")) if isinstance(response, dict) else None
    if error is not None or response is None or (status is not None and status != 200):
        said = error_message(error) or error_message(body)
        if not said:
            said = f"HTTP {status}, without a message" if status is not None else "Neither an answer nor an error"
        verdict = ClassifiedRow(custom_id, Outcome.ERROR, preview_bytes(said))
    else:
        verdict = ClassifiedRow(custom_id, *_answer(body))
    if isinstance(body, dict):
        usage = parse_usage(body.get("usage")) or NO_USAGE
        verdict.tokens, verdict.prompt_tokens = usage.completion, usage.prompt
        verdict.reasoning_tokens, verdict.cached_tokens = usage.reasoning, usage.cached
        verdict.seconds = as_seconds(body.get("duration"))
        verdict.model = as_id(body.get("model")) or ""
    if custom_id is None:
        verdict.outcome = Outcome.UNREADABLE
        verdict.preview = preview_bytes("This row has no custom_id")
    return verdict


def _answer(body: Any) -> tuple[Outcome, bytes]:
    """Outcome and head of a 200's body. A silence that was transcribed is a whole answer; no text at all is not."""
    if not isinstance(body, dict):
        return Outcome.CUT_SHORT, b""
    choices = body.get("choices")
    if not isinstance(choices, list):
        text = body.get("text")
        return (Outcome.OK, preview_bytes(text)) if isinstance(text, str) else (Outcome.CUT_SHORT, b"")
    heads: list[str] = []
    is_cut = False
    for choice in choices:
        if not isinstance(choice, dict):
            continue
        is_cut = is_cut or choice.get("finish_reason") == "length"
        message = choice.get("message")
        message = message if isinstance(message, dict) else {}
        text = content_text(message.get("content")) or content_text(choice.get("text"))
        heads.append(text or tool_calls_text(message.get("tool_calls")))
    is_cut = is_cut or not any(heads)
    return (Outcome.CUT_SHORT if is_cut else Outcome.OK), preview_bytes(next(filter(None, heads), ""))
