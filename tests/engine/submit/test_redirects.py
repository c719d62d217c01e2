"""Creates, cancels and deletes that the server answers with a redirect: sent once, and never sent on."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

import pytest

from tbatch_tui.engine.domain.account import HealthState
from tbatch_tui.engine.domain.job import LocalStatus
from tbatch_tui.engine.domain.submission import SubmissionState
from tbatch_tui.engine.endpoint import Endpoint
from tbatch_tui.engine.errors import ConnectionFailedError, OutcomeUnknownError
from tbatch_tui.engine.submit.lookup import LookupDecision
from tests.conftest import until
from tests.engine.submit.test_uncertain import CREATE, LIST, hide_jobs

if TYPE_CHECKING:
    from pathlib import Path

    from tbatch_tui.engine.domain.record import JobRecord
    from tbatch_tui.sandbox.testing import Sandbox
    from tests.engine.conftest import MakeEngine

REDIRECTS = [301, 302, 303, 307, 308]


def nobody() -> str:
    """Return the address of a port on which nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}"


def is_held(record: JobRecord) -> bool:
    return bool(record.submission and record.submission.state is SubmissionState.HELD)


@pytest.mark.parametrize("status", [303, 307])  # one that asks for a GET, one that asks for the same again
async def test_a_create_that_was_carried_out_and_redirected_to_nobody_is_sent_once(
    status: int, still_sandbox: Sandbox, make_engine: MakeEngine, chat_file: Path
) -> None:
    box, address = still_sandbox, nobody()
    async with asyncio.timeout(30):
        async with make_engine(box, lookup_patience=0.4) as engine:
            await until(lambda: engine.health.state is HealthState.OK)
            location = {"Location": f"{address}/v1/batches?token=secret"}
            box.plan_fault("status-after", CREATE[1], method=CREATE[0], last=None, status=status, headers=location)
            hide_jobs(box)
            key = await engine.submit_checked(chat_file, Endpoint.CHAT, requests=2, label="mine")
            record = await engine.wait_until(key, is_held)
            assert record.submission is not None and record.status == LocalStatus.UNCERTAIN
            assert f"{address}/v1/batches" in (record.submission.error or "")
            assert "secret" not in (record.submission.error or "")
        async with make_engine(box, lookup_patience=0.2) as engine:
            lists = box.count(*LIST)
            await until(lambda: box.count(*LIST) > lists + 4)
            assert box.count(*CREATE) == 1
            box.clear_faults()
            record = await engine.wait_until(key, lambda r: r.job is not None)
            assert (record.key, record.label) == (box.jobs[0]["id"], "mine")
    assert (box.count(*CREATE), len(box.jobs)) == (1, 1)


@pytest.mark.parametrize("status", REDIRECTS)
async def test_a_create_is_not_sent_on_to_a_host_that_listens(
    status: int, still_sandbox: Sandbox, make_engine: MakeEngine, chat_file: Path
) -> None:
    location = {"Location": f"{still_sandbox.base_url}/v1/batches"}
    still_sandbox.plan_fault("status-after", CREATE[1], method=CREATE[0], status=status, headers=location)
    async with asyncio.timeout(30), make_engine(still_sandbox) as engine:
        key = await engine.submit_checked(chat_file, Endpoint.CHAT, requests=2, label="mine")
        record = await engine.wait_until(key, lambda r: r.job is not None)
        assert record.label == "mine"
    assert (still_sandbox.count(*CREATE), len(still_sandbox.jobs)) == (1, 1)


async def test_a_create_that_was_only_redirected_is_sent_again_when_the_person_says_so(
    still_sandbox: Sandbox, make_engine: MakeEngine, chat_file: Path
) -> None:
    location = {"Location": "/elsewhere/v1/batches"}
    still_sandbox.plan_fault("status", CREATE[1], method=CREATE[0], status=308, headers=location)
    async with asyncio.timeout(30), make_engine(still_sandbox, lookup_patience=0.2) as engine:
        key = await engine.submit_checked(chat_file, Endpoint.CHAT, requests=2)
        record = await engine.wait_until(key, is_held)
        assert record.submission and f"{still_sandbox.base_url}/elsewhere" in (record.submission.error or "")
        assert await engine.decide(key, LookupDecision(again=True))
        await engine.wait_until(key, lambda r: r.job is not None)
    assert (still_sandbox.count(*CREATE), len(still_sandbox.jobs)) == (2, 1)


@pytest.mark.parametrize("status", REDIRECTS)
async def test_cancel_and_delete_are_not_sent_on(status: int, still_sandbox: Sandbox, make_engine: MakeEngine) -> None:
    box = still_sandbox
    job_id, file_id = box.add_job(), box.add_file(b"{}\n")
    async with asyncio.timeout(30), make_engine(box) as engine:
        await until(lambda: engine.record(job_id) is not None)
        for method, path in (("POST", f"/v1/batches/{job_id}/cancel"), ("DELETE", f"/v1/files/{file_id}")):
            location = {"Location": f"{box.base_url}{path}"}
            box.plan_fault("status", path, method=method, status=status, headers=location)
        with pytest.raises(OutcomeUnknownError):
            await engine.cancel(job_id)
        with pytest.raises(OutcomeUnknownError):
            await engine._runtime.api.delete_file(file_id)
    assert box.count("POST", f"/v1/batches/{job_id}/cancel") == box.count("DELETE", f"/v1/files/{file_id}") == 1
    assert box.count("GET", f"/v1/files/{file_id}") == box.count("GET", f"/v1/batches/{job_id}/cancel") == 0


async def test_only_a_request_that_was_asked_can_be_certainly_not_sent(
    still_sandbox: Sandbox, make_engine: MakeEngine
) -> None:
    still_sandbox.plan_fault("status", LIST[1], method=LIST[0], last=None, status=307, headers={"Location": nobody()})
    async with asyncio.timeout(30), make_engine(still_sandbox) as engine:
        await until(lambda: engine.health.state is HealthState.BACKING_OFF)
        with pytest.raises(OutcomeUnknownError) as error:
            await engine._runtime.api.list_jobs()
    assert not isinstance(error.value, ConnectionFailedError)
