"""A group that is paused: nothing more of it is sent, by any app, and it goes on as it was."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tbatch_tui.engine.domain.job import LocalStatus
from tbatch_tui.engine.events import Event, RecordsChanged
from tests.conftest import until
from tests.engine.groups.test_groups import file, submit

if TYPE_CHECKING:
    from pathlib import Path

    from tbatch_tui.sandbox.testing import Sandbox
    from tests.engine.conftest import MakeEngine

__all__ = ["file"]  # a fixture


@pytest.mark.parametrize("where", ["in the app", "in another process"])
async def test_what_is_being_uploaded_waits_and_each_part_is_sent_once_afterwards(
    sandbox: Sandbox, make_engine: MakeEngine, file: Path, events: list[Event], where: str
) -> None:
    """Never as "Not submitted" in between: killed then, it would stay so."""
    sandbox.plan_fault("delay", "/_storage/*", method="PUT", last=9, seconds=0.3)
    async with (
        make_engine(sandbox, requests_per_job=10) as engine,
        make_engine(sandbox, background_work=False) as other,
    ):
        key = await submit(engine, file)
        await until(lambda: any(call.method == "PUT" for call in sandbox.requests))
        await other.records()
        holder = engine if where == "in the app" else other
        assert await holder.groups.hold(key) == 3
        assert all(part.is_waiting for part in await engine.groups.parts(key))
        await until(lambda: all(record.is_waiting for record in engine._store.records))
        await until(lambda: engine._runtime.submitter is not None and not engine._runtime.submitter._tasks)
        assert not sandbox.jobs
        assert await holder.groups.go_on(key) == 3
        await until(lambda: len(sandbox.jobs) == 3)
        for part in await engine.groups.parts(key):
            assert (await engine.wait(part.key)).has_results_here
    seen = {record.status for event in events if isinstance(event, RecordsChanged) for record in event.changed}
    assert LocalStatus.NOT_SUBMITTED not in seen
    lines = [line for job in sandbox.jobs for line in sandbox.file_bytes(job["input_file_id"]).splitlines()]
    assert sorted(lines) == sorted(file.read_bytes().splitlines())


async def test_a_group_that_was_sent_is_not_held(sandbox: Sandbox, make_engine: MakeEngine, file: Path) -> None:
    async with make_engine(sandbox, requests_per_job=10) as engine:
        key = await submit(engine, file)
        await until(lambda: len(sandbox.jobs) == 3)
        await engine.wait_until(key, lambda record: record.job is not None)
        await until(lambda: all(record.job is not None for record in engine._store.records))
        assert await engine.groups.hold(key) == 0
        assert not any(part.group and part.group.is_held for part in await engine.groups.parts(key))
