"""What an input file asks of each model: about how many prompt tokens, and at most how many tokens of answer."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from tbatch_tui.engine.domain.cost import Demand
from tbatch_tui.engine.errors import LocalFileError, OperationCancelledError
from tbatch_tui.engine.token_estimate import Prompt, bound_prompt, estimate_prompt

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_BOM = b"\xef\xbb\xbf"
_LINES_BETWEEN_STOPS = 500
"""After so many lines `cancelled` is asked."""


class _Body(Prompt, gc=False):
    model: str = ""
    max_tokens: object = None  # any value: one that is no number must not make the line unreadable
    max_completion_tokens: object = None
    n: object = None
    file: Raw | UnsetType = UNSET


class _Line(Struct, gc=False):
    body: _Body


_decode = msgspec.json.Decoder(_Line).decode


class _Sum:
    """The counts of one model so far: the fields of a Demand."""

    __slots__ = (
        "attachments",
        "audio",
        "most_output_tokens",
        "most_prompt_tokens",
        "prompt_tokens",
        "requests",
        "unbounded",
    )

    def __init__(self) -> None:
        self.requests = self.prompt_tokens = self.most_prompt_tokens = self.most_output_tokens = 0
        self.unbounded = self.attachments = self.audio = 0


class DemandCounter:
    """Adds up what requests ask of each model, line by line."""

    def __init__(self) -> None:
        self._sums: dict[str, _Sum] = {}

    def demands(self) -> tuple[Demand, ...]:
        """Return the demand of each model so far, most requests first."""
        demands = [
            Demand(
                model=model,
                requests=total.requests,
                prompt_tokens=total.prompt_tokens,
                most_prompt_tokens=total.most_prompt_tokens,
                most_output_tokens=total.most_output_tokens,
                unbounded=total.unbounded,
                attachments=total.attachments,
                audio=total.audio,
            )
            for model, total in self._sums.items()
        ]
        return tuple(sorted(demands, key=lambda demand: -demand.requests))

    def add(self, line: bytes) -> int:
        """Add the request of a line to the sum of its model; one that cannot be read to the model "".

        Returns about how many tokens its prompt has.
        """
        sums = self._sums
        try:
            body = _decode(line).body
            prompt = estimate_prompt(body)
        except (ValueError, RecursionError):
            total = sums.setdefault("", _Sum())  # only the server can say what is wrong with it
            total.requests += 1
            total.unbounded += 1
            return 0
        total = sums.get(body.model) or sums.setdefault(body.model, _Sum())
        total.requests += 1
        if body.file is not UNSET and not body.messages:  # with messages it is a chat request, as the check has it
            total.audio += 1
            return 0
        # With both limits the larger counts: nobody knows which one the server takes.
        limit = max(_whole(body.max_tokens), _whole(body.max_completion_tokens))
        if limit:
            total.most_output_tokens += limit * max(1, _whole(body.n))
        else:
            total.unbounded += 1
        total.prompt_tokens += prompt.tokens
        total.most_prompt_tokens += bound_prompt(body, len(line))
        total.attachments += prompt.has_attachments
        return prompt.tokens


def demand_of(path: Path, *, cancelled: Callable[[], bool] = lambda: False) -> tuple[Demand, ...]:
    """Read a checked file and return its demand of each model, most requests first.

    Blocks for as long as the file takes to read: call it in a thread. Raises LocalFileError, and
    OperationCancelledError soon after `cancelled` returns true.
    """
    counter = DemandCounter()
    try:
        with path.open("rb") as file:
            if file.read(len(_BOM)) != _BOM:
                file.seek(0)
            for number, line in enumerate(file):
                if number % _LINES_BETWEEN_STOPS == 0:
                    if cancelled():
                        raise OperationCancelledError("The estimate was stopped")
                    time.sleep(0)  # gives the event loop the interpreter
                if not line.isspace():
                    counter.add(line)
    except OSError as error:
        raise LocalFileError(
            f"{path} cannot be read: {error.strerror or error}", "Make sure it is a file you can read."
        ) from error
    return counter.demands()


def _whole(value: object) -> int:
    """Return a number as the next whole one, 200.0 as 200; 0 for what is no limit: negative, or no number."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return 0
    return max(0, math.ceil(value))
