"""The machine and the network fail: clocks jump, names are not found, the history's disk is full."""

from __future__ import annotations

import asyncio
import itertools
import socket
import threading
import time
from typing import TYPE_CHECKING

import pytest

from tbatch_tui.engine.domain.account import HealthState
from tbatch_tui.engine.domain.job import LocalStatus
from tbatch_tui.engine.endpoint import Endpoint
from tbatch_tui.engine.errors import AuthenticationError, BatchError, JournalError, LocalFileError
from tbatch_tui.engine.events import Event, Notice
from tbatch_tui.engine.polling import poller
from tbatch_tui.engine.runtime import account_check
from tbatch_tui.engine.runtime.tasks import STOPPED, UNFORESEEN
from tbatch_tui.sandbox.testing import Sandbox
from tests.conftest import until, write_chat
from tests.engine.scenarios.test_main_job import fetched

if TYPE_CHECKING:
    from pathlib import Path

    from tbatch_tui.engine.engine import BatchEngine
    from tests.engine.conftest import MakeEngine


async def is_ok(engine: BatchEngine) -> None:
    await until(lambda: engine.health.state is HealthState.OK)


@pytest.mark.parametrize("jump", [3600.0, -3600.0], ids=["forward", "back"])
async def test_a_clock_that_jumps_stops_nothing(
    jump: float, sandbox: Sandbox, make_engine: MakeEngine, chat_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a machine slept its clock has jumped forward: the list is asked for at once, not in half a minute."""
    monkeypatch.setattr(poller, "_CLOCKS_READ_EVERY", 0.05)
    offset = 0.0
    interval = 30.0 if jump > 0 else 0.2
    engine = make_engine(sandbox, now=lambda: time.time() + offset, poll_interval=interval)
    async with asyncio.timeout(20), engine:
        await is_ok(engine)
        await until(lambda: engine.health.next_at is not None, what="it waits for the next list")
        await asyncio.sleep(0.1)
        before = sandbox.count("GET", "/v1/batches")
        offset = jump
        await until(lambda: sandbox.count("GET", "/v1/batches") > before, what="the next list")
        if jump < 0:
            key = await engine.submit_checked(chat_file, Endpoint.CHAT, requests=2)
            await engine.wait_until(key, fetched)


async def test_failing_name_lookups_are_offline_until_they_succeed(
    sandbox: Sandbox, make_engine: MakeEngine, chat_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = socket.getaddrinfo
    gone = True

    def lookup(host: str | bytes | None, *args: object, **kwargs: object) -> object:
        if gone and host in ("localhost", b"localhost"):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return real(host, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    url = sandbox.base_url.replace("127.0.0.1", "localhost")
    async with asyncio.timeout(30), make_engine(sandbox, base_url=url) as engine:
        key = await engine.submit_checked(chat_file, Endpoint.CHAT, requests=2)
        await until(lambda: engine.health.state is HealthState.OFFLINE)
        assert "localhost" in engine.health.title
        gone = False
        record = await engine.wait_until(key, fetched)
    assert len(sandbox.jobs) == 1
    assert record.output is not None


async def test_a_history_that_cannot_be_written_loses_nothing_and_goes_on(
    sandbox: Sandbox, make_engine: MakeEngine, chat_file: Path, events: list[Event], tmp_path: Path
) -> None:
    sandbox.plan_fault("delay", "/v1/batches", method="POST", seconds=0.5, after=True)
    async with asyncio.timeout(30), make_engine(sandbox) as engine:
        key = await engine.submit_checked(chat_file, Endpoint.CHAT, requests=2, label="kept")
        await until(lambda: sandbox.jobs)
        await _limit_history(engine, pages=1)
        other = write_chat(tmp_path / "other.jsonl", ["no room for this one"])
        with pytest.raises(JournalError, match="full"):
            for _ in range(200):  # until what is free inside the file is used up
                await engine.submit_checked(other, Endpoint.CHAT, requests=1, label="x" * 20_000)
        await until(lambda: sandbox.jobs[0]["status"] == "COMPLETED")
        await _limit_history(engine, pages=1 << 30)
        record = await engine.wait_until(key, fetched)
        assert record.label == "kept"
        assert len([job for job in sandbox.jobs if job["id"] == record.key]) == 1
        submitted = [r for r in await engine.records() if r.submission is not None]
        for each in submitted:
            await engine.wait_until(each.key, fetched)
    assert len(sandbox.jobs) == len(submitted)
    assert not [e for e in events if isinstance(e, Notice) and e.title.startswith((STOPPED, UNFORESEEN))]


async def test_while_nothing_can_be_saved_nothing_is_created(
    sandbox: Sandbox, make_engine: MakeEngine, chat_file: Path, events: list[Event]
) -> None:
    sandbox.plan_fault("delay", "/_storage/*", method="PUT", seconds=0.3)
    async with asyncio.timeout(30), make_engine(sandbox) as engine:
        key = await engine.submit_checked(chat_file, Endpoint.CHAT, requests=2)
        await until(lambda: sandbox.count("POST", "/v1/files"))
        await _read_only_history(engine, True)
        await until(lambda: any(isinstance(e, Notice) and "cannot be used" in e.title for e in events))
        await asyncio.sleep(0.5)
        assert sandbox.count("POST", "/v1/batches") == 0
        await _read_only_history(engine, False)
        await engine.wait_until(key, fetched)
    assert len(sandbox.jobs) == 1
    titles = [e.title for e in events if isinstance(e, Notice) and "history" in e.title]
    assert len(titles) == 2  # once that it cannot be written, once that it can again


async def test_leaving_does_not_wait_for_a_stalled_upload(
    sandbox: Sandbox, make_engine: MakeEngine, chat_file: Path
) -> None:
    sandbox.plan_fault("delay", "/_storage/*", method="PUT", seconds=30)
    async with asyncio.timeout(30):
        engine = make_engine(sandbox)
        async with engine:
            await engine.submit_checked(chat_file, Endpoint.CHAT, requests=2)
            await until(lambda: any(c.method == "PUT" for c in sandbox.requests))
            began = time.monotonic()
        assert time.monotonic() - began < 15
        assert all(t.daemon for t in threading.enumerate() if t.name == "call")
        sandbox.clear_faults()
        async with make_engine(sandbox) as engine:
            [record] = await engine.records()
            await engine.wait_until(record.key, fetched)
    assert len(sandbox.jobs) == 1


async def test_leaving_does_not_wait_for_a_stalled_download(sandbox: Sandbox, make_engine: MakeEngine) -> None:
    job_id = sandbox.add_job("COMPLETED", rows=400)
    sandbox.plan_fault("drip", "/v1/files/*/content", method="GET", bytes=20_000, seconds=30)
    async with asyncio.timeout(30):
        async with make_engine(sandbox) as engine:
            await engine.wait_until(job_id, lambda r: r.job is not None)
            await engine.download(job_id)
            await engine.wait_until(job_id, lambda r: r.output is not None and r.output.etag is not None)
            began = time.monotonic()
        await asyncio.to_thread(_wait_for_threads, "body")
        assert time.monotonic() - began < 15
        async with make_engine(sandbox) as engine:
            await engine.wait_until(job_id, fetched)


def _wait_for_threads(name: str) -> None:
    for thread in threading.enumerate():
        if thread.name.startswith(name):
            thread.join(20)


async def test_a_job_that_shows_up_just_before_the_second_create_is_adopted(
    sandbox: Sandbox, make_engine: MakeEngine, chat_file: Path
) -> None:
    async with asyncio.timeout(30), make_engine(sandbox, poll_interval=5, lookup_patience=0.0) as engine:
        await is_ok(engine)
        sandbox.plan_fault("close-after", "/v1/batches", method="POST")
        sandbox.plan_fault("status", "/v1/batches", method="GET", status=200, body=[])
        key = await engine.submit_checked(chat_file, Endpoint.CHAT, requests=2)
        await engine.wait_until(key, lambda r: r.job is not None)
    assert sandbox.count("POST", "/v1/batches") == 1
    assert len(sandbox.jobs) == 1


async def test_an_outage_does_not_count_as_searching_for_the_job(
    sandbox: Sandbox, make_engine: MakeEngine, chat_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tbatch_tui.engine.submit import lookup

    monkeypatch.setattr(lookup, "_LONGEST_GAP", 0.3)
    async with asyncio.timeout(30), make_engine(sandbox, poll_interval=0.5, lookup_interval=0.1) as engine:
        await is_ok(engine)
        sandbox.plan_fault("close-after", "/v1/batches", method="POST")
        hidden = {"status": 200, "body": []}
        sandbox.plan_fault("status", "/v1/batches", method="GET", first=1, last=2, **hidden)
        sandbox.plan_fault("status", "/v1/batches", method="GET", first=3, last=7, status=503)  # 0.1 + 0.2 + … s
        sandbox.plan_fault("status", "/v1/batches", method="GET", first=8, last=9, **hidden)
        key = await engine.submit_checked(chat_file, Endpoint.CHAT, requests=2)
        await engine.wait_until(key, lambda r: r.job is not None)
    assert sandbox.count("POST", "/v1/batches") == 1


async def test_a_file_that_changes_during_the_upload_makes_no_job(
    sandbox: Sandbox, make_engine: MakeEngine, chat_file: Path
) -> None:
    sandbox.plan_fault("delay", "/v1/files/*/preprocess", method="POST", seconds=0.5)
    async with asyncio.timeout(30), make_engine(sandbox) as engine:
        key = await engine.submit_checked(chat_file, Endpoint.CHAT, requests=2)
        await until(lambda: any(c.path.endswith("/preprocess") for c in sandbox.requests))
        chat_file.write_text(chat_file.read_text() * 2)
        record = await engine.wait_until(key, lambda r: r.status == LocalStatus.NOT_SUBMITTED)
    assert record.submission is not None and "changed" in (record.submission.error or "")
    assert sandbox.jobs == []


async def test_an_expired_signed_url_is_not_a_rejected_key(
    sandbox: Sandbox, make_engine: MakeEngine, chat_file: Path
) -> None:
    """Storage accepts any request with a valid URL: a new one is asked for, and the submission goes on."""
    sandbox.plan_fault("status", "/_storage/*", method="PUT", status=403, body="<Code>AccessDenied</Code>")
    async with asyncio.timeout(30), make_engine(sandbox) as engine:
        key = await engine.submit_checked(chat_file, Endpoint.CHAT, requests=2)
        record = await engine.wait_until(key, lambda r: r.submission is not None and r.submission.error is not None)
        assert record.submission is not None and "storage said 403" in (record.submission.error or "")
        await engine.wait_until(key, fetched)
    assert len(sandbox.jobs) == 1


async def test_an_upload_that_exists_under_no_id_is_repeated(
    sandbox: Sandbox, make_engine: MakeEngine, chat_file: Path
) -> None:
    for number, body in enumerate(({}, [], {"file_id": None}, {"file_id": 7}), start=1):
        sandbox.plan_fault("status", "/v1/files", method="POST", first=number, status=409, body=body)
    async with asyncio.timeout(30), make_engine(sandbox) as engine:
        key = await engine.submit_checked(chat_file, Endpoint.CHAT, requests=2)
        await engine.wait_until(key, fetched)
    assert len(sandbox.jobs) == 1


async def test_a_file_that_cannot_be_submitted_is_rejected_before_anything_is_saved(
    sandbox: Sandbox, make_engine: MakeEngine, chat_file: Path, tmp_path: Path
) -> None:
    async with make_engine(sandbox) as engine:
        with pytest.raises(LocalFileError, match=r"\.jsonl"):
            await engine.submit_checked(chat_file.rename(tmp_path / "in.txt"), Endpoint.CHAT, requests=2)
        assert await engine.records() == []
    async with make_engine(sandbox, api_key=None) as engine:
        with pytest.raises(AuthenticationError, match="no API key"):
            await engine.submit_checked(tmp_path / "in.txt", Endpoint.CHAT, requests=2)


async def test_an_intent_is_saved_only_in_the_history_of_its_own_key(
    make_engine: MakeEngine, chat_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(account_check, "_PATIENCE", 0.2)
    with Sandbox(speed=40, key="key-of-the-first-1111") as box:
        async with asyncio.timeout(30), make_engine(box) as engine:
            await is_ok(engine)
            await until(lambda: engine.account.organization)
        box.stop()
        async with asyncio.timeout(30), make_engine(box, api_key="key-of-a-second-2222") as engine:
            with pytest.raises(BatchError, match="which account"):
                await engine.submit_checked(chat_file, Endpoint.CHAT, requests=2)
        async with asyncio.timeout(30), make_engine(box) as engine:  # the known key may go on without a connection
            key = await engine.submit_checked(chat_file, Endpoint.CHAT, requests=2)
            box.start()
            engine.refresh()
            await engine.wait_until(key, fetched)
        assert len(box.jobs) == 1


@pytest.mark.parametrize("jobs", [1, 10, 2_000])
async def test_one_request_a_tick_whatever_the_number_of_jobs(
    jobs: int, sandbox: Sandbox, make_engine: MakeEngine
) -> None:
    if jobs > 10:
        sandbox.add_many_jobs(jobs - 9)
    for _ in range(min(jobs, 10) - (jobs > 10)):
        sandbox.add_job("IN_PROGRESS")
    async with asyncio.timeout(60), make_engine(sandbox, poll_interval=0.2) as engine:
        await until(lambda: sandbox.count("GET", "/v1/files") == 1, what="the names of the files are asked for once")
        await until(lambda: all(r.input_name for r in engine._store.records), within=30)
        before = len(sandbox.requests)
        await until(lambda: len(sandbox.requests) >= before + 3)
        calls = sandbox.requests[before:]
        assert len(await engine.records()) == jobs
    assert {(call.method, call.path) for call in calls} == {("GET", "/v1/batches")}
    gaps = [later.started - call.started for call, later in itertools.pairwise(calls)]
    assert min(gaps) >= 0.1, "one may arrive late, so that the next seems early"


async def _limit_history(engine: BatchEngine, pages: int) -> None:
    database = engine._store._journal.database
    await engine._store._thread.run(lambda: database.execute(f"PRAGMA max_page_count = {pages}").fetchone())


async def _read_only_history(engine: BatchEngine, on: bool) -> None:
    database = engine._store._journal.database
    await engine._store._thread.run(lambda: database.execute(f"PRAGMA query_only = {int(on)}").fetchone())
