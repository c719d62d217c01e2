"""A chat completion for a request, in the shape of the API's own (SDK: `types/chat/chat_completion.py`)."""

from __future__ import annotations

from random import Random
from typing import Any

import msgspec

from tbatch_tui.sandbox.answers import prose
from tbatch_tui.sandbox.answers.models import is_reasoning_model

MAX_CHOICES = 8
"""More than this many of `n` are not made."""


def completion(body: dict[str, Any], key: str, created: int, *, cut: bool) -> dict[str, Any]:
    """The answer to `body`; `key` stands for the row, so that the same row is always answered alike.

    `cut`: the reasoning has eaten the tokens, `content` is empty and `finish_reason` is `length`: a 200 all the same
    (seen on the live API).
    """
    chance = Random(key)
    system, question = _system_and_question(body["messages"])
    prompt_tokens = prose.estimate_tokens(system) + prose.estimate_tokens(question) + 4 * len(body["messages"])
    wanted = body.get("n")
    count = wanted if isinstance(wanted, int) and 1 <= wanted <= MAX_CHOICES else 1
    choices = [_choice(index, body, system, question, chance, cut=cut) for index in range(count)]
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
        if is_reasoning_model(body["model"]):
            message["reasoning"] = prose.thinking(question, chance, chance.randint(2, 5))
        text = _text(body, system, question, chance)
        limit = body.get("max_tokens")
        if isinstance(limit, int) and prose.estimate_tokens(text) > limit:
            text, reason = text[: 4 * limit], "length"
        message["content"] = text
    return {
        "index": index,
        "message": message,
        "finish_reason": reason,
        "logprobs": None,
        "seed": chance.getrandbits(63),
    }


def _text(body: dict[str, Any], system: str, question: str, chance: Random) -> str:
    """Prose, or JSON where `response_format` asks for it."""
    form = body.get("response_format")
    if not isinstance(form, dict) or form.get("type") not in ("json_object", "json_schema"):
        return prose.answer(system, question, chance)
    schema = form.get("schema")  # Together's own place for it; OpenAI's is one deeper
    if schema is None and isinstance(form.get("json_schema"), dict):
        schema = form["json_schema"].get("schema")
    if schema is None:
        schema = {"type": "object"}
    return msgspec.json.encode(prose.fill_schema(schema, question, chance)).decode()


def _functions(body: dict[str, Any]) -> list[dict[str, Any]]:
    """The functions the model may call."""
    tools = body.get("tools")
    if not isinstance(tools, list) or body.get("tool_choice") == "none":
        return []
    functions = [tool.get("function") for tool in tools if isinstance(tool, dict)]
    return [each for each in functions if isinstance(each, dict) and isinstance(each.get("name"), str)]


def _tool_call(function: dict[str, Any], question: str, chance: Random) -> dict[str, Any]:
    arguments = prose.fill_schema(function.get("parameters") or {"type": "object"}, question, chance)
    return {
        "id": f"call_{chance.getrandbits(96):024x}",
        "index": 0,
        "type": "function",
        "function": {"name": function["name"], "arguments": msgspec.json.encode(arguments).decode()},
    }


def _system_and_question(messages: list[dict[str, Any]]) -> tuple[str, str]:
    """What the system says and what the user asked last."""
    system = question = ""
    for message in messages:
        text = _content_text(message.get("content"))
        if message["role"] == "system":
            system = text
        elif message["role"] == "user":
            question = text
    return system, question


def _content_text(content: Any) -> str:
    """The text of a message: a string, or the text parts of a list."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    parts = [part.get("text") for part in content if isinstance(part, dict)]
    return " ".join(part for part in parts if isinstance(part, str))


def _completion_tokens(message: dict[str, Any]) -> int:
    """Completion tokens of a message, its reasoning and calls included."""
    called = "".join(call["function"]["arguments"] for call in message["tool_calls"])
    return max(1, prose.estimate_tokens((message["content"] or "") + message.get("reasoning", "") + called))
