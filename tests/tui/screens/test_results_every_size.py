"""Results at five sizes: it looks as it did, and a wider and higher terminal shows no less of it."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from tests.helpers.app_host import ALL_SIZES
from tests.helpers.drawn import check_screen, missing_words, painted, resize, same_as_before, screen_text
from tests.helpers.result_rows import answer_row, error_row, request_row
from tests.tui.screens.test_results import open_results, press, save_job, screen_of, wait_until_idle

if TYPE_CHECKING:
    from pathlib import Path

IDS = [f"customer-review-{number:06}-of-march" for number in range(1, 41)]
LABELS = ("positive", "negative", "neutral")
WHY = "The customer writes at length about the battery, the screen and the delivery, "
REQUESTS = [request_row(custom_id, f"Label this review: it lasts {n} days.") for n, custom_id in enumerate(IDS)]
OUTPUT: list[Any] = [
    answer_row(
        custom_id,
        json.dumps({"label": LABELS[n % 3], "score": n / 10, "why": f"{WHY}and is {'glad' if n % 3 else 'cross'}."}),
        tokens=40 + n,
        reason="length" if n % 13 == 5 else "stop",
    )
    for n, custom_id in enumerate(IDS[:36])
]
ERRORS = [error_row(custom_id, "Request timed out after 30 s") for custom_id in IDS[36:39]]
STATES = {
    "list": (),
    "search": ("slash", *"cross", "enter"),
    "fields": ("s", "s", "s", "s"),
    "record": ("f", "enter", "J"),
}


@pytest.mark.parametrize("state", STATES)
async def test_wider_shows_no_less(state: str, tmp_path: Path) -> None:
    save_job(tmp_path, requests=REQUESTS, output=OUTPUT, errors=ERRORS)
    async with open_results(tmp_path, ALL_SIZES[-1]) as (host, pilot):
        if state == "fields":
            table = screen_of(host).table
            table.arrangement.names = ("line", "custom_id", "outcome", "tokens", "field:label", "field:score", "answer")
            table.rearrange()
            await wait_until_idle(host, pilot)
        for key in STATES[state]:
            await press(host, pilot, key)
        texts = []
        for size in ALL_SIZES:
            await resize(host, pilot, size)
            await wait_until_idle(host, pilot)
            await painted(host)
            check_screen(host)
            texts.append(screen_text(host))
            same_as_before(screen_text(host) + "\n", f"size-results-{state}-{size[0]}x{size[1]}.txt")
    beside = " ".join([*IDS, *(row["response"]["body"]["choices"][0]["message"]["content"] for row in OUTPUT)])
    for (narrow, wide), size in zip(pairwise(texts), ALL_SIZES[1:], strict=True):
        # From 110 cells on the record stands beside the list, whose ids and answers have less room than at 80.
        may_be_cut = beside if size == ALL_SIZES[2] else ""
        assert [word for word in missing_words(narrow, wide) if word not in may_be_cut] == []
    numbers = [custom_id[16:22] for custom_id in IDS[:9]]
    assert all(number in text for text in texts for number in numbers) or state != "list", "ids differ where they do"
