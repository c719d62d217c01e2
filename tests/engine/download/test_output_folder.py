"""Results go to the output folder of whoever wanted them, whichever app downloads them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tbatch_tui.engine.domain.job import FileKind, Job, JobStatus
from tbatch_tui.engine.domain.record import JobRecord
from tbatch_tui.engine.domain.transfer import Transfer, TransferState
from tbatch_tui.engine.download.request import transfers_to_request
from tbatch_tui.engine.endpoint import Endpoint
from tests.conftest import until

if TYPE_CHECKING:
    from pathlib import Path

    from tbatch_tui.sandbox.testing import Sandbox
    from tests.engine.conftest import MakeEngine


@pytest.mark.parametrize("in_parts", [False, True])
async def test_a_command_beside_an_open_app_gets_its_files_in_its_own_folder(
    sandbox: Sandbox, make_engine: MakeEngine, chat_file: Path, tmp_path: Path, in_parts: bool
) -> None:
    async with make_engine(sandbox) as app:
        await until(lambda: app._runtime._is_working, what="the app has the worker lock")
        async with make_engine(sandbox, output_dir=tmp_path / "mine", requests_per_job=1) as command:
            fingerprint = await command.fingerprint(chat_file)
            start = command.groups.submit if in_parts else command.submit_checked
            key = await start(chat_file, Endpoint.CHAT, requests=2, fingerprint=fingerprint)
            parts = [part.key for part in await command.groups.parts(key)] or [key]
            paths = [path for part in parts for path in (await command.wait(part)).paths]
            assert command._runtime._is_working is False
    assert len(paths) == len(parts)
    assert {path.parent for path in paths} == {tmp_path / "mine"}
    assert not (tmp_path / "results").exists()


async def test_a_fetch_beside_an_open_app_goes_where_it_was_asked_to(
    sandbox: Sandbox, make_engine: MakeEngine, tmp_path: Path
) -> None:
    job_id = sandbox.add_job("COMPLETED")
    async with make_engine(sandbox) as app:
        await until(lambda: app._runtime._is_working)
        await app.wait_until(job_id, lambda record: record.job is not None)
        await app.download(job_id)
        record = await app.wait_until(job_id, lambda record: record.has_results_here)
        assert {path.parent for path in record.paths} == {tmp_path / "results"}
        async with make_engine(sandbox, output_dir=tmp_path / "mine") as command:
            await command.records()
            await until(lambda: command.health.state.value == "ok")
            await command.download(job_id)
            mine = tmp_path / "mine"
            await command.wait_until(job_id, lambda r: bool(r.paths) and {p.parent for p in r.paths} == {mine})


async def test_a_fetch_amid_a_download_into_another_folder_is_not_forgotten(
    sandbox: Sandbox, make_engine: MakeEngine, tmp_path: Path
) -> None:
    job_id = sandbox.add_job("COMPLETED")
    sandbox.plan_fault("delay", "/v1/files/*/content", last=1, seconds=3)
    async with make_engine(sandbox) as app:
        await until(lambda: app._runtime._is_working)
        await app.wait_until(job_id, lambda record: record.job is not None)
        await app.download(job_id)
        await until(lambda: any(call.path.endswith("/content") for call in sandbox.requests))
        async with make_engine(sandbox, output_dir=tmp_path / "mine") as command:
            await command.records()
            await until(lambda: command.health.state.value == "ok")
            await command.download(job_id)
            mine = tmp_path / "mine"
            await command.wait_until(job_id, lambda r: bool(r.paths) and {p.parent for p in r.paths} == {mine})


async def test_a_job_goes_where_its_submit_wanted_it_after_a_restart_elsewhere(
    still_sandbox: Sandbox, make_engine: MakeEngine, chat_file: Path, tmp_path: Path
) -> None:
    async with make_engine(still_sandbox, output_dir=tmp_path / "before") as engine:
        key = await engine.submit_checked(chat_file, Endpoint.CHAT)
        await engine.wait_until(key, lambda record: record.job is not None)
    still_sandbox.advance(3_600)
    async with make_engine(still_sandbox, output_dir=tmp_path / "after") as engine:
        await engine.records()
        record = await engine.wait(key)
    assert {path.parent for path in record.paths} == {tmp_path / "before"}


def test_what_is_known_of_a_part_is_not_taken_to_another_folder(tmp_path: Path) -> None:
    """A `.part` there may be of the file as it was before."""
    job = Job("job", JobStatus.COMPLETED, output_file_id="file")
    for wanted_in, is_known in ((tmp_path / "here", True), (None, True), (tmp_path / "there", False)):
        begun = Transfer(
            FileKind.OUTPUT, "file", TransferState.FAILED, etag='"v1"', synced=7, part_inode=3, folder=wanted_in
        )
        [again] = transfers_to_request(JobRecord("job", job=job, output=begun), tmp_path / "here", 0.0)
        assert again.folder == tmp_path / "here" and again.state is TransferState.WANTED
        assert (again.etag, again.synced, again.part_inode) == (('"v1"', 7, 3) if is_known else (None, 0, None))
