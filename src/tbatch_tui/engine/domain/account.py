"""Accounts, and the state of the connection to the server."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class Account(NamedTuple):
    """The owner of a history: the organisation and project behind a key, never the key itself."""

    id: int
    base_url: str
    key_tail: str
    organization: str | None = None
    project: str | None = None
    title: str = ""


class HealthState(StrEnum):
    """The state of the connection to the server. It never changes a job's status."""

    STARTING = "starting"
    OK = "ok"
    BACKING_OFF = "backing-off"  # 429 or 5xx: waiting until `next_at`
    OFFLINE = "offline"
    KEY_REFUSED = "key-refused"
    NO_KEY = "no-key"


class ConnectionHealth(NamedTuple):
    """The connection as the last request left it."""

    state: HealthState = HealthState.STARTING
    since: float | None = None
    """When it came into this state, in seconds since the epoch."""
    next_at: float | None = None
    """When the server is asked again, in seconds since the epoch."""
    title: str = ""
    """What happened, and in `hint` what to do; empty while all is well."""
    hint: str = ""
