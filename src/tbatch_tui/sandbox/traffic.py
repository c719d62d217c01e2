"""A record of all calls in order, for tests and for the command's log."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_CALLS = 100_000
"""Calls that are remembered; older ones are dropped."""


@dataclass(slots=True)
class Call:
    """One call to the API."""

    n: int
    """Its number, from 1."""

    method: str
    path: str
    """With exactly one version in front, whatever base URL the client uses."""

    status: int = 0
    """The HTTP status sent; 0 while the call is running, or if the connection was cut before a status."""

    fault: str | None = None
    """The kind of fault that was applied to it."""

    started: float = field(default_factory=time.monotonic)
    seconds: float = 0.0

    def log_line(self) -> str:
        """Return a line for the terminal. The path comes from the client: unusual characters are percent-encoded."""
        outcome = str(self.status) if self.status else "cut"
        fault = f"  [{self.fault}]" if self.fault else ""
        return f"{self.n:>5}  {self.method:<6} {quote(self.path)}  {outcome}  {self.seconds * 1000:.0f} ms{fault}"


class Traffic:
    """The calls so far."""

    def __init__(self) -> None:
        self.calls: deque[Call] = deque(maxlen=MAX_CALLS)
        self.on_end: Callable[[Call], None] | None = None
        """Called with each call that has ended."""
        self._count = 0

    def begin(self, method: str, path: str) -> Call:
        """Record a call that arrived."""
        self._count += 1
        call = Call(self._count, method, path)
        self.calls.append(call)
        return call

    def end(self, call: Call) -> None:
        """Record that a call has ended."""
        call.seconds = time.monotonic() - call.started
        if self.on_end is not None:
            self.on_end(call)
