"""The sandbox's own time: the machine's, a multiple of it, or driven by hand.

All a job's times come from here, so `created_at`, `job_deadline` and the statuses agree with one another at any speed.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime


class Clock:
    """Seconds since the epoch that run at `speed` times the machine's pace; at speed 0 only `advance` moves them."""

    def __init__(self, speed: float = 1.0, start: float | None = None) -> None:
        self.speed = speed
        self._start = time.time() if start is None else start
        self._began = time.monotonic()

    def now(self) -> float:
        """The sandbox's time, in seconds since the epoch."""
        return self._start + (time.monotonic() - self._began) * self.speed

    def advance(self, seconds: float) -> None:
        """Jump ahead, beside whatever the speed does."""
        self._start += seconds

    def move_forward_to(self, moment: float) -> None:
        """Go on from `moment` if that lies ahead: a sandbox that ran fast must not go back in time when restarted."""
        behind = moment - self.now()
        if behind > 0:
            self.advance(behind)


def format_time(seconds: float) -> str:
    """A time as the API writes it: ISO 8601 in UTC, with a Z."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"
