"""Classify a response row: its id, and whether it is an answer, an answer cut short, an invalid one, or an error.

Nearly all rows are chat answers of one shape; msgspec reads those without decoding the answer. All others (errors, tool
calls, audio, and whatever is not as documented) are decoded as plain JSON and classified by the same rules.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, TypeAlias

import msgspec
from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from tbatch_tui.engine.lenient_json import UNREADABLE, as_count, as_id, as_seconds, error_message, loads, to_json
from tbatch_tui.engine.results.choices import AT_LIMIT, FAILED, body_flaw, has_error, read_choices, response_body
from tbatch_tui.engine.results.index.previews import PREVIEW_MAX, preview_bytes
from tbatch_tui.engine.results.outcomes import Outcome
from tbatch_tui.engine.results.usage import NO_USAGE, parse_usage

_OK, _CUT_SHORT = Outcome.OK, Outcome.CUT_SHORT
NO_CALLS = frozenset((b"[]", b"null"))
QUOTE = 0x22
PLAIN = frozenset(range(0x21, 0x7F)) - frozenset(b'"\\<')
"""First bytes of an answer that is not blank, and does not begin with a `<think>` block."""
REASON_MAX = 240
"""Characters kept of why an answer is invalid."""
_ID = re.compile(rb'"custom_id"\s*:\s*("(?:[^"\\]|\\.)*"|-?[0-9]+)')
_TOP_ID = re.compile(
    rb'(?:\xef\xbb\xbf)?\s*\{(?:\s*"(?:[^"\\]|\\.)*"\s*:\s*(?:"(?:[^"\\]|\\.)*"|[-+.\w]+)\s*,)*?\s*'
    rb'"custom_id"\s*:\s*("(?:[^"\\]|\\.)*"|-?[0-9]+(?=\s*[,}]))'
)
"""The id of an object, with nothing before it but fields that are plain values."""


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
    reason: str = ""
    """Why an answer is invalid."""
    content: bytes | None = None
    """The answer as JSON, of a row that was read without decoding it."""
    texts: tuple[str, ...] = ()
    """The contents of the choices, of a row that was decoded."""
    calls: tuple[Any, ...] = ()
    """The tool calls of all choices."""
    is_unreadable: bool = False
    """Whether nothing but the id can be told."""

    def contents(self) -> tuple[str, ...]:
        """Return the texts that the request may have asked to be JSON: no refusals, no tool calls."""
        if self.content is None:
            return self.texts
        try:
            return (_decode_text(self.content),)
        except ValueError:  # half a surrogate pair in an escape: only the standard library reads it
            return (as_id(loads(self.content)) or "",)


class _Message(Struct, gc=False):
    content: Raw
    tool_calls: Raw | UnsetType = UNSET


class _Choice(Struct, gc=False):
    message: _Message
    finish_reason: str | None = None
    error: Raw | UnsetType = UNSET


_Count = Annotated[int, Meta(ge=0)]
"""A row with another number is decoded, and the number passed over."""


class _PromptDetails(Struct, gc=False):
    cached_tokens: _Count | None = None


class _CompletionDetails(Struct, gc=False):
    reasoning_tokens: _Count | None = None


class _Usage(Struct, gc=False):
    completion_tokens: _Count
    prompt_tokens: _Count
    reasoning_tokens: _Count | None = None
    cached_tokens: _Count | None = None
    completion_tokens_details: _CompletionDetails | None = None
    prompt_tokens_details: _PromptDetails | None = None

    def details(self) -> tuple[int | None, int | None]:
        """Return reasoning and cached tokens. The details win over the fields beside them."""
        reasoning, cached = self.reasoning_tokens, self.cached_tokens
        completion, prompt = self.completion_tokens_details, self.prompt_tokens_details
        if completion is not None and completion.reasoning_tokens is not None:
            reasoning = completion.reasoning_tokens
        if prompt is not None and prompt.cached_tokens is not None:
            cached = prompt.cached_tokens
        return reasoning, cached


class _Body(Struct, gc=False):
    choices: list[_Choice]
    usage: _Usage
    model: str = ""
    error: Raw | UnsetType = UNSET


class _Response(Struct, gc=False):
    status_code: int
    body: _Body


class PlainRow(Struct, gc=False):
    """A row that is one chat answer."""

    custom_id: str
    response: _Response
    error: Raw | UnsetType = UNSET


class _RequestBody(Struct, gc=False):
    model: str = ""
    response_format: Raw | UnsetType = UNSET
    tools: Raw | UnsetType = UNSET


class _Request(Struct, gc=False):
    custom_id: str
    body: _RequestBody


row_decoder = msgspec.json.Decoder(PlainRow)
_decode_row = row_decoder.decode
_decode_text = msgspec.json.Decoder(str).decode
request_decoder = msgspec.json.Decoder(_Request)
_decode_request = request_decoder.decode


def classify(data: bytes) -> ClassifiedRow:
    """Classify one row of an output or error file. Never raises."""
    try:
        row = _decode_row(data)
    except (ValueError, RecursionError):  # msgspec's errors are ValueErrors
        return _classify_decoded(data)
    content = plain_content(row)
    if content is None:
        return _classify_decoded(data)
    body = row.response.body
    usage = body.usage
    reasoning, cached = usage.reasoning_tokens, usage.cached_tokens
    if usage.completion_tokens_details is not None or usage.prompt_tokens_details is not None:
        reasoning, cached = usage.details()
    return ClassifiedRow(  # in the order of the fields: by name it takes twice as long
        row.custom_id,
        _CUT_SHORT if body.choices[0].finish_reason in AT_LIMIT else _OK,
        content[1 : min(len(content) - 1, PREVIEW_MAX + 1)],
        usage.completion_tokens,
        usage.prompt_tokens,
        reasoning,
        cached,
        None,
        body.model,
        "",
        content,
    )


def plain_content(row: PlainRow) -> bytes | None:
    """Return the answer as JSON where the row is one plain answer; None where it needs a closer look."""
    body = row.response.body
    if row.response.status_code != 200 or len(body.choices) != 1:
        return None
    choice = body.choices[0]
    message = choice.message
    content, calls = bytes(message.content), message.tool_calls
    if (
        content[0] != QUOTE
        or (content[1] not in PLAIN and _may_be_blank_or_reasoning(content))
        or (b"/" in content and b"/think" in content)  # one byte is found ten times as fast
        or choice.finish_reason == FAILED
        or (row.error is not UNSET and bytes(row.error) != b"null")
        or (body.error is not UNSET and bytes(body.error) != b"null")
        or (choice.error is not UNSET and bytes(choice.error) != b"null")
        or (calls is not UNSET and bytes(calls) not in NO_CALLS)
    ):
        return None
    return content


def _may_be_blank_or_reasoning(content: bytes) -> bool:
    """Return whether an answer, as JSON, has no text but white space, or begins as a `<think>` block does."""
    try:
        text: str = _decode_text(content).lstrip()
    except ValueError:
        return True
    return not text or text[0] == "<"


ParsedRequest: TypeAlias = tuple[str | None, str, bytes, bytes]
"""The `custom_id` of an input line (None if there is none), its model, its `response_format` and its `tools`.

The last two are JSON, and empty where the request has none.
"""


def parse_request(data: bytes) -> ParsedRequest:
    """Return what the index needs of an input line. Never raises."""
    try:
        request = _decode_request(data)
    except (ValueError, RecursionError):
        return _parse_decoded_request(data)
    body = request.body
    return request.custom_id, body.model, raw_bytes(body.response_format), raw_bytes(body.tools)


def raw_bytes(part: Raw | UnsetType) -> bytes:
    """Return a part of a line as it is written; nothing where it is not there."""
    return b"" if part is UNSET else bytes(part)


def _parse_decoded_request(data: bytes) -> ParsedRequest:
    value = loads(data)
    if not isinstance(value, dict):
        return None, "", b"", b""
    custom_id, body = as_id(value.get("custom_id")), value.get("body")
    if not isinstance(body, dict):
        return custom_id, "", b"", b""
    asked, tools = (to_json(body[name]).encode() if name in body else b"" for name in ("response_format", "tools"))
    return custom_id, as_id(body.get("model")) or "", asked, tools


def salvage_id(data: bytes) -> str:
    """Return the `custom_id` that an unreadable row seems to have: good enough to list it by, not to join it by."""
    match = _ID.search(data[:4096])
    return (as_id(loads(match[1])) or "") if match else ""


def certain_id(data: bytes) -> str | None:
    """Return the `custom_id` of an unreadable row where it can be told: it is a field of the row itself."""
    match = _TOP_ID.match(data[:4096])
    return as_id(loads(match[1])) if match else None


def unreadable(data: bytes, reason: str) -> ClassifiedRow:
    """Return a row of which at most the id can be told: invalid then, whatever request it belongs to."""
    custom_id = certain_id(data)
    outcome = Outcome.UNREADABLE if custom_id is None else Outcome.INVALID
    return ClassifiedRow(custom_id, outcome, preview_bytes(reason), reason=reason, is_unreadable=True)


def _classify_decoded(data: bytes) -> ClassifiedRow:
    value = loads(data)
    if isinstance(value, dict):
        return classify_value(value)
    return unreadable(data, "This row is not JSON" if value is UNREADABLE else "This row is not a JSON object")


def classify_value(value: dict[str, Any]) -> ClassifiedRow:
    """Classify a row that is decoded as plain JSON."""
    custom_id = as_id(value.get("custom_id"))
    response, error = value.get("response"), value.get("error")
    body = response_body(response.get("body")) if isinstance(response, dict) else None
    status = as_count(response.get("status_code")) if isinstance(response, dict) else None
    if has_error(error) or response is None or (status is not None and status != 200):
        message = (error_message(error) if has_error(error) else "") or error_message(body)
        if not message:
            message = f"HTTP {status}, without a message" if status is not None else "Neither an answer nor an error"
        classified = ClassifiedRow(custom_id, Outcome.ERROR, preview_bytes(message))
    else:
        classified = _classify_answer(custom_id, response, body)
    if isinstance(body, dict):
        usage = parse_usage(body.get("usage")) or NO_USAGE
        classified.tokens, classified.prompt_tokens = usage.completion, usage.prompt
        classified.reasoning_tokens, classified.cached_tokens = usage.reasoning, usage.cached
        classified.seconds = as_seconds(body.get("duration"))
        classified.model = as_id(body.get("model")) or ""
    if custom_id is None:
        classified.outcome, classified.reason = Outcome.UNREADABLE, "This row has no custom_id"
        classified.preview = preview_bytes(classified.reason)
        classified.is_unreadable = True
    return classified


def _classify_answer(custom_id: str | None, response: Any, body: Any) -> ClassifiedRow:
    """Classify a 200: of several choices, and of several flaws, the worst counts.

    A transcript of silence is an answer; no text at all is not.
    """
    flaw = body_flaw(body)
    if isinstance(response, dict) and isinstance(response.get("body"), str):
        flaw = body_flaw(response["body"])
    choices = read_choices(body)
    outcome = Outcome.INVALID if flaw else Outcome.OK
    for choice in choices:
        flaw = flaw or choice.flaw
        outcome = max(outcome, Outcome.CUT_SHORT if choice.is_cut else Outcome.INVALID if choice.flaw else Outcome.OK)
    texts = [choice.answer for choice in choices]
    if not choices and isinstance(body, dict) and isinstance(body.get("text"), str):
        texts = [body["text"]]
    return ClassifiedRow(
        custom_id,
        outcome,
        preview_bytes(next(filter(None, texts), "")),
        reason=flaw[:REASON_MAX] if outcome is Outcome.INVALID else "",
        texts=tuple(choice.text for choice in choices if choice.text.strip()),
        calls=tuple(call for choice in choices for call in choice.tool_calls),
    )
