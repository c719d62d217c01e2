"""Files on the server are deleted only when nothing needs them, with one request each."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tbatch_tui.engine.client import decode
from tbatch_tui.engine.domain.record import JobRecord
from tbatch_tui.engine.domain.server_file import FileRole, ServerFile
from tbatch_tui.engine.domain.submission import Submission, SubmissionState
from tbatch_tui.engine.domain.transfer import TransferState
from tbatch_tui.engine.endpoint import Endpoint
from tbatch_tui.engine.errors import BatchError, OutcomeUnknownError
from tbatch_tui.engine.events import Event, FileDeleted, Notice
from tbatch_tui.engine.next_step import NextStep
from tbatch_tui.engine.server_files import cleanup
from tbatch_tui.engine.server_files.policy import with_policy
from tests.conftest import until
from tests.engine.scenarios.test_main_job import fetched
from tests.helpers.hostile_text import NASTY

if TYPE_CHECKING:
    from pathlib import Path

    from tbatch_tui.engine.engine import BatchEngine
    from tbatch_tui.sandbox.testing import Sandbox
    from tests.engine.conftest import MakeEngine

NOW = 1_772_802_120.0
PACE = {"poll_interval": 0.05, "lookup_interval": 0.05, "now": lambda: time.time() + 3_600}
"""Lists come fast, as one is waited for before a delete, and every file on the server is an hour old."""


def deletes(box: Sandbox) -> list[str]:
    """Return the files that were asked to be deleted, in order."""
    return [call.path.rpartition("/")[2] for call in box.requests if call.method == "DELETE"]


async def listed(engine: BatchEngine) -> dict[str, ServerFile]:
    return {file.id: file for file in await engine.files.list()}


async def ready(engine: BatchEngine) -> None:
    await until(lambda: engine.listed_at is not None)


async def test_each_file_names_its_uses_and_the_reason_to_keep_it(
    still_sandbox: Sandbox, make_engine: MakeEngine
) -> None:
    box = still_sandbox
    ended, going = box.job(box.add_job("COMPLETED")), box.job(box.add_job("IN_PROGRESS", rows=5))
    lone = box.add_file(b"{}\n", "lone.jsonl")
    async with asyncio.timeout(30), make_engine(box, **PACE) as engine:
        await ready(engine)
        # The names of the jobs' inputs come from a list of files, too: that one is not counted.
        await until(lambda: all((r := engine.record(job["id"])) and r.input_name for job in (ended, going)))
        before = len(box.requests)
        files = await listed(engine)
        assert [c.path for c in box.requests[before:] if "files" in c.path] == ["/v1/files"]
        assert files[lone].is_deletable and not files[lone].uses and files[lone].size == 3
        [use] = files[ended["input_file_id"]].uses
        assert (use.role, use.key) == (FileRole.INPUT, ended["id"])
        elsewhere = files[ended["input_file_id"]]
        assert elsewhere.is_last_copy and not elsewhere.is_deletable
        assert elsewhere.keep_reason == "only copy: not submitted from here, so there is none on this machine"
        assert files[ended["output_file_id"]].keep_reason == f"not downloaded: {NextStep.FETCH} on its job downloads it"
        assert files[going["input_file_id"]].keep_reason == "in use: its job has not ended"
        done = await engine.files.delete([ended["output_file_id"], going["input_file_id"], "no-such-file"])
        assert [file_id for file_id, _ in done.failed] == [
            ended["output_file_id"],
            going["input_file_id"],
            "no-such-file",
        ]
    assert deletes(box) == []


@pytest.mark.parametrize("change", ["gone", "shorter", "same size"])
async def test_the_only_copy_of_an_input_stays_unless_the_person_insists(
    sandbox: Sandbox, make_engine: MakeEngine, chat_file: Path, change: str
) -> None:
    async with asyncio.timeout(30), make_engine(sandbox, **PACE) as engine:
        record = await engine.wait(await engine.submit_checked(chat_file, Endpoint.CHAT))
        assert record.submission is not None and record.submission.file_id is not None
        file_id, content = record.submission.file_id, chat_file.read_bytes()
        assert (await listed(engine))[file_id].is_deletable
        if change == "gone":
            chat_file.unlink()
        else:
            chat_file.write_bytes(content[:-1] if change == "shorter" else content.replace(b"Hello", b"Howdy"))
        if change != "same size":  # a list only looks at the file here; a delete reads it
            listed_again = (await listed(engine))[file_id]
            assert listed_again.is_last_copy and "only copy" in listed_again.keep_reason
        [(_, error)] = (await engine.files.delete([file_id])).failed
        assert "only copy" in error.title
        assert deletes(sandbox) == []
        assert (await engine.files.delete([file_id], last_copies=True)).deleted == (file_id,)
    assert deletes(sandbox) == [file_id]


async def test_a_part_has_a_copy_as_long_as_its_whole_file_is_there(
    sandbox: Sandbox, make_engine: MakeEngine, chat_file: Path
) -> None:
    async with asyncio.timeout(30), make_engine(sandbox, **PACE, requests_per_job=1) as engine:
        key = await engine.groups.submit(
            chat_file, Endpoint.CHAT, requests=2, fingerprint=await engine.fingerprint(chat_file)
        )
        record = await engine.wait(key)
        assert record.submission is not None and record.submission.file_id is not None
        record.submission.path.unlink()
        assert (await listed(engine))[record.submission.file_id].is_deletable
        chat_file.unlink()
        assert (await listed(engine))[record.submission.file_id].is_last_copy


async def test_insisting_does_not_delete_what_is_in_use(sandbox: Sandbox, make_engine: MakeEngine) -> None:
    job = sandbox.job(sandbox.add_job("COMPLETED"))
    async with asyncio.timeout(30), make_engine(sandbox, **PACE) as engine:
        await ready(engine)
        await engine.files.list()
        assert (await engine.files.delete([job["output_file_id"]], last_copies=True)).failed
    assert deletes(sandbox) == []


async def test_an_output_whose_copy_was_changed_stays(sandbox: Sandbox, make_engine: MakeEngine) -> None:
    job_id = sandbox.add_job("COMPLETED")
    async with asyncio.timeout(30), make_engine(sandbox, **PACE) as engine:
        await engine.wait_until(job_id, lambda r: r.job is not None)
        await engine.download(job_id)
        record = await engine.wait_until(job_id, fetched)
        assert record.output is not None and record.output.path is not None and record.output.sha256 is not None
        whole = record.output.path.read_bytes()
        record.output.path.write_bytes(whole[:-2] + b" \n")
        await engine.files.list()
        [(_, error)] = (await engine.files.delete([record.output.file_id])).failed
        assert "has changed since the download" in error.title
    assert deletes(sandbox) == []


async def test_an_output_is_deleted_only_while_its_copy_is_here_and_whole(
    sandbox: Sandbox, make_engine: MakeEngine, events: list[Event]
) -> None:
    job_id = sandbox.add_job("COMPLETED")
    async with asyncio.timeout(30), make_engine(sandbox, **PACE) as engine:
        await engine.wait_until(job_id, lambda r: r.job is not None)
        await engine.download(job_id)
        record = await engine.wait_until(job_id, fetched)
        assert record.output is not None and record.output.path is not None
        path, output, whole = record.output.path, record.output.file_id, record.output.path.read_bytes()
        assert (await listed(engine))[output].is_deletable
        path.write_bytes(whole[:-1])
        [(_, error)] = (await engine.files.delete([output])).failed
        assert "must stay" in error.title
        path.unlink()
        assert (await engine.files.delete([output])).failed
        assert deletes(sandbox) == []
        path.write_bytes(whole)
        assert (await engine.files.delete([output, output])).deleted == (output,)
        assert (await engine.files.delete([output])).deleted == (output,)
        assert deletes(sandbox) == [output]
        assert output not in await listed(engine)
        # Fetching again finds nothing there, and leaves what is here.
        await engine.download(job_id)
        record = await engine.wait_until(job_id, lambda r: r.output is not None and r.output.message is not None)
        assert record.output is not None and record.output.state is TransferState.FETCHED
        assert path.read_bytes() == whole
    assert [e.is_gone for e in events if isinstance(e, FileDeleted)] == [False, False, True, True]


async def test_a_deleted_output_is_not_downloaded_again(
    sandbox: Sandbox, make_engine: MakeEngine, chat_file: Path
) -> None:
    async with asyncio.timeout(30), make_engine(sandbox, **PACE) as engine:
        record = await engine.wait(await engine.submit_checked(chat_file, Endpoint.CHAT))
        assert record.output is not None
        await engine.files.list()
        done = await engine.files.delete([record.output.file_id, record.job.input_file_id])  # type: ignore[union-attr, list-item]
        assert len(done.deleted) == 2
    before = len(sandbox.requests)
    async with asyncio.timeout(30), make_engine(sandbox, **PACE) as engine:
        await ready(engine)
        lists = sandbox.count("GET", "/v1/batches")
        await until(lambda: sandbox.count("GET", "/v1/batches") >= lists + 2)
        [again] = await engine.records()
        assert again.output == record.output
    assert not [call for call in sandbox.requests[before:] if call.path.endswith("/content")]


async def test_a_job_made_elsewhere_meanwhile_keeps_its_input(still_sandbox: Sandbox, make_engine: MakeEngine) -> None:
    content = b'{"custom_id": "a", "body": {"model": "m/m", "messages": []}}\n'
    lone = still_sandbox.add_file(content)
    async with asyncio.timeout(30), make_engine(still_sandbox, **PACE | {"poll_interval": 600.0}) as engine:
        await ready(engine)
        assert (await listed(engine))[lone].is_deletable
        still_sandbox.add_job("VALIDATING", content=content)
        [(_, error)] = (await engine.files.delete([lone])).failed
        assert "in use: its job has not ended" in error.title
    assert deletes(still_sandbox) == []


async def test_nothing_is_deleted_while_the_jobs_cannot_be_listed(
    still_sandbox: Sandbox, make_engine: MakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cleanup, "_JOBS_WITHIN_UNHEALTHY", 0.3)
    lone = still_sandbox.add_file(b"{}\n")
    async with asyncio.timeout(30), make_engine(still_sandbox, **PACE) as engine:
        await ready(engine)
        await engine.files.list()
        still_sandbox.plan_fault("status", "/v1/batches", status=503, last=None)
        await until(lambda: engine.health.state != "ok")
        with pytest.raises(BatchError, match="files in use can't be told"):
            await engine.files.delete([lone])
    assert deletes(still_sandbox) == []


@pytest.mark.parametrize(
    ("kind", "more", "gone", "failed", "left"),
    [
        ("status", {"status": 404}, 3, 0, 0),
        ("status", {"status": 403}, 0, 1, 2),
        ("status", {"status": 409}, 2, 1, 0),
        ("status", {"status": 429}, 0, 1, 2),
        ("status", {"status": 500}, 2, 1, 0),
        ("status-after", {"status": 500}, 3, 0, 0),
        ("close", {}, 2, 1, 0),
        ("close-after", {}, 3, 0, 0),
        ("garbage", {}, 3, 0, 0),
    ],
    ids=str,
)
async def test_failures_are_reported_and_nothing_is_asked_twice(
    kind: str,
    more: dict[str, int],
    gone: int,
    failed: int,
    left: int,
    still_sandbox: Sandbox,
    make_engine: MakeEngine,
    events: list[Event],
) -> None:
    box = still_sandbox
    ids = [box.add_file(b"%d\n" % number) for number in range(3)]
    async with asyncio.timeout(30), make_engine(box, **PACE) as engine:
        await ready(engine)
        await engine.files.list()
        box.plan_fault(kind, "/v1/files/*", method="DELETE", **more)
        done = await engine.files.delete(ids)
    assert (len(done.deleted), len(done.failed), len(done.unknown), len(done.left)) == (gone, failed, 0, left)
    assert deletes(box) == ids[: 3 - left]
    assert sum(isinstance(event, Notice) and "deleted" in event.title for event in events) == 1


async def test_lost_deletes_that_cannot_be_looked_up_stay_unknown(
    still_sandbox: Sandbox, make_engine: MakeEngine
) -> None:
    ids = [still_sandbox.add_file(b"%d\n" % number) for number in range(5)]
    async with asyncio.timeout(30), make_engine(still_sandbox, **PACE) as engine:
        await ready(engine)
        await engine.files.list()
        still_sandbox.plan_fault("close-after", "/v1/files/*", method="DELETE", last=None)
        still_sandbox.plan_fault("status", "/v1/files", method="GET", status=502, last=None)
        done = await engine.files.delete(ids)
    assert (done.unknown, done.left) == (tuple(ids[:3]), tuple(ids[3:]))
    assert deletes(still_sandbox) == ids[:3]


async def test_deleting_goes_on_when_its_screen_is_left(still_sandbox: Sandbox, make_engine: MakeEngine) -> None:
    ids = [still_sandbox.add_file(b"%d\n" % number) for number in range(3)]
    async with asyncio.timeout(30), make_engine(still_sandbox, **PACE) as engine:
        await ready(engine)
        await engine.files.list()
        still_sandbox.plan_fault("delay", "/v1/files/*", method="DELETE", seconds=0.3, after=True)
        waiting = asyncio.create_task(engine.files.delete(ids))
        await until(lambda: deletes(still_sandbox))
        waiting.cancel()
        assert await engine.files.list() == []  # which waits for the end of it
    assert deletes(still_sandbox) == ids


async def test_ten_thousand_files_do_not_hold_the_loop(still_sandbox: Sandbox, make_engine: MakeEngine) -> None:
    many = [{"id": f"file-{n}", "filename": f"{n}.jsonl", "bytes": n, "purpose": "batch-api"} for n in range(10_000)]
    body = json.dumps({"data": many})
    still_sandbox.plan_fault("status", "/v1/files", method="GET", status=200, body=body, last=None)
    async with asyncio.timeout(60), make_engine(still_sandbox, **PACE) as engine:
        await ready(engine)
        loop, held = asyncio.get_running_loop(), [0.0, 0.0, 0.0]
        for attempt in range(len(held)):
            listing = asyncio.create_task(engine.files.list())
            while not listing.done():
                before = loop.time()
                await asyncio.sleep(0.001)
                held[attempt] = max(held[attempt], loop.time() - before)
            assert len(await listing) == 10_000
    # 10-20 ms on an idle machine. The best of three: a busy one holds the loop too, but not each time.
    assert min(held) < 0.25, held


async def test_an_id_reaches_no_other_url(still_sandbox: Sandbox, make_engine: MakeEngine) -> None:
    ids = ["../batches/x", "..", "a/b?c#d", "%2e%2e/x"]
    body = json.dumps({"data": [{"id": each, "filename": "in.jsonl"} for each in ids]})
    async with asyncio.timeout(30), make_engine(still_sandbox, **PACE) as engine:
        await ready(engine)
        still_sandbox.plan_fault("status", "/v1/files", method="GET", status=200, body=body, last=None)
        await engine.files.list()
        done = await engine.files.delete(ids)
    assert [file_id for file_id, _ in done.failed] == ids
    assert not [call for call in still_sandbox.requests if call.method == "DELETE"]


def test_files_for_other_purposes_and_possible_results_stay() -> None:
    batch = ServerFile("f", "in.jsonl", "batch-api", 5)
    assert with_policy(batch, [], NOW).is_deletable
    assert with_policy(replace(batch, created_at=NOW - 601), [], NOW).is_deletable
    assert "its job may be on its way" in with_policy(replace(batch, created_at=NOW - 599), [], NOW).keep_reason
    assert "fine-tune" in with_policy(replace(batch, purpose="fine-tune"), [], NOW).keep_reason
    assert "unknown job" in with_policy(replace(batch, name="output.jsonl"), [], NOW).keep_reason


async def test_the_bytes_of_a_submission_that_has_no_file_yet_stay(tmp_path: Path) -> None:
    submission = Submission(1, tmp_path / "in.jsonl", 5, "", Endpoint.CHAT, "", 1, 0.0)
    record = JobRecord("submission:1", submission=submission, input_name="in.jsonl")
    file = ServerFile("f", "other-name.jsonl", "batch-api", 5)
    assert "being submitted" in with_policy(file, [record], NOW).keep_reason
    assert "being submitted" in with_policy(replace(file, size=None), [record], NOW).keep_reason
    assert with_policy(replace(file, size=6), [record], NOW).is_deletable
    stopped = replace(record, submission=replace(submission, state=SubmissionState.STOPPED))
    assert with_policy(file, [stopped], NOW).is_deletable


def test_no_list_of_files_breaks_the_mapping() -> None:
    files = [
        None,
        1,
        {},
        {"id": None},
        *({"id": n, "filename": n, "purpose": n, "bytes": n, "created_at": n} for n in NASTY),
    ]
    assert len(decode.decode_files(json.dumps({"data": files}).encode())) == len({n for n in NASTY if n})
    for body in (b"<html>", b"{}", b'{"data": 7}', b"null"):
        with pytest.raises(OutcomeUnknownError):
            decode.decode_files(body)
    with pytest.raises(OutcomeUnknownError):
        decode.decode_deleted(b'{"deleted": false}')
