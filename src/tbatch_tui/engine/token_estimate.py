"""An estimate of the tokens that the prompt of a chat request has, from the bytes of its text, and a bound of them.

This is the only rule of the estimate: Check applies it to a sample of the lines, the price of a file to all of them, so
that both arrive at the same number. It counts the text of the messages, the tools, the response format with its schema,
and a little for each message. Images and sound are not counted: nobody can tell their tokens from the file.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec
from msgspec import Raw, Struct

BYTES_PER_TOKEN = 4
"""Bytes of UTF-8, near enough for English text."""
MESSAGE_TOKENS = 4
"""What a chat template adds to each message, about: whose it is, and where it ends."""

_TEMPLATE_TOKENS = 64
"""What a chat template adds to a request at most: a system prompt of its own, the date."""
_TOOL_TOKENS = 512
"""What a chat template adds to explain tools, at most."""

_decode = msgspec.json.Decoder().decode


class PromptMessage(Struct, gc=False):
    """A message of a chat request, its content not decoded yet."""

    content: Raw = Raw()


class Prompt(Struct, gc=False):
    """What a model reads of a request's body. Decode a body into a subclass that adds the fields it needs."""

    messages: list[PromptMessage] | None = None
    tools: Raw = Raw()
    response_format: Raw = Raw()


class PromptEstimate(NamedTuple):
    """The estimate for one request."""

    tokens: int
    has_attachments: bool
    """Whether a message has a part that is not text, an image for example, which `tokens` leaves out."""


def estimate_prompt(prompt: Prompt) -> PromptEstimate:
    """Return about how many tokens the prompt has. Raises ValueError for content that is not JSON text."""
    size = len(bytes(prompt.tools)) + len(bytes(prompt.response_format))
    has_attachments = False
    messages = prompt.messages or ()
    for message in messages:
        text_size, is_text = _text_size(bytes(message.content))
        size += text_size
        has_attachments |= not is_text
    tokens = -(-size // BYTES_PER_TOKEN) + MESSAGE_TOKENS * len(messages)
    return PromptEstimate(tokens, has_attachments)


def bound_prompt(prompt: Prompt, size: int) -> int:
    """Return how many tokens the prompt has at most, whatever the tokenizer: one for each byte of the request.

    A token stands for one byte or more, and all that a model reads is in the line: names, calls and arguments of
    messages too. Tools count twice, because templates write them with line breaks and indents. Images are left out.

    Args:
        prompt: The request.
        size: Bytes of its line as it is in the file, where a character never has fewer than in the prompt.
    """
    tools = len(bytes(prompt.tools))
    return size + _TEMPLATE_TOKENS + (tools + _TOOL_TOKENS if tools else 0)


def _text_size(content: bytes) -> tuple[int, bool]:
    """Return how many bytes of text a message's content has, however it is escaped, and whether it is only text."""
    if not content:
        return 0, True
    if content[:1] == b'"' and b"\\" not in content:  # needs no decoding
        return len(content) - 2, True
    value = _decode(content)
    if not isinstance(value, list):
        return _size(value), True
    texts = [part.get("text") if isinstance(part, dict) else part for part in value]
    return sum(map(_size, texts)), all(isinstance(text, str) for text in texts)


def _size(text: object) -> int:
    return len(text.encode()) if isinstance(text, str) else 0
