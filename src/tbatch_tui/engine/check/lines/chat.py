"""The rules for the body of a chat request, as `check_line` applies them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tbatch_tui.engine.check.limits import STOPS_MAX
from tbatch_tui.engine.check.lines.finding import Finding, JsonObject, JsonPath, join_names, quoted
from tbatch_tui.engine.check.lines.params import (
    CHAT_FORMATS,
    CHAT_PARAMS,
    CHAT_VALUES,
    FUNCTION_PARAMS,
    MESSAGE_PARAMS,
    REASONING_PARAMS,
    ROLES,
    SCHEMA_PARAMS,
    Type,
    has_type,
    type_name,
)
from tbatch_tui.engine.check.lines.stopping import stoppable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_PART_VALUE = {
    "text": "text",
    "image_url": "image_url",
    "video_url": "video_url",
    "audio_url": "audio_url",
    "input_audio": "input_audio",
}
"""The documented kinds of content part, and the key that holds what they carry."""

_INSTEAD_OF_CONTENT = ("tool_calls", "function_call", "reasoning", "reasoning_content", "refusal", "audio")
"""What an assistant message may have instead of content."""


def chat_findings(body: JsonObject, cancelled: Callable[[], bool] | None = None) -> Iterator[Finding]:
    """Yield what is wrong in the body of a chat request. `check_line` checks the model.

    Raises OperationCancelledError soon after `cancelled` returns true.
    """
    yield from _messages(body, cancelled)
    for name, value in body.items():
        type_ = CHAT_PARAMS.get(name)
        if type_ is None or value is None or name in ("model", "messages"):
            continue
        path = ("body", name)
        if not has_type(value, type_):
            yield Finding("wrong-type", f"body.{name} is {type_name(value)}, not {type_.value}", path)
        elif name in CHAT_VALUES and value not in CHAT_VALUES[name]:
            known = join_names(CHAT_VALUES[name])
            yield Finding("unusual-value", f"body.{name} is {quoted(str(value))}, documented: {known}", path)
    yield from _stop(body.get("stop"))
    yield from _response_format(body.get("response_format"))
    yield from _tools(body.get("tools"), cancelled)
    if isinstance(reasoning := body.get("reasoning"), dict):
        yield from _wrong_types(reasoning, REASONING_PARAMS, "body.reasoning", ("body", "reasoning"))


def _wrong_types(value: JsonObject, types: Mapping[str, Type], where: str, path: JsonPath) -> Iterator[Finding]:
    """Yield the values inside a parameter that have another type than documented."""
    for name, type_ in types.items():
        if not has_type(item := value.get(name), type_):
            yield Finding("wrong-type", f"{where}.{name} is {type_name(item)}, not {type_.value}", (*path, name))


def _messages(body: JsonObject, cancelled: Callable[[], bool] | None) -> Iterator[Finding]:
    messages = body.get("messages")
    path: JsonPath = ("body", "messages")
    if messages is None:
        other = next((f", and body.{name} is not for chat" for name in ("prompt", "input") if name in body), "")
        state = "null" if "messages" in body else "missing"
        yield Finding("no-messages", f"body.messages is {state}{other}", path)
    elif not isinstance(messages, list):
        yield Finding("wrong-type", f"body.messages is {type_name(messages)}, not a list", path)
    elif not messages:
        yield Finding("no-messages", "body.messages is an empty list", path)
    else:
        for index, message in enumerate(stoppable(messages, cancelled)):
            where = f"body.messages[{index}]"
            if isinstance(message, dict):
                yield from _message(message, where, (*path, index), cancelled)
            else:
                yield Finding("wrong-type", f"{where} is {type_name(message)}, not an object", (*path, index))


def _message(
    message: JsonObject, where: str, path: JsonPath, cancelled: Callable[[], bool] | None
) -> Iterator[Finding]:
    role = message.get("role")
    if "role" not in message:
        yield Finding("message-role", f"{where}.role is missing", path)
    elif role not in ROLES:
        shown = quoted(role) if isinstance(role, str) else type_name(role)
        yield Finding("message-role", f"{where}.role is {shown}", (*path, "role"))
    content = message.get("content")
    if content is None:
        if role != "assistant" or not any(message.get(name) for name in _INSTEAD_OF_CONTENT):
            state = "null" if "content" in message else "missing"
            yield Finding("message-content", f"{where}.content is {state}", (*path, "content"))
    elif isinstance(content, list):
        for index, part in enumerate(stoppable(content, cancelled)):
            yield from _part(part, f"{where}.content[{index}]", (*path, "content", index))
    elif not isinstance(content, str):
        fault = f"{where}.content is {type_name(content)}, neither text nor a list of parts"
        yield Finding("message-content", fault, (*path, "content"))
    yield from _wrong_types(message, MESSAGE_PARAMS, where, path)
    if isinstance(calls := message.get("tool_calls"), list):
        for index, call in enumerate(stoppable(calls, cancelled)):
            if not isinstance(call, dict):
                fault = f"{where}.tool_calls[{index}] is {type_name(call)}, not an object"
                yield Finding("wrong-type", fault, (*path, "tool_calls", index))
    if role == "tool" and not isinstance(message.get("tool_call_id"), str):
        yield Finding("unusual-value", f"{where}.tool_call_id is not a string, or missing", path)


def _part(part: object, where: str, path: JsonPath) -> Iterator[Finding]:
    if not isinstance(part, dict):
        yield Finding("message-content", f"{where} is {type_name(part)}, not an object", path)
        return
    kind = part.get("type")
    if not isinstance(kind, str):
        yield Finding("message-content", f"{where}.type is missing, or not a string", path)
    elif kind not in _PART_VALUE:
        yield Finding("unusual-value", f"{where}.type is {quoted(kind)}, not a documented one", (*path, "type"))
    elif _PART_VALUE[kind] not in part:
        yield Finding("message-content", f"{where}.{_PART_VALUE[kind]} is missing", path)
    elif not isinstance(value := part[_PART_VALUE[kind]], str if kind == "text" else str | dict):
        wanted = "a string" if kind == "text" else "an object"
        message = f"{where}.{_PART_VALUE[kind]} is {type_name(value)}, not {wanted}"
        yield Finding("message-content", message, (*path, _PART_VALUE[kind]))


def _stop(stop: object) -> Iterator[Finding]:
    path = ("body", "stop")
    if isinstance(stop, str):
        yield Finding("unusual-value", "body.stop is a string, documented: a list of strings", path)
    elif isinstance(stop, list):
        if not all(isinstance(item, str) for item in stop):
            yield Finding("wrong-type", "body.stop holds something that is not a string", path)
        if len(stop) > STOPS_MAX:
            yield Finding("too-many-stops", f"body.stop has {len(stop)} sequences, {STOPS_MAX} at most", path)
    elif stop is not None:
        yield Finding("wrong-type", f"body.stop is {type_name(stop)}, not a list", path)


def _response_format(value: object) -> Iterator[Finding]:
    if not isinstance(value, dict):
        return
    path = ("body", "response_format")
    kind = value.get("type")
    if not isinstance(kind, str) or kind not in CHAT_FORMATS:
        shown = quoted(kind) if isinstance(kind, str) else "missing, or not a string"
        message = f"body.response_format.type is {shown}, supported: {join_names(CHAT_FORMATS)}"
        yield Finding("response-format", message, (*path, "type"))
    elif kind == "json_schema":
        own = value.get("json_schema")
        if isinstance(own, dict):
            yield from _wrong_types(own, SCHEMA_PARAMS, "body.response_format.json_schema", (*path, "json_schema"))
        elif "json_schema" in value or not isinstance(value.get("schema"), dict):
            yield Finding("response-format", "body.response_format.json_schema is missing, or not an object", path)


def _tools(tools: object, cancelled: Callable[[], bool] | None) -> Iterator[Finding]:
    if not isinstance(tools, list):
        return
    for index, tool in enumerate(stoppable(tools, cancelled)):
        where, path = f"body.tools[{index}]", ("body", "tools", index)
        if not isinstance(tool, dict):
            yield Finding("wrong-type", f"{where} is {type_name(tool)}, not an object", path)
        else:
            yield from _wrong_types(tool, {"type": Type.STRING, "function": Type.OBJECT}, where, path)
            if isinstance(function := tool.get("function"), dict):
                yield from _wrong_types(function, FUNCTION_PARAMS, f"{where}.function", (*path, "function"))
