"""The settings of the app, resolved and frozen."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from tbatch_tui.engine.errors import BatchError
from tbatch_tui.engine.options import ENQUEUED_TOKENS, Budget

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tbatch_tui.engine.options import AudioStore

PRODUCTION_URL = "https://api.together.ai"

DEFAULT_OUTPUT_DIR = Path("batch-results")
"""In the working folder."""
DEFAULT_POLL_INTERVAL = 30.0
"""Seconds."""
DEMO_POLL_INTERVAL = 1.0
"""Seconds; the demo's server is on this machine."""
SHORTEST_POLL_INTERVAL = 10.0
"""Seconds, for a server that is not on this machine. Together asks for 30 to 60."""
LONGEST_POLL_INTERVAL = 86_400.0
"""Seconds: a day."""

PRICE_NAMES = ("input", "output", "cached_input", "minute")
"""The prices of a model that `[prices]` may hold."""


COLOURS = ("red", "yellow", "green", "cyan", "blue", "magenta")
"""The colours that a profile can have by name."""


class Origin(NamedTuple):
    """Where a setting comes from."""

    kind: str
    """`flag`, `environment`, `profile`, `file` or `default`."""
    name: str = ""
    """The flag, the variable or the profile; empty for the file and a default."""


class SettingsError(BatchError):
    """A setting that cannot be used: which one, where it was set, and how to fix it."""


class ConfigError(SettingsError):
    """Something in config.toml that cannot be used."""

    def __init__(self, title: str, keys: tuple[str, ...] = (), values: dict[str, Any] | None = None) -> None:
        super().__init__(title)
        self.keys = keys
        """They lead to it from the top of the file; none for all of it."""
        self.values = values if values is not None else {}
        """What is in the file."""


class Profile(NamedTuple):
    """A named key with its server: one of `[profiles]`. The key itself is not in it."""

    name: str
    key_env: str = ""
    """The environment variable that holds the key; empty if a command prints it."""
    key_command: tuple[str, ...] = ()
    """The argv of the command that prints the key, which is run without a shell."""
    base_url: str | None = None
    output_dir: str | None = None
    colour: str = ""
    """One of `COLOURS`, or `#rrggbb`; empty for none."""


class Notify(NamedTuple):
    """How to notify the person of a job that has ended."""

    toast: bool = True
    bell: bool = True
    desktop: bool = True
    """A desktop notification by way of the terminal: OSC 9 or OSC 777, whichever it supports."""
    title: bool = True
    """The number of running and of newly ended jobs in the terminal's title."""
    command: tuple[str, ...] = ()
    """A command to run, as its argv; none if empty."""


@dataclass(frozen=True, slots=True, eq=False)
class Settings:
    """The resolved settings. `api_key` is not in the repr."""

    data_dir: Path
    output_dir: Path
    poll_interval: float = DEFAULT_POLL_INTERVAL
    """Seconds between two lists of the jobs."""
    base_url: str | None = None
    """The server without `/v1`; None for Together's own."""
    api_key: str | None = field(default=None, repr=False)
    login: bool = False
    """Whether the key is what `tg login` stored. The engine renews it when it expires."""
    key_error: str = ""
    """Why there is no key although `tg login` stored something; empty otherwise."""
    demo: bool = False
    mouse: bool = True
    file: Path | None = None
    """The input file to check first."""
    more_files: tuple[Path, ...] = ()
    """The input files that become one group with it."""
    theme: str | None = None
    tour: bool = False
    """Whether each screen explains itself in a line the first time it is shown."""
    notify: Notify = field(default_factory=Notify)
    keymap: Mapping[str, str] = field(default_factory=dict)
    """The person's own keys, by binding id."""
    prices: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """Own prices by model, in dollars: `input`, `output`, `cached_input` (a million tokens), `minute` (of audio)."""
    discounts: Mapping[str, float] = field(default_factory=dict)
    """Own batch discounts by model, in percent."""
    profile: Profile | None = None
    """The profile in use, whose key and server these are."""
    profiles: Mapping[str, Profile] = field(default_factory=dict)
    """All profiles by name."""
    origins: Mapping[str, Origin] = field(default_factory=dict)
    """Where those settings come from that have more than two sources, by their name in config.toml."""
    budget: Budget = field(default_factory=Budget)
    """What a job and a month may cost."""
    audio_store: AudioStore | None = None
    """Where local recordings are put; None where there is no such place."""
    parts_at_once: int = 0
    """How many parts of a file are out together at most; 0 for all."""
    keep_parts: bool = False
    """Whether the files of parts stay once all results are here."""
    enqueued_tokens: int = ENQUEUED_TOKENS
    """How many tokens may be enqueued for a model."""
    attention_share: float = 5.0
    """Percent of a job's requests that may be cut short or invalid before the job needs a person."""

    @property
    def store_address(self) -> str:
        """Where recordings are that input files may name, `s3://bucket/prefix`; empty for no such place."""
        return self.audio_store.address if self.audio_store is not None else ""
