"""The part of the oracle that judges the body of a chat request: see `check_oracle`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

STRING, WHOLE, NUMBER, BOOLEAN, OBJECT, LIST, NUMBERS, STRING_OR_OBJECT = range(8)
PARTS = ("image_url", "video_url", "audio_url", "input_audio")
OTHER_APIS = ("input_text", "input_image", "image", "file", "document", "tool_use", "tool_result")
SCHEMA_TYPES = ("object", "array", "string", "number", "integer", "boolean", "null")


def has_type(value: Any, kind: int) -> bool:
    """Whether a value has one of the types above. null has every type."""
    if value is None:
        return True
    is_number = type(value) in (int, float)
    items = list(value.values()) if type(value) is dict else None
    return {
        STRING: type(value) is str,
        WHOLE: is_number and value == value // 1,
        NUMBER: is_number,
        BOOLEAN: type(value) is bool,
        OBJECT: type(value) is dict,
        LIST: type(value) is list,
        NUMBERS: items is not None and all(has_type(item, NUMBER) for item in items),
        STRING_OR_OBJECT: type(value) in (str, dict),
    }[kind]


def has_wrong_type(value: Any, **kinds: int) -> bool:
    """Whether one of these keys of an object has another type."""
    return type(value) is dict and not all(has_type(value.get(name), kind) for name, kind in kinds.items())


def is_outside(value: Any, least: float, most: float) -> bool:
    """Whether a value is a number outside these bounds."""
    return type(value) in (int, float) and not least <= value <= most


def is_url(value: Any) -> bool:
    """Whether a value is an http(s) URL with a host that can be shown."""
    match = re.match(r"(?i)https?://([^/?#\\]*)", value) if type(value) is str else None
    authority = match[1].rpartition("@")[2] if match else ""
    host = authority[1:].split("]")[0] if authority.startswith("[") else authority.split(":")[0].rstrip(".")
    return host != "" and authority.isprintable() and not re.search(r"\s", authority)


def is_text(value: Any) -> bool:
    """Whether a value is a text that is not empty."""
    return type(value) is str and value != ""


def chat_errors(body: dict[str, Any]) -> Iterator[str]:
    """Yield the errors of the body of a chat request."""
    messages, stop = body.get("messages"), body.get("stop")
    if messages is None or messages == []:
        yield "no-messages"
    elif type(messages) is not list:
        yield "wrong-type"
    else:
        for message in messages:
            yield from message_errors(message)
    if type(stop) is list:
        if len(stop) > 4:
            yield "too-many-stops"
        if any(type(item) is not str for item in stop):
            yield "wrong-type"
    elif stop is not None and type(stop) is not str:
        yield "wrong-type"
    if has_wrong_type(body.get("reasoning"), enabled=BOOLEAN):
        yield "wrong-type"
    for name, least, most in (("n", 1, 128), ("logprobs", 0, 20), ("max_tokens", 1, float("inf"))):
        if has_type(body.get(name), WHOLE) and is_outside(body.get(name), least, most):
            yield "out-of-range"
    yield from format_errors(body.get("response_format"))
    yield from tool_errors(body)


def format_errors(value: Any) -> Iterator[str]:
    if type(value) is not dict:
        return
    kind, own, old = value.get("type"), value.get("json_schema"), value.get("schema")
    if kind not in ("text", "json_object", "json_schema", "regex"):
        yield "response-format"
        return
    if kind == "regex" and not is_text(value.get("pattern")):
        yield "response-format"
    if kind == "json_schema":
        if "json_schema" in value and type(own) is not dict:
            yield "response-format"
        elif "json_schema" in value:
            yield from schema_errors(own)
        elif type(old) is not dict:
            yield "response-format"
    if kind in ("json_schema", "json_object") and is_bad_schema(old):
        yield "schema-invalid"


def schema_errors(own: Any) -> Iterator[str]:
    if has_wrong_type(own, name=STRING, description=STRING, schema=OBJECT, strict=BOOLEAN):
        yield "wrong-type"
    if own.get("schema") is None and "type" in own:
        yield "schema-bare"
        return
    if own.get("name") in (None, ""):
        yield "schema-name"
    if is_bad_schema(own.get("schema")):
        yield "schema-invalid"


def is_bad_schema(value: Any) -> bool:
    """Whether a value is an object and no schema. Of all keywords the generated ones have only `type`."""
    return type(value) is dict and "type" in value and value["type"] not in SCHEMA_TYPES


def tool_errors(body: dict[str, Any]) -> Iterator[str]:
    tools, choice = body.get("tools"), body.get("tool_choice")
    names = []
    for tool in tools if type(tools) is list else []:
        if type(tool) is not dict:
            yield "wrong-type"
            continue
        function = tool.get("function")
        if has_wrong_type(tool, type=STRING, function=OBJECT):
            yield "wrong-type"
        if has_wrong_type(function, name=STRING, description=STRING, parameters=OBJECT):
            yield "wrong-type"
        if function is None:
            yield "tool-flat" if {"name", "parameters", "input_schema"} & tool.keys() else "tool-function"
        elif type(function) is dict:
            names.append(function.get("name"))
            if function.get("name") in (None, ""):
                yield "tool-function"
    if type(choice) is dict:
        function = choice.get("function")
        name = function.get("name") if type(function) is dict else None
        if type(name) is not str or name not in names:
            yield "tool-choice"


def message_errors(message: Any) -> Iterator[str]:
    """Yield the errors of one message."""
    if type(message) is not dict:
        yield "wrong-type"
        return
    role, content = message.get("role"), message.get("content")
    if role not in ("system", "user", "assistant", "tool", "function", "developer"):
        yield "message-role"
    others = ("tool_calls", "function_call", "reasoning", "reasoning_content", "refusal", "audio")
    if content is None:
        if role != "assistant" or not any(message.get(name) for name in others):
            yield "message-content"
    elif type(content) is list:
        for part in content:
            yield from part_errors(part)
    elif type(content) is not str:
        yield "message-content"
    if has_wrong_type(message, name=STRING, tool_calls=LIST):
        yield "wrong-type"
    if role == "tool" and not is_text(message.get("tool_call_id")):
        yield "tool-call-id"
    yield from call_errors(message.get("tool_calls"))


def part_errors(part: Any) -> Iterator[str]:
    kind = part.get("type") if type(part) is dict else None
    if type(kind) is not str:
        yield "message-content"
    elif kind in OTHER_APIS:
        yield "part-type"
    elif kind == "text" and type(part.get("text")) is not str:
        yield "message-content"
    elif kind in PARTS:
        value = part.get(kind)
        if type(value) not in (str, dict):
            yield "message-content"
        elif kind == "input_audio":
            if type(value) is str or not is_text(value.get("data")) or not is_text(value.get("format")):
                yield "input-audio"
        elif type(value) is str or not is_url(value.get("url")):
            yield "media-url"


def call_errors(calls: Any) -> Iterator[str]:
    if calls == []:
        yield "tool-calls"
    for call in calls if type(calls) is list else []:
        if type(call) is not dict:
            yield "wrong-type"
            continue
        function = call.get("function")
        if (
            type(function) is not dict
            or not is_text(function.get("name"))
            or type(function.get("arguments")) is not str
        ):
            yield "tool-calls"
