"""What the engine is told from outside."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tbatch_tui.engine.redaction import key_tail

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

LOOKED_UP_FOR = 30.0
"""Seconds of successful lists without the job after which a create was certainly not made (product promise)."""


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """Where things are, whose key, and the pace. The pace is given only by tests and the demo."""

    data_dir: Path
    output_dir: Path
    base_url: str | None = None
    """None: Together's own."""
    api_key: str | None = field(default=None, repr=False)
    login: bool = False
    """Whether the key is what `tg login` stored: it is renewed when it runs out."""
    poll_interval: float = 30.0
    """Seconds between two lists while a job is active; four times that, 120 s at most, while none is."""
    background_work: bool = True
    """Whether submissions are worked and files fetched here; else the jobs are only looked at, and cancelled."""
    server_name: str | None = None
    """What the history calls the server, if not its address (the demo's port changes)."""
    look_up_every: float = 3.0
    """Seconds between two lists while the answer to a create is lost."""
    looked_up_for: float = LOOKED_UP_FOR
    requests_a_job: int | None = None
    """How many requests a part of a file has at most; None: as many as the API takes. Given only by tests."""
    first_wait: float = 2.0
    """Seconds before what failed is tried again; doubled each time after that."""
    prices: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """The person's own prices by model, instead of the catalogue's: see `costs.PRICE_NAMES`."""
    discounts: Mapping[str, float] = field(default_factory=dict)
    """The person's own discounts by model, in percent, instead of the dated list's."""
    now: Callable[[], float] = time.time
    seed: int | None = None

    @property
    def key_tail(self) -> str:
        """The most that is ever written of the key."""
        return key_tail(self.api_key)

    @property
    def server(self) -> str:
        """What the history calls the server."""
        return self.server_name or self.base_url or "together"
