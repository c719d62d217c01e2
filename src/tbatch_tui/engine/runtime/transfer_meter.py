"""Turns the progress of uploads and downloads into a few events a second, with a rate."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from tbatch_tui.engine.domain.job import FileKind
from tbatch_tui.engine.events import Event, TransferProgress

if TYPE_CHECKING:
    from collections.abc import Callable

_SHOWN_EVERY = 0.1
"""Seconds between two events of one transfer."""
_SMOOTHING = 0.3
"""Share of the latest rate in the one that is shown."""

TransferKey = tuple[str, bool, FileKind | None]
"""Record key, upload or not, which result file."""


class _Reading:
    """How far a transfer was when it was last announced. No dataclass: the first frame would pay for it."""

    __slots__ = ("at", "done", "rate")

    def __init__(self, done: int, at: float, rate: float = 0.0) -> None:
        self.done = done
        self.at = at
        self.rate = rate


class TransferMeter:
    """Measures all transfers of an engine. `upload` and `download` may be called from any thread, however often.

    The first call for a transfer comes from the event loop's thread, or from one that it started.
    """

    def __init__(self, emit: Callable[[Event], object]) -> None:
        self._emit = emit
        self._readings: dict[TransferKey, _Reading] = {}
        self._loop: asyncio.AbstractEventLoop | None = None

    def bind(self) -> None:
        """Emit events on the loop that runs now."""
        self._loop = asyncio.get_running_loop()

    def upload(self, key: str, done: int, total: int, ended: bool) -> None:
        """Note that `done` of `total` bytes of a submission's file went up."""
        self._update((key, True, None), done, total, ended)

    def download(self, key: str, kind: FileKind, done: int, total: int | None, ended: bool) -> None:
        """Note that `done` of `total` bytes of a job's result file came down."""
        self._update((key, False, kind), done, total, ended)

    def _update(self, transfer: TransferKey, done: int, total: int | None, ended: bool) -> None:
        now = time.monotonic()
        last = self._readings.get(transfer)
        if ended:
            if self._readings.pop(transfer, None) is not None:
                self._announce(TransferProgress(*transfer, done, total, 0.0, ended=True))
            return
        if last is None or done < last.done:
            self._readings[transfer] = _Reading(done, now)
            self._announce(TransferProgress(*transfer, done, total, 0.0))
            return
        if now - last.at < _SHOWN_EVERY and done != total:
            return
        momentary = (done - last.done) / max(now - last.at, 1e-6)
        rate = momentary if not last.rate else last.rate + _SMOOTHING * (momentary - last.rate)
        self._readings[transfer] = _Reading(done, now, rate)
        self._announce(TransferProgress(*transfer, done, total, rate))

    def _announce(self, event: TransferProgress) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._emit, event)
