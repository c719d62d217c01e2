"""The record beside the rows: the answer is in view, and what was asked for is said in few words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tbatch_tui.engine.schemas.spec import parse_spec
from tests.conftest import until
from tests.helpers.drawn import resize, screen_text
from tests.helpers.result_rows import answer_row, request_row
from tests.tui.screens.test_results import open_results, press, save_job, wait_until_idle

if TYPE_CHECKING:
    from pathlib import Path

SPEC = "label: enum[positive,negative], why: string"
LONG = "\n".join(f"Paragraph {number} of the review." for number in range(1, 81))
IDS = [f"case-{number}" for number in range(1, 4)]
TOOLS = [{"type": "function", "function": {"name": name, "parameters": {}}} for name in ("search", "answer")]


def requests() -> list[dict[str, object]]:
    rows = [request_row(custom_id, LONG) for custom_id in IDS]
    schema = {"name": "answer", "strict": True, "schema": parse_spec(SPEC)}
    rows[0]["body"]["response_format"] = {"type": "json_schema", "json_schema": schema}
    rows[1]["body"]["tools"] = TOOLS
    rows[2]["body"]["response_format"] = {"type": "json_schema", "json_schema": {"schema": {"type": ["object"]}}}
    return rows


@pytest.mark.parametrize("size", [(80, 24), (140, 40)])
async def test_the_answer_to_a_long_request_is_in_view(size: tuple[int, int], tmp_path: Path) -> None:
    save_job(tmp_path, requests=requests(), output=[answer_row(each, f"The answer to {each}") for each in IDS])
    async with open_results(tmp_path, size) as (host, pilot):
        await press(host, pilot, "enter")
        await until(lambda: "The answer to case-1" in screen_text(host))
        assert "Paragraph 80" in screen_text(host), "some of the request is above it"
        assert "Paragraph 1 " not in screen_text(host)
        await press(host, pilot, "J")
        await until(lambda: "The answer to case-2" in screen_text(host))
        await resize(host, pilot, (110, 30))
        await until(lambda: "The answer to case-2" in screen_text(host))
        await press(host, pilot, "home")
        await until(lambda: "Paragraph 1 " in screen_text(host))
        await resize(host, pilot, size)
        await wait_until_idle(host, pilot)
        assert "Paragraph 1 " in screen_text(host), "where the user has scrolled to"


async def test_settings_are_said_in_few_words_below_the_answer(tmp_path: Path) -> None:
    save_job(tmp_path, requests=requests(), output=[answer_row(each, f"The answer to {each}") for each in IDS])
    async with open_results(tmp_path, (200, 60)) as (host, pilot):
        await until(lambda: f"response_format {SPEC}" in screen_text(host))
        assert screen_text(host).index("The answer to case-1") < screen_text(host).index("m/chat · response_format")
        await press(host, pilot, "down")
        await until(lambda: "m/chat · tools search, answer" in screen_text(host))
        await press(host, pilot, "down")
        await until(lambda: '{"type":"json_schema"' in screen_text(host))
