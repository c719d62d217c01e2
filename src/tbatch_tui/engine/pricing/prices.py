"""What a batch costs: an estimate before it runs and the sum after, by the catalogue and dated discounts. Pure.

Rows of the output file are paid for; error rows are free. Dollars are floats: sums of some thousand products, shown to
the cent.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tbatch_tui.engine.domain.catalogue import Catalogue, ModelInfo
from tbatch_tui.engine.domain.cost import Demand, Estimate
from tbatch_tui.engine.pricing.audio_prices import AUDIO_PRICES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tbatch_tui.engine.domain.counts import ModelUsage
    from tbatch_tui.engine.domain.record import JobRecord

DISCOUNTS_DATE = "September 2026"
DISCOUNTS: Mapping[str, float] = {
    "meta-llama/Llama-3.3-70B-Instruct-Turbo": 50.0,
    "openai/whisper-large-v3": 50.0,
}
"""Percent that a batch saves with these models, as documented then. The list changes; other models have no discount."""

PRICE_NAMES = ("input", "output", "cached_input", "minute")
"""The prices that a person can set: for a million tokens of each kind, and for a minute of audio."""

_MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Price:
    """What a model costs in a batch with its discount, in dollars for a million tokens or a minute of audio."""

    input: float | None
    output: float | None
    cached_input: float | None
    minute: float | None
    discount: float = 0.0
    """The discount that was subtracted, in percent."""
    is_custom: bool = False
    """Whether the price or the discount is the person's own."""
    is_custom_discount: bool = False
    is_listed_audio: bool = False
    """Whether the price of a minute is that of the dated list."""


class PriceList:
    """The prices in force: the person's own, else the catalogue's, less the person's discount, else the dated one."""

    def __init__(
        self,
        catalogue: Catalogue,
        prices: Mapping[str, Mapping[str, float]] | None = None,
        discounts: Mapping[str, float] | None = None,
        *,
        is_batch: bool = True,
    ) -> None:
        """Combine the catalogue with what the person set.

        Args:
            prices: Dollars by model and name of the price: see `PRICE_NAMES`.
            discounts: Percent by model.
            is_batch: Whether the discounts apply; to requests that are answered at once none does.
        """
        self.priced_at = catalogue.fetched_at
        self.catalogue = catalogue
        self._custom_prices = prices or {}
        self._custom_discounts = discounts or {}
        self._is_batch = is_batch

    def in_real_time(self) -> PriceList:
        """Return the prices of requests that are answered at once: the same ones without a discount."""
        return PriceList(self.catalogue, self._custom_prices, is_batch=False)

    def price_of(self, model: str) -> Price:
        """Return the prices of a model, each None if it is not known."""
        model_info = self.catalogue.get(model) or ModelInfo(model)
        custom = self._custom_prices.get(model, {})
        discount = self._custom_discounts.get(model, DISCOUNTS.get(model, 0.0)) if self._is_batch else 0.0

        def discounted(name: str, listed: float | None) -> float | None:
            full = custom.get(name, listed)
            return None if full is None else full * (100 - discount) / 100

        return Price(
            input=discounted("input", model_info.input_price),
            output=discounted("output", model_info.output_price),
            cached_input=discounted("cached_input", model_info.cached_input_price),
            minute=discounted("minute", AUDIO_PRICES.get(model)),  # the catalogue has prices of tokens only
            discount=discount,
            is_custom=bool(custom) or model in self._custom_discounts,
            is_custom_discount=model in self._custom_discounts,
            is_listed_audio=model in AUDIO_PRICES and "minute" not in custom,
        )


def estimate(demands: Iterable[Demand], price_list: PriceList) -> Estimate:
    """Return what these requests may cost."""
    inputs: list[float] = []
    most_inputs: list[float] = []
    outputs: list[float] = []
    unpriced: list[str] = []
    discounts: set[float] = set()
    minute: float | None = None
    is_custom = is_listed_audio = False
    unbounded = attachments = audio = 0
    tokens = []
    for demand in demands:
        tokens.append((demand.model, demand.prompt_tokens + demand.most_output_tokens))
        price = price_list.price_of(demand.model)
        is_custom = is_custom or price.is_custom
        audio += demand.audio
        if demand.audio and price.minute is not None:
            minute = max(minute or 0.0, price.minute)
            is_listed_audio = is_listed_audio or price.is_listed_audio
            discounts.add(price.discount)
        elif demand.audio or price.input is None or price.output is None:
            unpriced.append(demand.model)
        else:
            inputs.append(demand.prompt_tokens * price.input / _MILLION)
            most_inputs.append(demand.most_prompt_tokens * price.input / _MILLION)
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
        is_custom=is_custom,
        priced_at=price_list.priced_at,
        most_input=math.fsum(most_inputs) if most_inputs else None,
        is_listed_audio=is_listed_audio,
        tokens=tuple((model, number) for model, number in tokens if number),
    )


@dataclass(frozen=True, slots=True)
class Cost:
    """What rows of the output file cost."""

    usd: float | None
    """Dollars; None when nothing of it has a known price."""
    unpriced: tuple[str, ...] = ()
    """Models without a known price, which are not included."""
    unknown_usage: int = 0
    """Rows with neither tokens nor a length, which are not included."""
    discounts: tuple[float, ...] = ()
    """The discounts that were subtracted, in percent."""
    is_custom: bool = False
    """Whether some of the prices or discounts are the person's own."""
    priced_at: float | None = None
    """When the catalogue was fetched, in seconds since the epoch."""
    is_listed_audio: bool = False
    """Whether a minute of audio was paid for at the price of the dated list."""

    @property
    def is_whole(self) -> bool:
        """Whether everything that is paid for is included."""
        return self.usd is not None and not (self.unpriced or self.unknown_usage)


def cost(usage: Iterable[ModelUsage], price_list: PriceList, model: str | None = None) -> Cost:
    """Return what these rows cost.

    Args:
        usage: What the rows used, by model.
        model: The job's, for rows that name none.
    """
    sums: list[float] = []
    unpriced: list[str] = []
    discounts: set[float] = set()
    unknown_usage = rows = 0
    is_custom = is_listed_audio = False
    for part in usage:
        rows += part.rows
        unknown_usage += max(0, part.rows - part.rows_with_tokens - part.rows_with_duration)
        price = price_list.price_of(part.model or model or "")
        is_custom = is_custom or price.is_custom
        parts = [_cost_of_tokens(part, price)] if part.rows_with_tokens else []
        parts += [None if price.minute is None else part.seconds / 60 * price.minute] if part.rows_with_duration else []
        known = [usd for usd in parts if usd is not None]
        sums += known
        is_listed_audio = is_listed_audio or (price.is_listed_audio and part.rows_with_duration > 0)
        if known:
            discounts.add(price.discount)
        if len(known) < len(parts):
            unpriced.append(part.model or model or "")
    return Cost(
        usd=math.fsum(sums) if sums or not rows else None,
        unpriced=tuple(dict.fromkeys(unpriced)),
        unknown_usage=unknown_usage,
        discounts=tuple(sorted(discounts - {0.0})),
        is_custom=is_custom,
        priced_at=price_list.priced_at,
        is_listed_audio=is_listed_audio,
    )


def record_cost(record: JobRecord, price_list: PriceList) -> Cost:
    """Return what a job cost, as far as its results are counted."""
    usage = record.counts.usage if record.counts is not None else ()
    return cost(usage, price_list, record.job.model if record.job is not None else None)


def _cost_of_tokens(part: ModelUsage, price: Price) -> float | None:
    if price.input is None or price.output is None:
        return None
    cached = min(part.cached, part.prompt)
    cached_price = price.input if price.cached_input is None else price.cached_input
    fresh = (part.prompt - cached) * price.input
    return (fresh + cached * cached_price + part.completion * price.output) / _MILLION
