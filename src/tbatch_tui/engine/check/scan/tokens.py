"""The estimate of a file's prompt tokens for each model, from all of its lines or from a sample of them.

Each line is counted by the rule of `token_estimate`. All lines of a file of up to 512 KB are read. Of a larger file
four stretches are read: they give the tokens of a byte, which the file's size multiplies, and the tokens of a request
of each model, by which that sum is divided among the models.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from tbatch_tui.engine.check.limits import LINE_BYTES_MAX
from tbatch_tui.engine.token_estimate import Prompt, estimate_prompt

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from io import FileIO

_STRETCHES = 4
_STRETCH_BYTES = 128 * 1024


class _Body(Prompt, gc=False):
    model: str = ""


class _Line(msgspec.Struct, gc=False):
    body: _Body


_decode = msgspec.json.Decoder(_Line).decode


class _Counts:
    """The requests and tokens of one model in the lines that were read."""

    __slots__ = ("requests", "tokens")

    def __init__(self) -> None:
        self.requests = self.tokens = 0


def estimate_tokens(file: FileIO, start: int, stop: int, models: Mapping[str, int]) -> dict[str, int]:
    """Return about how many prompt tokens each model has in the chat requests in [start, stop).

    Args:
        models: The requests of each model in the whole file.
    """
    size = stop - start
    if size <= _STRETCHES * _STRETCH_BYTES:
        file.seek(start)
        counts, _ = _count(file.read(size).split(b"\n"))
        return {model: counts[model].tokens for model in models if model in counts}
    counts, sampled = _count(_sample(file, start, stop))
    if not counts:
        return {}
    all_requests = sum(count.requests for count in counts.values())
    all_tokens = sum(count.tokens for count in counts.values())
    average = all_tokens / all_requests
    by_requests = {
        model: requests * (counts[model].tokens / counts[model].requests if model in counts else average)
        for model, requests in models.items()
    }
    # The size of the file is known to the byte, so it gives the better sum than the number of requests does.
    scale = all_tokens * size / sampled / (sum(by_requests.values()) or 1)
    return {model: round(tokens * scale) for model, tokens in by_requests.items()}


def _count(lines: Iterable[bytes]) -> tuple[dict[str, _Counts], int]:
    """Return the counts of each model, and the bytes of the lines with their line ends."""
    counts: dict[str, _Counts] = {}
    size = 0
    for line in lines:
        size += len(line) + 1
        try:
            body = _decode(line).body
            tokens = estimate_prompt(body).tokens
        except (ValueError, RecursionError):
            continue
        count = counts.setdefault(body.model, _Counts())
        count.requests += 1
        count.tokens += tokens
    return counts, size


def _sample(file: FileIO, start: int, stop: int) -> Iterator[bytes]:
    """Yield the whole lines of four stretches of the file; if lines are too long for that, the first line."""
    size = stop - start
    is_empty = True
    for index in range(_STRETCHES):
        file.seek(start + index * (size - _STRETCH_BYTES) // (_STRETCHES - 1))
        lines = file.read(_STRETCH_BYTES).split(b"\n")
        for line in lines[bool(index) : -1]:
            is_empty = False
            yield line
    if is_empty:
        file.seek(start)
        yield file.read(min(size, LINE_BYTES_MAX)).partition(b"\n")[0]
