"""Deleting recordings from the store: only what was uploaded here, and what no job needs any more."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest

from tbatch_tui.engine import BatchError
from tbatch_tui.engine.audio.object_store import ObjectStore, Recording
from tbatch_tui.engine.audio.uploads import upload_recordings
from tbatch_tui.engine.endpoint import Endpoint
from tbatch_tui.engine.options import AudioStore
from tbatch_tui.engine.tables.readers.source import file_hash
from tests.helpers.s3_server import KEY, SECRET, S3Server, s3_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tbatch_tui.engine.domain.record import JobRecord
    from tbatch_tui.engine.engine import BatchEngine
    from tbatch_tui.sandbox.testing import Sandbox
    from tests.engine.conftest import MakeEngine


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Server]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.delenv("AWS_SESSION_TOKEN", raising=False)
    with s3_server() as running:
        yield running


@pytest.fixture
def settings(bucket: S3Server) -> AudioStore:
    return AudioStore("s3://talks/2026", bucket.endpoint)


def upload(settings: AudioStore, tmp_path: Path, *names: str) -> dict[str, str]:
    """Upload recordings of these names as `make` does; return their addresses."""
    store = ObjectStore(settings, {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET})
    recordings = []
    for name in names:
        path = tmp_path / name
        path.write_bytes(name.encode() * 100)
        recordings.append(Recording(path, name, path.stat().st_size, file_hash(path)))
    upload_recordings(store, store.missing(recordings), tmp_path / "data")
    return {one.name: store.address_of(one) for one in recordings}


def write_input(path: Path, addresses: dict[str, str], model: str = "openai/whisper-large-v3") -> Path:
    lines = (
        {"custom_id": name, "method": "FILE", "body": {"model": model, "file": address}}
        for name, address in addresses.items()
    )
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


async def run(engine: BatchEngine, box: Sandbox, path: Path) -> JobRecord:
    record = await engine.submit(path, Endpoint.TRANSCRIPTION, check=False, again=True)
    box.advance(3600)
    return await engine.wait(record)


async def test_what_was_uploaded_here_and_is_not_needed_is_deleted_and_nothing_else(
    still_sandbox: Sandbox, make_engine: MakeEngine, settings: AudioStore, bucket: S3Server, tmp_path: Path
) -> None:
    there = Recording(tmp_path / "z", "z.wav", 3, "0" * 64)
    foreign = ObjectStore(settings, {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET}).address_of(there)
    bucket.objects[foreign.removeprefix("s3://talks/")] = b"abc"
    made = upload(settings, tmp_path, "a.wav", "b.wav", "c.wav")
    async with asyncio.timeout(30), make_engine(still_sandbox, audio_store=settings) as engine:
        first = await run(engine, still_sandbox, write_input(tmp_path / "first.jsonl", {**made, "z.wav": foreign}))
        # b failed in another job and may be asked again there; c is read by one that has not ended
        failing = write_input(tmp_path / "failing.jsonl", {"b.wav": made["b.wav"]}, model="no/such-model")
        failed = await run(engine, still_sandbox, failing)
        running = await engine.submit(write_input(tmp_path / "running.jsonl", {"c.wav": made["c.wav"]}), check=False)
        unneeded = await engine.recordings.unneeded([first])
        assert unneeded.sizes == {made["a.wav"]: 500}
        assert (unneeded.needed, sorted(unneeded.needed_by), unneeded.others) == (2, ["failing", "running"], 1)
        with pytest.raises(BatchError, match="running has not ended"):
            await engine.recordings.unneeded([running])
        assert await engine.recordings.delete(list(unneeded.sizes)) == 1
        assert sorted(key.rpartition("/")[2] for key in bucket.objects) == ["b.wav", "c.wav", "z.wav"]
        # once it is acknowledged that b cannot be had, and c has its answer, nothing needs them
        await engine.acknowledge([failed.key])
        still_sandbox.advance(3600)
        await engine.wait(running)
        unneeded = await engine.recordings.unneeded([first])
        assert (sorted(unneeded.sizes), unneeded.needed, unneeded.others) == (
            sorted([made["b.wav"], made["c.wav"]]),
            0,
            2,
        )
        (tmp_path / "first.jsonl").write_text("another file\n")
        with pytest.raises(BatchError, match="input file is not here, or has changed"):
            await engine.recordings.unneeded([first])


async def test_a_retry_that_went_well_frees_what_it_asked_again(
    still_sandbox: Sandbox, make_engine: MakeEngine, settings: AudioStore, tmp_path: Path
) -> None:
    made = upload(settings, tmp_path, "a.wav", "b.wav")
    path = write_input(tmp_path / "talks.jsonl", {"a.wav": made["a.wav"]})
    path.write_text(path.read_text() + write_input(tmp_path / "b", {"b.wav": made["b.wav"]}, "no/such").read_text())
    async with asyncio.timeout(30), make_engine(still_sandbox, audio_store=settings) as engine:
        record = await run(engine, still_sandbox, path)
        unneeded = await engine.recordings.unneeded([record])
        assert (list(unneeded.sizes), unneeded.needed, unneeded.needed_by) == ([made["a.wav"]], 1, ("talks",))
        index = engine.results(record)
        await asyncio.to_thread(index.build)
        retry = await engine.retries.write(index, [1], record.key, model="openai/whisper-large-v3")
        await run(engine, still_sandbox, retry)
        unneeded = await engine.recordings.unneeded([record])
        assert (sorted(unneeded.sizes), unneeded.needed) == (sorted(made.values()), 0)


def test_what_was_there_is_not_taken_for_an_upload(settings: AudioStore, bucket: S3Server, tmp_path: Path) -> None:
    from tbatch_tui.engine.journal.journal import Journal

    bucket.refuse_after = 1
    with pytest.raises(BatchError, match="refused access"):
        upload(settings, tmp_path, "a.wav", "b.wav")
    [cut] = bucket.objects
    bucket.refuse_after = None
    bucket.objects[cut.replace("a.wav", "other").replace("b.wav", "other")] = b"x"
    upload(settings, tmp_path, "a.wav", "b.wav")
    [damaged] = [key for key in bucket.objects if key.endswith("/a.wav")]
    bucket.objects[damaged] = b"not what we sent"
    journal = Journal(tmp_path / "data" / "history.db")
    noted = journal.recording_uploads.sizes(settings.endpoint, settings.address)
    assert sorted(noted) == sorted(f"s3://talks/{key}" for key in bucket.objects if not key.endswith("other"))
    journal.recording_uploads.forget(settings.endpoint, noted)
    upload(settings, tmp_path, "a.wav", "b.wav")
    assert len(bucket.objects[damaged]) == 500, "what bore the name of a recording with other bytes is replaced"
    assert journal.recording_uploads.sizes(settings.endpoint, settings.address) == {}, "and not noted"
    assert journal.recording_uploads.sizes("", settings.address) == {}, "a store of another server is another store"
    journal.close()
