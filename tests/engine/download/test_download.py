"""Result files are whole and no other file is lost, against servers that misbehave."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import os
from contextlib import contextmanager
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal, get_args

import pytest

from tbatch_tui.engine.client import stream
from tbatch_tui.engine.domain.job import FileKind
from tbatch_tui.engine.domain.transfer import Transfer, TransferState
from tbatch_tui.engine.download import fetch_file, part_file
from tbatch_tui.engine.download.downloader import Downloader
from tbatch_tui.engine.download.stream_check import StreamCheck, VerifiedFile
from tbatch_tui.engine.endpoint import Endpoint
from tbatch_tui.engine.errors import JournalError, LocalFileError, OutcomeUnknownError
from tbatch_tui.engine.journal.journal import Journal
from tbatch_tui.engine.local_files.filenames import result_name, stem_of
from tests.conftest import until
from tests.engine.scenarios.test_main_job import fetched

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator
    from pathlib import Path

    from tbatch_tui.engine.domain.record import JobRecord
    from tbatch_tui.engine.engine import BatchEngine
    from tbatch_tui.sandbox.testing import Sandbox
    from tests.engine.conftest import MakeEngine

CONTENT = "/v1/files/*/content"
ROWS = 400


async def get(engine: BatchEngine, box: Sandbox, rows: int = ROWS) -> JobRecord:
    """Download the results of a job made elsewhere."""
    job_id = box.add_job("COMPLETED", rows=rows)
    await engine.wait_until(job_id, lambda r: r.job is not None)
    await engine.download(job_id)
    return await engine.wait_until(job_id, fetched)


def downloads(box: Sandbox) -> int:
    """Return how often the bytes of a file were asked for."""
    return sum(call.path.endswith("/content") for call in box.requests)


@contextmanager
def part_opened(part: Path) -> Iterator[int]:
    handle = part_file.take_part(part)
    try:
        yield handle
    finally:
        os.close(handle)


def assert_whole(record: JobRecord, box: Sandbox) -> Path:
    assert record.output is not None and record.output.path is not None and record.job is not None
    assert record.job.output_file_id is not None
    assert record.output.path.read_bytes() == box.file_bytes(record.job.output_file_id)
    assert [p.name for p in record.output.path.parent.iterdir()] == [record.output.path.name]
    return record.output.path


@pytest.mark.parametrize(
    ("status", "headers", "body"),
    [
        (200, {}, ""),
        (200, {}, '{"error": "try again"}\n'),
        (200, {}, "[1, 2, 3]\n"),
        (206, {"Content-Range": "bytes 0-30/9999"}, '{"custom_id": "a", "x": "yyyy"}\n'),
        (206, {}, '{"custom_id": "a"}\n'),
    ],
    ids=["empty", "error object", "array", "a part not asked for", "a part of nothing"],
)
async def test_an_answer_that_is_not_the_file_never_gets_its_name(
    status: int, headers: dict[str, str], body: str, sandbox: Sandbox, make_engine: MakeEngine
) -> None:
    sandbox.plan_fault("status", CONTENT, first=1, last=2, status=status, headers=headers, body=body)
    async with asyncio.timeout(30), make_engine(sandbox) as engine:
        assert_whole(await get(engine, sandbox), sandbox)
    assert sandbox.count("GET", "/v1/batches") >= 1


@pytest.mark.parametrize("status", [403, 404, 405, 501])
async def test_a_server_that_does_not_name_a_size_loses_no_result(
    status: int, sandbox: Sandbox, make_engine: MakeEngine
) -> None:
    """The size is asked for only where the download itself does not name it."""
    sandbox.plan_fault("truncate-no-length", CONTENT, bytes=10**9, last=None)
    sandbox.plan_fault("status", "/v1/files/*", method="GET", last=None if status < 500 else 1, status=status)
    async with asyncio.timeout(30), make_engine(sandbox) as engine:
        assert_whole(await get(engine, sandbox), sandbox)


async def test_retry_after_holds_for_all_downloads(sandbox: Sandbox, make_engine: MakeEngine) -> None:
    sandbox.plan_fault("status", CONTENT, status=429, headers={"Retry-After": "1"})
    jobs = [sandbox.add_job("COMPLETED", rows=5) for _ in range(2)]
    async with asyncio.timeout(30), make_engine(sandbox) as engine:
        await engine.wait_until(jobs[1], lambda r: r.job is not None)
        await engine.download(jobs[0])
        await _failed_with(engine, jobs[0], "429")
        await engine.download(jobs[1])
        for job_id in jobs:
            await engine.wait_until(job_id, fetched)
    asked = [c.started for c in sandbox.requests if c.path.endswith("/content")]
    assert asked[1] - asked[0] >= 0.9


async def test_an_empty_result_file_is_a_result(sandbox: Sandbox, make_engine: MakeEngine) -> None:
    sandbox.plan_fault("status", CONTENT, last=None, status=200, body="")
    sandbox.plan_fault("status", "/v1/files/*", method="GET", last=None, status=200, body={"id": "f", "bytes": 0})
    async with asyncio.timeout(30), make_engine(sandbox) as engine:
        record = await get(engine, sandbox)
    assert record.output is not None and record.output.path is not None
    assert (record.output.rows, record.output.path.read_bytes()) == (0, b"")


@pytest.mark.parametrize(
    "body", ["\n", '{"custom_id": "a"}\n{"custom_id": "b", "resp', "\ufeffnot what one hoped for\n"]
)
async def test_a_file_that_is_malformed_on_the_server_is_downloaded_as_it_is(
    body: str, sandbox: Sandbox, make_engine: MakeEngine
) -> None:
    """Its size tells it from an answer cut off and from a proxy's page, which never get a final name."""
    size = len(body.encode())
    sandbox.plan_fault("status", CONTENT, last=None, status=200, body=body)
    sandbox.plan_fault("status", "/v1/files/*", method="GET", last=None, status=200, body={"id": "f", "bytes": size})
    async with asyncio.timeout(30), make_engine(sandbox) as engine:
        record = await get(engine, sandbox)
    assert record.output is not None and record.output.path is not None
    assert record.output.path.read_bytes() == body.encode()


async def test_a_download_that_fails_unexpectedly_is_retried_with_back_off() -> None:
    """For example when the history cannot be written: it must not be asked for a thousand times a second."""
    begun: list[float] = []

    class Store:
        async def pending_transfers(self) -> list[tuple[str, Transfer]]:
            return [("job", Transfer(FileKind.OUTPUT, "file", TransferState.WANTED))]

    class Paths:
        async def path_of(self, _job_id: str, _kind: FileKind, _folder: Path | None) -> Path:
            begun.append(asyncio.get_running_loop().time())
            raise JournalError("The history cannot be written", "")

    tasks: list[asyncio.Task[None]] = []

    def spawn(work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        tasks.append(asyncio.create_task(work))
        return tasks[-1]

    api: Any = None
    store: Any = Store()
    paths: Any = Paths()
    downloader = Downloader(
        api,
        store,
        paths,
        emit=lambda _: None,
        on_progress=lambda *_: None,
        on_downloaded=lambda _: None,
        now=lambda: 0.0,
        first_retry_delay=0.05,
    )
    running = asyncio.create_task(downloader.run(spawn))
    async with asyncio.timeout(30):
        await until(lambda: len(begun) >= 4)
    running.cancel()
    assert all(isinstance(end, JournalError) for end in await asyncio.gather(*tasks, return_exceptions=True))
    gaps = [after - before for before, after in pairwise(begun)]
    assert gaps[0] >= 0.05 and gaps[2] >= 0.2


async def test_more_or_fewer_bytes_than_the_length_are_no_file(sandbox: Sandbox, make_engine: MakeEngine) -> None:
    """The engine does not wait for bytes that never come, and bytes beyond the length are not the file."""
    whole = b'{"custom_id": "a"}\n{"custom_id": "b"}\n'
    answers = [(len(whole) + 9, whole), (len(whole), whole + b"HTTP/1.1 200 OK")]

    async def storage(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        length, body = answers.pop(0)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (length, body))
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(storage, "127.0.0.1", 0)
    away = {"Location": f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/object"}
    sandbox.plan_fault("status", CONTENT, status=302, headers=away, last=None)
    async with asyncio.timeout(30), server, make_engine(sandbox) as engine:
        record = await get(engine, sandbox)
    assert record.output is not None and record.output.path is not None
    assert record.output.path.read_bytes() == whole
    assert answers == []


@pytest.mark.parametrize("status", ["EXPIRED", "CANCELLED", "COMPLETED"])
@pytest.mark.parametrize("named", ["output_file_id", "error_file_id"])
async def test_any_file_of_any_ended_job_is_downloaded_automatically(
    status: str, named: str, sandbox: Sandbox, make_engine: MakeEngine, chat_file: Path
) -> None:
    async with asyncio.timeout(30), make_engine(sandbox) as engine:
        key = await engine.submit_checked(chat_file, Endpoint.CHAT)
        await engine.wait_until(key, fetched)  # a file that is there, to be taken for either
        [job] = sandbox.jobs
        ended = job | {"status": status, "output_file_id": None, "error_file_id": None, named: job["output_file_id"]}
        ended |= {"id": "not a uuid/../☃", "progress": "odd", "created_at": "yesterday", "new_field": [1]}
        sandbox.plan_fault("status", "/v1/batches", method="POST", status=200, body={"job": ended | {"status": "NEW"}})
        sandbox.plan_fault("status", "/v1/batches", method="GET", last=None, status=200, body=[ended, None, 7, {}])
        record = await engine.wait(await engine.submit_checked(chat_file, Endpoint.CHAT))
    assert (record.key, record.status) == (ended["id"], status)
    [path] = record.paths
    assert path.read_bytes() == sandbox.file_bytes(job["output_file_id"])
    assert path.parent == engine.options.output_dir


Resume = Literal[
    "whole",
    "half",
    "other bytes",
    "an odd answer",
    "a tail of zeros",
    "zeros that were synced",
    "other bytes that were synced",
    "another output folder",
    "nothing synced",
    "of version 0.1.0",
]


@pytest.mark.parametrize("begun", get_args(Resume))
async def test_a_part_left_by_a_crash_is_resumed_or_started_over(
    begun: Resume, sandbox: Sandbox, make_engine: MakeEngine, tmp_path: Path
) -> None:
    """It is resumed as far as it was synced: after a power cut zeros may follow, though its length is right."""
    async with asyncio.timeout(30), make_engine(sandbox) as engine:
        record = await get(engine, sandbox)
    path = assert_whole(record, sandbox)
    assert record.output is not None
    whole, part = path.read_bytes(), path.with_name(path.name + ".part")
    half = len(whole) // 2
    path.unlink()
    left = {
        "whole": whole,
        "other bytes": b"x" * 1000,
        "a tail of zeros": whole[:half] + bytes(20_000),
        "zeros that were synced": whole[: half - 4096] + bytes(4096),
        "other bytes that were synced": whole[: half - 4096] + b" " * 4096,
    }
    part.write_bytes(left.get(begun, whole[:half]))
    etag = '"of other bytes"' if begun == "other bytes" else f'"{hashlib.sha256(whole).hexdigest()}"'
    transfer = Transfer(FileKind.OUTPUT, record.output.file_id, TransferState.WANTED, etag=etag)
    if begun != "of version 0.1.0":
        synced = 0 if begun == "nothing synced" else min(half, part.stat().st_size)
        inode = part.stat().st_ino + (begun == "another output folder")
        transfer = replace(transfer, synced=len(whole) if begun == "whole" else synced, part_inode=inode)
    journal = Journal(tmp_path / "data" / "history.db")
    journal.transfers.save(1, record.key, transfer)
    journal.close()
    if begun == "an odd answer":
        range_ = {"Content-Range": "bytes 500-599/9999"}
        sandbox.plan_fault("status", CONTENT, status=206, headers=range_, body="y" * 100)
    before = len(sandbox.requests)
    async with asyncio.timeout(30), make_engine(sandbox) as engine:
        record = await engine.wait_until(record.key, fetched)
    assert_whole(record, sandbox)
    asked = [c.status for c in sandbox.requests[before:] if c.path.endswith("/content")]
    expected = {
        "whole": [416],
        "half": [206],
        "a tail of zeros": [206],
        "an odd answer": [206, 200],
        "zeros that were synced": [206, 200],
        "other bytes that were synced": [206, 200],
    }
    assert asked == expected.get(begun, [200])


async def test_how_far_a_part_is_on_the_disk_is_saved_on_the_way(
    sandbox: Sandbox, make_engine: MakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch_file, "_SYNCED_AFTER", 0.0)
    monkeypatch.setattr(stream, "PIECE", 20_000)
    sandbox.plan_fault("drip", CONTENT, bytes=20_000, seconds=0.2)
    job_id = sandbox.add_job("COMPLETED", rows=ROWS)
    async with asyncio.timeout(30), make_engine(sandbox) as engine:
        await engine.wait_until(job_id, lambda r: r.job is not None)
        await engine.download(job_id)
        record = await engine.wait_until(job_id, lambda r: r.output is not None and r.output.synced > 30_000)
        assert record.output is not None and record.output.state is TransferState.WANTED
        record = await engine.wait_until(job_id, fetched)
    assert_whole(record, sandbox)
    assert record.output is not None
    assert (record.output.etag, record.output.synced, record.output.part_inode) == (None, 0, None)


@pytest.mark.parametrize("at_once", [0, 1 << 30], ids=["afterwards", "at once"])
async def test_the_hash_of_a_result_file_is_kept(
    at_once: int, sandbox: Sandbox, make_engine: MakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch_file, "_HASHED_AT_ONCE", at_once)
    async with asyncio.timeout(30), make_engine(sandbox) as engine:
        path = assert_whole(await get(engine, sandbox), sandbox)
        [record] = await engine.records()
        record = await engine.wait_until(record.key, lambda r: r.output is not None and r.output.sha256 is not None)
    assert record.output is not None
    assert record.output.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


async def test_a_file_without_a_final_newline_keeps_its_last_row(sandbox: Sandbox, make_engine: MakeEngine) -> None:
    rows = '{"custom_id": "a", "response": {}}\n{"custom_id": "b", "response": {}}'
    sandbox.plan_fault("status", CONTENT, status=200, body=rows, last=None)
    async with asyncio.timeout(30), make_engine(sandbox) as engine:
        record = await get(engine, sandbox)
    assert record.output is not None and record.output.path is not None
    assert (record.output.path.read_text(), record.output.rows) == (rows, 2)


async def test_the_key_does_not_follow_a_redirect_to_another_host(sandbox: Sandbox, make_engine: MakeEngine) -> None:
    heads: list[str] = []
    body = b'{"custom_id": "a"}\n'

    async def storage(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append((await reader.readuntil(b"\r\n\r\n")).decode())
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(storage, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    away = {"Location": f"http://127.0.0.1:{port}/bucket/object?X-Amz-Signature=abc"}
    sandbox.plan_fault("status", CONTENT, status=302, headers=away, last=None)
    async with asyncio.timeout(30), server, make_engine(sandbox) as engine:
        record = await get(engine, sandbox)
    assert record.output is not None and record.output.path is not None
    assert record.output.path.read_bytes() == body
    assert heads
    assert all(sandbox.key not in head and "authorization" not in head.lower() for head in heads)


async def test_a_missing_file_is_believed_the_second_time(
    sandbox: Sandbox, make_engine: MakeEngine, tmp_path: Path
) -> None:
    sandbox.plan_fault("status", CONTENT, status=404, first=1)
    sandbox.plan_fault("status", CONTENT, status=404, first=3, last=4)
    async with asyncio.timeout(30), make_engine(sandbox) as engine:
        assert_whole(await get(engine, sandbox), sandbox)
        other = sandbox.add_job("COMPLETED", rows=7)
        await engine.wait_until(other, lambda r: r.job is not None)
        await engine.download(other)
        record = await engine.wait_until(other, lambda r: r.output is not None and r.output.state is TransferState.GONE)
        assert "404" in (record.output.message or "" if record.output else "")
    assert not list((tmp_path / "results").glob("*.part"))


async def test_a_stopped_download_waits_to_be_asked_for_and_is_resumed(
    sandbox: Sandbox, make_engine: MakeEngine
) -> None:
    sandbox.plan_fault("drip", CONTENT, bytes=20_000, seconds=0.3)
    job_id = sandbox.add_job("COMPLETED", rows=ROWS)
    async with asyncio.timeout(30), make_engine(sandbox) as engine:
        await engine.wait_until(job_id, lambda r: r.job is not None)
        await engine.download(job_id)
        await until(lambda: engine.has_transfers and any(c.fault == "drip" for c in sandbox.requests))
        await engine.wait_until(job_id, lambda r: r.output is not None and r.output.etag is not None)
        assert engine.stop_download(job_id)
        record = await engine.wait_until(
            job_id, lambda r: r.output is not None and "Stopped" in (r.output.message or "")
        )
        assert record.output is not None and record.output.state is TransferState.FAILED
        assert not engine.has_transfers
        asked, lists = downloads(sandbox), sandbox.count("GET", "/v1/batches")
        await until(lambda: sandbox.count("GET", "/v1/batches") >= lists + 4)
        assert downloads(sandbox) == asked
        await engine.download(job_id)
        assert_whole(await engine.wait_until(job_id, fetched), sandbox)
        assert not engine.stop_download(job_id)


async def test_two_apps_that_share_an_output_folder_do_not_mix_their_bytes(
    sandbox: Sandbox, make_engine: MakeEngine, tmp_path: Path
) -> None:
    sandbox.plan_fault("drip", CONTENT, bytes=30_000, seconds=0.05, last=3)
    job_id = sandbox.add_job("COMPLETED", rows=ROWS)
    other = make_engine(sandbox, data_dir=tmp_path / "other")
    async with asyncio.timeout(30), make_engine(sandbox) as one, other as two:
        for engine in (one, two):
            await engine.wait_until(job_id, lambda r: r.job is not None)
            await engine.download(job_id)
        for engine in (one, two):
            assert_whole(await engine.wait_until(job_id, fetched), sandbox)


@pytest.mark.parametrize(
    "name", ["../../../escape.jsonl", "/etc/passwd.jsonl", "..\\..\\x.jsonl", ".hidden.jsonl", ".."]
)
async def test_a_name_from_the_server_chooses_no_folder_and_makes_no_hidden_file(
    name: str, sandbox: Sandbox, make_engine: MakeEngine, tmp_path: Path
) -> None:
    content = b'{"custom_id":"row-0","body":{"model":"m","messages":[{"role":"user","content":"Hello"}]}}\n'
    sandbox.add_file(content, filename=name)
    job_id = sandbox.add_job("COMPLETED", content=content)
    async with asyncio.timeout(30), make_engine(sandbox) as engine:
        await engine.wait_until(job_id, lambda r: r.input_name != "")
        await engine.download(job_id)
        record = await engine.wait_until(job_id, fetched)
    for transfer in record.transfers:
        assert transfer.path is not None and transfer.path.parent == tmp_path / "results"
        assert not transfer.path.name.startswith(".")


def test_the_longest_names_leave_room_for_a_suffix() -> None:
    name = result_name("é" * 300, "j" * 300, FileKind.OUTPUT, whole_id=True)
    assert len(os.fsencode(name)) + len(".before-99.part") <= 255
    assert stem_of("a/b\\.x.y.jsonl") == "x.y"


def test_another_file_of_the_same_size_is_kept_under_another_name(tmp_path: Path) -> None:
    """Result files of one shape and a fixed answer often do have one size."""
    final, part = tmp_path / "x.output.jsonl", tmp_path / "x.output.jsonl.part"
    final.write_bytes(b'{"custom_id": "a"}\n')
    part.write_bytes(b'{"custom_id": "b"}\n')
    beside = part_file.put_in_place(part, final, VerifiedFile(19, 1))
    assert beside is not None and beside.read_bytes() == b'{"custom_id": "a"}\n'
    assert final.read_bytes() == b'{"custom_id": "b"}\n'


async def test_a_refused_key_is_tried_by_downloads_once_a_minute(sandbox: Sandbox, make_engine: MakeEngine) -> None:
    sandbox.plan_fault("status", CONTENT, status=401, last=None)
    job_id = sandbox.add_job("COMPLETED", rows=5)
    async with asyncio.timeout(30), make_engine(sandbox, first_retry_delay=0.05) as engine:
        await engine.wait_until(job_id, lambda r: r.job is not None)
        await engine.download(job_id)
        await _failed_with(engine, job_id, "refused")
        lists = sandbox.count("GET", "/v1/batches")
        await until(lambda: sandbox.count("GET", "/v1/batches") >= lists + 4)
        assert downloads(sandbox) == 1


def test_a_file_that_took_the_name_meanwhile_is_kept(tmp_path: Path) -> None:
    final, part = tmp_path / "x.output.jsonl", tmp_path / "x.output.jsonl.part"
    outside = tmp_path / "outside"
    final.symlink_to(outside)  # leads nowhere yet
    part.write_bytes(b'{"custom_id": "a"}\n')
    check = StreamCheck()
    check.add_file(part, part.stat().st_size)
    verified, plain, doubt = check.result()
    assert plain and doubt is None
    beside = part_file.put_in_place(part, final, verified)
    assert beside is not None and beside.is_symlink()
    assert not outside.exists()
    assert final.read_bytes() == b'{"custom_id": "a"}\n' and not final.is_symlink()


def test_a_part_that_already_has_its_final_name_is_not_written_to(tmp_path: Path) -> None:
    final, part = tmp_path / "x.jsonl", tmp_path / "x.jsonl.part"
    final.write_bytes(b"whole")
    os.link(final, part)  # killed between giving the name and taking the old one away
    handle = part_file.take_part(part)
    os.ftruncate(handle, 0)
    os.close(handle)
    assert final.read_bytes() == b"whole"


def test_a_part_is_written_by_one_app_at_a_time_and_through_no_link(tmp_path: Path) -> None:
    part = tmp_path / "x.jsonl.part"
    handle = part_file.take_part(part)
    with pytest.raises(LocalFileError, match="another"):
        part_file.take_part(part)
    os.close(handle)
    part.unlink()
    part.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError) as caught:
        part_file.take_part(part)
    assert caught.value.errno == errno.ELOOP
    assert not (tmp_path / "elsewhere").exists()


def test_without_locks_each_app_writes_a_file_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a file system without locks two apps wrote one file: a hole of one could get the name."""

    def no_locks(_handle: int, _operation: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(part_file.fcntl, "flock", no_locks)
    part, final = tmp_path / "x.jsonl.part", tmp_path / "x.jsonl"
    first = part_file.take_part(part)
    os.write(first, b'{"custom_id": "a"}\n')
    second = part_file.take_part(part)
    assert os.fstat(first).st_ino != os.fstat(second).st_ino and os.fstat(second).st_size == 0
    os.write(second, b'{"custom_id": "b"}\n')
    verified = VerifiedFile(size=19, rows=1)
    with pytest.raises(OutcomeUnknownError, match="replaced"):
        part_file.put_in_place(part, final, verified, os.fstat(first).st_ino)
    part_file.put_in_place(part, final, verified, os.fstat(second).st_ino)
    os.close(first)
    os.close(second)
    assert final.read_bytes() == b'{"custom_id": "b"}\n' and not part.exists()


@pytest.mark.parametrize("begun", ["by another user", "for others to write", "for its group to write", "as a pipe"])
def test_a_part_that_others_can_write_to_is_not_used(begun: str, tmp_path: Path) -> None:
    """In a shared folder somebody else could make it first, and change it after it was verified."""
    part = tmp_path / "x.jsonl.part"
    if begun == "as a pipe":
        os.mkfifo(part)
    else:
        part.write_bytes(b"theirs")
        part.chmod({"for others to write": 0o646, "for its group to write": 0o660}.get(begun, 0o600))
    if begun == "by another user":
        if os.geteuid() != 0:
            pytest.skip("needs root to make a file of another user")
        os.chown(part, 65534, 65534)
    with part_opened(part) as handle:
        opened = os.fstat(handle)
        assert (opened.st_uid, opened.st_mode & 0o022, opened.st_size) == (os.geteuid(), 0, 0)
        assert opened.st_ino == part.stat().st_ino


def test_a_part_of_ours_is_taken_up_whatever_the_umask(tmp_path: Path) -> None:
    part = tmp_path / "x.jsonl.part"
    before = os.umask(0)
    try:
        with part_opened(part) as handle:
            os.write(handle, b"ours")
        with part_opened(part) as handle:
            assert os.read(handle, 9) == b"ours"
    finally:
        os.umask(before)


def test_a_new_part_is_ours_where_every_file_is_for_all_to_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a file system without modes: the one that was just made must not be removed again for ever."""
    monkeypatch.setattr(part_file, "_is_ours", lambda _: False)
    part = tmp_path / "x.jsonl.part"
    part.write_bytes(b"before")
    with part_opened(part) as handle:
        assert os.fstat(handle).st_size == 0


def test_a_part_that_another_user_is_writing_is_left_alone(tmp_path: Path) -> None:
    part = tmp_path / "x.jsonl.part"
    with part_opened(part) as handle:
        os.fchmod(handle, 0o666)
        inode = os.fstat(handle).st_ino
        with pytest.raises(LocalFileError, match="another"):
            part_file.take_part(part)
    assert part.stat().st_ino == inode


def test_a_part_that_was_changed_for_another_gets_no_name(tmp_path: Path) -> None:
    final, part = tmp_path / "x.jsonl", tmp_path / "x.jsonl.part"
    with part_opened(part) as handle:
        inode = os.fstat(handle).st_ino
        part.rename(tmp_path / "ours")
        part.write_bytes(b"theirs")
        with pytest.raises(OutcomeUnknownError):
            part_file.put_in_place(part, final, VerifiedFile(6, 1), inode)
    assert not final.exists()


def test_jobs_that_share_their_first_characters_do_not_share_a_name(tmp_path: Path) -> None:
    from tests.engine.journal.test_journal import NOW, job

    journal = Journal(tmp_path / "history.db")
    account = journal.accounts.at_start("https://x", "aaaa", NOW).id
    twins = [replace(job(n, output_file_id=f"out-{n}"), id=f"deadbeef-{n}") for n in (1, 2)]
    alone = replace(job(3), id="cafecafe-3")
    journal.jobs.apply(account, [*twins, alone], NOW, lambda _: False)
    path = tmp_path / "batch-deadbeef.output.jsonl"
    assert not journal.transfers.is_path_free(path, "deadbeef-1", "")
    assert journal.transfers.is_path_free(
        path, "deadbeef-1", "another"
    )  # of another input file: the name is another's too
    assert journal.transfers.is_path_free(tmp_path / "batch-cafecafe.output.jsonl", "cafecafe-3", "")
    journal.transfers.save(account, "deadbeef-1", Transfer(FileKind.OUTPUT, "out-1", TransferState.FETCHED, path=path))
    assert journal.transfers.is_path_free(path, "deadbeef-1", "")
    assert not journal.transfers.is_path_free(path, "deadbeef-2", "")
    journal.close()


def test_names_with_whole_ids_differ_however_long_the_ids_are() -> None:
    ids = ["batch-" + "0" * 60 + end for end in "12"] + ["a/b-0001", "a_b-0001", "a\x1bb-0001"]
    names = {result_name("x", job_id, FileKind.OUTPUT, whole_id=True) for job_id in ids}
    assert len(names) == len(ids)
    assert all("/" not in name and name.isprintable() for name in names)
    uuid = "11111111-2222-3333-4444-555555555555"
    assert result_name("x", uuid, FileKind.OUTPUT, whole_id=True) == f"x-{uuid}.output.jsonl"


def _can_mount(folder: Path) -> bool:
    return os.geteuid() == 0 and os.system(f"mount -t tmpfs -o size=1m tmpfs {folder} 2>/dev/null") == 0


async def test_a_full_or_read_only_disk_is_reported_and_recovered_from(
    sandbox: Sandbox, make_engine: MakeEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "results"
    folder.mkdir()
    if not _can_mount(folder):
        pytest.skip("needs to mount a small file system; the next test fills a file up in another way")
    # So that the disk fills up on the way, not only before: the room that is asked for beforehand is left out once.
    monkeypatch.setattr(fetch_file, "_need_room", lambda *_: None)
    job_id = sandbox.add_job("COMPLETED", rows=5000)
    try:
        async with asyncio.timeout(60), make_engine(sandbox) as engine:
            await engine.wait_until(job_id, lambda r: r.job is not None)
            await engine.download(job_id)
            await _failed_with(engine, job_id, "disk is full")
            assert os.system(f"mount -o remount,ro {folder}") == 0
            await _failed_with(engine, job_id, "read-only")
            assert os.system(f"mount -o remount,rw,size=64m {folder}") == 0
            assert_whole(await engine.wait_until(job_id, fetched), sandbox)
    finally:
        os.system(f"umount -l {folder}")


async def test_a_disk_that_fills_up_during_a_download_is_reported_and_recovered_from(
    sandbox: Sandbox, make_engine: MakeEngine
) -> None:
    """Like the test before, where nothing can be mounted: the operating system lets no file grow further."""
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    job_id = sandbox.add_job("COMPLETED", rows=5000)
    sandbox.file_bytes(sandbox.job(job_id)["output_file_id"])  # the sandbox writes it now: it is in this process too
    try:
        async with asyncio.timeout(60), make_engine(sandbox) as engine:
            await engine.wait_until(job_id, lambda r: r.job is not None)
            resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, hard))
            await engine.download(job_id)
            await _failed_with(engine, job_id, "doesn't allow files that large")
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
            assert_whole(await engine.wait_until(job_id, fetched), sandbox)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def test_a_full_disk_is_reported_before_a_byte_is_written(
    sandbox: Sandbox, make_engine: MakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch_file, "_SPARE", 1 << 62)
    job_id = sandbox.add_job("COMPLETED", rows=ROWS)
    async with asyncio.timeout(30), make_engine(sandbox) as engine:
        await engine.wait_until(job_id, lambda r: r.job is not None)
        await engine.download(job_id)
        await _failed_with(engine, job_id, "disk is full")
        monkeypatch.setattr(fetch_file, "_SPARE", 0)
        assert_whole(await engine.wait_until(job_id, fetched), sandbox)


async def _failed_with(engine: BatchEngine, job_id: str, words: str) -> None:
    await engine.wait_until(job_id, lambda r: r.output is not None and words in (r.output.message or ""))
