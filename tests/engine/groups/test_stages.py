"""What of a group is sent next: stages, parts that are out together, and the hold."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tbatch_tui.engine.domain.job import JobStatus, LocalStatus
from tbatch_tui.engine.domain.submission import Gate, SubmissionState, parse_gate, parse_stages
from tbatch_tui.engine.endpoint import Endpoint
from tbatch_tui.engine.events import Event, Notice
from tbatch_tui.engine.groups.new_group import UnknownBoundError
from tbatch_tui.engine.groups.stages import GroupStep, format_outcome, next_step
from tests.conftest import CHAT_MODEL, until, write_chat
from tests.engine.groups.test_group_record import GROUP, counts, part

if TYPE_CHECKING:
    from pathlib import Path

    from tbatch_tui.engine.domain.record import JobRecord
    from tbatch_tui.engine.engine import BatchEngine
    from tbatch_tui.sandbox.testing import Sandbox
    from tests.engine.conftest import MakeEngine

COUNT = 20
STAGED = replace(GROUP, parts=4, stages=(1, 3), auto_continue=True)


def done(number: int, ok: int = 10) -> JobRecord:
    return part(number, JobStatus.COMPLETED, counts=replace(counts(ok, 0, 10 - ok), cut_short=0))


def wait(number: int) -> JobRecord:
    return part(number, state="waiting")


def test_a_stage_follows_when_the_one_before_is_good_enough() -> None:
    running = part(1, JobStatus.IN_PROGRESS)
    rest = [wait(2), wait(3), wait(4)]
    assert next_step(STAGED, [running, *rest]) == GroupStep()
    assert next_step(STAGED, [done(1), *rest]) == GroupStep((2, 3), (done(1),))
    assert next_step(STAGED, [done(1, 9), *rest]).ask == (done(1, 9),)
    assert next_step(replace(STAGED, gates=(Gate(90.0),)), [done(1, 9), *rest]).send == (2, 3)
    assert next_step(replace(STAGED, approved=1), [done(1, 9), *rest]).send == (2, 3), "the person let it pass"
    assert next_step(replace(STAGED, auto_continue=False), [done(1), *rest]).ask == (done(1),)
    assert next_step(STAGED, [done(1), done(2), running, wait(4)]).send == ()
    assert next_step(STAGED, [done(1), done(2), done(3, 0), wait(4)]).ask == (done(2), done(3, 0))
    assert next_step(STAGED, [done(1), part(2, state="rejected"), done(3), wait(4)]).ask, "one was never sent"
    assert format_outcome(done(2), done(3, 7)) == "17 ok, 3 missing"


def test_a_stage_waits_for_the_person_where_all_of_it_would_cost_too_much() -> None:
    staged = replace(STAGED, requests=40, gates=(Gate(90.0, most_cost=8.0), Gate(asks=True)))
    rest = [wait(2), wait(3), wait(4)]
    parts = [done(1), *rest]
    assert next_step(staged, parts, lambda _: 2.0).send == (2, 3), "10 requests for $2: 40 for $8"
    step = next_step(staged, parts, lambda _: 2.1)
    assert (step.ask, step.send) == ((done(1),), ())
    assert step.why == "all requests would cost about $8.40, above $8.00"
    assert next_step(staged, parts).why == "what they cost is not known, so $8.00 cannot be held"
    assert next_step(staged, [done(1, 8), *rest], lambda _: 0.1).why == "", "it is asked for its answers"
    assert next_step(staged, [done(1), done(2), done(3), wait(4)], lambda _: 0.1).ask, "this stage asks"
    by_all = replace(STAGED, requests=40, gates=(Gate(most_cost=8.0),))
    costs = {"job-1": 1.0, "job-2": 2.0, "job-3": 3.3}
    later = next_step(by_all, [done(1), done(2), done(3), wait(4)], lambda part: costs[part.key])
    assert later.why == "all requests would cost about $8.40, above $8.00", "of all that are back"


@pytest.mark.parametrize(
    ("text", "gate"),
    [
        ("98", Gate(98.0)),
        ("98 %", Gate(98.0)),
        ("ask", Gate(asks=True)),
        ("cost", Gate(is_within_bound=True)),
        ("cost=40", Gate(most_cost=40.0)),
        ("97.5, cost = $0.1", Gate(97.5, most_cost=0.1)),
    ],
)
def test_a_gate_is_read_and_kept(text: str, gate: Gate) -> None:
    assert parse_gate(text) == gate
    assert parse_gate(str(gate)) == gate and " " not in str(gate)


@pytest.mark.parametrize(
    "text", ["", "101", "-1", "nan", "inf", "cost=", "cost=-1", "cost=inf", "98,ask", "price=3", "cost,cost=3"]
)
def test_what_is_no_gate_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a gate"):
        parse_gate(text)


def test_stages_are_numbers_of_parts_and_the_rest() -> None:
    assert parse_stages("2,rest") == (2,) and parse_stages("1, 4, rest") == (1, 4)
    for text in ("", "rest", "2", "2,3", "0,rest", "x,rest"):
        with pytest.raises(ValueError, match="is not like 2,rest"):
            parse_stages(text)


def test_no_more_parts_are_out_than_at_once() -> None:
    group = replace(GROUP, parts=4, at_once=2)
    running = part(1, JobStatus.IN_PROGRESS)
    assert next_step(group, [running, wait(2), wait(3), wait(4)]).send == (2,)
    assert next_step(group, [running, replace(running, key="other"), wait(3), wait(4)]).send == ()
    assert next_step(group, [done(1, 0), part(2, state="uncertain"), wait(3), wait(4)]).send == (3,)
    assert next_step(replace(group, is_held=True), [done(1), wait(2), wait(3), wait(4)]) == GroupStep()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write_chat(tmp_path / "reviews.jsonl", [f"Say {number}." for number in range(COUNT)])


async def submit(engine: BatchEngine, path: Path, *stages: int) -> str:
    fingerprint = await engine.fingerprint(path)
    return await engine.groups.submit(
        path, Endpoint.CHAT, requests=COUNT, fingerprint=fingerprint, stages=stages, auto_continue=True, name="mine"
    )


async def test_parts_follow_one_another_and_the_hold_outlives_the_app(
    sandbox: Sandbox, make_engine: MakeEngine, file: Path
) -> None:
    async with make_engine(sandbox, requests_per_job=4, parts_at_once=2) as engine:
        key = await submit(engine, file)
        parts = await engine.groups.parts(key)
        assert [one.name for one in parts[:2]] == ["mine · 1 of 5", "mine · 2 of 5"]
        assert [one.is_waiting for one in parts] == [False, False, True, True, True]
        assert await engine.groups.hold(key) >= 3
        for one in parts[:2]:
            await engine.wait_until(one.key, lambda record: record.is_waiting or record.is_finished)
        made = len(sandbox.jobs)
    async with make_engine(sandbox, requests_per_job=4, parts_at_once=2) as engine:
        await engine.records()
        await until(lambda: engine.listed_at is not None)
        await asyncio.wait_for(engine.groups.resume(), 10)
        assert len(sandbox.jobs) == made, "nothing is sent while it is held"
        parts = await engine.groups.parts(parts[-1].key)
        assert await engine.groups.go_on(parts[-1].key) == sum(one.is_waiting for one in parts)
        most = 0
        for one in parts:

            def look(_: JobRecord) -> None:
                nonlocal most
                out = [each for each in engine._store.records if each.is_active]
                most = max(most, len(out))

            await engine.wait(one.key, look)
        assert 1 <= most <= 2
        assert len(sandbox.jobs) == 5 and await engine.groups.go_on(parts[0].key) == 0
        asked = [sandbox.file_bytes(job["input_file_id"]) for job in sandbox.jobs]
        assert sorted(b"".join(asked).splitlines()) == sorted(file.read_bytes().splitlines()), "each line once"


async def test_a_stage_that_is_not_good_enough_waits_for_the_person(
    still_sandbox: Sandbox, make_engine: MakeEngine, file: Path
) -> None:
    still_sandbox.plan_fault("status", "/v1/batches", method="POST", first=1, last=1, status=402, body="{}")
    async with make_engine(still_sandbox, requests_per_job=5) as engine:
        key = await submit(engine, file, 1, 2)
        *_, last = await engine.groups.parts(key)
        await engine.wait_until(last.key, lambda record: record.status == LocalStatus.READY)
        assert not still_sandbox.jobs
        assert await engine.groups.send_rest(last.key) == 3
        await until(lambda: len(still_sandbox.jobs) == 3)
        assert await engine.groups.send_rest(last.key) == 0


async def test_each_stage_has_its_gate_and_what_costs_too_much_waits_for_the_person(
    still_sandbox: Sandbox, make_engine: MakeEngine, file: Path, events: list[Event]
) -> None:
    prices = {CHAT_MODEL: {"input": 1_000_000.0, "output": 0.0}}  # a dollar a token, for whole amounts

    async def advanced(key: str) -> JobRecord:
        still_sandbox.advance(3_600)
        return await engine.wait_until(key, lambda record: record.counts is not None)

    async with make_engine(still_sandbox, requests_per_job=5, prices=prices) as engine:
        fingerprint = await engine.fingerprint(file)
        gates = (Gate(90.0, most_cost=1e6), Gate(is_within_bound=True), Gate(most_cost=0.5))
        key = await engine.groups.submit(
            file, Endpoint.CHAT, requests=COUNT, fingerprint=fingerprint, stages=(1, 1, 1), gates=gates,
            auto_continue=True,
        )  # fmt: skip
        parts = await engine.groups.parts(key)
        assert parts[0].group is not None
        bound = sum(
            part.submission.estimate.most or 0.0 for part in parts if part.submission and part.submission.estimate
        )
        assert parts[0].group.gates == (gates[0], Gate(most_cost=bound), gates[2]), "the bound is kept as an amount"
        for number in (0, 1, 2):
            await engine.wait_until(parts[number].key, lambda record: record.job is not None)
            assert len(still_sandbox.jobs) == number + 1
            await advanced(parts[number].key)
        last = await engine.wait_until(parts[3].key, lambda record: record.status == LocalStatus.READY)
        assert last.submission is not None and last.submission.error is not None
        assert last.submission.error.startswith("5 ok; all requests would cost about $")
        assert last.submission.error.endswith(", above $0.50")
        assert len(still_sandbox.jobs) == 3
        [notice] = [event for event in events if isinstance(event, Notice) and event.severity == "warning"]
        assert "above $0.50" in notice.title
        assert await engine.groups.go_on(last.key) == 1
        await until(lambda: len(still_sandbox.jobs) == 4)


async def test_a_stage_is_not_held_to_a_bound_that_nobody_knows(
    still_sandbox: Sandbox, make_engine: MakeEngine, tmp_path: Path
) -> None:
    file = write_chat(tmp_path / "in.jsonl", ["a", "b"])
    file.write_text(file.read_text().replace(', "max_tokens": 200', ""))
    async with make_engine(still_sandbox, requests_per_job=1) as engine:
        fingerprint = await engine.fingerprint(file)
        with pytest.raises(UnknownBoundError, match="is not known"):
            await engine.groups.submit(
                file, Endpoint.CHAT, requests=2, fingerprint=fingerprint, stages=(1,), auto_continue=True,
                gates=(Gate(is_within_bound=True),),
            )  # fmt: skip
        assert await engine.records() == [] and not list((tmp_path / "data" / "parts").iterdir())


async def test_what_is_decided_about_a_group_is_known_of_all_its_parts(
    still_sandbox: Sandbox, make_engine: MakeEngine, file: Path
) -> None:
    """Also of those that are back: else the row of the group, which asks the first, says that it is on hold."""
    async with make_engine(still_sandbox, requests_per_job=5) as engine:
        key = await submit(engine, file, 1)
        await engine.wait_until(key, lambda record: record.job is not None)
        still_sandbox.advance(3_600)
        await engine.groups.hold(key)
        await engine.wait_until(key, lambda record: record.counts is not None)
        assert await engine.groups.send_rest(key) == 3
        groups = {record.group for record in engine._store.records}
        assert [(group.is_held, group.approved > 0) for group in groups if group is not None] == [(False, True)]


async def test_what_was_taken_out_of_the_list_still_decides_about_the_rest(
    still_sandbox: Sandbox, make_engine: MakeEngine, file: Path
) -> None:
    """A failed stage that nobody wants to see is no reason to send what it kept back."""
    still_sandbox.plan_fault("status", "/v1/batches", method="POST", first=1, last=1, status=402, body="{}")
    async with make_engine(still_sandbox, requests_per_job=5) as engine:
        key = await submit(engine, file, 1)
        first, *_, last = await engine.groups.parts(key)
        await engine.wait_until(last.key, lambda record: record.status == LocalStatus.READY)
        await engine.groups.hold(key)
        await engine._store.groups.release(1, SubmissionState.WAITING, error=None, only=(SubmissionState.READY,))
        assert await engine.remove(first.key) == 1
        await engine.groups.go_on(last.key)
        async with asyncio.timeout(10):
            await engine.wait_until(last.key, lambda record: record.status != LocalStatus.WAITING)
        assert [part.status for part in await engine.groups.parts(last.key)] == [LocalStatus.READY] * 3
    assert not still_sandbox.jobs
