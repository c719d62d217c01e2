"""The documented parameters of a request body and their types, which are those of the SDK."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from tbatch_tui.engine.check.lines.finding import Finding, JsonObject, JsonPath

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping


FILE_METHOD = "FILE"
"""What `method` has to be in an audio request, and must not be in a chat request."""


class Kind(Enum):
    """The two kinds of request that a batch can hold."""

    CHAT = "chat"
    AUDIO = "audio"


class Type(Enum):
    """The documented JSON types of parameters, as a person reads them. null always passes."""

    STRING = "a string"
    INTEGER = "a whole number"
    NUMBER = "a number"
    BOOLEAN = "true or false"
    OBJECT = "an object"
    LIST = "a list"
    NUMBERS = "an object of numbers"
    STRING_OR_OBJECT = "a string or an object"
    ANY = "anything"


CHAT_PARAMS: Mapping[str, Type] = {
    "model": Type.STRING,
    "messages": Type.LIST,
    "max_tokens": Type.INTEGER,
    "temperature": Type.NUMBER,
    "top_p": Type.NUMBER,
    "top_k": Type.INTEGER,
    "seed": Type.INTEGER,
    "n": Type.INTEGER,
    "stream": Type.BOOLEAN,
    "min_p": Type.NUMBER,
    "presence_penalty": Type.NUMBER,
    "frequency_penalty": Type.NUMBER,
    "repetition_penalty": Type.NUMBER,
    "logprobs": Type.INTEGER,
    "echo": Type.BOOLEAN,
    "safety_model": Type.STRING,
    "compliance": Type.STRING,
    "context_length_exceeded_behavior": Type.STRING,
    "reasoning_effort": Type.STRING,
    "stop": Type.ANY,  # a string or a list, checked in `chat.py`
    "logit_bias": Type.NUMBERS,
    "reasoning": Type.OBJECT,
    "response_format": Type.OBJECT,
    "tools": Type.LIST,
    "tool_choice": Type.STRING_OR_OBJECT,
    "function_call": Type.STRING_OR_OBJECT,
    "chat_template_kwargs": Type.ANY,
}

CHAT_VALUES: Mapping[str, tuple[str, ...]] = {
    "compliance": ("hipaa",),
    "context_length_exceeded_behavior": ("truncate", "error"),
    "reasoning_effort": ("low", "medium", "high"),
}
"""Parameters with a documented set of strings. Another string may be newer than this table, so it is a warning."""

AUDIO_PARAMS: Mapping[str, Type] = {
    "file": Type.STRING,
    "model": Type.STRING,
    "response_format": Type.STRING,
    "language": Type.STRING,
    "prompt": Type.STRING,
    "temperature": Type.NUMBER,
    "timestamp_granularities": Type.ANY,  # a string or a list, checked in `audio.py`
    "diarize": Type.BOOLEAN,
    "min_speakers": Type.INTEGER,
    "max_speakers": Type.INTEGER,
}

Bounds = tuple[float | None, float | None]
"""The least and the most that a number may be; None where it has no bound."""
CHAT_BOUNDS: Mapping[str, Bounds] = {"n": (1, 128), "logprobs": (0, 20), "max_tokens": (1, None)}
AUDIO_BOUNDS: Mapping[str, Bounds] = {"temperature": (0, 1)}
"""Documented bounds of parameters: outside them a request fails."""
USUAL_CHAT_BOUNDS: Mapping[str, Bounds] = {
    "temperature": (0, 2),  # documented is 0 to 1; models take up to 2
    "top_p": (0, 1),
    "min_p": (0, 1),
    "presence_penalty": (-2, 2),
    "frequency_penalty": (-2, 2),
}
"""Bounds outside which a request may fail."""

MESSAGE_PARAMS: Mapping[str, Type] = {"name": Type.STRING, "tool_calls": Type.LIST}
FUNCTION_PARAMS: Mapping[str, Type] = {"name": Type.STRING, "description": Type.STRING, "parameters": Type.OBJECT}
REASONING_PARAMS: Mapping[str, Type] = {"enabled": Type.BOOLEAN}
SCHEMA_PARAMS: Mapping[str, Type] = {
    "name": Type.STRING,
    "description": Type.STRING,
    "schema": Type.OBJECT,
    "strict": Type.BOOLEAN,
}
"""Parameters inside messages, `tools`, `reasoning` and `response_format`."""

ROLES = ("system", "user", "assistant", "tool", "function", "developer")
CHAT_FORMATS = ("text", "json_object", "json_schema", "regex")
TOOL_CHOICES = ("auto", "none", "required")
PARTS = ("text", "image_url", "video_url", "audio_url", "input_audio")
"""The documented kinds of content part. What a part carries is under the key that is called like its kind."""
FOREIGN_PARTS = frozenset(
    [
        "input_text",
        "input_image",
        "input_file",
        "output_text",
        "summary_text",
        "refusal",
        "file",
        "image",
        "video",
        "audio",
        "document",
        "tool_use",
        "tool_result",
        "thinking",
        "redacted_thinking",
        "search_result",
    ]
)
"""Kinds of part of OpenAI's, Anthropic's and other APIs, which the server refuses."""
AUDIO_DATA_FORMATS = ("wav",)
AUDIO_FORMATS = ("json", "verbose_json")
GRANULARITIES = ("segment", "word")


def _is_whole(value: object) -> bool:
    if isinstance(value, int):
        return not isinstance(value, bool)
    return isinstance(value, float) and value.is_integer()


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_TYPE_CHECKS: Mapping[Type, Callable[[object], bool]] = {
    Type.STRING: lambda value: isinstance(value, str),
    Type.INTEGER: _is_whole,
    Type.NUMBER: _is_number,
    Type.BOOLEAN: lambda value: isinstance(value, bool),
    Type.OBJECT: lambda value: isinstance(value, dict),
    Type.LIST: lambda value: isinstance(value, list),
    Type.NUMBERS: lambda value: isinstance(value, dict) and all(v is None or _is_number(v) for v in value.values()),
    Type.STRING_OR_OBJECT: lambda value: isinstance(value, str | dict),
    Type.ANY: lambda _: True,
}


def has_type(value: object, type_: Type) -> bool:
    """Whether a JSON value has a documented type. null stands for "not given"."""
    return value is None or _TYPE_CHECKS[type_](value)


def wrong_types(value: JsonObject, types: Mapping[str, Type], where: str, path: JsonPath) -> Iterator[Finding]:
    """Yield the values inside an object that have another type than documented."""
    for name, type_ in types.items():
        if not has_type(item := value.get(name), type_):
            yield Finding("wrong-type", f"{where}.{name} is {type_name(item)}, not {type_.value}", (*path, name))


def out_of_bounds(rule: str, bounds: Bounds, name: str, value: object) -> Iterator[Finding]:
    """Yield the finding of a parameter that is a number outside these bounds."""
    least, most = bounds
    if not isinstance(value, int | float) or isinstance(value, bool):
        return
    if (least is not None and value < least) or (most is not None and value > most):
        expected = f"{least} or more" if most is None else f"{least} to {most}"
        yield Finding(rule, f"body.{name} is {str(value)[:40]}, expected: {expected}", ("body", name))


def type_name(value: object) -> str:
    """Return the type of a JSON value in words: "a list", "null"."""
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case str():
            return "a string"
        case int() | float():
            return "a number"
        case list():
            return "a list"
        case _:
            return "an object"


def kind_of(body: Mapping[str, object]) -> Kind | None:
    """Return the kind of a request body; None if it has neither messages nor a file."""
    if "messages" in body:
        return Kind.CHAT
    return Kind.AUDIO if "file" in body else None
