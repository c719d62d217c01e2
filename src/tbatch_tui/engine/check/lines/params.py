"""The documented parameters of a request body and their types, which are those of the SDK."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


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
    "stop": Type.ANY,  # a list, checked in `chat.py`
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
