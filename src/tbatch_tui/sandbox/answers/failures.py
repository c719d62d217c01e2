"""Requests that pass validation and fail when they run: the reasons, as messages of the error file.

Seen on the live API: `Content-Type must be multipart/form-data`, `Maximum four stop sequences allowed`, and those that
`request_types` names; the others are made up in its style. The code of all of them was `batch_client_error`.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from tbatch_tui.sandbox.answers.models import model_kind
from tbatch_tui.sandbox.answers.request_types import (
    AUDIO_RANGES,
    DOCUMENTED_CHAT_RANGES,
    chat_error,
    range_error,
)

ERROR_CODE = "batch_client_error"
"""The only code seen on the live API: only messages tell errors apart."""

MAX_STOP = 4
"""`stop` sequences of a request (seen on the live API)."""

CHAT = "/v1/chat/completions"

ROLES = ("system", "user", "assistant", "tool", "function", "developer")
FORMATS = ("text", "json_object", "json_schema", "regex")

_NUMBER = (int, float)
_CHAT_TYPES: dict[str, tuple[type, ...]] = {
    **dict.fromkeys(("max_tokens", "top_k", "seed", "n", "logprobs"), _NUMBER),
    **dict.fromkeys(("temperature", "top_p", "min_p"), _NUMBER),
    **dict.fromkeys(("presence_penalty", "frequency_penalty", "repetition_penalty"), _NUMBER),
    **dict.fromkeys(("stream", "echo"), (bool,)),
    **dict.fromkeys(("reasoning", "response_format", "logit_bias"), (dict,)),
    **dict.fromkeys(("reasoning_effort", "safety_model", "compliance", "context_length_exceeded_behavior"), (str,)),
    **dict.fromkeys(("tool_choice", "function_call"), (str, dict)),
    "tools": (list,),
    "stop": (str, list),
}
_AUDIO_TYPES: dict[str, tuple[type, ...]] = {
    **dict.fromkeys(("response_format", "language", "prompt"), (str,)),
    **dict.fromkeys(("temperature", "min_speakers", "max_speakers"), _NUMBER),
    "diarize": (bool,),
}

CHANCE_MESSAGES = (
    "Request timed out before the model answered",
    "The model is overloaded, please try again later",
    "Internal error while generating the response",
)
"""Messages of rows that fail by chance."""


def failure_reason(row: dict[str, Any], endpoint: str, *, strict: bool = False) -> str | None:
    """Return why a row fails, or None if it is answered.

    Args:
        strict: Whether what only the documentation forbids fails, too.
    """
    body: dict[str, Any] = row["body"]
    model = body.get("model")
    if not isinstance(model, str) or not model:
        # On every line: `model_id` of the create request does not replace it, and the row pays for it, not the job.
        return "missing field 'model'"
    kind = model_kind(model)
    if kind is None:
        return (
            f"Unable to access model {model}. Please visit the models page to see the list of supported models "
            "or contact the owner to request access."
        )
    if endpoint == CHAT:
        if row.get("method") == "FILE":  # the worker sends it as a form then
            return "Content-Type must be application/json"
        return _chat_failure(body, model, kind) or (range_error(body, DOCUMENTED_CHAT_RANGES) if strict else None)
    if row.get("method") != "FILE":
        return "Content-Type must be multipart/form-data"
    if kind != "transcribe":
        return f"Model {model} does not support {endpoint}"
    return _audio_failure(body)


def _chat_failure(body: dict[str, Any], model: str, kind: str) -> str | None:
    if kind != "chat":
        return f"Model {model} does not support {CHAT}"
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        return "Input validation error: `messages` must be a non-empty array"
    if not all(isinstance(message, dict) and message.get("role") in ROLES for message in messages):
        return "Input validation error: each of `messages` must have a `role`"
    if not all(_has_content(message) for message in messages):
        return "Input validation error: each of `messages` must have a `content`"
    if type_error := _type_error(body, _CHAT_TYPES):
        return type_error
    response_format = body.get("response_format")
    if response_format is not None and response_format.get("type") not in FORMATS:
        return f"Input validation error: `response_format.type` must be one of {', '.join(FORMATS)}"
    stop = body.get("stop")
    if isinstance(stop, list) and len(stop) > MAX_STOP:
        return "Maximum four stop sequences allowed"
    limit = body.get("max_tokens")
    if limit is not None and (not isinstance(limit, int) or isinstance(limit, bool) or limit < 1):
        return "Input validation error: `max_tokens` must be a positive integer"
    return chat_error(body)


def _has_content(message: dict[str, Any]) -> bool:
    """Return whether a message has text or parts. An assistant's message may have tool calls or reasoning instead."""
    content = message.get("content")
    if content is None:
        return message["role"] == "assistant" and len(message) > 1 + ("content" in message)
    return isinstance(content, str) or (isinstance(content, list) and all(isinstance(part, dict) for part in content))


def _type_error(body: dict[str, Any], types: dict[str, tuple[type, ...]]) -> str | None:
    """Return the error of a parameter that does not have its documented type. `null` is no value, `true` no number."""
    for name, allowed in types.items():
        value = body.get(name)
        if value is not None and (not isinstance(value, allowed) or (isinstance(value, bool) and bool not in allowed)):
            return f"Input validation error: `{name}` has a wrong type"
    return None


def _audio_failure(body: dict[str, Any]) -> str | None:
    """Return why an audio request fails. Nothing is fetched here: URLs that can never be public are unreachable."""
    if type_error := _type_error(body, _AUDIO_TYPES):
        return type_error
    if body.get("response_format") not in (None, "json", "verbose_json"):
        return "Input validation error: `response_format` must be json or verbose_json"
    granularities = body.get("timestamp_granularities")
    if granularities in ("", []) or (isinstance(granularities, list) and "" in granularities):
        return "Input validation error: `timestamp_granularities` must not be empty"
    if error := range_error(body, AUDIO_RANGES):
        return error
    url = body.get("file")
    if not isinstance(url, str) or not url:
        return "Input validation error: `file` is required"
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        host = None
    if host is None or parts.scheme not in ("http", "https"):
        return f"Failed to download file: invalid URL {url[:200]}"
    if host == "localhost" or host.endswith((".invalid", ".localhost", ".local")) or "." not in host:
        return f"Failed to download file: could not reach {host}"
    return None
