"""The settings of the app, resolved and frozen."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

PRODUCTION_URL = "https://api.together.ai"


DEFAULT_POLL_INTERVAL = 30.0


SHORTEST_POLL_INTERVAL = 10.0


DEMO_POLL_INTERVAL = 1.0


PRICE_NAMES = ("input", "output", "cached_input", "minute")


class SettingsError(Exception):
    """A setting that cannot be used: says which, where it came from, and the mend."""


@dataclass(frozen=True, slots=True)
class Notify:
    """How a person hears that a job has ended."""

    toast: bool = True
    bell: bool = True
    desktop: bool = True
    """A notice of the desktop, by the terminal: OSC 9 or OSC 777, whichever it knows."""
    title: bool = True
    """How many are running and have ended, in the terminal's title."""
    command: tuple[str, ...] = ()
    """A command of the person's own: its argv."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Settled settings. `api_key` never shows in a repr."""

    data_dir: Path
    output_dir: Path
    poll_interval: float = DEFAULT_POLL_INTERVAL
    base_url: str | None = None
    api_key: str | None = field(default=None, repr=False)
    login: bool = False
    """Whether the key is what `tg login` stored: the engine renews it when it runs out."""
    key_error: str = ""
    """Why there is no key although `tg login` left something: it has run out."""
    demo: bool = False
    mouse: bool = True
    file: Path | None = None
    theme: str | None = None
    tour: bool = False
    """Whether each screen explains itself in a line, the first time."""
    notify: Notify = field(default_factory=Notify)
    keymap: Mapping[str, str] = field(default_factory=dict)
    prices: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """Own prices by model, in dollars: `input`, `output`, `cached_input` (a million tokens), `minute` (of audio)."""
    discounts: Mapping[str, float] = field(default_factory=dict)
    """Own batch discounts by model, in percent."""
