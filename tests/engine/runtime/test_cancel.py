"""What `BatchEngine.cancel` does with a job, and with a submission that has no job yet."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tbatch_tui.engine.domain.job import JobStatus, LocalStatus
from tbatch_tui.engine.endpoint import Endpoint
from tbatch_tui.engine.errors import BatchError
from tests.conftest import until

if TYPE_CHECKING:
    from pathlib import Path

    from tbatch_tui.sandbox.testing import Sandbox
    from tests.engine.conftest import MakeEngine


@pytest.mark.parametrize("by", ["record", "key"])
async def test_a_job_is_cancelled_by_its_record_or_its_key(
    by: str, still_sandbox: Sandbox, make_engine: MakeEngine
) -> None:
    job_id = still_sandbox.add_job("IN_PROGRESS")
    async with asyncio.timeout(30), make_engine(still_sandbox) as engine:
        record = await engine.wait_until(job_id, lambda r: r.job is not None)
        assert await engine.cancel(record if by == "record" else job_id) is True
        await engine.wait_until(job_id, lambda r: r.status == JobStatus.CANCELLING)
    assert still_sandbox.count("POST", f"/v1/batches/{job_id}/cancel") == 1


async def test_a_submission_that_is_being_uploaded_is_stopped_and_makes_no_job(
    still_sandbox: Sandbox, make_engine: MakeEngine, chat_file: Path
) -> None:
    still_sandbox.plan_fault("delay", "/_storage/*", method="PUT", seconds=30)
    async with asyncio.timeout(30), make_engine(still_sandbox) as engine:
        key = await engine.submit_checked(chat_file, Endpoint.CHAT, requests=2)
        await until(lambda: still_sandbox.count("POST", "/v1/files"))
        assert await engine.cancel(key) is True
        record = await engine.wait_until(key, lambda r: r.status == LocalStatus.NOT_SUBMITTED)
        assert await engine.cancel(record) is False, "nothing is at work any more"
        assert await engine.remove(record) == 1
        assert await engine.records() == []
    assert still_sandbox.jobs == []


async def test_a_submission_whose_create_was_sent_cannot_be_stopped(
    still_sandbox: Sandbox, make_engine: MakeEngine, chat_file: Path
) -> None:
    still_sandbox.plan_fault("delay", "/v1/batches", method="POST", seconds=1, after=True)
    async with asyncio.timeout(30), make_engine(still_sandbox) as engine:
        key = await engine.submit_checked(chat_file, Endpoint.CHAT, requests=2)
        await until(lambda: still_sandbox.count("POST", "/v1/batches"))
        with pytest.raises(BatchError, match="too late"):
            await engine.cancel(key)
        await engine.wait_until(key, lambda r: r.job is not None)
    assert len(still_sandbox.jobs) == 1


async def test_a_submission_that_is_not_there_is_not_asked_of_the_server(
    still_sandbox: Sandbox, make_engine: MakeEngine
) -> None:
    job_id = still_sandbox.add_job("IN_PROGRESS")
    async with asyncio.timeout(30), make_engine(still_sandbox) as engine:
        await engine.wait_until(job_id, lambda r: r.job is not None)
        with pytest.raises(BatchError, match="no such submission"):
            await engine.cancel("submission:7")
    assert not [call for call in still_sandbox.requests if call.path.endswith("/cancel")]
