"""Find the errors of an input file in the slow and obvious way, to compare the check with.

Nothing of the check is used, so that it cannot hide a bug of its own.
"""

from __future__ import annotations

import json
from collections import Counter
from math import isinf
from typing import TYPE_CHECKING, Any, NamedTuple

from tests.helpers.chat_oracle import (
    BOOLEAN,
    LIST,
    NUMBER,
    NUMBERS,
    OBJECT,
    STRING,
    STRING_OR_OBJECT,
    WHOLE,
    chat_errors,
    has_type,
    is_outside,
    is_url,
)

if TYPE_CHECKING:
    from collections.abc import Iterator


class ExpectedReport(NamedTuple):
    """What the check must report on a file."""

    errors: set[tuple[int, str]]
    """Line and rule: all errors, and duplicate-key."""
    counts: Counter[str]
    """The once-per-file rules: the number of lines that break them."""
    models: Counter[str]
    firsts: dict[str, int]
    """The first line that breaks each of them."""


CHAT = {
    STRING: "safety_model compliance context_length_exceeded_behavior reasoning_effort",
    WHOLE: "max_tokens top_k seed n logprobs",
    NUMBER: "temperature top_p min_p presence_penalty frequency_penalty repetition_penalty",
    BOOLEAN: "stream echo",
    OBJECT: "reasoning response_format",
    LIST: "tools",
    NUMBERS: "logit_bias",
    STRING_OR_OBJECT: "tool_choice function_call",
}
AUDIO = {
    STRING: "response_format language prompt",
    NUMBER: "temperature",
    BOOLEAN: "diarize",
    WHOLE: "min_speakers max_speakers",
}


class TooLargeError(Exception):
    """A number is larger than a float."""


class NoNumberError(Exception):
    """NaN or Infinity, which JSON does not have."""


def expected_report(content: bytes, *, is_chat: bool) -> ExpectedReport:
    """Check a file whose first line is valid."""
    report = ExpectedReport(set(), Counter(), Counter(), {})
    first_lines: dict[str, int] = {}
    lines = content.split(b"\n")
    is_ended = lines[-1] == b""
    for number, raw in enumerate(lines[:-1] if is_ended else lines, 1):
        has_end = is_ended or number < len(lines)
        if has_end and raw.endswith(b"\r"):
            count_once(report, "crlf", number)
        row: dict[str, Any] = {}
        for rule in line_errors(raw.removesuffix(b"\r"), row, is_chat=is_chat):
            report.errors.add((number, rule))
        custom_id, body = row.get("custom_id"), row.get("body")
        if type(custom_id) is str and custom_id.strip() and first_lines.setdefault(custom_id, number) != number:
            report.errors.add((number, "duplicate-custom-id"))
        if type(body) is not dict:
            continue
        if type(body.get("model")) is str and body["model"] and body["model"] == body["model"].strip():
            report.models[body["model"]] += 1
        if is_other_kind(body, is_chat=is_chat):
            continue
        if "url" in row or (is_chat and "method" in row and row["method"] != "FILE"):
            count_once(report, "openai-envelope", number)
        if is_chat and body.get("stream") is True:
            count_once(report, "stream", number)
        if is_chat and body.get("max_tokens") is None and body.get("max_completion_tokens") is None:
            count_once(report, "no-max-tokens", number)
    return report


def count_once(report: ExpectedReport, rule: str, number: int) -> None:
    """Count a line that breaks a once-per-file rule."""
    report.counts[rule] += 1
    report.firsts.setdefault(rule, number)


def line_errors(raw: bytes, row: dict[str, Any], *, is_chat: bool) -> Iterator[str]:
    """Yield the errors of one line, and copy it to `row` if it is an object."""
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        yield "not-utf8"
        return
    if not text.strip(" \t\r"):
        return
    twice: list[str] = []

    def object_of(items: list[tuple[str, Any]]) -> dict[str, Any]:
        twice.extend(key for key, number in Counter(key for key, _ in items).items() if number > 1)
        return dict(items)

    def number(digits: str) -> float:
        if isinf(float(digits)):
            raise TooLargeError
        return float(digits)

    def constant(_: str) -> None:
        raise NoNumberError

    try:
        value = json.loads(
            text, object_pairs_hook=object_of, parse_int=number, parse_float=number, parse_constant=constant
        )
    except (json.JSONDecodeError, NoNumberError):
        yield several_objects(text)
        return
    except TooLargeError:
        yield "number-too-large"
        return
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        yield "lone-surrogate"
        return
    if type(value) is str and is_object(value):
        yield "double-encoded"
        return
    if type(value) is not dict:
        yield "not-object"
        return
    row.update(value)
    if twice:
        yield "duplicate-key"
    yield from request_errors(value, is_chat=is_chat)


def is_object(text: str) -> bool:
    try:
        return type(json.loads(text)) is dict
    except json.JSONDecodeError:
        return False


def several_objects(text: str) -> str:
    """Return the rule of a line that is not JSON: objects in a row, with or without commas, or nothing of the kind."""
    number, rest = 0, text.strip(" \t\r\n")
    while rest.startswith("{"):
        try:
            _, end = json.JSONDecoder().raw_decode(rest)
        except json.JSONDecodeError:
            return "not-json"
        number += 1
        rest = rest[end:].lstrip(" \t\r\n")
        if rest.startswith(","):
            rest = rest[1:].lstrip(" \t\r\n")
            if not rest:
                return "trailing-comma" if number == 1 else "several-objects"
    return "several-objects" if number > 1 and not rest else "not-json"


def is_other_kind(body: dict[str, Any], *, is_chat: bool) -> bool:
    own, other = ("messages", "file") if is_chat else ("file", "messages")
    return own not in body and other in body


def request_errors(row: dict[str, Any], *, is_chat: bool) -> Iterator[str]:
    custom_id = row.get("custom_id")
    if custom_id is None:
        yield "custom-id-missing"
    elif type(custom_id) is not str:
        yield "custom-id-type"
    elif not custom_id.strip():
        yield "custom-id-empty"
    elif len(custom_id) > 64:
        yield "custom-id-long"
    if "body" not in row:
        if type(row.get("params")) is dict:
            yield "anthropic-params"
        elif "messages" in row or "file" in row:
            yield "body-flat"
        else:
            yield "body-missing"
        return
    body = row["body"]
    if type(body) is not dict:
        yield "body-type"
        return
    model = body.get("model")
    if model is None or (type(model) is str and not model.strip()):
        yield "no-model"
    elif type(model) is not str:
        yield "wrong-type"
    elif model != model.strip():
        yield "model-spaces"
    if is_other_kind(body, is_chat=is_chat):
        yield "other-kind"
        return
    for kind, names in (CHAT if is_chat else AUDIO).items():
        if not all(has_type(body.get(name), kind) for name in names.split()):
            yield "wrong-type"
    if is_chat and row.get("method") == "FILE":
        yield "method-chat"
    yield from chat_errors(body) if is_chat else audio_errors(row, body)


def audio_errors(row: dict[str, Any], body: dict[str, Any]) -> Iterator[str]:
    if row.get("method") != "FILE":
        yield "method-file"
    if not is_url(body.get("file")):
        yield "file-url"
    format_ = body.get("response_format")
    if type(format_) is str and format_ not in ("json", "verbose_json"):
        yield "response-format"
    words = body.get("timestamp_granularities")
    words = words if type(words) is list else [words]
    if words != [None] and any(type(word) is not str for word in words):
        yield "wrong-type"
    elif words == [] or "" in words:
        yield "granularities"
    if is_outside(body.get("temperature"), 0, 1):
        yield "out-of-range"
