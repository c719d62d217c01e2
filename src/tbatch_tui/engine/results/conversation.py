"""Messages as a person reads them: text, attachments as a note, tool calls, reasoning; of whatever JSON there is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import msgspec

from tbatch_tui.engine.lenient_json import as_id

INDENT_MAX = 1_000_000
"""Characters of JSON that are still indented."""

_DATA_URL = re.compile(r"data:([\w.+-]+/[\w.+-]+)?(?:;[\w=.+-]+)*;base64,([A-Za-z0-9+/=_-]{64,})")


class PartKind(StrEnum):
    """What one part of a message is."""

    TEXT = "text"
    JSON = "json"
    IMAGE = "image"
    AUDIO = "audio"
    VIDEO = "video"
    FILE = "file"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class ContentPart:
    """A piece of a message. What is not text is told by a short note: an address, or a media type and a size."""

    kind: PartKind
    text: str
    size: int | None = None
    """Bytes of what was sent inside the line; None for an address."""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A function the model asks for."""

    name: str
    arguments: str
    """Indented, where it is JSON."""


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation."""

    role: str
    parts: tuple[ContentPart, ...] = ()
    reasoning: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    finish_reason: str = ""
    """Why the model stopped; only of answers."""

    @property
    def text(self) -> str:
        """What it says, attachments left out."""
        return "\n".join(part.text for part in self.parts if part.kind in (PartKind.TEXT, PartKind.JSON))


def parse_message(value: Any, role: str = "", finish_reason: str = "") -> Message:
    """A message of a request or an answer. What has no shape of a message is shown as JSON."""
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
    """The parts of a content: a string, a list of parts, or something else."""
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
        inside = value.get("data") or value.get("file_data")
        if isinstance(inside, str) and not inside.startswith("data:"):
            return ContentPart(kind, as_id(value.get("format")) or "", len(inside) * 3 // 4)
        value = inside or value.get("url") or value.get("file_id") or value.get("filename") or value
    if not isinstance(value, str):
        return ContentPart(kind, format_json(value))
    if value.startswith("data:"):
        about, _, data = value.partition(",")
        return ContentPart(kind, about[5:].partition(";")[0], len(data) * 3 // 4)
    return ContentPart(kind, value)


def _text(text: str) -> ContentPart:
    """Text; JSON is indented, and what is only bytes inside is told in a few words."""
    text = _DATA_URL.sub(lambda found: f"[{found[1] or 'data'}, {len(found[2]) * 3 // 4:,} bytes]", text)
    indented = indent_json(text)
    return ContentPart(PartKind.TEXT, text) if indented is None else ContentPart(PartKind.JSON, indented)


def _parse_tool_calls(calls: Any) -> tuple[ToolCall, ...]:
    found: list[ToolCall] = []
    for call in calls if isinstance(calls, list) else ():
        function = call.get("function") if isinstance(call, dict) else None
        if isinstance(function, dict):
            arguments = function.get("arguments")
            text = (indent_json(arguments) or arguments) if isinstance(arguments, str) else format_json(arguments)
            found.append(ToolCall(as_id(function.get("name")) or "?", text))
        else:
            found.append(ToolCall("?", format_json(call)))
    return tuple(found)


def indent_json(text: str) -> str | None:
    """A JSON object or array, indented, its numbers and keys as they are spelled; None for all else."""
    if len(text) > INDENT_MAX or text[:64].lstrip()[:1] not in ("{", "["):
        return None
    try:
        msgspec.json.decode(text, type=msgspec.Raw)
        return msgspec.json.format(text, indent=2)
    except (ValueError, RecursionError):
        return None


def format_json(value: Any) -> str:
    """Any JSON value, indented."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    try:
        return msgspec.json.format(msgspec.json.encode(value), indent=2).decode("utf-8", "replace")
    except (ValueError, RecursionError):
        return str(value)
