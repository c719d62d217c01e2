"""Every picture can still be made, and shows the screen it says."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from screenshots.make import make

WHAT_EACH_SHOWS = {
    "jobs": "Jobs",
    "job": "Job",
    "results": "Results",
    "pick": "Pick",
    "check-faults": "Check",
    "check-clean": "Check",
    "create": "Create",
}


@pytest.fixture
def time_zone(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HOME", os.environ["HOME"])
    yield monkeypatch.setenv("TZ", "UTC")
    monkeypatch.undo()
    os.environ.pop("TZ", None)
    time.tzset()


async def test_a_picture_of_every_screen_can_be_made(tmp_path: Path, time_zone: None):
    made = await make(tmp_path)
    assert {path.stem for path in made} == {f"{name}{size}" for name in WHAT_EACH_SHOWS for size in ("", "-wide")}
    for path in made:
        svg = path.read_text(encoding="utf-8")
        assert WHAT_EACH_SHOWS[path.stem.removesuffix("-wide")] in svg
        assert "Traceback" not in svg
