"""What arrived: every call in order, for a test to ask about and for the terminal to show."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_CALLS = 100_000
"""Calls remembered."""


@dataclass(slots=True)
class Call:
    """One call."""

    n: int
    """Its number, from 1."""

    method: str
    path: str
    """As the routes know it: whatever base URL the client was given, with exactly one version in front."""

    status: int = 0
    """The status sent; 0 if the connection was cut before one, or while the call is under way."""

    fault: str | None = None
    """The kind of fault that was played on it."""

    started: float = field(default_factory=time.monotonic)
    seconds: float = 0.0

    def log_line(self) -> str:
        """A line for the terminal. The path is a stranger's: whatever is odd in it is percent-encoded."""
        outcome = str(self.status) if self.status else "cut"
        fault = f"  [{self.fault}]" if self.fault else ""
        return f"{self.n:>5}  {self.method:<6} {quote(self.path)}  {outcome}  {self.seconds * 1000:.0f} ms{fault}"


class Traffic:
    """The calls so far. `on_end` is told of each one that ends."""

    def __init__(self) -> None:
        self.calls: deque[Call] = deque(maxlen=MAX_CALLS)
        self.on_end: Callable[[Call], None] | None = None
        self._count = 0

    def begin(self, method: str, path: str) -> Call:
        """A call has arrived."""
        self._count += 1
        call = Call(self._count, method, path)
        self.calls.append(call)
        return call

    def end(self, call: Call) -> None:
        """A call is over."""
        call.seconds = time.monotonic() - call.started
        if self.on_end is not None:
            self.on_end(call)
