"""The main job without a screen: submit, watch, get every byte back; cancel; come back to it."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest

from tbatch_tui.engine.domain.account import HealthState
from tbatch_tui.engine.domain.transfer import TransferState
from tbatch_tui.engine.endpoint import Endpoint
from tbatch_tui.engine.errors import BatchError, LocalFileError
from tbatch_tui.engine.events import Event, ResultsDownloaded, TransferProgress
from tbatch_tui.sandbox.testing import Sandbox
from tests.conftest import until, write_chat

if TYPE_CHECKING:
    from pathlib import Path

    from tbatch_tui.engine.domain.record import JobRecord
    from tests.engine.conftest import MakeEngine


def fetched(record: JobRecord) -> bool:
    return bool(record.transfers) and all(t.state is TransferState.FETCHED for t in record.transfers)


@pytest.mark.parametrize("kind", ["chat", "audio"])
async def test_a_file_is_submitted_and_its_results_are_downloaded_to_the_byte(
    kind: str, sandbox: Sandbox, make_engine: MakeEngine, events: list[Event], chat_file: Path, audio_file: Path
) -> None:
    path, endpoint = (chat_file, Endpoint.CHAT) if kind == "chat" else (audio_file, Endpoint.TRANSCRIPTION)
    async with make_engine(sandbox) as engine:
        key = await engine.submit_checked(path, endpoint, requests=2, label="mine")
        record = await engine.wait_until(key, fetched)
    [job] = sandbox.jobs
    assert sandbox.file_bytes(job["input_file_id"]) == path.read_bytes()
    assert record.output is not None and record.output.path is not None
    assert record.output.path.name == f"{path.stem}-{job['id'][:8]}.output.jsonl"
    assert record.output.path.read_bytes() == sandbox.file_bytes(job["output_file_id"])
    assert (record.label, record.requests, record.answered_rows) == ("mine", 2, 2)
    assert any(isinstance(event, ResultsDownloaded) for event in events)
    assert any(isinstance(event, TransferProgress) and event.upload for event in events)
    assert not list(record.output.path.parent.glob("*.part"))


async def test_failed_rows_come_back_as_an_error_file(tmp_path: Path, make_engine: MakeEngine) -> None:
    path = write_chat(tmp_path / "many.jsonl", [f"prompt {n}" for n in range(40)])
    with Sandbox(speed=40, failure_rate=0.3) as box:
        async with make_engine(box) as engine:
            key = await engine.submit_checked(path, Endpoint.CHAT, requests=40)
            record = await engine.wait_until(key, fetched)
        [job] = box.jobs
        assert record.errors is not None and record.errors.path is not None
        assert record.errors.path.name == f"many-{job['id'][:8]}.errors.jsonl"
        assert record.errors.path.read_bytes() == box.file_bytes(job["error_file_id"])
        assert record.answered_rows is not None and record.error_rows is not None
        assert record.answered_rows + record.error_rows == 40


async def test_the_history_is_there_before_the_network_answers(
    sandbox: Sandbox, make_engine: MakeEngine, chat_file: Path
) -> None:
    async with make_engine(sandbox) as engine:
        key = await engine.submit_checked(chat_file, Endpoint.CHAT, requests=2, label="kept")
        done = await engine.wait_until(key, fetched)
    sandbox.stop()
    again = make_engine(sandbox)
    assert again.first_page(60) == [done]
    async with again:
        await until(lambda: again.health.state is HealthState.OFFLINE)
        assert await again.records() == [done]
        sandbox.start()
        again.refresh()
        await until(lambda: again.health.state is HealthState.OK, what="comes back by itself")


async def test_jobs_made_elsewhere_are_listed_by_their_files_name_and_fetched_on_demand(
    sandbox: Sandbox, make_engine: MakeEngine
) -> None:
    job_id = sandbox.add_job("COMPLETED", rows=3)
    async with make_engine(sandbox) as engine:
        record = await engine.wait_until(job_id, lambda r: r.name == "batch")
        assert record.transfers == ()
        await engine.download(job_id)
        record = await engine.wait_until(job_id, fetched)
    assert record.output is not None and record.output.path is not None
    assert record.output.path.name == f"batch-{job_id[:8]}.output.jsonl"


async def test_cancel_shows_cancelling_until_the_server_says_cancelled(
    still_sandbox: Sandbox, make_engine: MakeEngine, tmp_path: Path
) -> None:
    path = write_chat(tmp_path / "long.jsonl", [f"prompt {n}" for n in range(50)])
    async with make_engine(still_sandbox) as engine:
        key = await engine.submit_checked(path, Endpoint.CHAT, requests=50)
        record = await engine.wait_until(key, lambda r: r.status == "VALIDATING")
        still_sandbox.advance(8)
        await engine.wait_until(key, lambda r: r.status == "IN_PROGRESS")
        assert await engine.cancel(record.key)
        await engine.wait_until(key, lambda r: r.status == "CANCELING")
        still_sandbox.advance(60)
        await engine.wait_until(key, lambda r: r.status == "CANCELLED")
        assert not await engine.cancel(record.key)  # it has ended: said, but no error


async def test_one_list_a_tick_whatever_the_number_of_jobs(sandbox: Sandbox, make_engine: MakeEngine) -> None:
    sandbox.add_many_jobs(200)
    async with make_engine(sandbox) as engine:
        await until(lambda: sandbox.count("GET", "/v1/batches") >= 4)
        calls = sandbox.requests
        assert len(await engine.records()) == 200
    others = [call.path for call in calls if call.path != "/v1/batches"]
    assert sorted(set(others)) == ["/v1/files", "/v3/whoami"]
    assert len(others) == 2


async def test_a_wrong_key_is_reported_and_the_history_stays(
    sandbox: Sandbox, make_engine: MakeEngine, chat_file: Path
) -> None:
    async with make_engine(sandbox) as engine:
        key = await engine.submit_checked(chat_file, Endpoint.CHAT, requests=2)
        await engine.wait_until(key, fetched)
    wrong = "wrong-key-that-nobody-knows"
    async with make_engine(sandbox, api_key=wrong) as engine:
        await until(lambda: engine.health.state is HealthState.KEY_REFUSED)
        assert len(await engine.records()) == 1
        assert wrong not in engine.health.title + engine.health.hint
        with pytest.raises(BatchError, match="refused"):
            await engine.submit_checked(chat_file, Endpoint.CHAT, requests=2)


async def test_without_a_key_nothing_is_asked(sandbox: Sandbox, make_engine: MakeEngine) -> None:
    async with make_engine(sandbox, api_key=None) as engine:
        assert engine.health.state is HealthState.NO_KEY
    assert sandbox.requests == []


async def test_a_file_that_changed_since_it_was_checked_is_not_sent(
    sandbox: Sandbox, make_engine: MakeEngine, chat_file: Path
) -> None:
    async with make_engine(sandbox) as engine:
        checked = await engine.fingerprint(chat_file)
        chat_file.write_text(chat_file.read_text() * 2)
        key = await engine.submit_checked(chat_file, Endpoint.CHAT, requests=2, fingerprint=checked)
        record = await engine.wait_until(key, lambda r: r.status == "NOT_SUBMITTED")
    assert record.submission is not None and "changed" in (record.submission.error or "")
    assert sandbox.jobs == []


@pytest.mark.parametrize("kind", ["missing", "folder"])
async def test_a_file_that_cannot_be_read_is_reported(
    kind: str, sandbox: Sandbox, make_engine: MakeEngine, tmp_path: Path
) -> None:
    path = tmp_path / "nothing.jsonl"
    if kind == "folder":
        path.mkdir()
    async with make_engine(sandbox) as engine:
        with pytest.raises(LocalFileError, match="nothing.jsonl"):
            await engine.submit_checked(path, Endpoint.CHAT, requests=1)


async def test_exact_bytes_that_ran_before_are_known(
    sandbox: Sandbox, make_engine: MakeEngine, chat_file: Path
) -> None:
    async with make_engine(sandbox) as engine:
        key = await engine.submit_checked(chat_file, Endpoint.CHAT, requests=2)
        await engine.wait_until(key, fetched)
        sha256 = hashlib.sha256(chat_file.read_bytes()).hexdigest()
        assert [r.requests for r in await engine.earlier_runs(sha256, Endpoint.CHAT)] == [2]
        assert await engine.earlier_runs(sha256, Endpoint.TRANSCRIPTION) == []


async def test_wait_waits_for_files_that_are_named_after_the_end(
    sandbox: Sandbox, make_engine: MakeEngine, chat_file: Path
) -> None:
    async with make_engine(sandbox) as engine:
        key = await engine.submit_checked(chat_file, Endpoint.CHAT)
        record = await engine.wait_until(key, lambda r: r.job is not None)
        await until(lambda: sandbox.jobs[0]["status"] == "COMPLETED")
        nameless = sandbox.jobs[0] | {"output_file_id": None, "error_file_id": None}
        sandbox.plan_fault("status", "/v1/batches", method="GET", last=2, status=200, body=[nameless])
        await engine.wait_until(record.key, lambda r: r.is_awaiting_file_ids or r.is_finished)
        done = await engine.wait(key)
    assert done.paths[0].read_bytes() == sandbox.file_bytes(sandbox.jobs[0]["output_file_id"])
    assert done.requests == 2


async def test_a_script_that_starts_again_waits_for_the_connection_and_then_for_the_files(
    sandbox: Sandbox, make_engine: MakeEngine, chat_file: Path
) -> None:
    async with make_engine(sandbox) as engine:
        record = await engine.wait_until(
            await engine.submit_checked(chat_file, Endpoint.CHAT), lambda r: r.job is not None
        )
        nameless = sandbox.jobs[0] | {"status": "COMPLETED", "output_file_id": None, "error_file_id": None}
        sandbox.plan_fault("status", "/v1/batches", method="GET", last=None, status=200, body=[nameless])
        assert (await engine.wait(record.key)).is_awaiting_file_ids
    sandbox.clear_faults()
    await until(lambda: sandbox.jobs[0]["status"] == "COMPLETED")
    async with make_engine(sandbox) as engine:
        await engine.records()
        statuses: list[str] = []
        done = await engine.wait(record.key, watch=lambda record: statuses.append(record.status))
    assert done.paths[0].read_bytes() == sandbox.file_bytes(sandbox.jobs[0]["output_file_id"])
    assert set(statuses) == {"COMPLETED"}


async def test_wait_returns_without_files_and_raises_without_a_job(
    sandbox: Sandbox, make_engine: MakeEngine, chat_file: Path, tmp_path: Path
) -> None:
    async with make_engine(sandbox) as engine:
        key = await engine.submit_checked(chat_file, Endpoint.CHAT)
        await until(lambda: bool(sandbox.jobs))
        nameless = sandbox.jobs[0] | {"status": "COMPLETED", "output_file_id": None, "error_file_id": None}
        sandbox.plan_fault("status", "/v1/batches", method="GET", last=None, status=200, body=[nameless])
        assert (await engine.wait(key)).paths == ()
        sandbox.plan_fault("status", "/v1/batches", method="POST", status=422, body={"error": "no such model"})
        other = write_chat(tmp_path / "other.jsonl", ["x"])
        with pytest.raises(BatchError, match="no such model"):
            await engine.wait(await engine.submit_checked(other, Endpoint.CHAT))
