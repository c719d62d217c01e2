"""Removing records: only of jobs that are over and not listed; a job that the server lists again comes back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tbatch_tui.engine.domain.job import LocalStatus
from tbatch_tui.engine.domain.transfer import TransferState
from tbatch_tui.engine.endpoint import Endpoint
from tbatch_tui.engine.events import Event, RecordsChanged
from tbatch_tui.engine.journal import removal
from tests.conftest import until

if TYPE_CHECKING:
    from pathlib import Path

    from tbatch_tui.engine.domain.record import JobRecord
    from tbatch_tui.engine.engine import BatchEngine
    from tbatch_tui.sandbox.testing import Sandbox
    from tests.engine.conftest import MakeEngine


def fetched(record: JobRecord) -> bool:
    return bool(record.transfers) and all(t.state is TransferState.FETCHED for t in record.transfers)


async def wait_until_unlisted(engine: BatchEngine, *job_ids: str) -> None:
    await until(lambda: all(engine.removal_blocker(job_id) != removal.LISTED for job_id in job_ids))


async def test_a_job_that_is_not_listed_can_be_removed_and_its_files_stay(
    sandbox: Sandbox, make_engine: MakeEngine, events: list[Event], chat_file: Path
) -> None:
    async with make_engine(sandbox) as engine:
        record = await engine.wait_until(
            await engine.submit_checked(chat_file, Endpoint.CHAT, requests=2, label="m"), fetched
        )
        assert record.output is not None and record.output.path is not None
        assert engine.removal_blocker(record.key) == removal.LISTED and await engine.remove([record.key]) == 0
        bring_back = sandbox.forget_job(record.key)
        await wait_until_unlisted(engine, record.key)
        assert await engine.remove([record.key]) == 1
        assert engine.record(record.key) is None and await engine.records() == []
        assert any(isinstance(event, RecordsChanged) and event.removed == (record.key,) for event in events)
        assert record.output.path.exists()
        earlier = await engine.earlier_runs(record.submission.sha256 if record.submission else "", Endpoint.CHAT)
        assert [run.key for run in earlier] == [record.key]  # submitting it again is billed again
    async with make_engine(sandbox) as engine:
        assert await engine.records() == []
        bring_back()
        back = await engine.wait_until(record.key, fetched)
        assert (back.label, back.output) == ("m", record.output)


async def test_what_may_still_cost_money_cannot_be_removed(still_sandbox: Sandbox, make_engine: MakeEngine) -> None:
    running, done, unknown = (still_sandbox.add_job(status) for status in ("IN_PROGRESS", "COMPLETED", "PAUSED"))
    async with make_engine(still_sandbox) as engine:
        assert engine.removal_blocker("nobody") == ""
        await until(lambda: all(engine.record(key) for key in (running, done, unknown)))
        for job_id in (running, done, unknown):
            still_sandbox.forget_job(job_id)
        await wait_until_unlisted(engine, running, done, unknown)
        assert [engine.removal_blocker(key) for key in (running, unknown)] == [removal.NOT_OVER] * 2
        # Also when another app has begun to download it meanwhile: the journal checks again.
        await engine.download(done)
        await until(lambda: engine.removal_blocker(done) == removal.NOT_FETCHED)
        assert await engine.remove([running, done, unknown]) == 0
        assert len(await engine.records()) == 3


async def test_before_the_first_list_nothing_can_be_removed(still_sandbox: Sandbox, make_engine: MakeEngine) -> None:
    done = still_sandbox.add_job("COMPLETED")
    async with make_engine(still_sandbox) as engine:
        await until(lambda: engine.record(done))
    still_sandbox.stop()
    async with make_engine(still_sandbox) as engine:
        await engine.records()
        assert engine.removal_blocker(done) == removal.NOT_KNOWN


async def test_a_rejected_submission_can_be_removed_and_an_uncertain_one_never(
    sandbox: Sandbox, make_engine: MakeEngine, chat_file: Path
) -> None:
    sandbox.plan_fault("status", "/v1/batches", method="POST", status=400)
    async with make_engine(sandbox) as engine:
        key = await engine.submit_checked(chat_file, Endpoint.CHAT, requests=2)
        await engine.wait_until(key, lambda record: record.status == LocalStatus.NOT_SUBMITTED)
        assert await engine.remove([key]) == 1
        sandbox.clear_faults()
        sandbox.plan_fault("status", "/v1/batches", method="POST", status=504)
        key = await engine.submit_checked(chat_file, Endpoint.CHAT, requests=2)
        await engine.wait_until(key, lambda record: record.status == LocalStatus.UNCERTAIN)
        assert engine.removal_blocker(key) == removal.NOT_OVER
        assert await engine._store.remove([key]) == 0


async def test_a_cancel_that_is_too_late_is_no_error_and_the_list_is_polled_soon(
    sandbox: Sandbox, make_engine: MakeEngine, events: list[Event]
) -> None:
    job_id = sandbox.add_job("IN_PROGRESS")
    async with make_engine(sandbox, poll_interval=600.0) as engine:
        await until(lambda: engine.record(job_id))
        sandbox.state.jobs.find(job_id).pace = sandbox.state.jobs.pace  # type: ignore[union-attr]
        sandbox.forget_job(job_id)()
        events.clear()
        await until(lambda: sandbox.job(job_id)["status"] == "COMPLETED")
        assert await engine.cancel(job_id) is False
        await engine.wait_until(job_id, lambda record: record.status == "COMPLETED")
    assert sandbox.count("POST", f"/v1/batches/{job_id}/cancel") == 1
