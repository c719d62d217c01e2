"""What a person decided about a submission is committed before the call returns."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

import pytest

from tbatch_tui.engine.domain.account import HealthState
from tbatch_tui.engine.domain.job import LocalStatus
from tbatch_tui.engine.domain.submission import SubmissionState
from tbatch_tui.engine.endpoint import Endpoint
from tbatch_tui.engine.submit.lookup import LookupDecision
from tests.conftest import until
from tests.engine.submit.test_uncertain import CREATE, LIST, lost

if TYPE_CHECKING:
    from pathlib import Path

    from tbatch_tui.engine.engine import BatchEngine
    from tbatch_tui.sandbox.testing import Sandbox
    from tests.engine.conftest import MakeEngine


def keep_busy(engine: BatchEngine, seconds: float) -> None:
    """Keep the thread of the history busy, as a long list or another app's lock does."""
    released = threading.Event()
    engine._store._thread._executor.submit(released.wait)
    asyncio.get_running_loop().call_later(seconds, released.set)


async def state_after_restart(make_engine: MakeEngine, box: Sandbox) -> SubmissionState:
    """Return the state of the one submission, as the next start has it before it goes on."""
    async with make_engine(box, background_work=False) as engine:
        [record] = await engine.records()
    assert record.submission is not None
    return record.submission.state


@pytest.mark.parametrize("left_at_once", [False, True])
async def test_a_submission_that_was_stopped_is_not_sent_by_the_next_start(
    left_at_once: bool, still_sandbox: Sandbox, make_engine: MakeEngine, chat_file: Path
) -> None:
    box = still_sandbox
    box.plan_fault("status", "/v1/files", method="POST", last=None, status=503)
    async with asyncio.timeout(20):
        async with make_engine(box) as engine:
            key = await engine.submit_checked(chat_file, Endpoint.CHAT, requests=2)
            await engine.wait_until(key, lambda r: bool(r.submission and r.submission.error))
            keep_busy(engine, 0.3)
            stopping = asyncio.create_task(engine.cancel(key))
            if left_at_once:
                await asyncio.sleep(0)
                stopping.cancel()
            else:
                assert await stopping
        assert await state_after_restart(make_engine, box) is SubmissionState.STOPPED
        box.clear_faults()
        async with make_engine(box) as engine:
            lists = box.count(*LIST)
            await until(lambda: box.count(*LIST) > lists + 2)
            [record] = await engine.records()
            assert (record.key, record.status) == (key, LocalStatus.NOT_SUBMITTED)
    assert (box.count(*CREATE), box.jobs) == (0, [])


@pytest.mark.parametrize("left_at_once", [False, True])
@pytest.mark.parametrize(
    ("decision", "state"),
    [
        (LookupDecision(give_up=True), SubmissionState.STOPPED),
        (LookupDecision(wait=True), SubmissionState.HELD),
    ],
    ids=["give up", "wait"],
)
async def test_a_decision_outlives_the_app(
    decision: LookupDecision,
    state: SubmissionState,
    left_at_once: bool,
    still_sandbox: Sandbox,
    make_engine: MakeEngine,
    chat_file: Path,
) -> None:
    box = still_sandbox
    box.plan_fault("close-after", CREATE[1], method=CREATE[0])
    async with asyncio.timeout(20):
        async with make_engine(box, lookup_patience=60.0) as engine:
            await until(lambda: engine.health.state is HealthState.OK)
            box.plan_fault("status", LIST[1], method=LIST[0], last=None, status=503)
            key = await lost(engine, chat_file)
            await until(lambda: engine.candidates(key) is not None)
            keep_busy(engine, 0.3)
            deciding = asyncio.create_task(engine.decide(key, decision))
            if left_at_once:
                await asyncio.sleep(0)
                deciding.cancel()
            else:
                assert await deciding
        assert await state_after_restart(make_engine, box) is state


@pytest.mark.parametrize("more", [{}, {"again": True, "wait": True}, {"job_id": "a", "give_up": True}])
def test_a_decision_is_one_thing(more: dict[str, bool]) -> None:
    with pytest.raises(ValueError, match="one"):
        LookupDecision(**more)  # type: ignore[arg-type]
