"""Recordings in a bucket: sent once, sent on after a cut, and read by links that end."""

from __future__ import annotations

import hashlib
import urllib.error
import urllib.request
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from tbatch_tui.engine.audio.limits import recording_fault, seconds_of
from tbatch_tui.engine.audio.object_store import ObjectStore, Recording, object_address, own_path
from tbatch_tui.engine.errors import BatchError, LocalFileError, OperationCancelledError
from tbatch_tui.engine.options import AudioStore
from tests.helpers.s3_server import KEY, SECRET, S3Server, s3_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KEYS = {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET}
ADDRESS = "s3://talks/pre fix"
NAMES = ["a b.mp3", "Grüße #1?x=%20&y.mp3", "sub/a b.mp3", "a%2Fb~c+[d].mp3"]


@pytest.fixture
def server() -> Iterator[S3Server]:
    with s3_server() as running:
        yield running


@pytest.fixture
def store(server: S3Server) -> ObjectStore:
    return ObjectStore(AudioStore(ADDRESS, server.endpoint), KEYS)


def recordings(folder: Path, names: list[str] = NAMES) -> list[Recording]:
    made = []
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        data = name.encode() * 1000
        path.write_bytes(data)
        made.append(Recording(path, name, len(data), hashlib.sha256(data).hexdigest()))
    return made


def read(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return bytes(answer.read())


def test_what_is_not_there_is_sent_and_read_by_its_link(store: ObjectStore, server: S3Server, tmp_path: Path) -> None:
    files = recordings(tmp_path)
    assert store.missing(files) == files
    seen: list[tuple[int, int]] = []
    store.upload(files, progress=lambda *numbers: seen.append(numbers))
    total = sum(one.size for one in files)
    assert seen[-1] == (total, total) and len(server.stored) == len(files)
    assert store.missing(files) == []
    addresses = [object_address(ADDRESS, one.name, one.sha256) for one in files]
    assert list(map(own_path, addresses)) == NAMES
    for one, link in zip(files, store.sign(addresses), strict=True):
        assert read(link) == one.path.read_bytes()
        with pytest.raises(urllib.error.HTTPError, match="403"):
            read(link.replace("X-Amz-Expires=604800", "X-Amz-Expires=604801"))
    link = store.sign(addresses[:1], timedelta(hours=72))[0]
    began = server.now()
    server.now = lambda: began + 72 * 3_600 - 60
    assert read(link)
    server.now = lambda: began + 72 * 3_600 + 60
    with pytest.raises(urllib.error.HTTPError, match="403"):
        read(link)


def test_after_a_cut_only_the_rest_is_sent(store: ObjectStore, server: S3Server, tmp_path: Path) -> None:
    files = recordings(tmp_path)
    server.refuse_after = 2
    with pytest.raises(BatchError, match="refused access") as raised:
        store.upload(files)
    assert SECRET not in str(raised.value) and "X-Amz" not in str(raised.value)
    sent = set(server.stored)
    assert len(sent) == 2
    server.refuse_after = None
    rest = store.missing(files)
    assert len(rest) == 2
    store.upload(rest)
    assert len(server.stored) == 4 and set(server.stored) > sent


def test_a_large_file_goes_in_parts_and_can_be_stopped(store: ObjectStore, server: S3Server, tmp_path: Path) -> None:
    path = tmp_path / "long.wav"
    data = bytes(range(256)) * (12 << 12)
    path.write_bytes(data)
    one = Recording(path, path.name, len(data), hashlib.sha256(data).hexdigest())
    with pytest.raises(OperationCancelledError):
        store.upload([one], cancelled=iter([False, True, True]).__next__)
    assert server.objects == {}
    store.upload([one])
    assert list(server.objects.values()) == [data]


def test_a_file_that_changed_since_it_was_read_is_not_sent(
    store: ObjectStore, server: S3Server, tmp_path: Path
) -> None:
    one = recordings(tmp_path, ["a.mp3"])[0]
    one.path.write_bytes(b"x" * one.size)
    with pytest.raises(LocalFileError, match="has changed"):
        store.upload([one])
    one.path.unlink()
    with pytest.raises(LocalFileError, match="cannot be read"):
        store.upload([one])
    assert server.objects == {}


def test_links_hold_for_three_to_seven_days_and_only_for_this_store(store: ObjectStore) -> None:
    for lifetime in (timedelta(hours=71), timedelta(days=8)):
        with pytest.raises(ValueError, match="has to hold"):
            store.sign([f"{ADDRESS}/a.mp3"], lifetime)
    with pytest.raises(BatchError, match="is not in"):
        store.sign(["s3://talks/pre fixed/a.mp3"])


def test_temporary_keys_are_refused_unless_insisted_on(server: S3Server) -> None:
    keys = {**KEYS, "AWS_SESSION_TOKEN": "token"}
    with pytest.raises(BatchError, match="temporary"):
        ObjectStore(AudioStore(ADDRESS, server.endpoint), keys)
    store = ObjectStore(AudioStore(ADDRESS, server.endpoint, session_token=True), keys)
    assert "X-Amz-Security-Token=token" in store.sign([f"{ADDRESS}/a.mp3"])[0]
    with pytest.raises(BatchError, match="no keys"):
        ObjectStore(AudioStore(ADDRESS, server.endpoint), {})


def test_a_store_that_is_not_there_is_named(tmp_path: Path) -> None:
    with s3_server() as server:
        store = ObjectStore(AudioStore(ADDRESS, server.endpoint), {**KEYS, "AWS_SECRET_ACCESS_KEY": "another"})
        with pytest.raises(BatchError, match=r"s3://talks/pre fix refused"):
            store.missing(recordings(tmp_path, ["a.mp3"]))


def test_recordings_that_the_api_does_not_take_are_named(tmp_path: Path) -> None:
    import wave

    path = tmp_path / "a.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 1, 1, 0, "NONE", ""))
        file.writeframes(bytes(5 * 3_600))
    assert seconds_of(path) == 5 * 3_600
    assert recording_fault(path, 100) == "5.0 hours (max. 4 hours)"
    assert recording_fault(path, 0) == "the file is empty"
    assert recording_fault(path, 2_000_000_000) == "2.0 GB (max. 1 GB)"
    flac = tmp_path / "a.flac"
    rate_and_samples = (8_000 << 44 | 7 << 36 | 16_000).to_bytes(8, "big")
    flac.write_bytes(b"fLaC\x00\x00\x00\x22" + bytes(10) + rate_and_samples + bytes(16))
    assert seconds_of(flac) == 2.0
    flac.write_bytes(b"fLaC")
    path.write_bytes(b"RIFF")
    assert seconds_of(flac) is seconds_of(path) is seconds_of(tmp_path / "a.mp3") is None
