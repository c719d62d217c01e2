"""The sandbox's clock: real time, a multiple of it, or time that only moves when told to.

All times of a job come from this clock, so `created_at`, `job_deadline` and the statuses agree at any speed.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime


class Clock:
    """A clock that runs `speed` times as fast as the machine's. At speed 0 only `advance` moves it.

    Args:
        speed: Sandbox seconds for each real second.
        start: The time it starts at, in seconds since the epoch; by default now.
    """

    def __init__(self, speed: float = 1.0, start: float | None = None) -> None:
        self.speed = speed
        self._start = time.time() if start is None else start
        self._began = time.monotonic()

    def now(self) -> float:
        """Return the sandbox's time, in seconds since the epoch."""
        return self._start + (time.monotonic() - self._began) * self.speed

    def advance(self, seconds: float) -> None:
        """Move the clock forward, in addition to its speed."""
        self._start += seconds

    def move_forward_to(self, moment: float) -> None:
        """Move the clock to `moment` unless it is past. A sandbox that ran fast must not go back in time after a
        restart.
        """
        behind = moment - self.now()
        if behind > 0:
            self.advance(behind)


def format_time(seconds: float) -> str:
    """Return a time as the API writes it: ISO 8601 in UTC, with milliseconds and a Z."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"
