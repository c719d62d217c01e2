"""Rows that fail by what they ask for. They pass validation, and end as a row of the error file.

Of the messages, `Content-Type must be multipart/form-data` is the live API's own; the rest are worded after
it. The code was `batch_client_error` for every one of them.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from tbatch_tui.sandbox.catalogue import kind_of

CODE = "batch_client_error"
"""The only code seen on the live API: errors are told apart by their message."""

MAX_STOP = 4
"""`stop` sequences a request (live API)."""

CHAT = "/v1/chat/completions"

UNLUCKY = (
    "Request timed out before the model answered",
    "The model is overloaded, please try again later",
    "Internal error while generating the response",
)
"""What the rows say that fail by chance."""


def refusal(row: dict[str, Any], endpoint: str) -> str | None:
    """Why `row` will fail, or None."""
    body: dict[str, Any] = row["body"]
    model: str = body["model"]
    kind = kind_of(model)
    if kind is None:
        return (
            f"Unable to access model {model}. Please visit the models page to see the list of supported models "
            "or contact the owner to request access."
        )
    if endpoint == CHAT:
        return _chat_refusal(body, model, kind)
    if row.get("method") != "FILE":
        return "Content-Type must be multipart/form-data"
    if kind != "transcribe":
        return f"Model {model} does not support {endpoint}"
    return _audio_refusal(body)


def _chat_refusal(body: dict[str, Any], model: str, kind: str) -> str | None:
    if kind != "chat":
        return f"Model {model} does not support {CHAT}"
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        return "Input validation error: `messages` must be a non-empty array"
    if not all(isinstance(message, dict) and isinstance(message.get("role"), str) for message in messages):
        return "Input validation error: each of `messages` must have a `role`"
    stop = body.get("stop")
    if isinstance(stop, list) and len(stop) > MAX_STOP:
        return f"Input validation error: at most {MAX_STOP} `stop` sequences are allowed, got {len(stop)}"
    limit = body.get("max_tokens")
    if limit is not None and (not isinstance(limit, int) or isinstance(limit, bool) or limit < 1):
        return "Input validation error: `max_tokens` must be a positive integer"
    return None


def _audio_refusal(body: dict[str, Any]) -> str | None:
    """The sandbox fetches nothing: a URL that could never be public is unreachable, any other can be heard."""
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
