"""Costs as text: nothing that is unknown looks as if it were known."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tbatch_tui.engine.domain.catalogue import Catalogue
from tbatch_tui.engine.domain.cost import Estimate
from tbatch_tui.engine.domain.counts import JobCounts, ModelUsage
from tbatch_tui.engine.domain.job import Job
from tbatch_tui.engine.domain.record import JobRecord
from tbatch_tui.engine.domain.submission import Submission
from tbatch_tui.engine.endpoint import Endpoint
from tbatch_tui.engine.pricing.prices import Cost, PriceList
from tbatch_tui.engine.pricing.spending.spend import MonthSpend, SpendBy
from tbatch_tui.tui.render.cost import (
    cost_cell,
    cost_facts,
    estimate_facts,
    format_cost,
    format_estimate,
    format_month,
    format_part,
    format_price,
    format_usage,
    job_cost_facts,
)

if TYPE_CHECKING:
    from tbatch_tui.tui.render.styled import StyledText

AT = 1_790_000_000.0


def plain(facts: list[tuple[str, StyledText]]) -> list[tuple[str, str]]:
    """The facts without their styles."""
    return [(name, "".join(part for part, _ in text)) for name, text in facts]


def test_an_estimate_names_what_is_unknown() -> None:
    assert plain(estimate_facts(Estimate(0.00001, 0.4, discounts=(50.0,), priced_at=AT))) == [
        ("Cost", "under $0.0001 in + up to $0.40 out = up to about $0.41"),
        ("", "catalogue of 2026-09-21 · 50 % batch discount (price list September 2026)"),
    ]
    assert plain(estimate_facts(Estimate(1.04, 0.42, most_input=4.0)))[0] == (
        "Cost",
        "about $1.04 in + up to $0.42 out = up to about $1.46",
    )
    partial = Estimate(0.1, None, unbounded=1, attachments=2, unpriced=("a/b", "a/c", "a/d"), priced_at=AT)
    assert plain(estimate_facts(partial)) == [
        ("Cost", "about $0.10 in"),
        ("", "no upper limit: 1 request does not say max_tokens"),
        ("", "no known price for b, c and 1 more (set one under [prices] in config.toml)"),
        ("", "2 requests with images or other media cost more than their text"),
        ("", "catalogue of 2026-09-21"),
    ]
    assert plain(estimate_facts(Estimate(audio=3, minute=0.003, is_custom=True, priced_at=None))) == [
        ("Cost", "$0.0030 per minute of audio; its length is not known in advance"),
        ("", "your prices from config.toml"),
    ]
    assert plain(estimate_facts(Estimate(unpriced=("a/b",)))) == [
        ("Cost", "no known price: the catalogue has not been downloaded yet")
    ]


@pytest.mark.parametrize(
    ("usd", "shown"),
    [
        (0.0, "$0.00"),
        (0.000001, "$0.0001"),
        (0.00031, "$0.0004"),
        (0.0031, "$0.0031"),
        (0.00999, "$0.01"),
        (0.07, "$0.07"),
        (0.1 + 0.2, "$0.30"),
        (0.444, "$0.45"),
        (999.991, "$1,000"),
        (1204.2, "$1,205"),
    ],
)
def test_a_bound_is_rounded_up(usd: float, shown: str) -> None:
    assert format_estimate(Estimate(0.0, usd, most_input=0.0)) == f"(est. up to about {shown})"
    [(_, text), *_] = plain(estimate_facts(Estimate(0.0, usd)))
    assert text == f"about $0.00 in + up to {shown} out = up to about {shown}"


def test_a_cost_stands_beside_its_estimate() -> None:
    cost = Cost(0.41, discounts=(50.0,), priced_at=AT)
    estimate = Estimate(0.04, 0.4, most_input=0.16)
    assert format_cost(cost, estimate) == "$0.41 (est. up to about $0.44)", "what Create said, not the bound"
    assert format_cost(cost, Estimate(0.04, None, unbounded=3)) == "$0.41 (est. $0.04 and the output)"
    assert format_cost(cost, None) == "$0.41"
    assert format_cost(Cost(None, ("a/b",)), Estimate(0.04, 0.4)) == ""
    partly = Cost(0.41, ("a/b",), unknown_usage=2, is_custom=True, discounts=(10.0, 50.0), priced_at=AT)
    assert plain(cost_facts(partly, None)) == [
        ("Cost", "over $0.41"),
        ("", "no known price for b (set one under [prices] in config.toml)"),
        ("", "2 rows without token counts, not included"),
        ("", "catalogue of 2026-09-21 · your prices from config.toml · 10 % and 50 % batch discount"),
    ]
    assert format_price(Cost(0.0)) == ""


def test_cached_and_reasoning_tokens_are_shown_apart() -> None:
    assert format_usage(
        [ModelUsage("a", 2, 1200, 300, rows_with_tokens=2), ModelUsage("b", 1, 1, 1, 1, 1, rows_with_tokens=1)]
    ) == ("1,201 in (1 cached) · 301 out (1 reasoning)")
    assert format_usage([ModelUsage("a", 2, seconds=125.0, rows_with_duration=2)]) == "2 m of audio"


def test_a_job_shows_its_estimate_and_then_its_cost() -> None:
    prices = PriceList(Catalogue(), {"m": {"input": 1, "output": 2}})
    submission = Submission(
        1, Path("in.jsonl"), 1, "", Endpoint.CHAT, "", 2, AT, estimate=Estimate(0.5, 2.0, most_input=0.5)
    )
    record = JobRecord("j", Job("j", "IN_PROGRESS", model="m"), submission)
    assert plain(job_cost_facts(record, prices)) == [("Cost", "est. up to about $2.50")]
    assert cost_cell(record, prices) == ""
    counts = JobCounts(2, 2, 0, 0, usage=(ModelUsage("", 2, 1_000_000, 500_000, rows_with_tokens=2),))
    record = JobRecord("j", Job("j", "COMPLETED", model="m"), submission, counts=counts)
    assert plain(job_cost_facts(record, prices)) == [
        ("Tokens", "1,000,000 in · 500,000 out"),
        ("Cost", "$2.00 (est. up to about $2.50)"),
        ("", "your prices from config.toml"),
    ]
    assert cost_cell(record, prices) == "$2.00"
    assert plain(job_cost_facts(record, None)) == [("Tokens", "1,000,000 in · 500,000 out")]


def test_what_is_likely_is_told_below_the_bound() -> None:
    estimate = Estimate(0.04, 0.4, most_input=0.1, expected=0.12, expected_jobs=3)
    facts = [(name, "".join(text for text, _ in pieces)) for name, pieces in estimate_facts(estimate)]
    assert facts[:2] == [
        ("Cost", "about $0.04 in + up to $0.40 out = up to about $0.44"),
        ("Likely", "about $0.12, from 3 earlier jobs"),
    ]
    assert "Likely" not in dict(estimate_facts(Estimate(0.04, 0.4)))


def test_a_part_and_a_month_say_over_where_not_all_is_known() -> None:
    assert format_part(Cost(0.0571), Cost(0.0602)) == "$0.0571 of $0.0602"
    assert format_part(Cost(0.0571), Cost(0.0602, unknown_usage=1)) == "$0.06 of over $0.06"
    assert format_month(MonthSpend("2026-11", SpendBy.MODEL, total=0.284)) == "$0.28"
    for unknown in (
        MonthSpend("2026-11", SpendBy.MODEL, total=0.284, unknown_jobs=1),
        MonthSpend("2026-11", SpendBy.MODEL, total=0.284, unknown_tries=1),
    ):
        assert format_month(unknown) == "over $0.28"
