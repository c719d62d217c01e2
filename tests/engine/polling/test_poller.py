"""The list of jobs is asked for once an interval, less often after failures, and never before Retry-After."""

from __future__ import annotations

import asyncio
import email.utils
import itertools
import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from tbatch_tui.engine.client import decode
from tbatch_tui.engine.domain.account import HealthState
from tbatch_tui.engine.domain.job import Job
from tbatch_tui.engine.endpoint import Endpoint
from tbatch_tui.engine.redaction import add_secret
from tests.conftest import until

if TYPE_CHECKING:
    from pathlib import Path

    from tbatch_tui.sandbox.testing import Sandbox
    from tests.engine.conftest import MakeEngine

LIST = "/v1/batches"


def asked(box: Sandbox) -> list[float]:
    return [call.started for call in box.requests if (call.method, call.path) == ("GET", LIST)]


@pytest.mark.parametrize("form", ["seconds", "date", "date without a zone"])
@pytest.mark.parametrize("status", [429, 503])
async def test_retry_after_is_waited_out_and_shown(
    form: str, status: int, sandbox: Sandbox, make_engine: MakeEngine
) -> None:
    began = time.time()
    due = int(began) + 4  # dates have whole seconds, and the engine starts first
    moment = email.utils.formatdate(due, usegmt=True)
    wait = {"seconds": "1.5", "date": moment, "date without a zone": moment.replace("GMT", "-0000")}[form]
    sandbox.plan_fault("status", LIST, method="GET", status=status, headers={"Retry-After": wait})
    async with asyncio.timeout(20), make_engine(sandbox) as engine:
        await until(lambda: engine.health.state is HealthState.BACKING_OFF and engine.health.next_at is not None)
        assert engine.health.next_at is not None and engine.health.next_at > began + 1.4
        assert str(status) in engine.health.title
        assert not engine.refresh()
        await until(lambda: engine.health.state is HealthState.OK)
    first, second = asked(sandbox)[:2]
    assert second - first >= 1.4 if form == "seconds" else second - time.monotonic() + time.time() >= due - 0.05


async def test_during_an_outage_lists_are_asked_for_less_and_less_often(
    sandbox: Sandbox, make_engine: MakeEngine, chat_file: Path
) -> None:
    sandbox.plan_fault("html", LIST, method="GET", first=2, last=6, status=502)
    async with asyncio.timeout(30), make_engine(sandbox) as engine:
        record = await engine.wait(await engine.submit_checked(chat_file, Endpoint.CHAT))
        await until(lambda: engine.health.state is HealthState.OK)
    assert record.status == "COMPLETED"
    failed = [c.started for c in sandbox.requests if c.path == LIST and c.status == 502]
    gaps = [later - first for first, later in itertools.pairwise(failed)]
    assert all(gap >= 0.1 * 2**n for n, gap in enumerate(gaps)), gaps


async def test_a_failed_list_changes_no_job(still_sandbox: Sandbox, make_engine: MakeEngine) -> None:
    job_id = still_sandbox.add_job("IN_PROGRESS")
    async with asyncio.timeout(20), make_engine(still_sandbox) as engine:
        before = await engine.wait_until(job_id, lambda r: r.input_name != "")
        for body in ("<html>", "[{", '"jobs"', '{"error": "x"}'):
            still_sandbox.plan_fault("status", LIST, method="GET", last=None, status=200, body=body)
            await until(lambda: engine.health.state is HealthState.BACKING_OFF)
            assert engine.record(job_id) == before
            still_sandbox.clear_faults()
            await until(lambda: engine.health.state is HealthState.OK)


async def test_refresh_asks_at_once_but_not_twice_within_two_seconds(sandbox: Sandbox, make_engine: MakeEngine) -> None:
    async with asyncio.timeout(20), make_engine(sandbox, poll_interval=30.0) as engine:
        await until(lambda: engine.health.next_at is not None)
        assert not engine.refresh()  # it was asked for this instant
        await until(engine.refresh, what="two seconds have passed")
        assert [engine.refresh() for _ in range(5)] in ([True] * 5, [False] * 5)  # however often, it is one list
        await until(lambda: len(asked(sandbox)) == 2)
        await asyncio.sleep(0.3)
        assert not engine.refresh()
    first, second = asked(sandbox)
    assert second - first >= 1.9


async def test_a_server_without_file_names_is_not_asked_for_them_at_every_change(
    sandbox: Sandbox, make_engine: MakeEngine
) -> None:
    sandbox.plan_fault("status", "/v1/files", method="GET", last=None, status=404)
    for _ in range(10):
        sandbox.add_job("IN_PROGRESS", rows=400)  # they move on at each list
    async with asyncio.timeout(20), make_engine(sandbox, poll_interval=0.5):
        await until(lambda: len(asked(sandbox)) >= 6)
    names = [c.started for c in sandbox.requests if c.path == "/v1/files"]
    assert 1 <= len(names) <= 4
    assert all(later - first >= 0.9 for first, later in itertools.pairwise(names))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026-09-01T12:00:00Z", 1788264000.0),
        ("2026-09-01T12:00:00", 1788264000.0),
        ("2026-09-01 14:00:00+02:00", 1788264000.0),
        ("2026-09-01T12:00:00.123456789Z", 1788264000.123456),
        ("20260901T120000Z", 1788264000.0),
        (1788264000, 1788264000.0),
        ("1788264000", 1788264000.0),
        (1788264000123, 1788264000.123),
        ("0001-01-01T00:00:00+14:00", None),
        ("9999-12-31T23:59:59-14:00", None),
        ("yesterday", None),
        ("", None),
        (-1, None),
        (0, None),
        (1e300, None),
        (float("nan"), None),
        (True, None),
        ([2026], None),
        ({"$date": 1}, None),
    ],
    ids=str,
)
def test_times_in_any_form_are_times_or_none(value: Any, expected: float | None) -> None:
    assert decode.as_timestamp(value) == expected


def test_a_list_with_anything_in_it_yields_its_jobs() -> None:
    body = b'[{"id": "a", "status": 7, "progress": 1e999, "endpoint": [], "error": {"x": 1}}, {"id": ""}, null, "x", 3]'
    assert decode.decode_jobs(body) == [Job("a", "7", progress=0.0)]


def test_a_key_that_the_server_repeats_is_redacted() -> None:
    key = "tgp_v1_repeated_by_the_server_wxyz"
    add_secret(key)
    job = {"id": "a", "status": "FAILED", "error": f"Bearer {key} may not do that"}
    body = json.dumps([job]).encode()
    created = json.dumps({"job": job, "warning": f"{key} runs out soon"}).encode()
    raw = decode.raw_job(body, "a")
    assert raw is not None and json.loads(raw)["id"] == "a"
    for said in (decode.decode_jobs(body)[0].error, decode.decode_created(created)[1], raw):
        assert said is not None and key not in said and "…wxyz" in said
