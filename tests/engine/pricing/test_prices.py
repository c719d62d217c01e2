"""What a batch costs: an estimate before, as far as the file shows it, and the sum after, to the cent."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tbatch_tui.engine.domain.catalogue import Catalogue, ModelInfo
from tbatch_tui.engine.domain.cost import Demand, Estimate
from tbatch_tui.engine.domain.counts import ModelUsage
from tbatch_tui.engine.endpoint import Endpoint
from tbatch_tui.engine.pricing.demand import demand_of
from tbatch_tui.engine.pricing.prices import Cost, PriceList, cost, estimate
from tests.conftest import CHAT_MODEL, write_chat

if TYPE_CHECKING:
    from pathlib import Path

    from tbatch_tui.sandbox.testing import Sandbox
    from tests.engine.conftest import MakeEngine

WHISPER = "openai/whisper-large-v3"
CATALOGUE = Catalogue(
    {
        CHAT_MODEL: ModelInfo(CHAT_MODEL, 131_072, 0.88, 0.88, 0.44),
        "m/full": ModelInfo("m/full", 8_192, 1.0, 3.0),
        "m/half-known": ModelInfo("m/half-known", None, 1.0, None),
        WHISPER: ModelInfo(WHISPER),
    },
    fetched_at=1_790_000_000.0,
)
PRICES = PriceList(CATALOGUE)


# -- prices ------------------------------------------------------------------------------------------


def test_the_dated_discount_is_subtracted_and_others_pay_in_full() -> None:
    assert (PRICES.price_of(CHAT_MODEL).input, PRICES.price_of(CHAT_MODEL).cached_input) == (0.44, 0.22)
    assert (PRICES.price_of("m/full").output, PRICES.price_of("m/full").discount) == (3.0, 0.0)
    assert PRICES.price_of("nobody/knows").input is None


def test_custom_prices_and_discounts_take_precedence() -> None:
    custom = PriceList(
        CATALOGUE,
        {"m/full": {"output": 2.0}, WHISPER: {"minute": 0.0015}},
        {CHAT_MODEL: 0, "m/full": 10},
    )
    assert custom.price_of(CHAT_MODEL).input == 0.88
    assert (custom.price_of("m/full").input, custom.price_of("m/full").output) == pytest.approx((0.9, 1.8))
    assert custom.price_of(WHISPER).minute == pytest.approx(0.00075)


# -- estimate ----------------------------------------------------------------------------------------


def demands(tmp_path: Path, *bodies: Any) -> tuple[Demand, ...]:
    path = tmp_path / "in.jsonl"
    lines = [json.dumps({"custom_id": f"r{n}", "body": body}) for n, body in enumerate(bodies)]
    path.write_text("\n\n".join(lines) + "\n")
    return demand_of(path)


def without_bounds(demanded: tuple[Demand, ...]) -> tuple[Demand, ...]:
    """The demands without the bound of their prompts, which has tests of its own."""
    return tuple(demand._replace(most_prompt_tokens=0) for demand in demanded)


def chat(text: Any, model: str = "m/full", **more: Any) -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": text}], **more}


def test_tokens_are_estimated_from_the_text_and_answers_by_their_limit(tmp_path: Path) -> None:
    demanded = demands(
        tmp_path,
        chat("a" * 4000, max_tokens=100),
        chat("b" * 4000, max_completion_tokens=50, n=3),
        chat("é" * 2000, "m/other"),  # spelled \u00e9: twelve thousand bytes for four thousand
    )
    assert without_bounds(demanded) == (
        Demand("m/full", 2, 2008, 250),
        Demand("m/other", 1, 1004, 0, unbounded=1),
    )


def test_images_and_audio_are_counted_separately(tmp_path: Path) -> None:
    parts = [{"type": "text", "text": "x" * 400}, {"type": "image_url", "image_url": {"url": "data:" + "A" * 9000}}]
    audio = {"model": WHISPER, "file": "https://example.com/a.wav"}
    assert without_bounds(demands(tmp_path, chat(parts, max_tokens=5), audio)) == (
        Demand("m/full", 1, 104, 5, attachments=1),
        Demand(WHISPER, 1, audio=1),
    )


def test_unreadable_lines_are_requests_of_no_model(tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    path.write_bytes(b'{"custom_id": "a"}\nnot json\n[]\n{"body": {"model": 7}}\n{"body": {"model": "m", "n": -2}}')
    assert without_bounds(demand_of(path)) == (Demand("", 4, unbounded=4), Demand("m", 1, unbounded=1))


@pytest.mark.parametrize(
    ("body", "most", "unbounded"),
    [
        ({"max_tokens": 8, "max_completion_tokens": 4_000}, 4_000, 0),
        ({"max_tokens": 4_000, "max_completion_tokens": 8}, 4_000, 0),
        ({"max_tokens": None, "max_completion_tokens": 8}, 8, 0),
        ({"max_tokens": 8.0, "n": 2.0}, 16, 0),
        ({"max_tokens": 8, "max_completion_tokens": "200"}, 8, 0),
        ({"max_completion_tokens": "200"}, 0, 1),
        ({"max_completion_tokens": {}}, 0, 1),
        ({"max_completion_tokens": True}, 0, 1),
        ({"max_tokens": 0}, 0, 1),
        ({"max_tokens": -1}, 0, 1),
        ({"max_completion_tokens": 8.5}, 9, 0),
        ({"max_tokens": 10**30}, 10**30, 0),
        ({}, 0, 1),
    ],
)
def test_the_most_that_an_answer_can_have(tmp_path: Path, body: dict[str, Any], most: int, unbounded: int) -> None:
    """The larger of two limits, as nobody knows which one the server takes. No limit makes a line unreadable."""
    (demand,) = demands(tmp_path, chat("Hi", **body))
    assert (demand.model, demand.requests) == ("m/full", 1)
    assert (demand.most_output_tokens, demand.unbounded) == (most, unbounded)


def test_audio_beside_messages_that_are_null_is_audio(tmp_path: Path) -> None:
    body = {"model": WHISPER, "file": "https://example.com/a.wav", "messages": None, "max_tokens": "x"}
    (demand,) = demands(tmp_path, body)
    assert (demand.model, demand.audio) == (WHISPER, 1)


def test_the_most_that_a_file_costs_is_a_bound(tmp_path: Path) -> None:
    """One token for each word, as "a" repeated has in any tokenizer that separates at spaces."""
    words = 80_000
    estimated = estimate(demands(tmp_path, chat("a " * words, max_tokens=5)), PRICES)
    assert estimated.input is not None and estimated.output is not None and estimated.most is not None
    assert estimated.input < words / 1e6 <= estimated.most - estimated.output


def test_an_estimate_names_what_it_does_not_include() -> None:
    whole = estimate([Demand(CHAT_MODEL, 10, 1_000_000, 500_000, most_prompt_tokens=4_000_000)], PRICES)
    tokens = ((CHAT_MODEL, 1_500_000),)
    priced_at = CATALOGUE.fetched_at
    assert whole == Estimate(0.44, 0.22, discounts=(50.0,), priced_at=priced_at, most_input=1.76, tokens=tokens)
    assert whole.most == pytest.approx(1.98)
    assert whole.about == pytest.approx(0.66)
    unbounded = estimate([Demand("m/full", 10, 1_000_000, 500_000, unbounded=3)], PRICES)
    assert (unbounded.input, unbounded.output, unbounded.unbounded, unbounded.most) == (1.0, None, 3, None)
    partly = estimate([Demand("m/full", 1, 1_000_000), Demand("m/half-known", 1), Demand(WHISPER, 2, audio=2)], PRICES)
    assert (partly.input, partly.unpriced, partly.audio, partly.most) == (1.0, ("m/half-known",), 2, None)
    assert partly.minute == pytest.approx(0.00075)
    audio = estimate([Demand(WHISPER, 2, audio=2)], PriceList(CATALOGUE, {WHISPER: {"minute": 0.0015}}))
    assert (audio.input, audio.minute, audio.unpriced) == (None, 0.00075, ())
    assert estimate([Demand(CHAT_MODEL, 1, 9)], PriceList(Catalogue())).unpriced == (CHAT_MODEL,)


# -- cost --------------------------------------------------------------------------------------------


def test_cached_tokens_have_their_own_price() -> None:
    full = ModelUsage(CHAT_MODEL, 10, 2_000_000, 1_000_000, cached=500_000, rows_with_tokens=10)
    total = cost([full], PRICES)
    assert total == Cost(total.usd, discounts=(50.0,), priced_at=CATALOGUE.fetched_at)
    assert total.usd == pytest.approx(1.5 * 0.44 + 0.5 * 0.22 + 0.44)
    # without a price for cached tokens they are no cheaper
    assert cost([ModelUsage("m/full", 1, 1_000_000, 0, cached=400_000, rows_with_tokens=1)], PRICES).usd == 1.0
    assert cost([ModelUsage("m/full", 1, 10, 0, cached=4_000, rows_with_tokens=1)], PRICES).usd == pytest.approx(10e-6)


def test_a_cost_names_models_without_a_price_and_counts_rows_without_usage() -> None:
    total = cost(
        [
            ModelUsage("m/full", 3, 1_000_000, 0, rows_with_tokens=2),
            ModelUsage("nobody/knows", 4, 9, 9, rows_with_tokens=4),
        ],
        PRICES,
    )
    assert (total.usd, total.unpriced, total.unknown_usage, total.is_whole) == (1.0, ("nobody/knows",), 1, False)
    assert cost([ModelUsage("nobody/knows", 4, 9, 9, rows_with_tokens=4)], PRICES).usd is None
    assert cost([], PRICES) == Cost(0.0, priced_at=CATALOGUE.fetched_at)  # no rows cost nothing


def test_audio_costs_by_its_length_at_the_listed_price_or_ones_own() -> None:
    audio = ModelUsage("", 2, seconds=120.0, rows_with_duration=2)
    assert cost([audio], PRICES, "acme/speech").unpriced == ("acme/speech",)
    listed = cost([audio], PRICES, WHISPER)
    assert listed.usd == pytest.approx(0.0015)
    assert (listed.discounts, listed.is_listed_audio) == ((50.0,), True)
    assert cost([audio], PriceList(CATALOGUE, {WHISPER: {"minute": 0.006}}), WHISPER).usd == pytest.approx(0.006)


# -- stored --------------------------------------------------------------------------------------------


async def test_the_estimate_is_stored_with_the_submission(
    sandbox: Sandbox, make_engine: MakeEngine, tmp_path: Path
) -> None:
    path = write_chat(tmp_path / "in.jsonl", ["word " * 800] * 5)
    async with make_engine(sandbox) as engine:
        estimated = await engine.prices.estimate(path)
        assert estimated.about == pytest.approx((5 * 1004 + 5 * 200) * 0.44 / 1e6)
        assert estimated.most is not None
        assert estimated.most > (5 * 4000 + 5 * 200) * 0.44 / 1e6
        key = await engine.submit_checked(path, Endpoint.CHAT, requests=5, estimate=estimated)
        await engine.wait_until(key, lambda r: r.job is not None)
    async with make_engine(sandbox) as again:
        [record] = await again.records()
        assert record.submission is not None and record.submission.estimate == estimated
