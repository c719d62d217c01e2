"""Snapshots of the Results screen at every size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.conftest import until
from tests.helpers.drawn import check_screen, same_as_before, screen_text
from tests.helpers.result_rows import answer_row, error_row, response_row
from tests.tui.screens.test_results import ERRORS, INPUT, OUTPUT, SIZES, open_results, press, save_job
from tests.tui.screens.test_results_merged import save_retry

if TYPE_CHECKING:
    from pathlib import Path

AUDIO = [
    {
        "custom_id": f"clip-{number}",
        "method": "FILE",
        "body": {"file": f"https://example.com/{number}.wav", "model": "openai/whisper-large-v3"},
    }
    for number in range(1, 4)
]
HEARD: list[Any] = [
    response_row("clip-1", {"text": "Good evening, and welcome.", "language": "en", "duration": 92.5}),
    response_row("clip-2", {"text": "", "language": "de", "duration": 3.0}),
    error_row("clip-3", "Could not fetch the file"),
]
ODD: list[Any] = [
    answer_row("stranger"),
    answer_row("case-1", "Again"),
    b"not json",
    response_row("case-3", {"error": "no"}, 500),
]
KEYS = {
    "chat": ("j",),
    "reading": ("enter",),
    "raw": ("v",),
    "audio": (),
    "errors": ("E",),
    "odd": ("G",),
    "merged": ("m", "j"),
    "marked": ("space", "j", "space"),
}


@pytest.mark.parametrize("state", KEYS)
@pytest.mark.parametrize("size", SIZES)
async def test_results_look_as_before(state: str, size: tuple[int, int], tmp_path: Path) -> None:
    if state == "audio":
        save_job(tmp_path, requests=AUDIO, output=HEARD[:2], errors=HEARD[2:])
    elif state == "odd":
        save_job(tmp_path, output=[*OUTPUT, *ODD])
    else:
        save_job(tmp_path, errors=[*ERRORS, error_row("case-3", "Invalid `stop`")] if state == "errors" else ERRORS)
    if state == "merged":
        save_retry(tmp_path, [INPUT[1], INPUT[2]], [answer_row("case-2", "At last.")])
    async with open_results(tmp_path, size) as (host, pilot):
        if state == "merged":
            await until(lambda: "job 1 of 2" in screen_text(host))
        for key in KEYS[state]:
            await press(host, pilot, key)
        check_screen(host)
        same_as_before(screen_text(host) + "\n", f"results-{state}-{size[0]}x{size[1]}.txt")
