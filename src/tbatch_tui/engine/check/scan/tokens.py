"""About how many tokens a file's prompts have: an estimate by bytes of text, from a sample of the lines.

Four stretches of the file are read: what share of a line is text that a model reads, and how much of it a request of
each model has. Images and sound are not counted, nor is what a template of the model adds but for a little a message.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from tbatch_tui.engine.check.limits import BYTES_PER_TOKEN, LINE_BYTES_MAX

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from io import FileIO

_STRETCHES = 4
_STRETCH = 128 * 1024
_OF_A_MESSAGE = 4
"""Tokens that say whose message it is, and where it ends."""


class _Message(msgspec.Struct, gc=False):
    content: Any = None


class _Body(msgspec.Struct, gc=False):
    model: str
    messages: list[_Message]
    tools: msgspec.Raw = msgspec.Raw()


class _Line(msgspec.Struct, gc=False):
    body: _Body


_decode = msgspec.json.Decoder(_Line).decode


def estimated_tokens(file: FileIO, start: int, stop: int, models: Mapping[str, int]) -> dict[str, int]:
    """The tokens of each of the `models`, given with its requests, for the chat requests in [start, stop)."""
    seen: dict[str, tuple[int, int]] = {}  # requests and tokens of a model in the sample
    sampled = 0
    for line in _sample(file, start, stop):
        sampled += len(line) + 1
        try:
            body = _decode(line).body
        except (ValueError, RecursionError):
            continue
        requests, tokens = seen.get(body.model, (0, 0))
        seen[body.model] = requests + 1, tokens + _tokens(body)
    if not seen:
        return {}
    all_requests, all_tokens = map(sum, zip(*seen.values(), strict=True))
    each = {
        model: number * tokens / requests
        for model, number in models.items()
        for requests, tokens in [seen.get(model, (all_requests, all_tokens))]
    }
    # A file's bytes are known to the last one, so they say how many tokens there are in all.
    share = all_tokens * (stop - start) / sampled / (sum(each.values()) or 1)
    return {model: round(tokens * share) for model, tokens in each.items()}


def _tokens(body: _Body) -> int:
    size = len(bytes(body.tools)) + sum(_size(message.content) for message in body.messages)
    return -(-size // BYTES_PER_TOKEN) + _OF_A_MESSAGE * len(body.messages)


def _size(content: object) -> int:
    """Bytes of text: of a list of parts those that are text."""
    if isinstance(content, list):
        return sum(_size(part.get("text")) for part in content if isinstance(part, dict))
    return len(content.encode()) if isinstance(content, str) else 0


def _sample(file: FileIO, start: int, stop: int) -> Iterator[bytes]:
    """Whole lines from four places of the file; all of a small file; of one with very long lines the first."""
    size = stop - start
    if size <= _STRETCHES * _STRETCH:
        file.seek(start)
        yield from file.read(size).split(b"\n")
        return
    is_any = False
    for index in range(_STRETCHES):
        file.seek(start + index * (size - _STRETCH) // (_STRETCHES - 1))
        lines = file.read(_STRETCH).split(b"\n")
        for line in lines[bool(index) : -1]:
            is_any = True
            yield line
    if not is_any:
        file.seek(start)
        yield file.read(min(size, LINE_BYTES_MAX)).partition(b"\n")[0]
