"""Messages of requests and answers, for reading: text, tool calls, reasoning, and attachments as a short note.

The messages come from files that anyone can write, so every function accepts any JSON value.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import msgspec

from tbatch_tui.engine.lenient_json import TOO_DEEP, as_id, to_json
from tbatch_tui.engine.results.choices import Choice, is_reasoning_part, message_reasoning, read_choice, tool_calls

if TYPE_CHECKING:
    from collections.abc import Iterator

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
    refusal: str = ""
    """What a model says that refuses."""
    logprobs: tuple[str, ...] = ()
    """How likely each token of the answer was, a line a token."""

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
    refusal = value.get("refusal")
    return Message(
        role=as_id(value.get("role")) or role or "message",
        parts=content_parts(value.get("content")),
        reasoning=message_reasoning(value),
        tool_calls=_parse_tool_calls(tool_calls(value)),
        finish_reason=finish_reason,
        refusal=refusal if isinstance(refusal, str) else "",
    )


def parse_answer(choice: Any) -> Message:
    """Return a choice of a response as a message, its reasoning apart from its text."""
    read = read_choice(choice)
    message = choice.get("message") if isinstance(choice, dict) else None
    return Message(
        role=(as_id(message.get("role")) if isinstance(message, dict) else None) or "assistant",
        parts=_answer_parts(message, read),
        reasoning=read.reasoning,
        tool_calls=_parse_tool_calls(list(read.tool_calls)),
        finish_reason=read.finish_reason,
        refusal=read.refusal,
        logprobs=tuple(logprob_lines(read.logprobs)),
    )


def _answer_parts(message: Any, read: Choice) -> tuple[ContentPart, ...]:
    content = message.get("content") if isinstance(message, dict) else message
    if isinstance(content, list) and not read.reasoning:
        parts = content_parts([part for part in content if not is_reasoning_part(part)])
    else:
        parts = content_parts(read.text)
    audio = message.get("audio") if isinstance(message, dict) else None
    if isinstance(audio, dict) and audio:
        parts += (*content_parts(read.transcript), _attachment(PartKind.AUDIO, audio))
    return parts


def logprob_lines(logprobs: Any) -> Iterator[str]:
    """Yield a line for each token: the token, its logarithmic probability, and those of the tokens it was chosen from.

    There are two spellings: a list of objects in `content`, and lists side by side. Anything else is one line of JSON.
    """
    if not isinstance(logprobs, dict):
        if logprobs is not None:
            yield to_json(logprobs)
        return
    tokens, numbers = logprobs.get("tokens"), logprobs.get("token_logprobs")
    if isinstance(tokens, list) and isinstance(numbers, list):
        for token, number in zip(tokens, numbers, strict=False):
            yield f"{to_json(token)} {_logprob(number)}"
        return
    content = logprobs.get("content")
    if not isinstance(content, list):
        yield to_json(logprobs)
        return
    for entry in content:
        if not isinstance(entry, dict):
            yield to_json(entry)
            continue
        others = entry.get("top_logprobs")
        chosen = [
            f"{to_json(other.get('token'))} {_logprob(other.get('logprob'))}"
            for other in (others if isinstance(others, list) else ())
            if isinstance(other, dict)
        ]
        of = f" of {', '.join(chosen)}" if chosen else ""
        yield f"{to_json(entry.get('token'))} {_logprob(entry.get('logprob'))}{of}"


def _logprob(number: Any) -> str:
    """Return `-0.01 (99 %)`."""
    if isinstance(number, bool) or not isinstance(number, int | float) or not -1e6 < number <= 0:
        return to_json(number)
    return f"{number:.4g} ({math.exp(number):.0%})".replace("%", " %")


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
