"""Whether an input file is what was submitted: by its bytes, each state read once, and stopped when cancelled."""

from __future__ import annotations

import asyncio
import hashlib
import os
import threading
from typing import TYPE_CHECKING

import pytest

from tbatch_tui.engine.errors import OperationCancelledError
from tbatch_tui.engine.local_files import input_state
from tbatch_tui.engine.local_files.fingerprint import Fingerprint, read_fingerprint
from tbatch_tui.engine.local_files.input_state import InputState, InputWatcher

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


async def test_each_state_of_a_file(tmp_path: Path) -> None:
    path, watcher, data = tmp_path / "in.jsonl", InputWatcher(), b"one\n" * 1_000
    assert await watcher.state_of(path, len(data), sha256(data)) is InputState.GONE
    path.write_bytes(data)
    assert await watcher.state_of(path, len(data), sha256(data)) is InputState.UNCHANGED
    path.write_bytes(data[:-2] + b"x\n")
    assert await watcher.state_of(path, len(data), sha256(data)) is InputState.CHANGED
    path.write_bytes(data + b"more\n")
    assert await watcher.state_of(path, len(data), sha256(data)) is InputState.CHANGED
    path.unlink()
    path.mkdir()
    assert await watcher.state_of(path, len(data), sha256(data)) is InputState.CHANGED
    assert await watcher.state_of(path / "in.jsonl" / "x", 1, "") is InputState.GONE


async def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "in.jsonl")
    assert await InputWatcher().state_of(tmp_path / "in.jsonl", 0, sha256(b"")) is InputState.CHANGED


async def test_a_file_that_stat_knows_is_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reads: list[Path] = []

    def read_and_count(path: Path, **_: object) -> Fingerprint:
        reads.append(path)
        return read_fingerprint(path)

    monkeypatch.setattr(input_state, "read_fingerprint", read_and_count)
    path, watcher = tmp_path / "in.jsonl", InputWatcher()
    path.write_bytes(b"data")
    for _ in range(3):
        assert await watcher.state_of(path, 4, sha256(b"data")) is InputState.UNCHANGED
    assert len(reads) == 1
    assert await watcher.state_of(path, 5, sha256(b"datum")) is InputState.CHANGED  # by its size alone
    assert len(reads) == 1
    path.write_bytes(b"atad")
    os.utime(path, ns=(1, 1))
    assert await watcher.state_of(path, 4, sha256(b"data")) is InputState.CHANGED
    assert len(reads) == 2


async def test_cancelling_stops_the_reading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started, ended = threading.Event(), threading.Event()

    def endless(_path: Path, *, cancelled: Callable[[], bool]) -> Fingerprint:
        started.set()
        while not cancelled():
            pass
        ended.set()
        raise OperationCancelledError("stopped")

    monkeypatch.setattr(input_state, "read_fingerprint", endless)
    path = tmp_path / "in.jsonl"
    path.write_bytes(b"data")
    reading = asyncio.create_task(InputWatcher().state_of(path, 4, sha256(b"data")))
    await asyncio.to_thread(started.wait, 20)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert await asyncio.to_thread(ended.wait, 20)


def test_a_fingerprint_can_be_stopped(tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    path.write_bytes(b"data")
    with pytest.raises(OperationCancelledError):
        read_fingerprint(path, cancelled=lambda: True)
