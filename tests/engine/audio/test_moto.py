"""Recordings in a bucket of moto, whose S3 knows nothing of this project: what our own test server accepts, it does."""

from __future__ import annotations

import hashlib
import urllib.request
from typing import TYPE_CHECKING

import pytest

from tbatch_tui.engine.audio.object_store import ObjectStore, Recording, object_address
from tbatch_tui.engine.options import AudioStore
from tests.engine.audio.test_object_store import KEYS, recordings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    try:
        address = "http://{}:{}".format(*server.get_host_and_port())
        urllib.request.urlopen(urllib.request.Request(f"{address}/talks", method="PUT"), timeout=10).close()
        yield address
    finally:
        server.stop()


def test_what_is_sent_is_read_by_its_link_and_deleted(endpoint: str, tmp_path: Path) -> None:
    store = ObjectStore(AudioStore("s3://talks/2026", endpoint), KEYS)
    files = recordings(tmp_path)
    large = tmp_path / "long.mp3"
    content = bytes(11 << 20)  # goes in parts
    large.write_bytes(content)
    files.append(Recording(large, large.name, len(content), hashlib.sha256(content).hexdigest()))
    store.upload(files[:2])
    assert store.missing(files) == files[2:]
    store.upload(files[2:])
    assert store.missing(files) == []
    addresses = [object_address("s3://talks/2026", one.name, one.sha256) for one in files]
    for one, link in zip(files, store.sign(addresses), strict=True):
        with urllib.request.urlopen(link, timeout=10) as answer:
            assert answer.read() == one.path.read_bytes()
    store.delete(addresses[1:])
    assert store.missing(files) == files[1:]
