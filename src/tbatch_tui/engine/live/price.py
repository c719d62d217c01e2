"""What it costs to ask requests at once, said before; and what their answers mean for the whole file."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tbatch_tui.engine.domain.counts import ModelUsage
from tbatch_tui.engine.live.answer import cost_of
from tbatch_tui.engine.pricing.demand import DemandCounter
from tbatch_tui.engine.pricing.prices import estimate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tbatch_tui.engine.domain.cost import Demand
    from tbatch_tui.engine.domain.tried import TriedRequest
    from tbatch_tui.engine.live.request import LiveRequest
    from tbatch_tui.engine.pricing.prices import PriceList


@dataclass(frozen=True, slots=True)
class FileCost:
    """What the answers to a few requests mean for a whole batch of them."""

    requests: int
    usd: float
    """About what the batch costs, in dollars, if its other requests use what these did."""


def most_of(request: LiveRequest, prices: PriceList) -> float | None:
    """Return the most that one request may cost, in dollars; None where there is no bound."""
    return estimate(demands_of([request]), prices).most


def cost_of_file(tries: Sequence[TriedRequest], requests: int, batch_prices: PriceList) -> FileCost | None:
    """Return what the answers mean for a file of so many requests; None where that cannot be told.

    Args:
        tries: What was tried of it; those without an answer do not count.
        requests: Requests of the whole file.
        batch_prices: The prices of a batch, with its discount.
    """
    costs = [
        usd
        for tried in tries
        if (usage := _usage(tried)) is not None and (usd := cost_of(usage, batch_prices)) is not None
    ]
    return FileCost(requests, math.fsum(costs) / len(costs) * requests) if costs and requests else None


def demands_of(requests: Sequence[LiveRequest]) -> list[Demand]:
    """Return what requests ask for, by model. For a thread: requests may be long."""
    counter = DemandCounter()
    for request in requests:
        counter.add(request.as_line())
    return list(counter.demands())


def _usage(tried: TriedRequest) -> ModelUsage | None:
    has_tokens = tried.prompt_tokens is not None and tried.completion_tokens is not None
    if not has_tokens and tried.audio_seconds is None:
        return None
    return ModelUsage(
        model=tried.model,
        rows=1,
        prompt=tried.prompt_tokens or 0,
        completion=tried.completion_tokens or 0,
        seconds=tried.audio_seconds or 0.0,
        rows_with_tokens=int(has_tokens),
        rows_with_duration=int(tried.audio_seconds is not None),
    )
