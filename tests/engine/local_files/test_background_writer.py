"""A file that is written in a thread while what follows is made."""

from __future__ import annotations

import errno
import io
import os
import threading
import time
from typing import TYPE_CHECKING

import pytest

from tbatch_tui.engine.local_files.background_writer import BackgroundWriter

if TYPE_CHECKING:
    from pathlib import Path


def test_pieces_are_written_in_their_order(tmp_path: Path) -> None:
    pieces = [b"%d" % number * 1_000_000 for number in range(20)]  # more than is left to the end to be synced
    with (tmp_path / "out").open("wb") as file, BackgroundWriter(file) as writer:
        for piece in pieces:
            writer.write(piece, b"\n")
    assert (tmp_path / "out").read_bytes() == b"".join(piece + b"\n" for piece in pieces)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("writer")]


def test_what_is_no_file_is_written_as_well() -> None:
    file = io.BytesIO()
    with BackgroundWriter(file) as writer:
        for _ in range(3):
            writer.write(b"x" * 10_000_000)
    assert file.getvalue() == b"x" * 30_000_000


def test_pieces_wait_for_a_slow_disk_and_no_more_of_them_than_agreed() -> None:
    may_go_on = threading.Event()

    class Slow(io.BytesIO):
        def write(self, data: object) -> int:
            may_go_on.wait()
            return super().write(data)  # type: ignore[arg-type]

    file, taken = Slow(), 0

    def write_all() -> None:
        nonlocal taken
        with BackgroundWriter(file) as writer:
            for taken in range(1, 21):  # noqa: B007
                writer.write(b"x" * 1_000_000)

    thread = threading.Thread(target=write_all)
    thread.start()
    deadline = time.monotonic() + 10
    while taken < 9 and time.monotonic() < deadline:
        time.sleep(0.001)
    assert taken == 9, "the ninth waits for a place"
    may_go_on.set()
    thread.join()
    assert len(file.getvalue()) == 20_000_000


def test_a_full_disk_is_told_by_the_next_piece_or_at_the_end() -> None:
    class Full(io.BytesIO):
        def write(self, _: object) -> int:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(OSError, match="No space left"), BackgroundWriter(Full()) as writer:
        for _ in range(10):
            writer.write(b"x" * 1_000_000)
        raise AssertionError("what is more than may wait was taken")
    with pytest.raises(OSError, match="No space left"), BackgroundWriter(Full()) as writer:
        writer.write(b"x")
    with pytest.raises(KeyError), BackgroundWriter(Full()) as writer:  # what went wrong first is what is told
        writer.write(b"x")
        raise KeyError
