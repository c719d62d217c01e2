"""The budget: what counts, what is above it, and that two submits at once are counted one after the other."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from filelock import FileLock

from tbatch_tui.engine.domain.cost import Estimate
from tbatch_tui.engine.domain.job import LocalStatus
from tbatch_tui.engine.domain.submission import JobGroup, Pause, SubmissionState
from tbatch_tui.engine.domain.tried import TryCost
from tbatch_tui.engine.endpoint import Endpoint
from tbatch_tui.engine.options import Budget
from tbatch_tui.engine.pricing import budget_gate
from tbatch_tui.engine.pricing.budget import (
    BudgetVerdict,
    Commitments,
    budget_words,
    commitments,
    groups_of,
    most_of,
    whole_file,
)
from tbatch_tui.engine.pricing.over_budget import OverBudgetError
from tests.conftest import until, write_chat
from tests.engine.pricing.ledger import ABOUT_TWO, PLAIN, PRICES, RECORDS, a_record, tokens, utc

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from tbatch_tui.engine.domain.record import JobRecord
    from tbatch_tui.sandbox.testing import Sandbox
    from tests.engine.conftest import MakeEngine

RUNNING = a_record("running", status="IN_PROGRESS", estimate=ABOUT_TWO, requests=10)
"""May cost $2.50 at most."""


def committed(*records: JobRecord, tries: tuple[TryCost, ...] = ()) -> Commitments:
    return commitments(records, tries, "2026-11", PRICES)


def verdict(budget: Budget, bound: float | None, state: Commitments | None = None) -> BudgetVerdict:
    return BudgetVerdict(budget, bound, bound, state or Commitments("2026-11"))


def test_verified_costs_tries_and_bounds_of_what_is_out_count() -> None:
    tries = (
        TryCost(PLAIN, "", utc("2026-11-02T00:00"), 0.25),
        TryCost(PLAIN, "", utc("2026-11-02T00:00"), None, 0.125),
        TryCost(PLAIN, "", utc("2026-10-02T00:00"), 99.0),
    )
    state = committed(*RECORDS[:4], RECORDS[6], RECORDS[8], RECORDS[9], RUNNING, tries=tries)
    assert state.spent == pytest.approx(0.44 + 0.066 + 7.5 + 0.09)
    assert (state.tries, state.out) == (0.375, 2.5)
    assert state.committed == pytest.approx(8.096 + 2.875)
    assert state.is_bounded


def test_an_ended_job_counts_with_its_bound_until_it_is_verified() -> None:
    ended = a_record("ended", is_fetched=False, estimate=ABOUT_TWO)
    assert (committed(ended).out, committed(ended).is_bounded) == (2.5, True)
    waiting = a_record("waits", estimate=ABOUT_TWO, state=SubmissionState.INTENT)
    assert committed(waiting).out == 2.5
    refused = a_record("refused", estimate=ABOUT_TWO, state=SubmissionState.REJECTED)
    assert committed(refused).out == 0.0


def test_what_has_no_bound_or_price_is_named() -> None:
    state = committed(a_record("free", status="IN_PROGRESS"), RECORDS[4], RECORDS[7])
    assert state.unbounded == ["free", "odd"]
    assert state.uncounted == 1, "a job from elsewhere whose results are not here"
    lost = committed(tries=(TryCost(PLAIN, "", utc("2026-11-02T00:00"), None, None),))
    assert (lost.unbounded_tries, lost.is_bounded) == (1, False)


def test_what_is_above_the_budget() -> None:
    assert verdict(Budget(), None).reasons == ()
    assert not verdict(Budget(job=10, month=50), 10.0).is_over
    [reason] = verdict(Budget(job=10), 10.001).reasons
    assert reason == "It may cost up to $10.01; the budget for a job is $10.00"
    spent = Commitments("2026-11", spent=40.0, out=5.5)
    [reason] = verdict(Budget(month=50), 4.51, spent).reasons
    assert reason == "It may cost up to $4.51; $4.50 of $50.00 is left in November 2026 (UTC)"
    assert not verdict(Budget(month=50), 4.5, spent).is_over
    both = verdict(Budget(job=1, month=50), 20.0, spent).reasons
    assert len(both) == 2


def test_a_budget_that_cannot_be_held_is_treated_as_exceeded() -> None:
    [reason] = verdict(Budget(job=10), None).reasons
    assert reason.startswith("The budget cannot be held")
    unbounded = Commitments("2026-11", unbounded=["a", "b", "c"])
    [reason] = verdict(Budget(month=50), 0.01, unbounded).reasons
    assert reason == "The budget cannot be held: a, b and 1 more have no known bound or price"
    assert not verdict(Budget(job=50), 0.01, unbounded).is_over, "the budget of a job is not touched by others"


def test_what_is_left_is_said() -> None:
    state = Commitments("2026-11", spent=9.2, tries=0.1, out=4.9, uncounted=2)
    said = budget_words(verdict(Budget(job=10, month=50), 1.3, state))
    assert said == (
        "up to $1.30 of $10.00 for a job; $35.80 of $50.00 is left in November 2026 (UTC): $9.20 spent, $0.10 for "
        "tries, up to $4.90 is out, without 2 jobs from elsewhere whose results are not here"
    )
    assert "are exceeded by $1.00" in budget_words(verdict(Budget(month=1), 0.0, Commitments("2026-11", spent=2.0)))
    assert budget_words(verdict(Budget(job=10), None)) == "no known bound of $10.00 for a job"


def test_the_first_requests_say_what_the_rest_may_cost() -> None:
    group = JobGroup(7, RECORDS[0].submission.path, 1, "0", 1_010, 2, first=10)  # type: ignore[union-attr]
    # Ten requests cost 0.001 × 1 + 0.001 × 3 = 0.004 dollars: 0.0004 each.
    first = a_record("first", tokens(PLAIN, 10, 1_000, 1_000), model=PLAIN, group=group, part=1, estimate=ABOUT_TWO)
    rest = a_record("rest", group=group, part=2, estimate=ABOUT_TWO, requests=1_000, state=SubmissionState.WAITING)
    unknown = replace(rest, submission=replace(rest.submission, estimate=None))  # type: ignore[type-var]
    for one in (rest, unknown):
        parts = [first, one]
        assert most_of(one, groups_of(parts), PRICES) == pytest.approx(2 * 0.0004 * 1_000)
        assert whole_file(parts, PRICES) == pytest.approx(0.004 + 0.8)
    before = replace(first, output=None, counts=None)
    assert most_of(rest, groups_of([before, rest]), PRICES) == 2.5, "its bound, until the first are verified"
    assert most_of(unknown, groups_of([before, unknown]), PRICES) is None
    cheap = replace(rest, submission=replace(rest.submission, estimate=Estimate(0.1, 0.1, most_input=0.1)))  # type: ignore[type-var]
    assert most_of(cheap, groups_of([first, cheap]), PRICES) == 0.2, "a bound stays one"


# -- the gate ------------------------------------------------------------------------------------------


async def submit(engine, path: Path, *, over_budget: bool = False) -> str:  # type: ignore[no-untyped-def]
    return str(await engine.submit_checked(path, Endpoint.CHAT, over_budget=over_budget))


async def test_above_the_budget_nothing_is_submitted_unless_one_insists(
    sandbox: Sandbox, make_engine: MakeEngine, tmp_path: Path
) -> None:
    path = write_chat(tmp_path / "a.jsonl", ["Hello", "World"])
    async with make_engine(sandbox, budget=Budget(job=0.00001)) as engine:
        with pytest.raises(OverBudgetError) as caught:
            await engine.submit(path)
        assert caught.value.verdict.bound == pytest.approx(0.0004, abs=0.0001)
        assert await engine.records() == [] and sandbox.count("POST", "/v1/batches") == 0
        record = await engine.submit(path, over_budget=True)
        assert record.submission is not None and record.submission.estimate is not None, "its bound counts from now on"
        assert (await engine.prices.budget.committed()).committed > 0


async def test_parts_count_as_one_and_the_rest_is_judged_too(
    sandbox: Sandbox, make_engine: MakeEngine, tmp_path: Path
) -> None:
    path = write_chat(tmp_path / "parts.jsonl", [f"Question {number}" for number in range(20)])
    async with make_engine(sandbox, budget=Budget(job=0.001)) as engine:
        fingerprint = await engine.fingerprint(path)
        send = {"requests": 20, "fingerprint": fingerprint, "first": 2}
        with pytest.raises(OverBudgetError):
            await engine.groups.submit(path, Endpoint.CHAT, **send)  # type: ignore[arg-type]
        assert await engine.records() == []
        key = await engine.groups.submit(path, Endpoint.CHAT, over_budget=True, **send)  # type: ignore[arg-type]
        with pytest.raises(OverBudgetError):
            await engine.groups.send_rest(key)
        assert sum(part.is_waiting for part in await engine.groups.parts(key)) == 1
        assert await engine.groups.send_rest(key, over_budget=True) == 1


async def test_two_submits_at_once_are_counted_one_after_the_other(
    sandbox: Sandbox, make_engine: MakeEngine, tmp_path: Path
) -> None:
    paths = [write_chat(tmp_path / f"{name}.jsonl", [name]) for name in "abcd"]
    async with make_engine(sandbox) as engine:
        most = (await engine.prices.estimate(paths[0])).most
    assert most is not None
    month = Budget(month=2.5 * most)
    async with make_engine(sandbox, budget=month) as one, make_engine(sandbox, budget=month) as other:
        results = await asyncio.gather(
            *(submit(engine, path) for engine, path in zip((one, other, one, other), paths, strict=True)),
            return_exceptions=True,
        )
    refused = [result for result in results if isinstance(result, OverBudgetError)]
    assert (len(refused), len(results) - len(refused)) == (2, 2), results


async def test_what_follows_later_is_judged_again_and_waits_where_the_month_has_no_room_any_more(
    still_sandbox: Sandbox, make_engine: MakeEngine, tmp_path: Path
) -> None:
    box = still_sandbox
    path = write_chat(tmp_path / "parts.jsonl", [f"Question {number}?" for number in range(12)])
    large = write_chat(tmp_path / "large.jsonl", [f"What is {number}?" for number in range(24)])
    async with make_engine(box) as engine:
        most = (await engine.prices.estimate(path)).most
    assert most is not None
    options = {"requests_per_job": 3, "parts_at_once": 1, "budget": Budget(month=1.2 * most)}
    async with make_engine(box, **options) as engine:
        fingerprint = await engine.fingerprint(path)
        key = await engine.groups.submit(path, Endpoint.CHAT, requests=12, fingerprint=fingerprint)
        await engine.wait_until(key, lambda record: record.job is not None)
        await submit(engine, large, over_budget=True)
        await until(lambda: len(box.jobs) == 2)

        async def parts(status: str) -> int:
            return sum(part.status == status for part in await engine.groups.parts(key))

        box.advance(120)
        await until_async(lambda: parts("READY"), 3)
        assert len(box.jobs) == 2
        second = (await engine.groups.parts(key))[1].submission
        assert (
            second is not None and second.error is not None and second.error.startswith("Budget: It may cost up to $")
        )
        with pytest.raises(OverBudgetError):
            await engine.groups.go_on(key)
        assert await parts("READY") == 3
        assert await engine.groups.go_on(key, over_budget=True) == 3
        for jobs in (3, 4, 5):  # one at a time, as before, and nobody is asked again
            await until(lambda jobs=jobs: len(box.jobs) == jobs)  # type: ignore[misc]
            box.advance(120)
        await until_async(lambda: parts("COMPLETED"), 4)


async def test_a_lock_that_another_submit_has_is_no_matter_of_the_budget(
    still_sandbox: Sandbox, make_engine: MakeEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is so is said, nobody is asked, and the next part follows by itself once the lock is free."""
    monkeypatch.setattr(budget_gate, "_PATIENCE", 0.05)
    path = write_chat(tmp_path / "parts.jsonl", [f"Question {number}?" for number in range(6)])
    options = {"requests_per_job": 3, "parts_at_once": 1, "budget": Budget(month=10.0)}
    async with make_engine(still_sandbox, **options) as engine:
        fingerprint = await engine.fingerprint(path)
        key = await engine.groups.submit(path, Endpoint.CHAT, requests=6, fingerprint=fingerprint)
        await until(lambda: len(still_sandbox.jobs) == 1)
        with FileLock(tmp_path / "data" / "budget.lock"):
            still_sandbox.advance(120)
            second = next(part.key for part in await engine.groups.parts(key) if part.is_waiting)
            busy = lambda record: record.submission is not None and record.submission.pause is Pause.BUSY  # noqa: E731
            waiting = await engine.wait_until(second, busy)
            assert waiting.status == LocalStatus.WAITING and waiting.submission is not None
            assert waiting.submission.error == "Another submit on this data folder is being checked against the budget"
        await until(lambda: len(still_sandbox.jobs) == 2)


async def test_what_was_submitted_above_the_budget_is_not_asked_about_again(
    still_sandbox: Sandbox, make_engine: MakeEngine, tmp_path: Path
) -> None:
    path = write_chat(tmp_path / "parts.jsonl", [f"Question {number}?" for number in range(6)])
    options = {"requests_per_job": 3, "parts_at_once": 1, "budget": Budget(month=0.0000001)}
    async with make_engine(still_sandbox, **options) as engine:
        fingerprint = await engine.fingerprint(path)
        key = await engine.groups.submit(path, Endpoint.CHAT, requests=6, fingerprint=fingerprint, over_budget=True)
        for jobs in (1, 2):
            await until(lambda jobs=jobs: len(still_sandbox.jobs) == jobs)  # type: ignore[misc]
            still_sandbox.advance(120)
        await engine.wait_until(key, lambda record: record.is_finished)


async def until_async(count: Callable[[], Awaitable[int]], wanted: int) -> None:
    """Wait until this many are counted."""
    async with asyncio.timeout(20):
        while await count() != wanted:
            await asyncio.sleep(0.02)
