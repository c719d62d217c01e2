"""The server's models and their prices."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple


class ModelInfo(NamedTuple):
    """A model of the catalogue, as far as the check and the prices need it."""

    id: str
    context_length: int | None = None
    input_price: float | None = None
    """USD per 1M tokens, like the other two prices."""
    output_price: float | None = None
    cached_input_price: float | None = None
    display_type: str = ""
    """What the server calls its kind: chat, language, image, embedding, transcribe …; empty if it does not say."""
    input_modalities: tuple[str, ...] = ()
    """What it takes: text, image, audio, video; empty if the server does not say."""
    status: str = ""
    """What the server says of it: recommended, supported, deprecated, hidden; empty if it does not say."""


class Catalogue(Mapping[str, ModelInfo]):
    """The models by the name that a request gives them. Empty until the catalogue was fetched."""

    __slots__ = ("fetched_at", "models")

    def __init__(self, models: Mapping[str, ModelInfo] = MappingProxyType({}), fetched_at: float | None = None) -> None:
        """`fetched_at` is in seconds since the epoch; None if it never was."""
        self.models = models
        self.fetched_at = fetched_at

    def __getitem__(self, name: str) -> ModelInfo:
        return self.models[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.models)

    def __len__(self) -> int:
        return len(self.models)
