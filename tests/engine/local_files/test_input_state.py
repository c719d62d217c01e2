"""Whether an input file is what was submitted: by its bytes, each state read once, no longer than is asked for."""

from __future__ import annotations

import asyncio
import hashlib
import os
import threading
from typing import TYPE_CHECKING

import pytest

from tbatch_tui.engine.errors import OperationCancelledError
from tbatch_tui.engine.local_files import input_state as unchanged
from tbatch_tui.engine.local_files.fingerprint import Fingerprint, read_fingerprint
from tbatch_tui.engine.local_files.input_state import InputState, InputWatcher

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


async def test_each_state_of_a_file(tmp_path: Path):
    path, inputs, data = tmp_path / "in.jsonl", InputWatcher(), b"one\n" * 1_000
    assert await inputs.state_of(path, len(data), sha(data)) is InputState.GONE
    path.write_bytes(data)
    assert await inputs.state_of(path, len(data), sha(data)) is InputState.UNCHANGED
    path.write_bytes(data[:-2] + b"x\n")
    assert await inputs.state_of(path, len(data), sha(data)) is InputState.CHANGED
    path.write_bytes(data + b"more\n")
    assert await inputs.state_of(path, len(data), sha(data)) is InputState.CHANGED
    path.unlink()
    path.mkdir()
    assert await inputs.state_of(path, len(data), sha(data)) is InputState.CHANGED
    assert await inputs.state_of(path / "in.jsonl" / "x", 1, "") is InputState.GONE


async def test_a_pipe_is_not_waited_for(tmp_path: Path):
    os.mkfifo(tmp_path / "in.jsonl")
    assert await InputWatcher().state_of(tmp_path / "in.jsonl", 0, sha(b"")) is InputState.CHANGED


async def test_what_stat_knows_is_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    reads: list[Path] = []

    def counted(path: Path, **_: object) -> Fingerprint:
        reads.append(path)
        return read_fingerprint(path)

    monkeypatch.setattr(unchanged, "read_fingerprint", counted)
    path, inputs = tmp_path / "in.jsonl", InputWatcher()
    path.write_bytes(b"data")
    for _ in range(3):
        assert await inputs.state_of(path, 4, sha(b"data")) is InputState.UNCHANGED
    assert len(reads) == 1
    assert await inputs.state_of(path, 5, sha(b"datum")) is InputState.CHANGED  # by its size alone
    assert len(reads) == 1
    path.write_bytes(b"atad")
    os.utime(path, ns=(1, 1))
    assert await inputs.state_of(path, 4, sha(b"data")) is InputState.CHANGED
    assert len(reads) == 2


async def test_cancelling_stops_the_reading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    begun, ended = threading.Event(), threading.Event()

    def endless(path: Path, *, cancelled: Callable[[], bool]) -> Fingerprint:
        begun.set()
        while not cancelled():
            pass
        ended.set()
        raise OperationCancelledError("stopped")

    monkeypatch.setattr(unchanged, "read_fingerprint", endless)
    path = tmp_path / "in.jsonl"
    path.write_bytes(b"data")
    look = asyncio.create_task(InputWatcher().state_of(path, 4, sha(b"data")))
    await asyncio.to_thread(begun.wait, 20)
    look.cancel()
    with pytest.raises(asyncio.CancelledError):
        await look
    assert await asyncio.to_thread(ended.wait, 20)


def test_a_fingerprint_can_be_stopped(tmp_path: Path):
    path = tmp_path / "in.jsonl"
    path.write_bytes(b"data")
    with pytest.raises(OperationCancelledError):
        read_fingerprint(path, cancelled=lambda: True)
