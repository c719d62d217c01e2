"""Which lines of a file are tried, and that it is read once for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tbatch_tui.engine.check import check_file
from tbatch_tui.engine.errors import LocalFileError
from tbatch_tui.engine.live.request import choose_lines
from tbatch_tui.tui.screens.check import trying
from tests.conftest import write_chat

if TYPE_CHECKING:
    from pathlib import Path


class Readings:
    """Counts how often a file of one piece is read: whether to stop is asked once for each piece."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> bool:
        self.count += 1
        return False


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write_chat(tmp_path / "in.jsonl", [f"Question {number}?" for number in range(1, 41)])


def test_a_line_and_a_sample_come_of_one_reading(path: Path) -> None:
    readings = Readings()
    chosen = choose_lines(path, [7], sample=5, seed=1, cancelled=readings)
    lines = [request.line for request in chosen.requests]
    assert readings.count == 1
    assert len(lines) == 6 and 7 in lines and lines == sorted(lines, key=lambda line: line or 0)
    assert chosen.total == 40


def test_a_sample_is_even(path: Path) -> None:
    times = dict.fromkeys(range(1, 41), 0)
    for seed in range(200):
        for request in choose_lines(path, sample=4, seed=seed).requests:
            assert request.line is not None
            times[request.line] += 1
    # 20 of each on average; with these seeds always the same.
    assert sum(times.values()) == 800 and min(times.values()) >= 6 and max(times.values()) <= 38


def test_a_sample_larger_than_the_file_is_all_of_it(path: Path) -> None:
    assert [request.line for request in choose_lines(path, sample=100).requests] == list(range(1, 41))


async def test_check_reads_the_file_once_for_all_that_may_be_tried(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    readings = Readings()

    async def run(read, *arguments):  # type: ignore[no-untyped-def]
        return read(*arguments, cancelled=readings)

    monkeypatch.setattr(trying, "run_reading", run)
    subject = trying.subject_of_file(check_file(path), 30)
    [first] = await subject.read(1)
    assert (first.line, readings.count) == (30, 1)
    three = await subject.read(3)
    assert three[0].line == 30 and len({request.line for request in three}) == 3 and readings.count == 2
    five = await subject.read(5)
    assert five[:3] == three and readings.count == 2, "one more is another line, and those before stay"


def test_a_line_that_is_no_request_gives_way_to_the_first(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"[1]\n")
    chosen = trying._read(path, None, 41, 3, cancelled=lambda: False)
    assert chosen[0].line == 1 and len(chosen) == 3
    with pytest.raises(LocalFileError, match="has no request in line 99"):
        choose_lines(path, [99])
