"""Money in words: nothing is said to be known that is not."""

from __future__ import annotations

from pathlib import Path

from tbatch_tui.engine.domain.catalogue import Catalogue
from tbatch_tui.engine.domain.cost import Estimate
from tbatch_tui.engine.domain.counts import JobCounts, ModelUsage
from tbatch_tui.engine.domain.job import Job
from tbatch_tui.engine.domain.record import JobRecord
from tbatch_tui.engine.domain.submission import Submission
from tbatch_tui.engine.endpoint import Endpoint
from tbatch_tui.engine.pricing.prices import Cost, PriceList
from tbatch_tui.tui.render.cost import (
    cost_cell,
    cost_facts,
    estimate_facts,
    format_cost,
    format_price,
    format_usage,
    job_cost_facts,
)

AT = 1_790_000_000.0


def words(facts: list) -> list[tuple[str, str]]:
    return [(name, "".join(text for text, _ in pieces)) for name, pieces in facts]


def test_an_estimate_names_what_is_left_open():
    assert words(estimate_facts(Estimate(0.00001, 0.4, discounts=(50.0,), priced_at=AT))) == [
        ("Cost", "input under $0.0001 · output at most $0.40"),
        ("", "catalogue of 2026-09-21 · 50 % off for a batch (list of September 2026)"),
    ]
    open_ = Estimate(0.1, None, unbounded=1, attachments=2, unpriced=("a/b", "a/c", "a/d"), priced_at=AT)
    assert words(estimate_facts(open_)) == [
        ("Cost", "input about $0.10"),
        ("", "output not bounded: 1 request does not say max_tokens"),
        ("", "no price known for b, c and 1 more ([prices] in config.toml can give one)"),
        ("", "2 requests with images or the like cost more than their text"),
        ("", "catalogue of 2026-09-21"),
    ]
    assert words(estimate_facts(Estimate(audio=3, minute=0.003, is_custom=True, priced_at=None))) == [
        ("Cost", "$0.0030 a minute of audio, whose length is not known before"),
        ("", "own prices of config.toml"),
    ]
    assert words(estimate_facts(Estimate(unpriced=("a/b",)))) == [
        ("Cost", "no price known: the catalogue has not been fetched yet")
    ]


def test_what_it_came_to_stands_beside_what_was_said_before():
    cost = Cost(0.41, discounts=(50.0,), priced_at=AT)
    assert format_cost(cost, Estimate(0.04, 0.4)) == "$0.41 (est. ≤ $0.44)"
    assert format_cost(cost, Estimate(0.04, None, unbounded=3)) == "$0.41 (est. $0.04 and the output)"
    assert format_cost(cost, None) == "$0.41"
    assert format_cost(Cost(None, ("a/b",)), Estimate(0.04, 0.4)) == ""
    partly = Cost(0.41, ("a/b",), unknown_usage=2, is_custom=True, discounts=(10.0, 50.0), priced_at=AT)
    assert words(cost_facts(partly, None)) == [
        ("Cost", "over $0.41"),
        ("", "no price known for b ([prices] in config.toml can give one)"),
        ("", "2 rows without token counts, not in it"),
        ("", "catalogue of 2026-09-21 · own prices of config.toml · 10 % and 50 % off for a batch"),
    ]
    assert format_price(Cost(0.0)) == ""


def test_tokens_are_told_apart():
    assert format_usage(
        [ModelUsage("a", 2, 1200, 300, rows_with_tokens=2), ModelUsage("b", 1, 1, 1, 1, 1, rows_with_tokens=1)]
    ) == ("1,201 in (1 cached) · 301 out (1 reasoning)")
    assert format_usage([ModelUsage("a", 2, seconds=125.0, rows_with_duration=2)]) == "2 m of audio"


def test_a_job_says_before_and_after():
    tariff = PriceList(Catalogue(), {"m": {"input": 1, "output": 2}})
    submission = Submission(1, Path("in.jsonl"), 1, "", Endpoint.CHAT, "", 2, AT, estimate=Estimate(0.5, 2.0))
    record = JobRecord("j", Job("j", "IN_PROGRESS", model="m"), submission)
    assert words(job_cost_facts(record, tariff)) == [("Cost", "est. ≤ $2.50")]
    assert cost_cell(record, tariff) == ""
    tally = JobCounts(2, 2, 0, 0, usage=(ModelUsage("", 2, 1_000_000, 500_000, rows_with_tokens=2),))
    record = JobRecord("j", Job("j", "COMPLETED", model="m"), submission, counts=tally)
    assert words(job_cost_facts(record, tariff)) == [
        ("Tokens", "1,000,000 in · 500,000 out"),
        ("Cost", "$2.00 (est. ≤ $2.50)"),
        ("", "own prices of config.toml"),
    ]
    assert cost_cell(record, tariff) == "$2.00"
    assert words(job_cost_facts(record, None)) == [("Tokens", "1,000,000 in · 500,000 out")]
