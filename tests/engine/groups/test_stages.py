"""What of a group is sent next: stages, parts that are out together, and the hold."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tbatch_tui.engine.domain.job import JobStatus, LocalStatus
from tbatch_tui.engine.endpoint import Endpoint
from tbatch_tui.engine.groups.stages import GroupStep, format_outcome, next_step
from tests.conftest import until, write_chat
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
    assert next_step(replace(STAGED, share=90.0), [done(1, 9), *rest]).send == (2, 3)
    assert next_step(replace(STAGED, approved=1), [done(1, 9), *rest]).send == (2, 3), "the person let it pass"
    assert next_step(replace(STAGED, auto_continue=False), [done(1), *rest]).ask == (done(1),)
    assert next_step(STAGED, [done(1), done(2), running, wait(4)]).send == ()
    assert next_step(STAGED, [done(1), done(2), done(3, 0), wait(4)]).ask == (done(2), done(3, 0))
    assert next_step(STAGED, [done(1), part(2, state="rejected"), done(3), wait(4)]).ask, "one was never sent"
    assert format_outcome(done(2), done(3, 7)) == "17 ok, 3 missing"


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
