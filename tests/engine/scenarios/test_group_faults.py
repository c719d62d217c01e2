"""A group of twelve parts: every fault, a kill in each state, two processes. Each part runs once, in order."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.helpers.group_rounds import FAULTS, MOMENTS, WAYS, Moment, Nursery, Outcome, run_round

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_ROUNDS_AT_ONCE = 3
ALL = [
    (fault, moment, list(WAYS)[(f + m) % len(WAYS)])
    for f, fault in enumerate(FAULTS)
    for m, moment in enumerate(MOMENTS)
]
QUICK = [("answer lost after", Moment("creating"), "three at once"), ("cut list", Moment("created", 5), "two stages")]


async def run_rounds(rounds: Iterable[tuple[str, Moment, str]], folder: Path) -> list[Outcome]:
    slots = asyncio.Semaphore(_ROUNDS_AT_ONCE)
    with Nursery() as nursery:

        async def run(number: int, fault: str, moment: Moment, way: str) -> Outcome:
            async with slots:
                return await run_round(nursery, fault, moment, way, folder / str(number))

        return await asyncio.gather(*(run(number, *each) for number, each in enumerate(rounds)))


def report(outcomes: list[Outcome]) -> str:
    met = sum(outcome.was_met for outcome in outcomes)
    wrong = [f"{outcome.name}: {'; '.join(outcome.wrong)}" for outcome in outcomes if outcome.wrong]
    return "\n".join(
        [
            f"{len(outcomes)} rounds, {met} killed at their moment, {sum(o.jobs for o in outcomes):,} jobs, "
            f"{sum(o.faults for o in outcomes):,} calls that failed, {len(wrong)} rounds wrong",
            *wrong,
        ]
    )


async def test_each_part_runs_once_whatever_fails(tmp_path: Path) -> None:
    outcomes = await run_rounds(QUICK, tmp_path)
    assert not any(outcome.wrong for outcome in outcomes), report(outcomes)
    assert all(outcome.was_met and outcome.faults for outcome in outcomes), report(outcomes)


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS)
async def test_each_part_runs_once_whatever_fails_and_whenever_it_is_killed(fault: str, tmp_path: Path) -> None:
    outcomes = await run_rounds([each for each in ALL if each[0] == fault], tmp_path)
    print(report(outcomes))  # noqa: T201 - shown when it fails, or with -s
    assert not any(outcome.wrong for outcome in outcomes), report(outcomes)
