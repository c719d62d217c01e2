"""Spending: ten jobs against sums made by hand, by model, label, endpoint and day; what is not known is counted."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

import pytest

from tbatch_tui.engine.domain.tried import TryCost
from tbatch_tui.engine.errors import LocalFileError
from tbatch_tui.engine.pricing.spending.model_history import NOT_IN_CATALOGUE, SizeTime, model_entries
from tbatch_tui.engine.pricing.spending.months import day_of, is_month, month_of, month_start, month_words, next_month
from tbatch_tui.engine.pricing.spending.spend import TRIES, SpendBy, Spending
from tbatch_tui.engine.pricing.spending.spend_csv import write_spend
from tbatch_tui.engine.pricing.spending.spend_words import ratio_words, unknown_words
from tests.engine.pricing.ledger import (
    LLAMA,
    PLAIN,
    PRICES,
    RECORDS,
    RETRIES,
    UNPRICED,
    WHISPER,
    a_record,
    audio,
    tokens,
    utc,
)

if TYPE_CHECKING:
    from pathlib import Path

SPENDING = Spending(RECORDS, RETRIES, PRICES)
CHAT, TRANSCRIPTIONS = "/v1/chat/completions", "/v1/audio/transcriptions"


def test_the_sum_of_a_month() -> None:
    spend = SPENDING.month("2026-11")
    assert spend.total == pytest.approx(8.696, abs=1e-12)
    assert spend.retries == pytest.approx(0.066, abs=1e-12)
    assert (spend.jobs, spend.unknown_jobs, spend.running_jobs) == (9, 3, 0)
    assert spend.priced_at == 1_795_000_000.0
    october = SPENDING.month("2026-10")
    assert october.total == pytest.approx(0.44)
    assert (october.jobs, october.unknown_jobs) == (1, 0)
    assert SPENDING.month("2026-09").entries == []
    assert SPENDING.months() == ["2026-11", "2026-10"]


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        (
            SpendBy.MODEL,
            {PLAIN: (8.1, 3, 1), LLAMA: (0.506, 4, 1), WHISPER: (0.09, 1, 0), UNPRICED: (0.0, 2, 2)},
        ),
        (
            SpendBy.LABEL,
            {
                "shards": (7.5, 2, 0),
                "odd": (0.6, 2, 2),
                "reviews": (0.506, 2, 0),
                "calls": (0.09, 1, 0),
                "eight": (0.0, 1, 1),
                "faulty": (0.0, 1, 0),
            },
        ),
        (SpendBy.ENDPOINT, {CHAT: (8.606, 8, 3), TRANSCRIPTIONS: (0.09, 1, 0)}),
        (
            SpendBy.DAY,
            {
                "2026-11-10": (0.44, 1, 0),
                "2026-11-11": (0.066, 1, 0),
                "2026-11-12": (0.6, 2, 2),
                "2026-11-13": (0.09, 1, 0),
                "2026-11-14": (0.0, 1, 1),
                "2026-11-15": (0.0, 1, 0),
                "2026-11-29": (2.5, 1, 0),
                "2026-11-30": (5.0, 1, 0),
            },
        ),
    ],
)
def test_what_it_is_broken_down_by(by: SpendBy, expected: dict[str, tuple[float, int, int]]) -> None:
    spend = SPENDING.month("2026-11", by)
    found = {entry.name: (entry.usd, entry.jobs, entry.unknown_jobs) for entry in spend.entries}
    for name, (usd, jobs, unknown) in expected.items():
        assert found[name][0] == pytest.approx(usd, abs=1e-12), name
        assert found[name][1:] == (jobs, unknown), name
    assert list(found) == list(expected), "the dearest first, days in their order"
    assert sum(entry.usd for entry in spend.entries) == pytest.approx(spend.total)
    assert sum(entry.retries for entry in spend.entries) == pytest.approx(0.066)


def test_usage_goes_with_the_money() -> None:
    by_model = {entry.name: entry for entry in SPENDING.month("2026-11").entries}
    assert (by_model[LLAMA].prompt_tokens, by_model[LLAMA].completion_tokens) == (1_100_000, 250_000)
    assert by_model[WHISPER].audio_seconds == 7_200.0


def test_tries_are_spending_too_and_stand_apart() -> None:
    tries = [
        TryCost(PLAIN, CHAT, utc("2026-11-03T10:00"), 0.25),
        TryCost(PLAIN, CHAT, utc("2026-11-03T10:01"), None),
        TryCost(PLAIN, CHAT, utc("2026-10-03T10:00"), 7.0),
    ]
    spending = Spending(RECORDS, RETRIES, PRICES, tries)
    spend = spending.month("2026-11")
    assert spend.total == pytest.approx(8.946)
    assert (spend.tries, spend.unknown_tries) == (0.25, 1)
    assert spend.entries[0].name == PLAIN and spend.entries[0].usd == pytest.approx(8.35)
    by_label = spending.month("2026-11", SpendBy.LABEL)
    assert {entry.name: entry.usd for entry in by_label.entries}[TRIES] == 0.25
    assert spending.month("2026-11", SpendBy.DAY).entries[0].name == "2026-11-03"


def test_results_that_are_only_errors_or_gone_are_not_taken_for_free() -> None:
    errors_only = a_record("errors", has_output=False, requests=5)
    lost = a_record("lost", tokens(LLAMA, 1, 1, 1), is_fetched=False)
    running = a_record("running", status="IN_PROGRESS")
    spend = Spending([errors_only, lost, running], frozenset(), PRICES).month("2026-11")
    assert spend.total == 0.0
    assert (spend.jobs, spend.running_jobs) == (2, 1)
    assert spend.unknown_jobs == 2, "a completed job without a file id may still get one; a file may never have come"


def test_what_is_not_known_is_said() -> None:
    said = list(unknown_words(SPENDING.month("2026-11")))
    assert said == [
        "3 jobs are not or not wholly in the sum: the results were not fetched, or a model has no known price."
    ]
    assert list(unknown_words(SPENDING.month("2026-10"))) == []


def test_estimates_are_compared_with_what_jobs_cost() -> None:
    spend = SPENDING.month("2026-10")
    [ratio] = spend.ratios
    assert (ratio.model, ratio.jobs) == (LLAMA, 2)
    assert ratio.estimated == pytest.approx(2.1)
    assert ratio.actual == pytest.approx(0.506)
    assert ratio.ratio == pytest.approx(0.506 / 2.1)
    assert ratio_words(ratio) == "2 jobs cost $0.51, 24 % of the $2.10 that full-length answers would cost"


def test_a_job_that_was_cut_off_teaches_nothing() -> None:
    cut_off = a_record("cut", tokens(LLAMA, 10, 1_000, 10), requests=1_000, estimate=RECORDS[0].submission.estimate)  # type: ignore[union-attr]
    assert Spending([cut_off], frozenset(), PRICES).month("2026-11").ratios == []


def test_csv_is_exact_and_safe(tmp_path: Path) -> None:
    evil = a_record("evil", tokens(PLAIN, 1, 100_001, 3), model=PLAIN, label="=1+1")
    spend = Spending([*RECORDS, evil], RETRIES, PRICES).month("2026-11", SpendBy.LABEL)
    path = tmp_path / "spend.csv"
    write_spend(path, spend)
    rows = list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))))
    assert rows[0]["label"] == "shards" and float(rows[0]["usd"]) == 7.5
    cost = next(row for row in rows if row["label"] == "'=1+1")
    assert float(cost["usd"]) == pytest.approx(0.10001, abs=1e-12), "dollars are not rounded"
    with pytest.raises(LocalFileError):
        write_spend(path, spend)
    write_spend(path, spend, replace=True)


@pytest.mark.parametrize(
    ("text", "good"), [("2026-11", True), ("2026-13", False), ("2026-1", False), ("November", False), ("", False)]
)
def test_months(text: str, good: bool) -> None:
    assert is_month(text) is good


def test_months_are_in_utc() -> None:
    assert month_of(utc("2026-11-01T00:00:00")) == "2026-11"
    assert month_of(utc("2026-11-01T00:00:00") - 1) == "2026-10"
    assert month_start("2026-12") == utc("2026-12-01T00:00:00")
    assert (next_month("2026-11"), next_month("2026-12")) == ("2026-12", "2027-01")
    assert month_words("2026-11") == "November 2026"
    assert day_of(1e300) == ""


# -- models ------------------------------------------------------------------------------------------


def test_models_have_what_their_jobs_say() -> None:
    entries = {entry.name: entry for entry in model_entries(PRICES.catalogue, PRICES, RECORDS)}
    assert list(entries) == sorted(entries, key=str.casefold)
    llama = entries[LLAMA]
    assert (llama.price.input, llama.price.discount, llama.discount_date) == (0.44, 50.0, "September 2026")
    assert llama.info.status == "supported"
    history = llama.history
    assert history is not None
    assert (history.jobs, history.rows) == (4, 1_200), "also the one whose results are not here"
    assert history.tokens_per_row == pytest.approx((2_100_000 + 250_000) / 1_200)
    assert history.median_seconds == 600.0
    assert history.by_size == (SizeTime(100, 2, 600.0), SizeTime(1_000, 1, 600.0))
    assert entries[UNPRICED].info.status == NOT_IN_CATALOGUE
    assert entries[WHISPER].audio_date == "October 2026"
    assert entries[WHISPER].price.minute == pytest.approx(0.00075)


def test_shares_and_times() -> None:
    usable: dict[str, Any] = {"model": PLAIN, "label": "x"}
    records = [
        a_record("a", tokens(PLAIN, 50, 500, 50), took=100.0, **usable),
        a_record("b", tokens(PLAIN, 50_000, 500, 50), took=9_000.0, **usable),
        a_record("c", tokens(PLAIN, 150, 500, 50), took=300.0, status="EXPIRED", **usable),
        a_record("d", audio(1, 60.0), model=WHISPER),
    ]
    entries = {entry.name: entry for entry in model_entries(PRICES.catalogue, PRICES, records)}
    history = entries[PLAIN].history
    assert history is not None
    assert history.median_seconds == 4_550.0, "an expired job says nothing about the time"
    assert history.by_size == (SizeTime(100, 1, 100.0), SizeTime(None, 1, 9_000.0))
    assert (history.cut_short_share, history.invalid_share) == (0.0, 0.0)
    assert entries[LLAMA].history is None
    audio_history = entries[WHISPER].history
    assert audio_history is not None and audio_history.tokens_per_row is None
