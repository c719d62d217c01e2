"""Compose says what a draft is likely to cost, before the bound."""

from __future__ import annotations

from tbatch_tui.engine.domain.catalogue import Catalogue, ModelInfo
from tbatch_tui.engine.domain.cost import Demand
from tbatch_tui.engine.estimates.learned import Learned
from tbatch_tui.engine.pricing.prices import PriceList
from tbatch_tui.engine.tables.compose.summary import TableSummary
from tbatch_tui.tui.screens.compose.sums import format_cost

PRICES = PriceList(Catalogue({"m": ModelInfo("m", None, 1.0, 2.0)}, 0.0))


def test_what_is_likely_comes_before_the_bound() -> None:
    demand = Demand("m", 10_000, prompt_tokens=1_000_000, most_output_tokens=1_000_000, most_prompt_tokens=2_000_000)
    summary = TableSummary(rows=10_000, requests=10_000, demands=(demand,), is_whole=True)
    learned = {"m": Learned(3, 20.0)}
    text = "".join(part for part, _ in format_cost(summary, PRICES, True, learned))
    assert "about $1.40, from 3 earlier jobs · up to about $3.00" in text
    assert "earlier" not in "".join(part for part, _ in format_cost(summary, PRICES, True, {}))
    unbounded = TableSummary(rows=1, requests=1, demands=(Demand("m", 1, prompt_tokens=5, unbounded=1),), is_whole=True)
    text = "".join(part for part, _ in format_cost(unbounded, PRICES, True, learned))
    assert "under $0.0001, from 3 earlier jobs · no bound" in text
