"""What a batch costs: prices of the catalogue, dated discounts, an estimate before and the sum after. Pure.

Rows of the output file are paid for; error rows are free. Dollars are floats: sums of some thousand products, told to
the cent.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tbatch_tui.engine.domain.catalogue import Catalogue, ModelInfo
from tbatch_tui.engine.domain.cost import Demand, Estimate

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tbatch_tui.engine.domain.counts import ModelUsage

DISCOUNTS_DATE = "September 2026"
DISCOUNTS: Mapping[str, float] = {
    "meta-llama/Llama-3.3-70B-Instruct-Turbo": 50.0,
    "openai/whisper-large-v3": 50.0,
}
"""Percent off for a batch, as documented then. The list changes, and others pay the full price."""

PRICE_NAMES = ("input", "output", "cached_input", "minute")
"""What a price can be given for: a million tokens of each kind, and a minute of audio."""

_MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Price:
    """What a model costs in a batch, its discount taken off. Dollars for a million tokens, or a minute of audio."""

    input: float | None
    output: float | None
    cached_input: float | None
    minute: float | None
    discount: float = 0.0
    """Percent that were taken off."""
    is_custom: bool = False
    """Price or discount are the person's own."""


class PriceList:
    """The prices in force: the person's own, else the catalogue's; less the person's discount, else the dated one."""

    def __init__(
        self,
        catalogue: Catalogue,
        prices: Mapping[str, Mapping[str, float]] | None = None,
        discounts: Mapping[str, float] | None = None,
    ) -> None:
        self.priced_at = catalogue.fetched_at
        self._catalogue = catalogue
        self._own = prices or {}
        self._own_discounts = discounts or {}

    def price_of(self, model: str) -> Price:
        """What a model costs; None for what is not known of it."""
        known = self._catalogue.get(model) or ModelInfo(model)
        own = self._own.get(model, {})
        discount = self._own_discounts.get(model, DISCOUNTS.get(model, 0.0))

        def less(name: str, listed: float | None) -> float | None:
            full = own.get(name, listed)
            return None if full is None else full * (100 - discount) / 100

        return Price(
            input=less("input", known.input_price),
            output=less("output", known.output_price),
            cached_input=less("cached_input", known.cached_input_price),
            minute=less("minute", None),  # the catalogue has prices of tokens only
            discount=discount,
            is_custom=bool(own) or model in self._own_discounts,
        )


def estimate(demands: Iterable[Demand], price_list: PriceList) -> Estimate:
    """What these requests may cost."""
    inputs: list[float] = []
    outputs: list[float] = []
    unpriced: list[str] = []
    discounts: set[float] = set()
    minute: float | None = None
    own = False
    unbounded = attachments = audio = 0
    for demand in demands:
        price = price_list.price_of(demand.model)
        own = own or price.is_custom
        audio += demand.audio
        if demand.audio and price.minute is not None:
            minute = max(minute or 0.0, price.minute)
            discounts.add(price.discount)
        elif demand.audio or price.input is None or price.output is None:
            unpriced.append(demand.model)
        else:
            inputs.append(demand.prompt_tokens * price.input / _MILLION)
            outputs.append(demand.most_output_tokens * price.output / _MILLION)
            unbounded += demand.unbounded
            attachments += demand.attachments
            discounts.add(price.discount)
    return Estimate(
        input=math.fsum(inputs) if inputs else None,
        output=math.fsum(outputs) if outputs and not unbounded else None,
        unbounded=unbounded,
        attachments=attachments,
        audio=audio,
        minute=minute,
        unpriced=tuple(unpriced),
        discounts=tuple(sorted(discounts - {0.0})),
        is_custom=own,
        priced_at=price_list.priced_at,
    )


@dataclass(frozen=True, slots=True)
class Cost:
    """What some rows cost."""

    usd: float | None
    """None when nothing of it has a known price."""
    unpriced: tuple[str, ...] = ()
    """Models without a known price, which are not in it."""
    unknown_usage: int = 0
    """Rows that say neither tokens nor a length, and are not in it."""
    discounts: tuple[float, ...] = ()
    """The discounts that were taken off, in percent."""
    is_custom: bool = False
    """Some of the prices or discounts are the person's own."""
    priced_at: float | None = None
    """When the catalogue was fetched."""

    @property
    def is_whole(self) -> bool:
        """Whether everything that is paid for is in it."""
        return self.usd is not None and not (self.unpriced or self.unknown_usage)


def cost(spent: Iterable[ModelUsage], price_list: PriceList, model: str | None = None) -> Cost:
    """What these rows cost. `model` is the job's, for rows of which nobody says whose they are."""
    sums: list[float] = []
    unpriced: list[str] = []
    discounts: set[float] = set()
    untold = rows = 0
    own = False
    for part in spent:
        rows += part.rows
        untold += max(0, part.rows - part.rows_with_tokens - part.rows_with_duration)
        price = price_list.price_of(part.model or model or "")
        own = own or price.is_custom
        parts = [_tokens(part, price)] if part.rows_with_tokens else []
        parts += [None if price.minute is None else part.seconds / 60 * price.minute] if part.rows_with_duration else []
        known = [usd for usd in parts if usd is not None]
        sums += known
        if known:
            discounts.add(price.discount)
        if len(known) < len(parts):
            unpriced.append(part.model or model or "")
    return Cost(
        usd=math.fsum(sums) if sums or not rows else None,
        unpriced=tuple(dict.fromkeys(unpriced)),
        unknown_usage=untold,
        discounts=tuple(sorted(discounts - {0.0})),
        is_custom=own,
        priced_at=price_list.priced_at,
    )


def _tokens(part: ModelUsage, price: Price) -> float | None:
    if price.input is None or price.output is None:
        return None
    cached = min(part.cached, part.prompt)
    cached_price = price.input if price.cached_input is None else price.cached_input
    fresh = (part.prompt - cached) * price.input
    return (fresh + cached * cached_price + part.completion * price.output) / _MILLION
