"""Two apps that both have the worker lock: each submit is one job, and one app tells that the other goes on."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tbatch_tui.engine.domain.account import HealthState
from tbatch_tui.engine.domain.job import LocalStatus
from tbatch_tui.engine.domain.submission import SubmissionState
from tbatch_tui.engine.endpoint import Endpoint
from tbatch_tui.engine.events import Event, Notice
from tbatch_tui.engine.runtime.worker_lock import WorkerLock
from tbatch_tui.engine.submit.lookup import LookupDecision
from tests.conftest import until, write_chat
from tests.engine.submit.test_uncertain import CREATE, LIST, lost

if TYPE_CHECKING:
    from pathlib import Path

    from tbatch_tui.engine.engine import BatchEngine
    from tbatch_tui.sandbox.testing import Sandbox
    from tests.engine.conftest import MakeEngine


def remove_lock(folder: Path) -> None:
    """Remove the lock file that an app holds, as somebody does who tidies `*.lock`."""
    (folder / "data" / "work-1.lock").unlink()


def has_lock(engine: BatchEngine) -> bool:
    lock = engine._runtime._lock
    return lock is not None and lock.is_ours


async def take_over(first: BatchEngine, second: BatchEngine, folder: Path) -> None:
    """Remove the lock that the first app holds until the second one has it, and not the first once more."""

    def is_taken() -> bool:
        if has_lock(first):
            remove_lock(folder)
        return has_lock(second)

    await until(is_taken, what="the second app has the lock")


def let_all_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a lock be everybody's, as on file systems whose locks are each machine's own."""

    def take(lock: WorkerLock) -> bool:
        lock._identity = (0, 0)
        return True

    monkeypatch.setattr(WorkerLock, "is_ours", property(lambda lock: lock._identity is not None))
    monkeypatch.setattr(WorkerLock, "try_acquire", take)


def told(events: list[Event]) -> list[Notice]:
    return [e for e in events if isinstance(e, Notice) and "is continuing what was submitted" in e.title]


@pytest.mark.parametrize("is_removed", [True, False], ids=["lock file removed", "locks that all have"])
async def test_two_apps_that_both_have_the_lock_make_one_job_of_each_submit(
    is_removed: bool,
    still_sandbox: Sandbox,
    make_engine: MakeEngine,
    tmp_path: Path,
    events: list[Event],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    box = still_sandbox
    files = [write_chat(tmp_path / f"in-{n}.jsonl", [f"prompt {n}"]) for n in range(5)]
    if not is_removed:
        let_all_lock(monkeypatch)
    async with asyncio.timeout(60), make_engine(box) as first:
        await until(lambda: first.health.state is HealthState.OK)
        if is_removed:
            await until((tmp_path / "data" / "work-1.lock").exists)
        box.plan_fault("delay", "/_storage/*", method="PUT", seconds=1.5, last=None)
        for file in files:
            await first.submit_checked(file, Endpoint.CHAT, requests=1, label=file.stem)
        async with make_engine(box) as second:
            if is_removed:
                await take_over(first, second, tmp_path)
            await until(lambda: len(told(events)) == 1, what="one of the two has lost them")
            box.clear_faults()
            await until(lambda: len(box.jobs) >= 5)
            # Submitted at either, while both are there.
            for engine, name in ((first, "x"), (second, "y")):
                more = write_chat(tmp_path / f"{name}.jsonl", [name])
                await engine.submit_checked(more, Endpoint.CHAT, requests=1, label=name)
            await until(lambda: all(r.job for r in second._store.records) and len(list(second._store.records)) == 7)
            records = await second.records()
    assert sorted(r.label for r in records) == sorted([*(f.stem for f in files), "x", "y"])
    assert {r.key for r in records} == {job["id"] for job in box.jobs}
    assert (box.count(*CREATE), len(box.jobs)) == (7, 7)
    assert len(told(events)) <= 2  # each app tells it once at most


async def lose_to_another(
    first: BatchEngine, box: Sandbox, make_engine: MakeEngine, folder: Path, key: str
) -> BatchEngine:
    """Let a second app take over the submission; return that app, which is open."""
    second = make_engine(box, lookup_patience=60.0)
    await second.open()
    await second.records()
    await take_over(first, second, folder)
    await until(lambda: second.candidates(key) is not None, what="the second app looks it up")
    return second


@pytest.mark.parametrize(
    "decision",
    [LookupDecision(again=True), LookupDecision(give_up=True), LookupDecision(wait=True)],
    ids=["again", "give up", "wait"],
)
async def test_a_decision_is_refused_where_another_app_goes_on(
    decision: LookupDecision, still_sandbox: Sandbox, make_engine: MakeEngine, chat_file: Path, tmp_path: Path
) -> None:
    box = still_sandbox
    async with asyncio.timeout(30), make_engine(box, lookup_patience=60.0) as first:
        await until(lambda: first.health.state is HealthState.OK)
        box.plan_fault("close", CREATE[1], method=CREATE[0])
        key = await lost(first, chat_file)
        second = await lose_to_another(first, box, make_engine, tmp_path, key)
        try:
            assert not await first.decide(key, decision)
            record = await second._store.read_record(key)
            assert record is not None and record.submission is not None
            assert record.submission.state is SubmissionState.UNCERTAIN
            assert await second.decide(key, LookupDecision(again=True))
            await second.wait_until(key, lambda r: r.job is not None)
        finally:
            await second.aclose()
    assert (box.count(*CREATE), len(box.jobs)) == (2, 1)


async def test_an_answer_that_comes_after_the_take_over_is_not_thrown_away(
    still_sandbox: Sandbox, make_engine: MakeEngine, chat_file: Path, tmp_path: Path
) -> None:
    """The list does not show the job yet, and only the app that has lost the submission knows of it."""
    box = still_sandbox
    async with asyncio.timeout(30), make_engine(box) as first:
        await until(lambda: first.health.state is HealthState.OK)
        box.plan_fault("delay", CREATE[1], method=CREATE[0], seconds=2.0, after=True)
        box.plan_fault("status", LIST[1], method=LIST[0], last=None, status=200, body=[])
        key = await first.submit_checked(chat_file, Endpoint.CHAT, requests=2, label="mine")
        await until(lambda: box.count(*CREATE) == 1)
        second = await lose_to_another(first, box, make_engine, tmp_path, key)
        try:
            record = await second.wait_until(key, lambda r: r.job is not None)
        finally:
            await second.aclose()
        assert (record.key, record.label) == (box.jobs[0]["id"], "mine")
    assert (box.count(*CREATE), len(box.jobs)) == (1, 1)


async def test_one_that_was_lost_is_taken_back_when_the_other_app_has_ended(
    still_sandbox: Sandbox, make_engine: MakeEngine, chat_file: Path, tmp_path: Path, events: list[Event]
) -> None:
    box = still_sandbox
    box.plan_fault("status", "/v1/files", method="POST", last=None, status=503)
    async with asyncio.timeout(90), make_engine(box) as first:
        await until(lambda: first.health.state is HealthState.OK)
        key = await first.submit_checked(chat_file, Endpoint.CHAT, requests=2)
        await first.wait_until(key, lambda r: bool(r.submission and r.submission.error))
        async with make_engine(box) as second:
            await take_over(first, second, tmp_path)
            # It is told when the first repeats its upload, which it does ever more slowly.
            await until(lambda: len(told(events)) == 1, within=60)
        box.clear_faults()
        await first.wait_until(key, lambda r: r.job is not None)
    assert (box.count(*CREATE), len(box.jobs)) == (1, 1)


async def test_what_another_app_has_taken_over_can_be_stopped_here_until_its_create_is_sent(
    still_sandbox: Sandbox, make_engine: MakeEngine, chat_file: Path, tmp_path: Path
) -> None:
    """The person at either app may stop it: the one that works on it then sends nothing."""
    box = still_sandbox
    box.plan_fault("delay", "/_storage/*", method="PUT", seconds=4.0, last=None)
    async with asyncio.timeout(30), make_engine(box) as first:
        await until(lambda: first.health.state is HealthState.OK)
        key = await first.submit_checked(chat_file, Endpoint.CHAT, requests=2)
        await until(lambda: first.has_transfers)
        async with make_engine(box) as second:
            await second.records()
            await take_over(first, second, tmp_path)
            await until(lambda: second.has_transfers)
            assert await first.cancel(key)
            record = await second.wait_until(key, lambda r: r.status == LocalStatus.NOT_SUBMITTED)
            assert record.submission is not None and record.submission.state is SubmissionState.STOPPED
            lists = box.count(*LIST)
            await until(lambda: box.count(*LIST) > lists + 5 and not second.has_transfers)
    assert (box.count(*CREATE), box.jobs) == (0, [])
