"""Estimates learn: what rows used in earlier jobs of the prompt, else of the model, below the bound."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from tbatch_tui.engine.domain.catalogue import Catalogue, ModelInfo
from tbatch_tui.engine.domain.cost import Demand
from tbatch_tui.engine.domain.counts import JobCounts, ModelUsage
from tbatch_tui.engine.endpoint import Endpoint
from tbatch_tui.engine.estimates.estimates import learned_from
from tbatch_tui.engine.estimates.learned import Learned, learn, with_learned
from tbatch_tui.engine.live.request import live_request
from tbatch_tui.engine.live.wording import format_price_before
from tbatch_tui.engine.pricing.prices import PriceList, estimate
from tbatch_tui.engine.tables.recipe import Recipe, RowChoice
from tbatch_tui.engine.tables.recipe_text import recipe_text
from tests.conftest import until, write_chat
from tests.tui.scenarios.test_hostile_dialogs import record_of

if TYPE_CHECKING:
    from pathlib import Path

    from tbatch_tui.engine.domain.record import JobRecord
    from tbatch_tui.sandbox.testing import Sandbox
    from tests.engine.conftest import MakeEngine

PRICES = PriceList(Catalogue({"m": ModelInfo("m", None, 1.0, 2.0)}, 0.0))


def used(key: str, rows: int, prompt: int, completion: int, *, model: str = "m", sha256: str = "") -> JobRecord:
    """Return a record of a job whose rows used so many tokens in all."""
    record = record_of(key)
    usage = ModelUsage(model, rows, prompt, completion, rows_with_tokens=rows)
    submission = record.submission
    if submission is not None:
        submission = replace(submission, sha256=sha256, parent=None)
    counts = JobCounts(rows, rows, 0, 0, usage=(usage,))
    return replace(record, key=key, counts=counts, submission=submission)


def test_rows_are_averaged_over_jobs_of_the_model() -> None:
    records = [used("a", 10, 1_000, 200), used("b", 30, 3_000, 200), used("c", 5, 9, 9, model="other")]
    assert learn(records, "m") == Learned(2, 10.0, None)
    assert learn(records, "m", is_same_prompt=True) == Learned(2, 10.0, 100.0)
    assert learn(records, "none") is None
    assert learn([replace(records[0], counts=None)], "m") is None


def test_a_retry_is_no_sample() -> None:
    record = used("a", 10, 1_000, 200)
    assert record.submission is not None
    assert learn([replace(record, submission=replace(record.submission, parent="x"))], "m") is None


def test_what_is_expected_stays_below_the_bound_which_stays_what_it_is() -> None:
    demand = Demand("m", requests=100, prompt_tokens=1_000, most_output_tokens=5_000, most_prompt_tokens=2_000)
    bound = estimate([demand], PRICES)
    found = with_learned(bound, [demand], {"m": Learned(3, 20.0)}, PRICES)
    assert found.expected == pytest.approx((1_000 * 1.0 + 2_000 * 2.0) / 1e6)
    assert replace(found, expected=None, expected_jobs=0) == bound
    assert found.expected_words == "about $0.0050, from 3 earlier jobs"
    long = with_learned(bound, [demand], {"m": Learned(1, 9_000.0)}, PRICES)
    assert long.expected == pytest.approx((1_000 + 2 * 5_000) / 1e6), "an answer is not longer than its limit"
    wide = with_learned(bound, [demand], {"m": Learned(1, 50.0, 1e6)}, PRICES)
    assert wide.expected == bound.most
    assert long.expected_words == "about $0.01, from 1 earlier job"


@pytest.mark.parametrize(
    "demand", [Demand("m", 1, audio=1), Demand("no-price", 1, prompt_tokens=5), Demand("m", 1, attachments=1)]
)
def test_without_a_price_or_a_sample_nothing_is_expected(demand: Demand) -> None:
    learned = {"m": Learned(3, 20.0), "no-price": Learned(3, 20.0)}
    assert with_learned(estimate([demand], PRICES), [demand], learned, PRICES).expected is None
    assert with_learned(estimate([demand], PRICES), [demand], {}, PRICES).expected is None


def test_jobs_of_the_recipe_come_first_whatever_rows_they_asked() -> None:
    recipe = Recipe(model="m", prompt="Good? {{ review }}", body={"max_tokens": 5})
    sample = replace(recipe, rows=RowChoice(sample=3, seed=1))
    texts = {"one": recipe_text(sample), "two": recipe_text(replace(recipe, prompt="Bad? {{ review }}"))}
    records = [used("a", 10, 1_000, 20, sha256="one"), used("b", 10, 9_000, 900, sha256="two")]
    assert learned_from(records, texts, ["m"], recipe) == {"m": Learned(1, 2.0, 100.0)}
    assert learned_from(records, texts, ["m"], replace(recipe, prompt="New? {{ x }}")) == {"m": Learned(2, 46.0)}
    assert learned_from(records, texts, ["m"], None) == {"m": Learned(2, 46.0)}


async def test_a_file_is_estimated_by_the_jobs_that_ran_before(
    sandbox: Sandbox, make_engine: MakeEngine, tmp_path: Path
) -> None:
    first = write_chat(tmp_path / "first.jsonl", [f"Question {n}?" for n in range(4)])
    second = write_chat(tmp_path / "second.jsonl", [f"Another {n}?" for n in range(8)])
    async with make_engine(sandbox) as engine:
        before = await engine.estimates.of_file(second)
        assert before.expected is None and before.most is not None
        job = await engine.wait(await engine.submit(first))
        await until(lambda: (record := engine.record(job.key)) is not None and record.counts is not None)
        record = engine.record(job.key)
        assert record is not None and record.counts is not None
        [usage] = record.counts.usage
        after = await engine.estimates.of_file(second)
        assert after.most == before.most and after.expected_jobs == 1
        assert before.input is not None and after.expected is not None
        answers = 8 * usage.completion / usage.rows_with_tokens * 0.44e-6
        assert after.expected == pytest.approx(before.input + answers)
        request = live_request(json.loads(second.read_bytes().splitlines()[0]))
        tried = await engine.estimates.of_requests([request])
        answer = usage.completion / usage.rows_with_tokens * 0.88e-6
        assert tried.expected_jobs == 1 and tried.input is not None and tried.expected is not None
        assert tried.expected == pytest.approx(tried.input + answer), "at the real-time price"
        assert format_price_before(tried).startswith(f"{tried.expected_words}; at most $")
        key = await engine.groups.submit(
            second, Endpoint.CHAT, requests=8, fingerprint=await engine.fingerprint(second), first=2
        )
        parts = [part.submission.estimate for part in await engine.groups.parts(key) if part.submission is not None]
        assert [part.expected_jobs if part is not None else 0 for part in parts] == [1, 1]
        assert sum(part.expected or 0.0 for part in parts if part is not None) == pytest.approx(after.expected)
        third = write_chat(tmp_path / "third.jsonl", [f"Third {n}?" for n in range(8)])
        again = await engine.submit_checked(third, Endpoint.CHAT, requests=8, estimate=after)
        kept: Any = engine.record(again)
        assert kept.submission.estimate == after
