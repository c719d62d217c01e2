"""Accounts, and how the connection to the server is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Account:
    """Whose history this is: the organisation and project behind the key, never the key."""

    id: int
    base_url: str
    key_tail: str
    organization: str | None = None
    project: str | None = None
    title: str = ""


class HealthState(StrEnum):
    """How the connection to the server is. It never changes a job's status."""

    STARTING = "starting"
    OK = "ok"
    BACKING_OFF = "backing-off"  # 429 or 5xx: waiting until `next_at`
    OFFLINE = "offline"
    KEY_REFUSED = "key-refused"
    NO_KEY = "no-key"


@dataclass(frozen=True, slots=True)
class ConnectionHealth:
    """Local health: what the last list said of the connection, since when, and when it is asked again."""

    state: HealthState = HealthState.STARTING
    since: float | None = None
    next_at: float | None = None
    title: str = ""
    hint: str = ""
