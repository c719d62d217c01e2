"""What the row of a submission says while it waits, and what the person can do about it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tbatch_tui.engine.domain.account import HealthState
from tbatch_tui.engine.domain.submission import Submission, SubmissionState
from tbatch_tui.engine.endpoint import Endpoint
from tbatch_tui.engine.submit.lookup import LookupDecision
from tests.conftest import until
from tests.engine.submit.test_uncertain import CREATE, LIST, is_uncertain, lost, says

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tbatch_tui.engine.domain.record import JobRecord
    from tbatch_tui.engine.engine import BatchEngine
    from tbatch_tui.sandbox.testing import Sandbox
    from tests.engine.conftest import MakeEngine


def submission_of(record: JobRecord | None) -> Submission:
    assert record is not None and record.submission is not None
    return record.submission


@pytest.mark.parametrize("label", ["held one", ""])
async def test_what_waits_for_an_undecided_submission_of_the_same_file_says_so(
    label: str, still_sandbox: Sandbox, make_engine: MakeEngine, chat_file: Path
) -> None:
    box = still_sandbox
    async with asyncio.timeout(30), make_engine(box, lookup_patience=60.0) as engine:
        await until(lambda: engine.health.state is HealthState.OK)
        box.plan_fault("close", CREATE[1], method=CREATE[0])
        held = await lost(engine, chat_file, label=label)
        await until(lambda: engine.candidates(held) is not None)
        assert await engine.decide(held, LookupDecision(wait=True))
        waiting = await engine.submit_checked(chat_file, Endpoint.CHAT, requests=2)
        record = await engine.wait_until(waiting, says("It waits for submission"))
        submission = submission_of(record)
        assert ("“held one”" if label else "number 1") in (submission.error or "")
        assert "{job.settle}" in (submission.hint or "") and submission.state is SubmissionState.UPLOADED
        assert await engine.decide(held, LookupDecision(give_up=True))
        record = await engine.wait_until(waiting, lambda r: r.job is not None)
        assert submission_of(record).error is None
    assert (box.count(*CREATE), len(box.jobs)) == (2, 1)


async def test_of_two_submits_at_once_one_is_told_when_the_other_becomes_uncertain(
    still_sandbox: Sandbox, make_engine: MakeEngine, chat_file: Path
) -> None:
    box = still_sandbox
    async with asyncio.timeout(30), make_engine(box) as engine:
        await until(lambda: engine.health.state is HealthState.OK)
        box.plan_fault("close", CREATE[1], method=CREATE[0])
        keys = [await engine.submit_checked(chat_file, Endpoint.CHAT, requests=2)]
        await engine.wait_until(keys[0], lambda r: submission_of(r).state is not SubmissionState.INTENT)
        keys.append(await engine.submit_checked(chat_file, Endpoint.CHAT, requests=2))  # the upload finds the same file
        is_told = says("It waits for submission number")
        await until(lambda: any(is_told(engine.record(key)) for key in keys), what="the one that comes second is told")
        for key in keys:
            await engine.wait_until(key, lambda r: r.job is not None)
    assert len(box.jobs) == 2


async def vanish(box: Sandbox, engine: BatchEngine, file: Path) -> tuple[str, str]:
    """Lose a create that made nothing, while the list lacks a job that runs; return key and the id of that job."""
    running = box.add_job("IN_PROGRESS")
    await until(lambda: engine.record(running) is not None)
    box.plan_fault("status", LIST[1], method=LIST[0], last=None, status=200, body=[])
    box.plan_fault("close", CREATE[1], method=CREATE[0])
    return await lost(engine, file), running


@pytest.mark.parametrize("is_restarted", [False, True])
async def test_a_list_that_lacks_a_running_job_is_no_proof_and_the_row_says_which(
    is_restarted: bool, still_sandbox: Sandbox, make_engine: MakeEngine, chat_file: Path
) -> None:
    """After a restart too: then only the history knows of the job."""
    box, pace = still_sandbox, {"lookup_patience": 0.4}
    async with asyncio.timeout(30):
        engine = make_engine(box, **pace)
        await engine.open()
        key, running = await vanish(box, engine, chat_file)
        if is_restarted:
            await engine.aclose()
            engine = make_engine(box, **pace)
            await engine.open()
            await engine.records()
        try:
            record = await engine.wait_until(key, says(f"job {running[:8]} had not ended, and the list lacks it"))
            assert "{job.settle}" in (submission_of(record).hint or "")
            lists = box.count(*LIST)
            await until(lambda: box.count(*LIST) > lists + 6)
            assert box.count(*CREATE) == 1
            box.clear_faults()
            record = await engine.wait_until(key, lambda r: r.job is not None)
        finally:
            await engine.aclose()
    assert box.count(*CREATE) == 2


async def test_the_row_says_again_what_it_said_when_the_list_is_whole(
    still_sandbox: Sandbox, make_engine: MakeEngine, chat_file: Path
) -> None:
    box = still_sandbox
    async with asyncio.timeout(30), make_engine(box, lookup_patience=60.0) as engine:
        key, _ = await vanish(box, engine, chat_file)
        await engine.wait_until(key, says("the list lacks it"))
        box.clear_faults()
        record = await engine.wait_until(key, lambda r: "lacks" not in (submission_of(r).error or ""))
        assert submission_of(record).hint == "If it isn't listed for 60 s, it will be created again."


async def test_the_person_may_create_it_again_although_no_list_is_whole(
    still_sandbox: Sandbox, make_engine: MakeEngine, chat_file: Path
) -> None:
    box = still_sandbox
    async with asyncio.timeout(30), make_engine(box, lookup_patience=60.0) as engine:
        key, _ = await vanish(box, engine, chat_file)
        await engine.wait_until(key, says("the list lacks it"))
        assert await engine.decide(key, LookupDecision(again=True))
        await engine.wait_until(key, lambda r: r.job is not None)
    assert box.count(*CREATE) == 2


async def test_the_row_of_a_repeat_that_is_refused_says_that_it_is_asked_ever_more_slowly(
    still_sandbox: Sandbox, make_engine: MakeEngine, chat_file: Path
) -> None:
    box = still_sandbox
    async with asyncio.timeout(30), make_engine(box, lookup_patience=0.4) as engine:
        await until(lambda: engine.health.state is HealthState.OK)
        box.plan_fault("close", CREATE[1], method=CREATE[0])
        box.plan_fault("status", CREATE[1], method=CREATE[0], first=2, last=None, status=402)
        key = await lost(engine, chat_file)
        seen = []

        def refused_after(words: str) -> Callable[[JobRecord], bool]:
            return lambda r: "refused" in (hint := submission_of(r).hint or "") and f"after {words}" in hint

        for patience in ("0.4 s", "0.8 s"):
            record = await engine.wait_until(key, refused_after(patience))
            seen.append(submission_of(record))
        assert all("402" in (s.error or "") and "{job.settle}" in (s.hint or "") for s in seen)
        assert is_uncertain(record)


@pytest.mark.parametrize("starts", [1, 2])
async def test_what_a_killed_app_had_sent_is_looked_for_as_long_as_it_may_still_be_carried_out(
    starts: int, still_sandbox: Sandbox, make_engine: MakeEngine, chat_file: Path
) -> None:
    """Longer than one whose connection was seen to end, also by the app after next: the server may be at it yet."""
    box, pace = still_sandbox, {"lookup_patience": 0.4, "create_patience": 2.5}
    box.plan_fault("delay", CREATE[1], method=CREATE[0], seconds=2.0)
    async with asyncio.timeout(30):
        async with make_engine(box, **pace) as engine:
            key = await engine.submit_checked(chat_file, Endpoint.CHAT, requests=2, label="mine")
            await until(lambda: box.count(*CREATE) == 1)
        for _ in range(starts - 1):
            async with make_engine(box, **pace) as engine:
                await engine.records()
                await engine.wait_until(key, is_uncertain)
        async with make_engine(box, **pace) as engine:
            await engine.records()
            record = await engine.wait_until(key, lambda r: r.job is not None)
            assert record.label == "mine"
    asked = [call.started for call in box.requests if (call.method, call.path) == CREATE]
    assert len(asked) == 2 and asked[1] - asked[0] > 2.4
