"""What an input file asks for, by model: about how many tokens of prompt, and how many of answer at most."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from tbatch_tui.engine.check.limits import BYTES_PER_TOKEN
from tbatch_tui.engine.domain.cost import Demand
from tbatch_tui.engine.errors import LocalFileError, OperationCancelledError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_MESSAGE_TOKENS = 4
"""What the template of a chat adds to each message, about."""
_EVERY = 500
"""Lines between two looks at whether to stop."""


class _Message(Struct, gc=False):
    content: Raw | UnsetType = UNSET


class _Body(Struct, gc=False):
    model: str = ""
    messages: list[_Message] | UnsetType = UNSET
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    n: int | None = None
    tools: Raw | UnsetType = UNSET
    response_format: Raw | UnsetType = UNSET
    file: Raw | UnsetType = UNSET


class _Line(Struct, gc=False):
    body: _Body


class _Sum:
    """What was counted for a model so far."""

    __slots__ = ("attachments", "audio", "output", "prompt_bytes", "requests", "unbounded")

    def __init__(self) -> None:
        self.requests = self.prompt_bytes = self.output = self.unbounded = self.attachments = self.audio = 0


def demand_of(path: Path, *, cancelled: Callable[[], bool] = lambda: False) -> tuple[Demand, ...]:
    """Read a file that has been checked. Made to be run in a thread. Raises LocalFileError and
    OperationCancelledError.
    """
    decode = msgspec.json.Decoder(_Line).decode
    sums: dict[str, _Sum] = {}
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file):
                if number % _EVERY == 0:
                    if cancelled():
                        raise OperationCancelledError("The estimate was stopped")
                    time.sleep(0)  # lets the screen's loop have the interpreter
                if not line.isspace():
                    _add(sums, line, decode)
    except OSError as error:
        raise LocalFileError(
            f"{path} cannot be read: {error.strerror or error}", "See that it is a file that you can read."
        ) from error
    found = [
        Demand(
            model=model,
            requests=part.requests,
            prompt_tokens=round(part.prompt_bytes / BYTES_PER_TOKEN),
            most_output_tokens=part.output,
            unbounded=part.unbounded,
            attachments=part.attachments,
            audio=part.audio,
        )
        for model, part in sums.items()
    ]
    return tuple(sorted(found, key=lambda demand: -demand.requests))


def _add(sums: dict[str, _Sum], line: bytes, decode: Callable[[bytes], _Line]) -> None:
    try:
        body = decode(line).body
    except (ValueError, RecursionError):
        part = sums.setdefault("", _Sum())  # a line that only the server can judge
        part.requests += 1
        part.unbounded += 1
        return
    part = sums.get(body.model) or sums.setdefault(body.model, _Sum())
    part.requests += 1
    if body.file is not UNSET:
        part.audio += 1
        return
    limit = body.max_tokens if body.max_tokens is not None else body.max_completion_tokens
    if limit is None:
        part.unbounded += 1
    else:
        part.output += max(0, limit) * max(1, body.n or 1)
    messages = () if body.messages is UNSET else body.messages
    size = len(messages) * _MESSAGE_TOKENS * BYTES_PER_TOKEN
    is_whole = True
    for message in messages:
        if message.content is not UNSET:
            found, told = _size_of(bytes(message.content))
            size += found
            is_whole = is_whole and told
    for extra in (body.tools, body.response_format):
        if extra is not UNSET:
            size += len(bytes(extra))
    part.prompt_bytes += size
    part.attachments += not is_whole


def _size_of(content: bytes) -> tuple[int, bool]:
    """Bytes of a message's text, and whether text is all it has."""
    if content[:1] == b'"':
        return len(content) - 2 - 3 * content.count(b"\\u"), True  # an escape is six bytes for two or three
    parts: Any = msgspec.json.decode(content)
    if not isinstance(parts, list):
        return 0, True
    texts = [part.get("text") if isinstance(part, dict) else part for part in parts]
    said = [text for text in texts if isinstance(text, str)]
    return sum(len(text.encode("utf-8", "replace")) for text in said), len(said) == len(parts)
