"""Every picture can still be made, and shows the screen it says."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from screenshots.make import SESSIONS, make

WHAT_EACH_SHOWS = {
    "jobs": "Jobs",
    "job": "Job",
    "results": "Results",
    "results-errors": "Results",
    "keys": "Keys",
    "files": "Files",
    "fix": "leave",
    "pick": "Pick",
    "check-faults": "Check",
    "check-clean": "Check",
    "create": "Create",
    "rest": "billed",
}


@pytest.fixture
def time_zone(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HOME", os.environ["HOME"])
    yield monkeypatch.setenv("TZ", "UTC")
    monkeypatch.undo()
    os.environ.pop("TZ", None)
    time.tzset()


async def test_a_picture_of_every_screen_can_be_made(tmp_path: Path, time_zone: None):
    made = await make(tmp_path, SESSIONS[:1])
    assert {path.stem for path in made} == set(WHAT_EACH_SHOWS)
    for path in made:
        svg = path.read_text(encoding="utf-8")
        assert WHAT_EACH_SHOWS[path.stem] in svg
        assert "Traceback" not in svg


def test_every_picture_is_there():
    folder = Path(__file__).parent.parent / "screenshots"
    for name in WHAT_EACH_SHOWS:
        for ending, *_ in SESSIONS:
            assert (folder / f"{name}{ending}.svg").exists(), f"{name}{ending}: python -m screenshots.make"
