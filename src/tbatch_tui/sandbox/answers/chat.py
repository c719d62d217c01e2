"""Chat completions as the API returns them (SDK: `types/chat/chat_completion.py`)."""

from __future__ import annotations

from random import Random
from typing import Any

import msgspec

from tbatch_tui.sandbox.answers import prose
from tbatch_tui.sandbox.answers.models import is_reasoning_model

MAX_CHOICES = 8
"""Choices in an answer. A request with a greater `n` gets one."""


def completion(
    body: dict[str, Any], key: str, created: int, *, cut: bool = False, invalid: bool = False
) -> dict[str, Any]:
    """Return the answer to a request.

    Args:
        key: The row's id: the same row always gets the same answer.
        created: Time of the answer, in seconds since the epoch.
        cut: Whether the reasoning has used up all tokens: `content` is empty and `finish_reason` is `length`, with
            status 200 (seen on the live API).
        invalid: Whether the answer is not the JSON that was asked for, if any was.
    """
    chance = Random(key)
    system, question = _system_and_question(body["messages"])
    prompt_tokens = prose.estimate_tokens(system) + prose.estimate_tokens(question) + 4 * len(body["messages"])
    requested = body.get("n")
    count = requested if isinstance(requested, int) and 1 <= requested <= MAX_CHOICES else 1
    choices = [_choice(index, body, system, question, chance, cut=cut) for index in range(count)]
    if invalid and _asks_for_json(body):
        for choice in choices:
            _spoil(choice["message"], chance)
    completion_tokens = sum(_completion_tokens(choice["message"]) for choice in choices)
    return {
        "id": f"{chance.getrandbits(64):016x}",
        "object": "chat.completion",
        "created": created,
        "model": body["model"],
        "prompt": [],
        "choices": choices,
        "usage": {
            "prompt_tokens": prompt_tokens,
            "completion_tokens": completion_tokens,
            "total_tokens": prompt_tokens + completion_tokens,
        },
    }


def _choice(
    index: int, body: dict[str, Any], system: str, question: str, chance: Random, *, cut: bool
) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": None, "tool_calls": []}
    reason = "stop"
    tools = _functions(body)
    if cut:
        message["content"] = ""
        message["reasoning"] = prose.thinking(question, chance, 12)
        reason = "length"
    elif tools:
        message["tool_calls"] = [_tool_call(chance.choice(tools), question, chance)]
        reason = "tool_calls"
    else:
        thinking = prose.thinking(question, chance, chance.randint(2, 5)) if is_reasoning_model(body["model"]) else ""
        text = _text(body, system, question, chance)
        limit = body.get("max_tokens")
        if isinstance(limit, int) and prose.estimate_tokens(thinking + text) > limit:
            # The limit holds for both, and the reasoning comes first: what is left is for the answer, maybe nothing.
            thinking, text, reason = thinking[: 4 * limit], text[: max(0, 4 * limit - len(thinking))], "length"
        if thinking:
            message["reasoning"] = thinking
        message["content"] = text
    return {
        "index": index,
        "message": message,
        "finish_reason": reason,
        "logprobs": None,
        "seed": chance.getrandbits(63),
    }


def _text(body: dict[str, Any], system: str, question: str, chance: Random) -> str:
    """Return prose, or JSON if `response_format` asks for it."""
    response_format = body.get("response_format")
    if not isinstance(response_format, dict):
        response_format = {}
    if not _asks_for_json(body):
        pattern = response_format.get("pattern")
        fitting = prose.text_of_pattern(pattern, question, chance, body["model"]) if isinstance(pattern, str) else None
        return fitting or prose.answer(system, question, chance, body["model"])
    schema = response_format.get("schema")  # where Together had it first
    if schema is None and isinstance(response_format.get("json_schema"), dict):
        schema = response_format["json_schema"].get("schema")
    if schema is None:
        schema = {"type": "object"}
    return msgspec.json.encode(prose.SchemaFiller(schema, question, chance, body["model"]).value()).decode()


def _asks_for_json(body: dict[str, Any]) -> bool:
    response_format = body.get("response_format")
    return isinstance(response_format, dict) and response_format.get("type") in ("json_object", "json_schema")


def _spoil(message: dict[str, Any], chance: Random) -> None:
    """Make an answer something else than the JSON that was asked for, as models do now and then."""
    value = msgspec.json.decode(message["content"]) if message["content"] else None
    if isinstance(value, dict) and value:
        name = next(iter(value))
        spoiled = chance.choice(({**value, name: "unsure"}, {key: value[key] for key in list(value)[:-1]}, None))
        message["content"] = (
            "I am not sure about this one." if spoiled is None else msgspec.json.encode(spoiled).decode()
        )


def _functions(body: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the functions that the model can call."""
    tools = body.get("tools")
    if not isinstance(tools, list) or body.get("tool_choice") == "none":
        return []
    functions = [tool.get("function") for tool in tools if isinstance(tool, dict)]
    return [function for function in functions if isinstance(function, dict) and isinstance(function.get("name"), str)]


def _tool_call(function: dict[str, Any], question: str, chance: Random) -> dict[str, Any]:
    arguments = prose.SchemaFiller(function.get("parameters") or {"type": "object"}, question, chance).value()
    return {
        "id": f"call_{chance.getrandbits(96):024x}",
        "index": 0,
        "type": "function",
        "function": {"name": function["name"], "arguments": msgspec.json.encode(arguments).decode()},
    }


def _system_and_question(messages: list[dict[str, Any]]) -> tuple[str, str]:
    """Return the last system message and the last user message."""
    system = question = ""
    for message in messages:
        text = _content_text(message.get("content"))
        if message["role"] == "system":
            system = text
        elif message["role"] == "user":
            question = text
    return system, question


def _content_text(content: Any) -> str:
    """Return the text of a message: a string, or the text parts of a list."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    parts = [part.get("text") for part in content if isinstance(part, dict)]
    return " ".join(part for part in parts if isinstance(part, str))


def _completion_tokens(message: dict[str, Any]) -> int:
    """Return the completion tokens of a message, its reasoning and tool calls included."""
    arguments = "".join(call["function"]["arguments"] for call in message["tool_calls"])
    return max(1, prose.estimate_tokens((message["content"] or "") + message.get("reasoning", "") + arguments))
