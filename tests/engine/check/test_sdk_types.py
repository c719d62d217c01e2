"""The table of parameters against the SDK's own types: it has all of them with the same types, and no others."""

from __future__ import annotations

import typing
from collections.abc import Iterable
from typing import Any, Literal, NotRequired, Required, Union, get_args, get_origin, get_type_hints

import pytest
from together._types import SequenceNotStr
from together.types.audio import transcription_create_params, translation_create_params
from together.types.chat import chat_completion_assistant_message_param as assistant
from together.types.chat import chat_completion_message_param as message
from together.types.chat import chat_completion_user_message_param as user
from together.types.chat import completion_create_params as chat
from together.types.tools_param import Function, ToolsParam

from tbatch_tui.engine.check.lines import chat as rules
from tbatch_tui.engine.check.lines.params import (
    AUDIO_FORMATS,
    AUDIO_PARAMS,
    CHAT_FORMATS,
    CHAT_PARAMS,
    CHAT_VALUES,
    FUNCTION_PARAMS,
    GRANULARITIES,
    MESSAGE_PARAMS,
    PARTS,
    REASONING_PARAMS,
    ROLES,
    SCHEMA_PARAMS,
    Type,
    has_type,
)

VALUES: list[Any] = ["x", 1, 1.5, True, {}, {"a": 1}, {"a": "x"}, [], ["x"]]


def fits(value: object, hint: Any) -> bool:
    """Whether a JSON value has a type of the SDK: any string fits a literal, and objects are not looked into."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Required, NotRequired, typing.Annotated):
        return fits(value, inner[0])
    if hint is object:
        return True
    if origin is Literal:
        return any(type(value) is type(word) for word in inner)
    if origin is Union:
        return any(fits(value, one) for one in inner)
    if origin is dict:
        return isinstance(value, dict) and all(fits(item, inner[1]) for item in value.values())
    if (isinstance(hint, type) and issubclass(hint, dict)) or typing.is_typeddict(hint):
        return isinstance(value, dict)
    if origin in (list, SequenceNotStr) or origin is Iterable:
        return isinstance(value, list)
    if hint is float:
        return type(value) in (int, float)
    return type(value) is hint


def hints(*types: Any) -> dict[str, list[Any]]:
    """Return the keys of TypedDicts, each with its types in all of them."""
    by_name: dict[str, list[Any]] = {}
    for type_ in types:
        for name, hint in get_type_hints(type_).items():
            by_name.setdefault(name, []).append(hint)
    return by_name


CHAT = hints(chat.CompletionCreateParamsNonStreaming, chat.CompletionCreateParamsStreaming)
AUDIO = hints(transcription_create_params.TranscriptionCreateParams, translation_create_params.TranslationCreateParams)
AUDIO["file"] = [str]  # the SDK's own upload takes paths and bytes, which no JSON holds
TABLES = {
    "chat": (CHAT, CHAT_PARAMS),
    "audio": (AUDIO, AUDIO_PARAMS),
    "tools": (hints(Function), FUNCTION_PARAMS),
    "reasoning": (hints(chat.Reasoning), REASONING_PARAMS),
    "response_format": (hints(chat.ResponseFormatJsonSchemaJsonSchema), SCHEMA_PARAMS),
}


@pytest.mark.parametrize("table", TABLES)
def test_the_same_parameters(table: str) -> None:
    theirs, ours = TABLES[table]
    assert theirs.keys() == ours.keys()


@pytest.mark.parametrize("table", TABLES)
def test_the_same_types(table: str) -> None:
    theirs, ours = TABLES[table]
    looser = {"stop", "timestamp_granularities"}  # Type.ANY, and checked by a rule of their own
    for name in theirs.keys() - looser:
        for value in VALUES:
            allowed = any(fits(value, hint) for hint in theirs[name])
            assert has_type(value, ours[name]) is allowed, (name, value)
    assert {name for name, type_ in ours.items() if type_ is Type.ANY} <= looser | {"chat_template_kwargs"}


def words(*many: Any) -> set[str]:
    """Return the strings that literals allow."""
    strings: set[str] = set()
    for hint in many:
        strings |= {word for word in get_args(hint) if isinstance(word, str)} if get_origin(hint) is Literal else set()
        strings |= words(*(one for one in get_args(hint) if not isinstance(one, str)))
    return strings


def test_the_same_values() -> None:
    for name, ours in CHAT_VALUES.items():
        assert words(*CHAT[name]) == set(ours), name
    free = {"function_call"}  # a string or an object; its words are left to the API
    assert {name for name, many in CHAT.items() if words(*many)} - CHAT_VALUES.keys() <= free
    assert words(*AUDIO["response_format"]) == set(AUDIO_FORMATS)
    assert words(*AUDIO["timestamp_granularities"]) == set(GRANULARITIES)


def test_the_same_formats_roles_and_parts() -> None:
    formats = words(*(get_type_hints(one)["type"] for one in get_args(chat.ResponseFormat)))
    assert formats | {"regex"} == set(CHAT_FORMATS)  # regex: documentation only
    roles = words(*(get_type_hints(one)["role"] for one in get_args(message.ChatCompletionMessageParam)))
    assert roles | {"function", "developer"} == set(ROLES)  # OpenAI's, which Together takes
    parts = get_args(user.ContentChatCompletionUserMessageContentMultimodal)
    kinds = {kind: part for part in parts for kind in words(get_type_hints(part)["type"])}
    assert set(PARTS) == kinds.keys()
    for kind, part in kinds.items():
        assert kind in get_type_hints(part)  # what a part carries is under the name of its kind
    of_assistant = get_type_hints(assistant.ChatCompletionAssistantMessageParam).keys() - {"role", "content", "name"}
    assert of_assistant <= {*rules._INSTEAD_OF_CONTENT}
    assert MESSAGE_PARAMS.keys() <= of_assistant | {"name"}
    assert get_type_hints(ToolsParam).keys() == {"type", "function"}
