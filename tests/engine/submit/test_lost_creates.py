"""A create that was lost stays in mind, whatever its repeat is answered, and over a restart."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from tbatch_tui.engine.domain.account import HealthState
from tbatch_tui.engine.domain.job import LocalStatus
from tbatch_tui.engine.endpoint import Endpoint
from tbatch_tui.engine.errors import BatchError
from tbatch_tui.engine.events import Event, Notice
from tbatch_tui.engine.local_files.fingerprint import fingerprint_file
from tests.conftest import until
from tests.engine.submit.test_uncertain import CREATE, LIST, lost

if TYPE_CHECKING:
    from pathlib import Path

    from tbatch_tui.engine.engine import BatchEngine
    from tbatch_tui.sandbox.testing import Sandbox
    from tests.engine.conftest import MakeEngine

ANSWERS: list[dict[str, Any]] = [
    {"kind": "status", "status": 429, "headers": {"Retry-After": "2"}},
    {"kind": "status", "status": 403},
    {"kind": "status", "status": 402},
    {"kind": "status", "status": 400},
]


async def lose_two(box: Sandbox, engine: BatchEngine, file: Path, answer: dict[str, Any]) -> str:
    """Lose a create that made a job which the list does not show; its repeat gets `answer`. Return the key."""
    await until(lambda: engine.health.state is HealthState.OK)
    box.plan_fault("close-after", CREATE[1], method=CREATE[0])
    box.plan_fault(path=CREATE[1], method=CREATE[0], first=2, **answer)
    box.plan_fault("status", LIST[1], method=LIST[0], last=None, status=200, body=list(box.jobs))
    key = await lost(engine, file)
    await until(lambda: box.count(*CREATE) == 2, what="the create is sent again")
    await engine.wait_until(key, lambda r: str(answer["status"]) in ((r.submission and r.submission.error) or ""))
    return key


@pytest.mark.parametrize("answer", ANSWERS, ids=lambda a: str(a["status"]))
async def test_a_job_that_shows_up_after_its_repeat_was_not_carried_out_is_adopted(
    answer: dict[str, Any], still_sandbox: Sandbox, make_engine: MakeEngine, chat_file: Path
) -> None:
    async with asyncio.timeout(30), make_engine(still_sandbox, lookup_patience=0.4) as engine:
        key = await lose_two(still_sandbox, engine, chat_file, answer)
        record = engine.record(key)
        assert record is not None and record.status == LocalStatus.UNCERTAIN
        with pytest.raises(BatchError, match="too late"):
            await engine.cancel(key)
        sha256 = (await fingerprint_file(chat_file)).sha256
        assert [r.key for r in await engine.earlier_runs(sha256, Endpoint.CHAT)] == [key]
        still_sandbox.clear_faults()
        record = await engine.wait_until(key, lambda r: r.job is not None)
        assert (record.key, record.label) == (still_sandbox.jobs[0]["id"], "mine")
    assert (still_sandbox.count(*CREATE), len(still_sandbox.jobs)) == (2, 1)


@pytest.mark.parametrize("answer", ANSWERS[:2], ids=lambda a: str(a["status"]))
async def test_it_is_adopted_after_a_restart_too(
    answer: dict[str, Any], still_sandbox: Sandbox, make_engine: MakeEngine, chat_file: Path
) -> None:
    async with asyncio.timeout(30):
        async with make_engine(still_sandbox, lookup_patience=0.4) as engine:
            key = await lose_two(still_sandbox, engine, chat_file, answer)
        still_sandbox.clear_faults()
        async with make_engine(still_sandbox, lookup_patience=0.4) as engine:
            await until(lambda: (r := engine.record(key)) is not None and r.job is not None)
            [record] = await engine.records()
            assert (record.key, record.label) == (still_sandbox.jobs[0]["id"], "mine")
    assert (still_sandbox.count(*CREATE), len(still_sandbox.jobs)) == (2, 1)


async def test_a_repeat_that_finds_no_connection_leaves_it_uncertain(
    still_sandbox: Sandbox, make_engine: MakeEngine, chat_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import httpx

    real = httpx.AsyncHTTPTransport.handle_async_request
    creates = []

    async def refuse_the_second(self: Any, request: httpx.Request) -> httpx.Response:
        if (request.method, request.url.path) == CREATE:
            creates.append(request)
            if len(creates) == 2:
                raise httpx.ConnectError("refused", request=request)
        return await real(self, request)

    monkeypatch.setattr(httpx.AsyncHTTPTransport, "handle_async_request", refuse_the_second)
    async with asyncio.timeout(30), make_engine(still_sandbox, lookup_patience=0.4) as engine:
        await until(lambda: engine.health.state is HealthState.OK)
        still_sandbox.plan_fault("close-after", CREATE[1], method=CREATE[0])
        still_sandbox.plan_fault("status", LIST[1], method=LIST[0], last=None, status=200, body=[])
        key = await lost(engine, chat_file)
        await until(lambda: len(creates) == 2)
        await engine.wait_until(key, lambda r: "No connection" in ((r.submission and r.submission.error) or ""))
        record = engine.record(key)
        assert record is not None and record.status == LocalStatus.UNCERTAIN
        still_sandbox.clear_faults()
        record = await engine.wait_until(key, lambda r: r.job is not None)
        assert record.label == "mine"
    assert (len(creates), len(still_sandbox.jobs)) == (2, 1)


async def test_a_job_that_shows_up_late_is_reported_after_a_restart_too(
    still_sandbox: Sandbox, make_engine: MakeEngine, chat_file: Path, events: list[Event]
) -> None:
    async with asyncio.timeout(30):
        async with make_engine(still_sandbox, lookup_patience=0.4) as engine:
            await until(lambda: engine.health.state is HealthState.OK)
            still_sandbox.plan_fault("close-after", CREATE[1], method=CREATE[0])
            still_sandbox.plan_fault("status", LIST[1], method=LIST[0], last=None, status=200, body=[])
            key = await lost(engine, chat_file)
            record = await engine.wait_until(key, lambda r: r.job is not None)
        [late] = [job["id"] for job in still_sandbox.jobs if job["id"] != record.key]
        assert not [e for e in events if isinstance(e, Notice) and "shown up late" in e.title]
        still_sandbox.clear_faults()
        async with make_engine(still_sandbox):
            await until(lambda: any(isinstance(e, Notice) and e.key == late for e in events), what="it is told of")
        events.clear()
        async with make_engine(still_sandbox) as engine:  # it still runs, and is billed
            await engine.records()
            await until(lambda: any(isinstance(e, Notice) and e.key == late for e in events), what="it is told of")
    assert len([e for e in events if isinstance(e, Notice) and "shown up late" in e.title]) == 1


async def test_the_first_create_decides_which_jobs_were_there_before(
    still_sandbox: Sandbox, make_engine: MakeEngine, chat_file: Path
) -> None:
    """A repeat forgets none of them, and adds none."""
    before = [still_sandbox.add_job(content=chat_file.read_bytes()) for _ in range(2)]
    async with asyncio.timeout(30), make_engine(still_sandbox, lookup_patience=0.4) as engine:
        key = await lose_two(still_sandbox, engine, chat_file, ANSWERS[1])
        record = engine.record(key)
        assert record is not None and record.submission is not None
        assert sorted(record.submission.known_ids) == sorted(before)
        still_sandbox.clear_faults()
        record = await engine.wait_until(key, lambda r: r.job is not None)
        assert record.key not in before
    assert (still_sandbox.count(*CREATE), len(still_sandbox.jobs)) == (2, 3)


async def test_a_late_job_that_another_app_listed_first_is_adopted_all_the_same(
    still_sandbox: Sandbox, make_engine: MakeEngine, chat_file: Path
) -> None:
    """What is known is noted before the first create: nothing that is listed later is among it."""
    box = still_sandbox
    async with asyncio.timeout(30), make_engine(box, lookup_patience=0.4) as engine:
        key = await lose_two(box, engine, chat_file, ANSWERS[0])
        shown = box.count(*LIST)
        async with make_engine(box, background_work=False) as other:
            box.clear_faults()
            await until(lambda: box.count(*LIST) > shown + 1)
            await until(lambda: other.health.state is HealthState.OK)
            record = await engine.wait_until(key, lambda r: r.job is not None)
            assert (record.key, record.label) == (box.jobs[0]["id"], "mine")
            assert [r.label for r in await other.records()] == ["mine"]
    assert (box.count(*CREATE), len(box.jobs)) == (2, 1)
