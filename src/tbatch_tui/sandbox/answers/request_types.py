"""Requests that the server's decoder refuses: a field is missing, or a value is outside its range.

The wording of tools, tool_choice and content parts is the live API's; the rest is made up in its style.
"""

from __future__ import annotations

from base64 import b64decode
from functools import lru_cache
from typing import Any

import msgspec

PARTS = ("text", "image_url", "video_url", "audio_url", "input_audio")
NO_PART = "data did not match any variant of untagged enum MessageContent"
CHAT_RANGES = {"n": (1, 128), "logprobs": (0, 20)}
DOCUMENTED_CHAT_RANGES = {
    "temperature": (0, 1),
    "top_p": (0, 1),
    "min_p": (0, 1),
    "presence_penalty": (-2, 2),
    "frequency_penalty": (-2, 2),
}
"""What the documentation says of parameters that models take beyond it."""
AUDIO_RANGES = {"temperature": (0, 1)}


def chat_error(body: dict[str, Any]) -> str | None:
    """Return why a chat request cannot be decoded; None if it can. Its messages are objects with a role."""
    for index, message in enumerate(body["messages"]):
        if error := _message_error(message):
            return f"messages[{index}]: {error}"
    return (
        _tools_error(body.get("tools") or [], body.get("tool_choice"))
        or _format_error(body.get("response_format") or {})
        or range_error(body, CHAT_RANGES)
    )


def range_error(body: dict[str, Any], ranges: dict[str, tuple[int, int]]) -> str | None:
    """Return the error of a number outside its range."""
    for name, (least, most) in ranges.items():
        value = body.get(name)
        if isinstance(value, int | float) and not least <= value <= most:
            return f"Input validation error: `{name}` must be between {least} and {most}"
    return None


def _missing(value: Any, *names: str) -> str | None:
    """Return the error of the first of these fields that an object has not as a text that is not empty."""
    for name in names:
        if not isinstance(value, dict) or not isinstance(value.get(name), str) or not value[name].strip():
            return f"missing field '{name}'"
    return None


def _message_error(message: dict[str, Any]) -> str | None:
    content = message.get("content")
    for part in content if isinstance(content, list) else ():
        if part.get("type") not in PARTS or part["type"] not in part:
            return NO_PART
        if part["type"] != "text" and (error := _media_error(part["type"], part[part["type"]])):
            return error
    calls = message.get("tool_calls")
    if calls == []:
        return "tool_calls must not be empty"
    if calls is not None and not isinstance(calls, list):
        return "invalid type: expected a sequence for tool_calls"
    for call in calls or ():
        function = call.get("function") if isinstance(call, dict) else None
        if not isinstance(function, dict):
            return "missing field 'function'"
        if not isinstance(function.get("arguments"), str):
            return "missing field 'arguments'"
        if error := _missing(function, "name"):
            return error
    return _missing(message, "tool_call_id") if message["role"] == "tool" else None


def _media_error(kind: str, value: Any) -> str | None:
    if not isinstance(value, dict):
        return NO_PART
    if kind == "input_audio":
        error = _missing(value, "data", "format")
        return error or (None if _is_base64(value["data"].rpartition(",")[2]) else "invalid audio data")
    if error := _missing(value, "url"):
        return error
    scheme, _, rest = value["url"].partition(":")
    if scheme.lower() == "data":
        header, comma, payload = rest.partition(",")
        is_sound = comma and "/" in header.split(";")[0] and header.lower().endswith(";base64") and _is_base64(payload)
        return None if is_sound else "invalid data URI"
    return None if scheme.lower() in ("http", "https") and rest.strip("/") else f"failed to fetch {value['url'][:200]}"


def _is_base64(text: str) -> bool:
    try:
        return bool(b64decode("".join(text.split()), validate=True))
    except ValueError:
        return False


def _tools_error(tools: list[Any], choice: Any) -> str | None:
    for index, tool in enumerate(tools):
        function = tool.get("function") if isinstance(tool, dict) else None
        error = "missing field 'function'" if not isinstance(function, dict) else _missing(function, "name")
        if error:
            return f"tools[{index}]: {error}"
    if isinstance(choice, dict):
        chosen = choice.get("function")
        name = chosen.get("name") if isinstance(chosen, dict) else None
        if name not in [tool["function"]["name"] for tool in tools]:
            return "Selected function was not found in the tools list"
    return None


def _format_error(response_format: dict[str, Any]) -> str | None:
    kind = response_format.get("type")
    if kind == "regex":
        error = _missing(response_format, "pattern")
        return f"response_format: {error}" if error else None
    if kind != "json_schema":
        return None
    own = response_format.get("json_schema")
    if own is None:
        own = {"name": "schema", "schema": response_format.get("schema")}  # as earlier documentation had it
        if not isinstance(own["schema"], dict):
            return "response_format: missing field 'json_schema'"
    if error := _missing(own, "name"):
        return f"response_format.json_schema: {error}"
    schema = own.get("schema")
    if schema is None and len(own.keys() - {"name", "description", "strict"}):
        return "response_format.json_schema: missing field 'schema'"
    return _schema_error(msgspec.json.encode(schema)) if isinstance(schema, dict) else None


@lru_cache(256)
def _schema_error(text: bytes) -> str | None:
    import jsonschema_rs  # only for requests with a schema

    schema = msgspec.json.decode(text)
    schema.pop("$schema", None)
    try:
        jsonschema_rs.validator_for(schema, offline=True)
    except (ValueError, jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError):
        return "response_format.json_schema: the schema cannot be compiled"
    return None
