"""One request that was asked at once, through the real-time endpoint, before or beside a batch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path

LOST = "lost"
"""The outcome of a request whose answer did not come: it may have been carried out and billed. The others are those of
every request: `results.outcomes`."""


@dataclass(frozen=True, slots=True)
class TriedRequest:
    """A request that was sent to the real-time endpoint, and what became of it. The history keeps it."""

    fingerprint: str
    """SHA-256 of the endpoint and the body of the line that it began as: the same line is known again by it."""
    endpoint: str
    request: str
    """The body that was sent, as JSON; very long texts in it are cut."""
    sent_at: float
    """Seconds since the epoch."""
    model: str = ""
    custom_id: str = ""
    path: Path | None = None
    """The file or the table that it is from; None where there is none."""
    line: int | None = None
    """The line of the file, or the row of the table, from 1."""
    outcome: str = LOST
    answer: str | None = None
    """The text of the answer; the message of an error; None where the answer was lost."""
    response: str | None = None
    """The body of the answer, as JSON."""
    reason: str = ""
    """Why it is invalid, an error or lost."""
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    audio_seconds: float | None = None
    seconds: float | None = None
    """How long the answer took."""
    cost: float | None = None
    """Dollars; None where that is not known: no price, no usage, or a lost answer."""
    most: float | None = None
    """The most that it may cost, in dollars, by its token limit; None where there is no such bound."""
    id: int = 0
    """The history's number of it; 0 before it is kept."""


class TrySpending(NamedTuple):
    """What tries have cost in a span of time."""

    usd: float
    """Dollars of those whose cost is known."""
    tries: int
    unknown: int
    """Of these tries: those whose cost is not known, such as lost answers."""
    most_unknown: float | None
    """The most that these may have cost; None where a part of that has no bound."""


class TryCost(NamedTuple):
    """What one try cost."""

    model: str
    endpoint: str
    sent_at: float
    """Seconds since the epoch."""
    usd: float | None
    """Dollars; None where that is not known."""
    most: float | None = None
    """The most that it may have cost; None where there is no such bound."""
