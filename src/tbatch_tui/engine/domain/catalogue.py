"""The server's models and their prices."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple


class ModelInfo(NamedTuple):
    """A model of the catalogue: what the check and the costs need of it."""

    id: str
    context_length: int | None = None
    input_price: float | None = None
    """USD per 1M tokens, as are the other two."""
    output_price: float | None = None
    cached_input_price: float | None = None


class Catalogue(Mapping[str, ModelInfo]):
    """The models by the name a request gives them, and when that was fetched. Empty while nothing is known."""

    __slots__ = ("fetched_at", "models")

    def __init__(self, models: Mapping[str, ModelInfo] = MappingProxyType({}), fetched_at: float | None = None) -> None:
        """`fetched_at` is in seconds since the epoch; None: it never was."""
        self.models = models
        self.fetched_at = fetched_at

    def __getitem__(self, name: str) -> ModelInfo:
        return self.models[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.models)

    def __len__(self) -> int:
        return len(self.models)
