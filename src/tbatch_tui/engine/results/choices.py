"""What a response body says, choice by choice: the answer, apart from reasoning, and how it ended.

The only place that knows the shapes that an answer can have. The index classifies by it, exports take the text of it,
and the record shows the same. Every function accepts any JSON value: the files come from a server.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tbatch_tui.engine.lenient_json import as_id, error_message, loads, to_json, tool_calls_text
from tbatch_tui.engine.schemas.wrapping import split_reasoning

AT_LIMIT = frozenset({"length", "max_tokens"})
"""Finish reasons of an answer that was stopped at the token limit."""
FAILED = "error"
"""Finish reason of an answer that the server gave up."""

_THINKING = frozenset({"thinking", "reasoning", "reasoning_text", "redacted_thinking"})
"""Types of content parts that are reasoning."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One choice of a response."""

    text: str = ""
    """The content without reasoning; a list of parts by its texts."""
    reasoning: str = ""
    thinks_aloud: bool = False
    """Whether reasoning stands in the content too, before the text."""
    refusal: str = ""
    transcript: str = ""
    """What a spoken answer says."""
    has_audio: bool = False
    tool_calls: tuple[Any, ...] = ()
    """As in the response; a legacy `function_call` as the only one."""
    finish_reason: str = ""
    error: str = ""
    """The message of an error that the choice holds."""
    logprobs: Any = None

    @property
    def answer(self) -> str:
        """The answer as text: the content, else a refusal, what was spoken, or the tool calls on one line."""
        if self.text.strip():
            return self.text
        return self.refusal or self.transcript or tool_calls_text(list(self.tool_calls)) or self.text

    @property
    def is_cut(self) -> bool:
        """Whether it was stopped at the token limit."""
        return self.finish_reason in AT_LIMIT

    @property
    def flaw(self) -> str:
        """Why it is no usable answer, as a sentence; empty if it is one."""
        if self.error:
            return self.error
        if self.finish_reason == FAILED:
            return "The model stopped with an error (finish_reason: error)"
        if self.answer.strip() or self.tool_calls or self.has_audio:
            return ""
        return "The answer is empty: all of it is reasoning" if self.reasoning else "The answer is empty"


def response_body(body: Any) -> Any:
    """Return the body of a response; one that is a string of JSON is decoded."""
    if not isinstance(body, str):
        return body
    decoded = loads(body.encode("utf-8", "surrogatepass"))
    return decoded if isinstance(decoded, dict) else body


def body_flaw(body: Any) -> str:
    """Return why the body of a 200 holds no answer, whatever its choices are; empty if it may."""
    if isinstance(body, str):
        return "The body of the response is a string, not an object"
    if not isinstance(body, dict):
        return "The response has no body" if body is None else "The body of the response is not an object"
    if has_error(body.get("error")):
        return error_message(body["error"]) or "The body of the response holds an error"
    if not isinstance(body.get("choices"), list) and not isinstance(body.get("text"), str):
        return error_message({key: body[key] for key in ("message", "detail") if key in body}) or "There is no answer"
    return "There is no answer" if body.get("choices") == [] else ""


def has_error(error: Any) -> bool:
    """Return whether an `error` says anything: `{}`, an empty text and `{"message": ""}` do not."""
    parts = [error]
    while parts:  # not by recursion: a row may be nested as deeply as it can be read
        part = parts.pop()
        if isinstance(part, dict):
            parts += part.values()
        elif part:
            return True
    return False


def read_choices(body: Any) -> list[Choice]:
    """Return the choices of a response body; none for a transcription, or for what is no body."""
    choices = body.get("choices") if isinstance(body, dict) else None
    return [*map(read_choice, choices)] if isinstance(choices, list) else []


def read_choice(choice: Any) -> Choice:
    """Return what a choice says: a message, or the text of a legacy completion."""
    if not isinstance(choice, dict):
        return Choice()
    message = choice.get("message")
    message = message if isinstance(message, dict) else {"content": message}
    text, reasoning = read_content(message.get("content"))
    if not text:
        text, more = read_content(choice.get("text"))
        reasoning = _joined(reasoning, more)
    audio = message.get("audio")
    return Choice(
        text=text,
        reasoning=_joined(message_reasoning(message), reasoning),
        thinks_aloud=bool(reasoning),
        refusal=_text(message.get("refusal")),
        transcript=_text(audio.get("transcript")) if isinstance(audio, dict) else "",
        has_audio=isinstance(audio, dict) and bool(audio),
        tool_calls=tuple(tool_calls(message)),
        finish_reason=as_id(choice.get("finish_reason")) or "",
        error=(error_message(choice["error"]) or "The answer holds an error") if has_error(choice.get("error")) else "",
        logprobs=choice.get("logprobs") or None,
    )


def read_content(content: Any) -> tuple[str, str]:
    """Return the text and the reasoning of an answer's content: a string, a list of parts, or another JSON value."""
    if content is None:
        return "", ""
    if isinstance(content, str):
        return split_reasoning(content)
    if not isinstance(content, list):
        return to_json(content), ""
    texts: list[str] = []
    reasonings: list[str] = []
    for part in content:
        if is_reasoning_part(part):
            reasonings.append(reasoning_of_part(part))
            continue
        value = part.get("text") if isinstance(part, dict) else part
        if isinstance(value, str):
            text, reasoning = split_reasoning(value)
            texts.append(text)
            reasonings.append(reasoning)
    return "\n".join(texts), _joined(*reasonings)


def is_reasoning_part(part: Any) -> bool:
    """Return whether a part of a content list is reasoning."""
    return isinstance(part, dict) and isinstance(part.get("type"), str) and part["type"] in _THINKING


def reasoning_of_part(part: dict[str, Any]) -> str:
    """Return the text of a part that is reasoning."""
    value = next((part[key] for key in ("thinking", "reasoning", "text", "summary") if part.get(key)), "")
    if isinstance(value, list):
        texts = (inner.get("text") if isinstance(inner, dict) else inner for inner in value)
        return "\n".join(text for text in texts if isinstance(text, str))
    return value if isinstance(value, str) else to_json(value)


def message_reasoning(message: dict[str, Any]) -> str:
    """Return the reasoning that stands in a field of its own."""
    value = next((message[key] for key in ("reasoning", "reasoning_content") if message.get(key)), "")
    return value if isinstance(value, str) else to_json(value)


def tool_calls(message: dict[str, Any]) -> list[Any]:
    """Return the tool calls of a message; of a legacy `function_call` one that looks like the others."""
    calls = message.get("tool_calls")
    if isinstance(calls, list) and calls:
        return calls
    legacy = message.get("function_call")
    return [{"type": "function", "function": legacy}] if isinstance(legacy, dict) and legacy else []


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _joined(*texts: str) -> str:
    return "\n\n".join(filter(None, texts))
