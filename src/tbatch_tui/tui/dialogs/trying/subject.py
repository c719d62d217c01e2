"""What is tried, and where its requests come from: a file that was checked, a table, or results."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from tbatch_tui.engine.live.request import LiveRequest


@dataclass(frozen=True, slots=True)
class TrySubject:
    """The requests that can be tried from a screen."""

    name: str
    """Of the file, the table or the job."""
    read: Callable[[int], Awaitable[list[LiveRequest]]]
    """Returns so many requests, the one under the cursor first. May raise BatchError."""
    most: int = 1
    """How many there can be."""
    chosen: int = 1
    """How many are chosen at first."""
    requests: int | None = None
    """Requests of all the file; None while that is not known."""
    unit: str = "line"
    """What a request's place is called: line, or row."""
    answers: Mapping[str, str] = field(default_factory=dict)
    """What the batch answered, by the fingerprint of the request."""
    schema: str = ""
    """A JSON Schema, as JSON, that judges answers to requests that ask for nothing."""
