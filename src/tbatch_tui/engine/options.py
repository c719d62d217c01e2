"""The options of an engine: where things are, whose key it uses, and how fast it works."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from tbatch_tui.engine.redaction import key_tail
from tbatch_tui.engine.server_address import canonical_server

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

LOOKUP_PATIENCE = 30.0
"""Seconds of successful lists without the job after which a create was certainly not carried out (product promise)."""

ENQUEUED_TOKENS = 30_000_000_000
"""Tokens that the API takes at once for each model of an account, as documented in 2026."""

CREATE_PATIENCE = 60.0
"""Seconds that the server's answer to a create is waited for, and in which it may still be carried out."""


class Budget(NamedTuple):
    """What may be spent, in dollars; None for no limit."""

    job: float | None = None
    """By one file, however many jobs it is sent as."""
    month: float | None = None
    """By everything in a calendar month, in UTC."""

    @property
    def is_set(self) -> bool:
        """Whether there is a limit."""
        return self.job is not None or self.month is not None


NO_BUDGET = Budget()
"""No limit on what may be spent."""


class AudioStore(NamedTuple):
    """Where local recordings are put, so that the server can fetch them. Its keys are in the environment."""

    address: str
    """`s3://bucket/prefix`, without a slash at its end."""
    endpoint: str = ""
    """The server, where it is not Amazon's."""
    session_token: bool = False
    """Whether temporary credentials are used although links end with them."""


@dataclass(frozen=True, slots=True, eq=False)
class EngineOptions:
    """Where things are, whose key is used, and the pace. Tests and the demo change the pace, nobody else has to."""

    data_dir: Path
    """Folder of the history, the log, and the parts of large files."""
    output_dir: Path
    """Folder that result files are downloaded to."""
    base_url: str | None = None
    """The server's address; None for Together's own."""
    api_key: str | None = field(default=None, repr=False)
    """None: the history can be read, but nothing is asked of a server."""
    profile_name: str = ""
    """The name of the profile that the key is of; empty for none. Its history is never taken for another's."""
    login: bool = False
    """Whether the key is the one that `tg login` stored: it is renewed when it expires."""
    poll_interval: float = 30.0
    """Seconds between two lists while a job is active; four times that, 120 s at most, while none is."""
    connect: bool = True
    """Whether the server is asked at all. If not, the history is read and written, and nothing else."""
    background_work: bool = True
    """Whether this engine submits and downloads; else it only lists and cancels jobs."""
    server_name: str | None = None
    """What the history calls the server, if not by its address (the demo's port changes)."""
    lookup_interval: float = 3.0
    """Seconds between two lists while the answer to a create is lost."""
    lookup_patience: float = LOOKUP_PATIENCE
    """Seconds of successful lists without the job before a lost create is sent again."""
    create_patience: float = CREATE_PATIENCE
    """Seconds in which a create may still be carried out that an app sent before it was killed."""
    try_patience: float = 300.0
    """Seconds that the answer to a request that is asked at once is waited for."""
    requests_per_job: int | None = None
    """How many requests a part of a file has at most; None for as many as the API takes."""
    parts_at_once: int = 0
    """How many parts of a file are out together at most; 0 for all."""
    keep_parts: bool = False
    """Whether the files of parts stay once all results are here; else they are read from the input file."""
    enqueued_tokens: int = ENQUEUED_TOKENS
    """How many tokens may be enqueued for a model; parts of a file that would go beyond it wait."""
    first_retry_delay: float = 2.0
    """Seconds before a failed call is repeated; they double from one failure to the next."""
    prices: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """The person's own prices by model, instead of the catalogue's: see `pricing.prices.PRICE_NAMES`."""
    discounts: Mapping[str, float] = field(default_factory=dict)
    """The person's own discounts by model, in percent, instead of the dated list's."""
    budget: Budget = NO_BUDGET
    """What may be spent."""
    attention_share: float = 5.0
    """Percent of a job's requests that may be cut short or invalid before the job needs a person."""
    audio_store: AudioStore | None = None
    """Where recordings are that input files name by `s3://`; None where there is no such place."""
    now: Callable[[], float] = time.time
    """Wall time, seconds since the epoch."""
    seed: int | None = None
    """Of the jitter between two lists; None for another one each time."""

    @property
    def store_address(self) -> str:
        """Where recordings are that input files may name, `s3://bucket/prefix`; empty for no such place."""
        return self.audio_store.address if self.audio_store is not None else ""

    @property
    def can_connect(self) -> bool:
        """Whether the server is asked: there is a key, and nobody said otherwise."""
        return self.connect and self.api_key is not None

    @property
    def key_tail(self) -> str:
        """The last characters of the key, which is all that is ever written of it; of a short one, its profile."""
        return key_tail(self.api_key) or self.profile_tail

    @property
    def profile_tail(self) -> str:
        """What stands for the profile where the history has the ends of keys; empty without a profile."""
        return f"profile:{self.profile_name}" if self.profile_name else ""

    @property
    def server(self) -> str:
        """What the history calls the server: its canonical address, or the name that it was given."""
        return self.server_name or canonical_server(self.base_url)
