"""What was refused or stopped has a way back: it alone is sent, once, and nothing of what ran."""

from __future__ import annotations

import asyncio
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tbatch_tui.engine.domain.already_submitted import AlreadySubmittedError
from tbatch_tui.engine.domain.job import LocalStatus
from tbatch_tui.engine.domain.submission import SubmissionState
from tbatch_tui.engine.endpoint import Endpoint
from tbatch_tui.engine.errors import LocalFileError
from tests.conftest import until
from tests.engine.groups.test_groups import COUNT, cut_file, file, rest_is, submit
from tests.engine.journal.test_journal import all_have_room

if TYPE_CHECKING:
    from pathlib import Path

    from tbatch_tui.engine.domain.record import JobRecord
    from tbatch_tui.engine.engine import BatchEngine
    from tbatch_tui.sandbox.testing import Sandbox
    from tests.engine.conftest import MakeEngine

__all__ = ["cut_file", "file"]


def refuse_a_part(box: Sandbox) -> None:
    box.plan_fault("status", "/v1/batches", method="POST", first=1, last=1, status=402, body="{}")


async def resolved_parts(engine: BatchEngine, key: str) -> tuple[list[JobRecord], JobRecord]:
    """Return the parts that became jobs, and the one that was refused."""
    parts = [await engine.wait_until(part.key, lambda r: r.is_resolved) for part in await engine.groups.parts(key)]
    [refused] = [part for part in parts if part.job is None]
    return [part for part in parts if part.job is not None], refused


async def test_only_the_part_that_was_refused_is_sent_again(
    sandbox: Sandbox, make_engine: MakeEngine, file: Path
) -> None:
    refuse_a_part(sandbox)
    async with make_engine(sandbox, requests_per_job=10) as engine:
        ran, refused = await resolved_parts(engine, await submit(engine, file))
        assert len(ran) == len(sandbox.jobs) == 2 and refused.can_send_again and refused.can_decide
        sha256 = (await engine.fingerprint(file)).sha256
        runs = await engine.earlier_runs(sha256, Endpoint.CHAT)
        assert await engine.groups.unsent_of(runs, sha256) == await engine.groups.unsent(ran[0].key) == [refused]
        assert [record.key for record in await engine.groups.send_unsent(ran[0].key)] == [refused.key]
        assert await engine.groups.send_unsent(refused.key) == [], "it is on its way: once is enough"
        assert (await engine.wait(refused.key)).has_results_here
        assert await engine.groups.unsent_of(runs, sha256) == [], "all of it ran"
    asked = [sandbox.file_bytes(job["input_file_id"]) for job in sandbox.jobs]
    assert sorted(b"".join(asked).splitlines()) == sorted(file.read_bytes().splitlines())


@pytest.mark.parametrize("what", ["file", "folder"])
async def test_a_part_whose_file_is_gone_is_written_anew(
    sandbox: Sandbox, make_engine: MakeEngine, file: Path, what: str
) -> None:
    refuse_a_part(sandbox)
    async with make_engine(sandbox, requests_per_job=10) as engine:
        _, refused = await resolved_parts(engine, await submit(engine, file))
        assert refused.submission is not None
        path = refused.submission.path
        before = path.read_bytes()
        if what == "file":
            path.unlink()
        else:
            shutil.rmtree(path.parent)
        [sent] = await engine.groups.send_unsent(refused.key)
        assert sent.submission is not None and sent.submission.path.name == path.name
        assert sent.submission.path.read_bytes() == before
        assert sent.submission.path.stat().st_mode & 0o777 == 0o600
        assert [one.name for one in sent.submission.path.parent.iterdir()] == [path.name]
        assert (await engine.wait(refused.key)).has_results_here
    assert len(sandbox.jobs) == 3


async def test_the_rest_of_a_canary_is_written_anew(sandbox: Sandbox, make_engine: MakeEngine, file: Path) -> None:
    async with make_engine(sandbox) as engine:
        key = await submit(engine, file, first=10)
        rest = await rest_is(engine, key, LocalStatus.READY)
        assert rest.submission is not None
        rest.submission.path.unlink()
        assert await engine.groups.send_rest(rest.key) == 1
        refused = await rest_is(engine, key, LocalStatus.NOT_SUBMITTED)
        assert await engine.groups.send_rest(rest.key) == 0
        assert [record.key for record in await engine.groups.send_unsent(refused.key)] == [rest.key]
        assert (await engine.wait(rest.key)).requests == COUNT - 10
    assert len(sandbox.jobs) == 2
    assert len(sandbox.file_bytes(sandbox.jobs[1]["input_file_id"]).splitlines()) == COUNT - 10


@pytest.mark.parametrize("gone", [False, True])
async def test_a_part_is_not_made_of_a_file_that_is_another_one_now(
    sandbox: Sandbox, make_engine: MakeEngine, file: Path, tmp_path: Path, gone: bool
) -> None:
    refuse_a_part(sandbox)
    async with make_engine(sandbox, requests_per_job=10) as engine:
        _, refused = await resolved_parts(engine, await submit(engine, file))
        assert refused.submission is not None
        refused.submission.path.unlink()
        if gone:
            file.unlink()
        else:
            file.write_bytes(file.read_bytes().replace(b"Say", b"Sag"))
        with pytest.raises(LocalFileError, match="is gone" if gone else "has changed since it was submitted"):
            await engine.groups.send_unsent(refused.key)
        record = engine.record(refused.key)
        assert record is not None and record.can_send_again, "it can be tried again when the file is back"
        assert len(list((tmp_path / "data" / "parts").glob("*/"))) == 1
    assert len(sandbox.jobs) == 2


async def test_a_file_that_was_stopped_is_sent_again_and_stays_one_record(
    sandbox: Sandbox, make_engine: MakeEngine, file: Path
) -> None:
    sandbox.plan_fault("delay", "/v1/files", method="POST", last=None, seconds=5)
    async with make_engine(sandbox) as engine:
        key = await engine.submit_checked(file, Endpoint.CHAT, label="mine")
        await until(lambda: sandbox.count("POST", "/v1/files"))
        assert await engine.cancel(key)
        sandbox.clear_faults()
        assert (await engine.wait_until(key, lambda record: record.is_resolved)).can_send_again
        await engine.groups.send_unsent(key)
        record = await engine.wait_until(key, lambda record: record.job is not None)
        assert record.label == "mine"
        assert [one.key for one in await engine.records()] == [record.key]
    assert len(sandbox.jobs) == 1


async def test_what_was_taken_out_of_the_list_comes_back_when_it_is_sent(
    sandbox: Sandbox, make_engine: MakeEngine, file: Path
) -> None:
    refuse_a_part(sandbox)
    async with make_engine(sandbox, requests_per_job=10) as engine:
        ran, refused = await resolved_parts(engine, await submit(engine, file))
        assert await engine.remove(refused.key) == 1
        [sent] = await engine.groups.send_unsent(ran[0].key)
        assert sent.key == refused.key and engine.record(refused.key) is not None
        await engine.wait_until(refused.key, lambda record: record.job is not None)
    assert len(sandbox.jobs) == 3


async def test_what_may_have_been_created_is_not_sent_again(
    sandbox: Sandbox, make_engine: MakeEngine, file: Path
) -> None:
    refuse_a_part(sandbox)
    async with make_engine(sandbox, requests_per_job=10) as engine:
        _, refused = await resolved_parts(engine, await submit(engine, file))
        assert refused.submission is not None
        unknown = replace(refused.submission, create_sent_at=1.0)
        await engine._store.submissions.save(unknown, [unknown.state])
        assert await engine.groups.unsent(refused.key) == []
        assert await engine._store.groups.send_again({refused.key: refused.submission.path}, [], all_have_room) == []
    assert len(sandbox.jobs) == 2


async def test_bytes_that_ran_elsewhere_meanwhile_are_asked_about(
    sandbox: Sandbox, make_engine: MakeEngine, file: Path
) -> None:
    refuse_a_part(sandbox)
    async with make_engine(sandbox, requests_per_job=10) as engine:
        _, refused = await resolved_parts(engine, await submit(engine, file))
        other = await submit(engine, file)
        for part in await engine.groups.parts(other):
            await engine.wait_until(part.key, lambda record: record.job is not None)
        elsewhere = await engine.groups.runs_elsewhere(refused.key)
        assert elsewhere
        with pytest.raises(AlreadySubmittedError):
            await engine.groups.send_unsent(refused.key)
        assert len(sandbox.jobs) == 5
        await engine.groups.send_unsent(refused.key, elsewhere)
        await engine.wait_until(refused.key, lambda record: record.job is not None)
    assert len(sandbox.jobs) == 6


async def test_of_two_apps_that_ask_at_once_one_sends(sandbox: Sandbox, make_engine: MakeEngine, file: Path) -> None:
    refuse_a_part(sandbox)
    async with make_engine(sandbox, requests_per_job=10) as engine, make_engine(sandbox) as other:
        ran, refused = await resolved_parts(engine, await submit(engine, file))
        await other.records()
        sent = await asyncio.gather(engine.groups.send_unsent(ran[0].key), other.groups.send_unsent(ran[0].key))
        assert sorted(map(len, sent)) == [0, 1]
        await engine.wait_until(refused.key, lambda record: record.job is not None)
    assert len(sandbox.jobs) == 3


async def test_a_part_that_is_refused_again_stays_unsent(sandbox: Sandbox, make_engine: MakeEngine, file: Path) -> None:
    sandbox.plan_fault("status", "/v1/batches", method="POST", last=None, status=402, body="{}")
    async with make_engine(sandbox) as engine:
        key = await engine.submit_checked(file, Endpoint.CHAT)
        await engine.wait_until(key, lambda record: record.can_send_again)
        assert len(await engine.groups.send_unsent(key)) == 1
        record = await engine.wait_until(key, lambda record: record.can_send_again)
        assert record.submission is not None and record.submission.state is SubmissionState.REJECTED
    assert sandbox.count("POST", "/v1/batches") == 2
