"""Files that name recordings in a store: a copy with links is uploaded, and what is looked for stays one file id."""

from __future__ import annotations

import asyncio
import json
import stat
import time
from typing import TYPE_CHECKING

import pytest

from tbatch_tui.engine import AlreadySubmittedError, BatchError
from tbatch_tui.engine.audio import signed_copy
from tbatch_tui.engine.audio.unsigned import address_of_link
from tbatch_tui.engine.domain.account import HealthState
from tbatch_tui.engine.domain.submission import SubmissionState
from tbatch_tui.engine.endpoint import Endpoint
from tbatch_tui.engine.options import AudioStore
from tbatch_tui.engine.results.index.family import merged_index
from tbatch_tui.engine.submit.input_errors import InvalidInputError
from tbatch_tui.engine.submit.lookup import LookupDecision
from tests.conftest import until, write_chat
from tests.engine.submit.test_taken_over import let_all_lock
from tests.engine.submit.test_uncertain import CREATE, hide_jobs, is_uncertain
from tests.helpers.s3_server import KEY, SECRET, s3_server

if TYPE_CHECKING:
    from pathlib import Path

    from tbatch_tui.engine.engine import BatchEngine
    from tbatch_tui.sandbox.testing import Sandbox
    from tests.engine.conftest import MakeEngine

STORE = AudioStore("s3://talks/2026", "https://store.example.com")
"""Nothing is asked there: links are made without it, and the sandbox reads only links to this machine."""
UPLOAD = ("POST", "/v1/files")


@pytest.fixture(autouse=True)
def _keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.delenv("AWS_SESSION_TOKEN", raising=False)


@pytest.fixture
def talks(tmp_path: Path) -> Path:
    """Return a file of two recordings in the store, with slashes as PHP writes them, and lines that end in CR LF."""
    path = tmp_path / "talks.jsonl"
    lines = [
        f'{{"custom_id": "{name}", "method": "FILE", "body": {{"model": "openai/whisper-large-v3", "temperature": '
        f'0.10, "file": "s3:\\/\\/talks/2026/0123456789abcdef/{name}.mp3"}}}}'
        for name in ("one", "two")
    ]
    path.write_text("\r\n".join(lines))
    return path


@pytest.fixture
def signatures(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Let every signature be of another lifetime, as one made a second later is of another time; return them."""
    from datetime import timedelta

    from tbatch_tui.engine.audio.object_store import ObjectStore

    real, made = ObjectStore.sign, list[float]()

    def sign(self: ObjectStore, addresses: list[str]) -> list[str]:
        made.append(604_800 - len(made))
        return real(self, addresses, timedelta(seconds=made[-1]))

    monkeypatch.setattr(ObjectStore, "sign", sign)
    return made


def copies(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "data" / signed_copy.FOLDER).rglob("*.jsonl"))


def assert_no_links_in(folder: Path) -> None:
    """Hold everything in the data folder to have neither a signature nor the secret."""
    for path in folder.rglob("*"):
        if path.is_file():
            assert b"X-Amz-" not in path.read_bytes() and SECRET.encode() not in path.read_bytes(), path


async def submit(engine: BatchEngine, path: Path) -> str:
    return await engine.submit_checked(path, Endpoint.TRANSCRIPTION, requests=2, label="mine")


async def test_only_the_address_of_a_line_is_replaced(sandbox: Sandbox, make_engine: MakeEngine, talks: Path) -> None:
    async with asyncio.timeout(30), make_engine(sandbox, audio_store=STORE) as engine:
        record = await engine.submit(talks)
    assert record.job is not None
    sent = sandbox.file_bytes(sandbox.job(record.job.id)["input_file_id"]).decode()
    links = [json.loads(line)["body"]["file"] for line in sent.splitlines()]
    assert [link.split("?")[0] for link in links] == [
        f"https://store.example.com/talks/2026/0123456789abcdef/{name}.mp3" for name in ("one", "two")
    ]
    assert sent.count("0.10") == 2, "the values beside it stay as they were written"


async def test_no_keys_is_a_sentence_and_nothing_is_sent(
    sandbox: Sandbox, make_engine: MakeEngine, talks: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    async with asyncio.timeout(30), make_engine(sandbox, audio_store=STORE) as engine:
        key = await submit(engine, talks)
        record = await engine.wait_until(
            key, lambda r: bool(r.submission and r.submission.state is SubmissionState.REJECTED)
        )
        assert record.submission is not None and record.submission.error == "There are no keys for s3://talks/2026"
        assert record.submission.state is SubmissionState.REJECTED
    assert sandbox.jobs == [] and not sandbox.count(*UPLOAD) and not sandbox.count(*CREATE)


async def test_without_a_store_a_file_of_addresses_is_refused(
    sandbox: Sandbox, make_engine: MakeEngine, talks: Path
) -> None:
    async with asyncio.timeout(30), make_engine(sandbox) as engine:
        with pytest.raises(BatchError, match="No store for recordings is set"):
            await engine.submit(talks, check=False, endpoint=Endpoint.TRANSCRIPTION)
    assert sandbox.jobs == [] and not sandbox.count(*UPLOAD)


async def test_two_stores_in_one_process_do_not_mix(
    sandbox: Sandbox, make_engine: MakeEngine, talks: Path, tmp_path: Path
) -> None:
    other = AudioStore("s3://calls", "https://store.example.com")
    calls = tmp_path / "calls.jsonl"
    calls.write_text(talks.read_text().replace("talks/2026", "calls"))
    async with (
        asyncio.timeout(30),
        make_engine(sandbox, audio_store=STORE) as first,
        make_engine(sandbox, audio_store=other, data_dir=tmp_path / "other") as second,
    ):
        for engine, own, foreign in ((first, talks, calls), (second, calls, talks)):
            with pytest.raises(InvalidInputError) as refused:
                await engine.submit(foreign)
            assert refused.value.report.counts["file-url"] == 2
            record = await engine.submit(own)
            assert record.job is not None and b"X-Amz-" in sandbox.file_bytes(record.job.input_file_id or "")


async def test_an_input_file_that_comes_back_has_addresses_and_no_signatures(
    still_sandbox: Sandbox, make_engine: MakeEngine, talks: Path, tmp_path: Path
) -> None:
    box = still_sandbox
    async with asyncio.timeout(30), make_engine(box, audio_store=STORE) as engine:
        record = await engine.submit(talks)
        box.advance(3600)
        await engine.wait(record)
    async with asyncio.timeout(30), make_engine(box, audio_store=STORE, data_dir=tmp_path / "elsewhere") as engine:
        await until(lambda: engine.record(record.key) is not None)
        path = await engine.files.fetch_input(record.key)
        asked = [json.loads(line)["body"] for line in talks.read_text().splitlines()]
        assert [json.loads(line)["body"] for line in path.read_text().splitlines()] == asked
        assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
        assert path.read_text().count("0.10") == 2, "the values beside it stay as they were written"
        known = engine.record(record.key)
        assert known is not None and known.submission is not None and known.submission.path == path
        await engine.download(record.key)
        known = await engine.wait(record.key)
        index = engine.results(known)
        await asyncio.to_thread(index.build)
        retry = await engine.retries.write(index, [0], record.key)
        again = await engine.submit(retry, again=True)
        assert again.job is not None and b"X-Amz-" in box.file_bytes(again.job.input_file_id or "")
    assert_no_links_in(tmp_path / "elsewhere")
    assert_no_links_in(tmp_path / "results")


@pytest.mark.parametrize(
    ("link", "endpoint", "address"),
    [
        ("https://s3.eu-west-1.amazonaws.com/talks/2026/a%20b.mp3?X-Amz-Signature=1", "", "s3://talks/2026/a b.mp3"),
        ("https://s3.amazonaws.com.example.com/talks/2026/a.mp3?X-Amz-Signature=1", "", ""),
        ("https://s3.eu-west-1.amazonaws.com/other/2026/a.mp3?X-Amz-Signature=1", "", ""),
        ("https://s3.eu-west-1.amazonaws.com/talks/2026/a.mp3", "", ""),
        ("http://minio:9000/talks/2026/%C3%BC.mp3?a&X-Amz-Signature=1", "http://minio:9000", "s3://talks/2026/ü.mp3"),
        ("http://minio:9001/talks/2026/a.mp3?X-Amz-Signature=1", "http://minio:9000", ""),
        ("https://[", "", ""),
    ],
)
def test_a_link_is_known_by_its_server_and_its_signature(link: str, endpoint: str, address: str) -> None:
    assert address_of_link(link, AudioStore("s3://talks/2026", endpoint)) == address


async def test_a_lost_create_is_looked_for_by_the_file_it_was_sent_with(
    still_sandbox: Sandbox, make_engine: MakeEngine, talks: Path, tmp_path: Path, signatures: list[float]
) -> None:
    box = still_sandbox
    async with asyncio.timeout(30):
        async with make_engine(box, audio_store=STORE, lookup_patience=60.0) as engine:
            await until(lambda: engine.health.state is HealthState.OK)
            box.plan_fault("close-after", CREATE[1], method=CREATE[0])
            hide_jobs(box)
            key = await submit(engine, talks)
            record = await engine.wait_until(key, is_uncertain)
            assert record.submission is not None
            file_id = record.submission.file_id
        async with make_engine(box, audio_store=STORE, lookup_patience=60.0) as engine:
            box.clear_faults()
            await until(lambda: (r := engine.record(key)) is not None and r.job is not None)
            [record] = await engine.records()
            assert record.job is not None and record.submission is not None
            assert record.job.input_file_id == record.submission.file_id == file_id
            with pytest.raises(AlreadySubmittedError):
                await engine.submit(talks)
    assert (len(box.jobs), box.count(*CREATE), box.count(*UPLOAD)) == (1, 1, 1)
    assert len(signatures) == 1 and copies(tmp_path) == []
    assert_no_links_in(tmp_path / "data")


async def test_another_submit_of_the_file_waits_for_a_lost_create_although_its_links_are_others(
    still_sandbox: Sandbox, make_engine: MakeEngine, talks: Path, signatures: list[float]
) -> None:
    box = still_sandbox
    async with asyncio.timeout(30), make_engine(box, audio_store=STORE, lookup_patience=60.0) as engine:
        await until(lambda: engine.health.state is HealthState.OK)
        box.plan_fault("close", CREATE[1], method=CREATE[0])
        hide_jobs(box)
        first = await submit(engine, talks)
        await engine.wait_until(first, is_uncertain)
        second = await submit(engine, talks)
        record = await engine.wait_until(second, lambda r: bool(r.submission and r.submission.error))
        assert record.submission is not None and "of the same file" in str(record.submission.error)
        assert record.submission.state is SubmissionState.UPLOADED
    assert (len(signatures), box.count(*CREATE), len(box.jobs)) == (2, 1, 0)


async def test_the_copy_is_private_and_what_a_killed_app_left_is_removed_at_the_next_start(
    still_sandbox: Sandbox, make_engine: MakeEngine, talks: Path, tmp_path: Path
) -> None:
    box, left = still_sandbox, tmp_path / "data" / signed_copy.FOLDER / "submission_9-abcd"
    left.mkdir(parents=True)
    (left / "talks.jsonl").write_text("links")
    async with asyncio.timeout(30), make_engine(box, audio_store=STORE) as engine:
        await until(lambda: not left.exists(), what="what was left is removed")
        box.plan_fault("status", UPLOAD[1], method="GET", last=None, status=503)
        box.plan_fault("status", UPLOAD[1], method="POST", last=None, status=503)
        key = await submit(engine, talks)
        await until(lambda: len(copies(tmp_path)) == 1 and copies(tmp_path)[0].stat().st_size > 500)
        [copy] = copies(tmp_path)
        rights = [stat.S_IMODE(path.stat().st_mode) for path in (copy, copy.parent, copy.parent.parent)]
        assert rights == [0o600, 0o700, 0o700]
        await engine.cancel(key)
        await until(lambda: not copy.exists(), what="the copy of a submission that was stopped is removed")
    assert box.jobs == []


async def test_a_copy_that_another_app_removed_is_made_again(
    still_sandbox: Sandbox, make_engine: MakeEngine, talks: Path, tmp_path: Path, signatures: list[float]
) -> None:
    box = still_sandbox
    async with asyncio.timeout(30), make_engine(box, audio_store=STORE) as engine:
        box.plan_fault("status", UPLOAD[1], method="POST", first=1, last=2, status=503)
        key = await submit(engine, talks)
        await until(lambda: len(copies(tmp_path)) == 1 and box.count(*UPLOAD) >= 1)
        signed_copy.remove_signed_copy(copies(tmp_path)[0].parent)
        record = await engine.wait_until(key, lambda r: r.job is not None)
    assert record.job is not None and len(signatures) == 2 and len(box.jobs) == 1


async def test_links_that_waited_too_long_for_their_create_are_made_anew(
    still_sandbox: Sandbox, make_engine: MakeEngine, talks: Path, signatures: list[float]
) -> None:
    box = still_sandbox
    async with asyncio.timeout(30):
        async with make_engine(box, audio_store=STORE) as engine:
            box.plan_fault("status", CREATE[1], method="POST", last=None, status=429, headers={"Retry-After": "60"})
            key = await submit(engine, talks)
            await until(lambda: box.count(*CREATE) == 1)
            record = await engine.wait_until(key, lambda r: bool(r.submission and r.submission.error))
            assert record.submission is not None and record.submission.state is SubmissionState.UPLOADED
        box.clear_faults()
        async with make_engine(box, audio_store=STORE, now=lambda: time.time() + 90_000) as engine:
            await until(lambda: (r := engine.record(key)) is not None and r.job is not None)
    assert len(signatures) == 2 and len(box.jobs) == 1
    assert "X-Amz-Expires=604799" in box.file_bytes(box.jobs[0]["input_file_id"]).decode()


async def test_a_copy_over_the_limit_is_a_sentence(
    sandbox: Sandbox, make_engine: MakeEngine, talks: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signed_copy, "FILE_MEGABYTES", 0.0005)
    async with asyncio.timeout(30), make_engine(sandbox, audio_store=STORE) as engine:
        with pytest.raises(BatchError, match="with its links, over the limit"):
            await engine.submit(talks)
    assert sandbox.jobs == [] and copies(tmp_path) == [] and not sandbox.count(*UPLOAD)


async def test_a_file_of_chats_is_neither_read_for_addresses_nor_copied(
    sandbox: Sandbox, make_engine: MakeEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its texts may hold what looks like an address; there is no store here, and no key."""
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    path = write_chat(tmp_path / "chat.jsonl", ["s3://talks/2026/a.mp3"])
    async with asyncio.timeout(30), make_engine(sandbox) as engine:
        record = await engine.submit(path)
    assert record.job is not None
    assert sandbox.file_bytes(sandbox.job(record.job.id)["input_file_id"]) == path.read_bytes()
    assert not (tmp_path / "data" / signed_copy.FOLDER).exists()


async def test_an_upload_whose_answer_was_lost_before_a_restart_is_made_with_new_links(
    still_sandbox: Sandbox, make_engine: MakeEngine, talks: Path, tmp_path: Path, signatures: list[float]
) -> None:
    """No create was out: the file of the new links is the only one that a job is made of."""
    box = still_sandbox
    async with asyncio.timeout(30):
        async with make_engine(box, audio_store=STORE, first_retry_delay=30.0) as engine:
            box.plan_fault("delay", "/v1/files/*/preprocess", method="POST", seconds=0.3, last=None)
            key = await submit(engine, talks)
            await until(lambda: any(call.path.endswith("/preprocess") for call in box.requests))
            record = engine.record(key)
            assert record is not None and record.submission is not None
            assert record.submission.state is SubmissionState.INTENT
        assert copies(tmp_path) == []
        box.clear_faults()
        async with make_engine(box, audio_store=STORE) as engine:
            await until(lambda: (r := engine.record(key)) is not None and r.job is not None)
            [record] = await engine.records()
            assert record.submission is not None
            assert record.submission.file_id == box.jobs[0]["input_file_id"]
    assert (len(signatures), len(box.jobs), box.count(*CREATE)) == (2, 1, 1)


async def test_two_apps_with_links_of_their_own_make_one_job(
    still_sandbox: Sandbox,
    make_engine: MakeEngine,
    talks: Path,
    tmp_path: Path,
    signatures: list[float],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each removes what it takes for left behind, and its own copy when it has lost the submission."""
    box = still_sandbox
    let_all_lock(monkeypatch)
    async with asyncio.timeout(30), make_engine(box, audio_store=STORE) as first:
        await until(lambda: first.health.state is HealthState.OK)
        box.plan_fault("delay", "/_storage/*", method="PUT", seconds=1.5, last=None)
        key = await submit(first, talks)
        await until(lambda: len(copies(tmp_path)) == 1)
        async with make_engine(box, audio_store=STORE) as second:
            await until(lambda: (r := second.record(key)) is not None and r.job is not None)
            [record] = await second.records()
            assert record.submission is not None and record.submission.state is SubmissionState.CREATED
            assert record.submission.file_id == box.jobs[0]["input_file_id"]
            await until(lambda: copies(tmp_path) == [], what="both have removed theirs")
    assert (len(box.jobs), box.count(*CREATE)) == (1, 1) and len(signatures) >= 2


async def test_parts_and_retries_get_links_of_their_own(
    sandbox: Sandbox, make_engine: MakeEngine, talks: Path, signatures: list[float]
) -> None:
    async with asyncio.timeout(30), make_engine(sandbox, audio_store=STORE) as engine:
        await engine.groups.submit(
            talks,
            Endpoint.TRANSCRIPTION,
            requests=2,
            fingerprint=await engine.fingerprint(talks),
            first=1,
            auto_continue=True,
        )
        await until(lambda: len(sandbox.jobs) == 2, what="the rest is sent")
        record = await engine.wait(next(r for r in await engine.records() if r.job is not None))
        index = engine.results(record)
        await asyncio.to_thread(index.build)
        retry = await engine.retries.write(index, [0], record.key)
        assert b"X-Amz-" not in retry.read_bytes() and b"talks/2026" in retry.read_bytes()
        await engine.submit(retry, again=True)
    links = [json.loads(sandbox.file_bytes(job["input_file_id"]))["body"]["file"] for job in sandbox.jobs]
    assert all("X-Amz-Signature=" in link for link in links)
    assert len(links) == len(set(links)) == len(signatures) == 3


async def test_a_create_is_repeated_with_the_file_that_it_was_first_sent_with_however_old_its_links_are(
    still_sandbox: Sandbox, make_engine: MakeEngine, talks: Path, signatures: list[float]
) -> None:
    box = still_sandbox
    async with asyncio.timeout(30):
        async with make_engine(box, audio_store=STORE, lookup_patience=60.0) as engine:
            await until(lambda: engine.health.state is HealthState.OK)
            box.plan_fault("close", CREATE[1], method=CREATE[0])
            key = await submit(engine, talks)
            record = await engine.wait_until(key, is_uncertain)
            assert record.submission is not None
            file_id = record.submission.file_id
        box.clear_faults()
        later = {"now": lambda: time.time() + 90_000, "lookup_patience": 0.4}
        async with make_engine(box, audio_store=STORE, **later) as engine:
            await until(lambda: (r := engine.record(key)) is not None and r.job is not None)
    assert [job["input_file_id"] for job in box.jobs] == [file_id]
    assert (len(signatures), box.count(*UPLOAD), box.count(*CREATE)) == (1, 1, 2)


async def test_links_that_grew_old_behind_a_lost_create_are_made_anew(
    still_sandbox: Sandbox, make_engine: MakeEngine, talks: Path, signatures: list[float]
) -> None:
    box, clock = still_sandbox, [0.0]
    now = {"now": lambda: time.time() + clock[0], "lookup_patience": 60.0}
    async with asyncio.timeout(30), make_engine(box, audio_store=STORE, **now) as engine:
        await until(lambda: engine.health.state is HealthState.OK)
        box.plan_fault("close", CREATE[1], method=CREATE[0])
        first = await submit(engine, talks)
        await engine.wait_until(first, is_uncertain)
        second = await submit(engine, talks)
        await engine.wait_until(second, lambda r: bool(r.submission and r.submission.error))
        clock[0] = 90_000.0
        await until(lambda: engine.candidates(first) is not None)
        assert await engine.decide(first, LookupDecision(give_up=True))
        await until(lambda: (r := engine.record(second)) is not None and r.job is not None)
    assert (len(signatures), len(box.jobs)) == (3, 1)
    assert "X-Amz-Expires=604798" in box.file_bytes(box.jobs[0]["input_file_id"]).decode()


async def test_a_link_that_ended_is_the_error_of_its_row_and_a_retry_makes_it_anew(
    still_sandbox: Sandbox, make_engine: MakeEngine, tmp_path: Path
) -> None:
    with s3_server() as bucket:
        store = AudioStore("s3://talks/2026", bucket.endpoint)
        keys = [f"2026/0123456789abcdef/{name}.mp3" for name in ("one", "two", "empty")]
        bucket.objects = dict(zip(keys, (b"one", b"two", b""), strict=True))
        path = tmp_path / "talks.jsonl"
        lines = (
            {
                "custom_id": key[-7:],
                "method": "FILE",
                "body": {"model": "openai/whisper-large-v3", "file": f"s3://talks/{key}"},
            }
            for key in keys
        )
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
        async with asyncio.timeout(30), make_engine(still_sandbox, audio_store=store) as engine:
            bucket.now = lambda: time.time() + 8 * 86_400
            record = await engine.submit(path, Endpoint.TRANSCRIPTION, check=False)
            still_sandbox.advance(3600)
            record = await engine.wait(record)
            index = engine.results(record)
            await asyncio.to_thread(index.build)
            reasons = [index.row(number).preview for number in range(3)]
            assert reasons == ["Failed to download file: HTTP 403 Forbidden"] * 3
            bucket.now = time.time
            retry = await engine.retries.write(index, [0, 1, 2], record.key)
            again = await engine.submit(retry, again=True, check=False)
            still_sandbox.advance(3600)
            await engine.wait(again)
            merged = merged_index(await engine.family(record.key), engine.results)
            assert merged is not None
            await asyncio.to_thread(merged.build)
            assert [merged.row(number).outcome.words for number in range(3)] == ["ok", "ok", "error"]
            assert merged.row(2).preview == "Failed to download file: the file is empty"
        assert_no_links_in(tmp_path / "data")
        assert_no_links_in(tmp_path / "results")
