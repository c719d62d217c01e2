"""Turns bytes that move, on any thread, into a few events a second with a rate."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tbatch_tui.engine.domain.job import FileKind
from tbatch_tui.engine.events import Event, TransferProgress

if TYPE_CHECKING:
    from collections.abc import Callable

_SHOWN_EVERY = 0.1
_SMOOTHING = 0.3

TransferKey = tuple[str, bool, FileKind | None]
"""Record key, upload or not, which file."""


@dataclass(slots=True)
class _Reading:
    done: int
    at: float
    rate: float = 0.0


class TransferMeter:
    """One for all transfers. `moved` may be called from any thread and any number of times."""

    def __init__(self, emit: Callable[[Event], object]) -> None:
        self._emit = emit
        self._readings: dict[TransferKey, _Reading] = {}
        self._loop: asyncio.AbstractEventLoop | None = None

    def update(self, place: TransferKey, done: int, total: int | None, ended: bool) -> None:
        """Note that `done` of `total` bytes are there. The first call comes from the loop's thread or a child of it."""
        now = time.monotonic()
        last = self._readings.get(place)
        if ended:
            if self._readings.pop(place, None) is not None:
                self._announce(TransferProgress(*place, done, total, 0.0, ended=True))
            return
        if last is None or done < last.done:
            self._readings[place] = _Reading(done, now)
            self._announce(TransferProgress(*place, done, total, 0.0))
            return
        if now - last.at < _SHOWN_EVERY and done != total:
            return
        momentary = (done - last.done) / max(now - last.at, 1e-6)
        rate = momentary if not last.rate else last.rate + _SMOOTHING * (momentary - last.rate)
        self._readings[place] = _Reading(done, now, rate)
        self._announce(TransferProgress(*place, done, total, rate))

    def bind(self) -> None:
        """Events go out on the loop that runs now."""
        self._loop = asyncio.get_running_loop()

    def _announce(self, event: TransferProgress) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._emit, event)
