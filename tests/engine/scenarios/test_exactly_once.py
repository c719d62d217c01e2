"""A submit makes one job that is in the history, whatever happens to the answers; result files are whole or absent."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
from typing import TYPE_CHECKING

import pytest

from tbatch_tui.engine.domain.job import LocalStatus
from tbatch_tui.engine.domain.transfer import TransferState
from tbatch_tui.engine.endpoint import Endpoint
from tbatch_tui.engine.events import Event, Notice
from tbatch_tui.engine.submit.lookup import LookupDecision
from tests.conftest import until, write_chat
from tests.engine.scenarios.test_main_job import fetched
from tests.helpers.submit_child import child_environment, submit_command

if TYPE_CHECKING:
    from pathlib import Path

    from tbatch_tui.sandbox.testing import Sandbox
    from tests.engine.conftest import MakeEngine


async def test_a_lost_answer_is_shown_as_uncertain_and_adopted_when_the_job_shows_up(
    sandbox: Sandbox, make_engine: MakeEngine, chat_file: Path
) -> None:
    sandbox.plan_fault("close-after", "/v1/batches", method="POST")
    sandbox.plan_fault("status", "/v1/batches", method="GET", first=3, last=4, status=503)
    async with asyncio.timeout(30), make_engine(sandbox) as engine:
        key = await engine.submit_checked(chat_file, Endpoint.CHAT, requests=2)
        await engine.wait_until(key, lambda r: r.status == LocalStatus.UNCERTAIN)
        await engine.wait_until(key, fetched)
        assert [r.key for r in await engine.records()] == [sandbox.jobs[0]["id"]]
    assert sandbox.count("POST", "/v1/batches") == 1


async def test_a_create_that_made_nothing_is_repeated_only_after_enough_lists(
    sandbox: Sandbox, make_engine: MakeEngine, chat_file: Path
) -> None:
    sandbox.plan_fault("close", "/v1/batches", method="POST")
    async with asyncio.timeout(30), make_engine(sandbox) as engine:
        key = await engine.submit_checked(chat_file, Endpoint.CHAT, requests=2)
        await engine.wait_until(key, fetched)
    calls = [c for c in sandbox.requests if c.path == "/v1/batches"]
    creates = [n for n, c in enumerate(calls) if c.method == "POST"]
    assert len(creates) == 2
    between = [c for c in calls[creates[0] + 1 : creates[1]] if c.status == 200]
    assert between[-1].started - between[0].started >= 0.9
    assert len(sandbox.jobs) == 1


async def test_the_same_file_twice_on_purpose_makes_two_jobs(
    sandbox: Sandbox, make_engine: MakeEngine, chat_file: Path
) -> None:
    sandbox.plan_fault("close-after", "/v1/batches", method="POST", first=1, last=2)
    async with asyncio.timeout(30), make_engine(sandbox) as engine:
        keys = [
            await engine.submit_checked(chat_file, Endpoint.CHAT, requests=2, label=label)
            for label in ("first", "second")
        ]
        records = [await engine.wait_until(key, fetched) for key in keys]
    assert len({record.key for record in records}) == 2
    assert {record.label for record in records} == {"first", "second"}
    assert len(sandbox.jobs) == 2


async def test_a_4xx_is_reported_and_not_repeated(
    sandbox: Sandbox, make_engine: MakeEngine, chat_file: Path, events: list[Event]
) -> None:
    sandbox.plan_fault("status", "/v1/batches", method="POST", status=400, body={"error": "model [/bad] is gone"})
    async with asyncio.timeout(30), make_engine(sandbox) as engine:
        key = await engine.submit_checked(chat_file, Endpoint.CHAT, requests=2)
        record = await engine.wait_until(key, lambda r: r.status == LocalStatus.NOT_SUBMITTED)
    assert record.submission is not None and "model [/bad] is gone" in (record.submission.error or "")
    assert any(isinstance(e, Notice) and e.severity == "error" for e in events)
    assert sandbox.count("POST", "/v1/batches") == 1
    assert sandbox.jobs == []


@pytest.mark.parametrize("moment", ["committed", "upload", "create", "created", "download"])
async def test_killed_at_any_moment_it_resumes(
    moment: str, sandbox: Sandbox, make_engine: MakeEngine, chat_file: Path, tmp_path: Path
) -> None:
    held = {
        "upload": ("PUT", "/**"),
        "create": ("POST", "/v1/batches"),
        "created": ("POST", "/v1/batches"),
        "download": ("GET", "/v1/files/*/content"),
    }
    if moment in held:
        method, path = held[moment]
        after = {"after": True} if moment == "created" else {}
        sandbox.plan_fault("delay", path, method=method, seconds=30, **after)
    child = subprocess.Popen(
        submit_command(sandbox, tmp_path, [chat_file], requests=2),
        stdout=subprocess.PIPE,
        env=child_environment(),
    )
    assert child.stdout is not None
    with child, child.stdout:
        await asyncio.to_thread(child.stdout.readline)
        if moment in held:
            method, path = held[moment]
            tail = path.rpartition("/")[2]
            await until(
                lambda: any(c.method == method and (tail == "**" or c.path.endswith(tail)) for c in sandbox.requests),
                what=f"{method} {path}",
            )
        if moment == "created":
            await until(lambda: sandbox.jobs)
        child.send_signal(signal.SIGKILL)
    sandbox.clear_faults()
    async with asyncio.timeout(40), make_engine(sandbox) as engine:
        [record] = await engine.records()
        record = await engine.wait_until(record.key, fetched)
    assert len(sandbox.jobs) == 1
    assert record.label == chat_file.stem
    assert record.output is not None and record.output.path is not None
    assert record.output.path.read_bytes() == sandbox.file_bytes(sandbox.jobs[0]["output_file_id"])


async def test_two_apps_on_one_data_folder_submit_each_file_once(
    sandbox: Sandbox, make_engine: MakeEngine, tmp_path: Path
) -> None:
    files = [write_chat(tmp_path / f"in-{n}.jsonl", [f"prompt {n}"]) for n in range(4)]
    async with asyncio.timeout(40), make_engine(sandbox) as one, make_engine(sandbox) as two:
        keys = [
            await (one, two)[number % 2].submit_checked(file, Endpoint.CHAT, requests=1, label=file.stem)
            for number, file in enumerate(files)
        ]
        for engine in (one, two):
            assert [(await engine.wait_until(key, fetched)).label for key in keys] == [file.stem for file in files]
    assert len(sandbox.jobs) == 4


async def test_a_read_only_output_folder_is_reported_and_recovered_from(
    sandbox: Sandbox, make_engine: MakeEngine, chat_file: Path, tmp_path: Path
) -> None:
    blocked = tmp_path / "results"
    blocked.write_text("a file where the folder should be")
    async with asyncio.timeout(30), make_engine(sandbox) as engine:
        key = await engine.submit_checked(chat_file, Endpoint.CHAT, requests=2)
        record = await engine.wait_until(key, lambda r: r.output is not None and r.output.state is TransferState.FAILED)
        assert record.output is not None and "folder should be" in (record.output.message or "")
        blocked.unlink()
        await engine.wait_until(key, fetched)


async def test_a_file_with_the_results_name_is_renamed_and_kept(
    sandbox: Sandbox, make_engine: MakeEngine, chat_file: Path
) -> None:
    async with asyncio.timeout(30), make_engine(sandbox) as engine:
        key = await engine.submit_checked(chat_file, Endpoint.CHAT, requests=2)
        record = await engine.wait_until(key, fetched)
        assert record.output is not None and record.output.path is not None
        path, whole = record.output.path, record.output.path.read_bytes()
        before = path.stat()
        await engine.download(record.key)
        await engine.wait_until(key, lambda r: fetched(r) and r.output is not None and r.output != record.output)
        assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
        path.write_text('{"mine": true}\n')
        record = engine.record(key) or record
        await engine.download(record.key)
        await until(lambda: path.read_bytes() == whole if path.exists() else False)
        assert path.with_name(f"{path.stem}.before-1.jsonl").read_text() == '{"mine": true}\n'


async def test_each_file_that_was_renamed_is_reported(
    sandbox: Sandbox, make_engine: MakeEngine, events: list[Event]
) -> None:
    body = {"model": "openai/gpt-oss-20b", "messages": [{"role": "user", "content": "Hello"}]}
    rows = [{"custom_id": "a", "body": body}, {"custom_id": "b", "body": body | {"temperature": "warm"}}]
    content = "".join(json.dumps(row) + "\n" for row in rows).encode()
    job_id = sandbox.add_job("COMPLETED", content=content)
    async with asyncio.timeout(30), make_engine(sandbox) as engine:
        await engine.wait_until(job_id, lambda r: r.job is not None)
        await engine.download(job_id)
        record = await engine.wait_until(job_id, fetched)
        paths = [transfer.path for transfer in record.transfers if transfer.path is not None]
        for path in paths:
            path.write_text("mine\n")
        await engine.download(job_id)
        await engine.wait_until(job_id, lambda r: fetched(r) and r.transfers != record.transfers)
    hints = [
        event.hint for event in events if isinstance(event, Notice) and "had the name of the results" in event.title
    ]
    assert len(paths) == len(hints) == 2


async def test_a_warning_in_the_answer_is_reported_and_saved(
    sandbox: Sandbox, make_engine: MakeEngine, chat_file: Path, events: list[Event]
) -> None:
    job_id = sandbox.add_job(content=chat_file.read_bytes())
    answer = {"job": sandbox.job(job_id), "warning": "this model [/leaves] batches soon"}
    sandbox.plan_fault("status", "/v1/batches", method="POST", status=201, body=answer)
    async with asyncio.timeout(30), make_engine(sandbox) as engine:
        key = await engine.submit_checked(chat_file, Endpoint.CHAT, requests=2)
        record = await engine.wait_until(key, lambda r: r.job is not None)
    assert record.submission is not None and record.submission.warning == answer["warning"]
    assert any(isinstance(e, Notice) and e.hint == answer["warning"] and e.severity == "warning" for e in events)


@pytest.mark.parametrize("chosen", [0, 1, None])
async def test_jobs_that_cannot_be_told_apart_are_left_to_the_person(
    chosen: int | None, still_sandbox: Sandbox, make_engine: MakeEngine, chat_file: Path
) -> None:
    still_sandbox.plan_fault("close", "/v1/batches", method="POST")
    async with asyncio.timeout(40), make_engine(still_sandbox, lookup_patience=60.0) as engine:
        await until(lambda: still_sandbox.count("GET", "/v1/batches"))
        still_sandbox.plan_fault("status", "/v1/batches", method="GET", to=None, status=503)  # both come in one list
        key = await engine.submit_checked(chat_file, Endpoint.CHAT, requests=2, label="mine")
        await engine.wait_until(key, lambda r: r.status == LocalStatus.UNCERTAIN)
        others = [still_sandbox.add_job(content=chat_file.read_bytes()) for _ in range(2)]
        still_sandbox.clear_faults()
        record = await engine.wait_until(key, lambda r: "2 jobs" in ((r.submission and r.submission.error) or ""))
        assert record.status == LocalStatus.UNCERTAIN
        decision = LookupDecision(job_id=others[chosen]) if chosen is not None else LookupDecision(give_up=True)
        assert await engine.decide(key, decision)
        record = await engine.wait_until(key, lambda r: r.status != LocalStatus.UNCERTAIN)
    if chosen is None:
        assert record.status == LocalStatus.NOT_SUBMITTED
    else:
        assert (record.key, record.label) == (others[chosen], "mine")
    assert len(still_sandbox.jobs) == 2
    assert still_sandbox.count("POST", "/v1/batches") == 1
