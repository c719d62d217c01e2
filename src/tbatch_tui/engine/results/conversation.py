"""Messages of requests and answers, for reading: text, tool calls, reasoning, and attachments as a short note.

The messages come from files that anyone can write, so every function accepts any JSON value.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import msgspec

from tbatch_tui.engine.lenient_json import TOO_DEEP, as_id

INDENT_MAX = 1_000_000
"""Characters. Longer JSON is shown as it is: indenting it would take too long."""

_DATA_URL = re.compile(r"data:([\w.+-]+/[\w.+-]+)?(?:;[\w=.+-]+)*;base64,([A-Za-z0-9+/=_-]{64,})")


class PartKind(StrEnum):
    """The kind of one part of a message."""

    TEXT = "text"
    JSON = "json"
    IMAGE = "image"
    AUDIO = "audio"
    VIDEO = "video"
    FILE = "file"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class ContentPart:
    """A part of a message: text, or a short note for an attachment (a URL, or a media type and a size)."""

    kind: PartKind
    text: str
    size: int | None = None
    """Bytes of an attachment that is inside the line; None for a URL."""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A function call that the model requests."""

    name: str
    arguments: str
    """Indented if it is JSON."""


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation."""

    role: str
    parts: tuple[ContentPart, ...] = ()
    reasoning: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    finish_reason: str = ""
    """Why the model stopped. Only answers have one."""

    @property
    def text(self) -> str:
        """The text, without attachments."""
        return "\n".join(part.text for part in self.parts if part.kind in (PartKind.TEXT, PartKind.JSON))


def parse_message(value: Any, role: str = "", finish_reason: str = "") -> Message:
    """Return a message of a request or an answer. A value that is no message becomes text or JSON.

    Args:
        role: The role for a value that names none.
    """
    if not isinstance(value, dict):
        return Message(role, content_parts(value), finish_reason=finish_reason)
    reasoning = next((value[key] for key in ("reasoning", "reasoning_content") if value.get(key)), "")
    return Message(
        role=as_id(value.get("role")) or role or "message",
        parts=content_parts(value.get("content")),
        reasoning=reasoning if isinstance(reasoning, str) else format_json(reasoning),
        tool_calls=_parse_tool_calls(value.get("tool_calls")),
        finish_reason=finish_reason,
    )


def content_parts(content: Any) -> tuple[ContentPart, ...]:
    """Split a message's content, which may be a string, a list of parts, or anything else."""
    if content is None or content == "":
        return ()
    if isinstance(content, str):
        return (_text(content),)
    if isinstance(content, list):
        return tuple(_part(part) for part in content)
    return (ContentPart(PartKind.JSON, format_json(content)),)


def _part(part: Any) -> ContentPart:
    if isinstance(part, str):
        return _text(part)
    if not isinstance(part, dict):
        return ContentPart(PartKind.JSON, format_json(part))
    if isinstance(part.get("text"), str):
        return _text(part["text"])
    for key in ("image_url", "video_url", "audio_url", "input_audio", "file"):
        if key in part:
            kind = PartKind(key.removesuffix("_url").removeprefix("input_"))
            return _attachment(kind, part[key])
    return ContentPart(PartKind.OTHER, format_json(part))


def _attachment(kind: PartKind, value: Any) -> ContentPart:
    if isinstance(value, dict):
        data = value.get("data") or value.get("file_data")
        if isinstance(data, str) and not data.startswith("data:"):
            return ContentPart(kind, as_id(value.get("format")) or "", len(data) * 3 // 4)
        value = data or value.get("url") or value.get("file_id") or value.get("filename") or value
    if not isinstance(value, str):
        return ContentPart(kind, format_json(value))
    if value.startswith("data:"):
        prefix, _, encoded = value.partition(",")
        return ContentPart(kind, prefix[5:].partition(";")[0], len(encoded) * 3 // 4)
    return ContentPart(kind, value)


def _text(text: str) -> ContentPart:
    """Return text as a part: JSON is indented, and a data URL is replaced by its media type and size."""
    text = _DATA_URL.sub(lambda match: f"[{match[1] or 'data'}, {len(match[2]) * 3 // 4:,} bytes]", text)
    indented = indent_json(text)
    return ContentPart(PartKind.TEXT, text) if indented is None else ContentPart(PartKind.JSON, indented)


def _parse_tool_calls(calls: Any) -> tuple[ToolCall, ...]:
    parsed: list[ToolCall] = []
    for call in calls if isinstance(calls, list) else ():
        function = call.get("function") if isinstance(call, dict) else None
        if isinstance(function, dict):
            arguments = function.get("arguments")
            text = (indent_json(arguments) or arguments) if isinstance(arguments, str) else format_json(arguments)
            parsed.append(ToolCall(as_id(function.get("name")) or "?", text))
        else:
            parsed.append(ToolCall("?", format_json(call)))
    return tuple(parsed)


def indent_json(text: str) -> str | None:
    """Indent a JSON object or array, numbers and keys as written; return None for any other text."""
    if len(text) > INDENT_MAX or text[:64].lstrip()[:1] not in ("{", "["):
        return None
    try:
        msgspec.json.decode(text, type=msgspec.Raw)
        return msgspec.json.format(text, indent=2)
    except (ValueError, RecursionError):
        return None


def format_json(value: Any) -> str:
    """Return any JSON value as indented JSON; a string as it is."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    try:
        return msgspec.json.format(msgspec.json.encode(value), indent=2).decode("utf-8", "replace")
    except (ValueError, RecursionError):
        pass
    try:
        return str(value)
    except (ValueError, RecursionError):
        return TOO_DEEP
