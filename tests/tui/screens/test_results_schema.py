"""A schema given afterwards: answers are judged again, here, on Jobs and in the shell, and it stays with the job."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tbatch_tui.engine.results import Outcome
from tbatch_tui.tui.screens.results.dialogs.answer_schema import SchemaDialog, read_schema
from tbatch_tui.tui.widgets.text_input import TextInput
from tests.conftest import until
from tests.helpers.drawn import check_screen, screen_opened, screen_text
from tests.helpers.result_rows import answer_row
from tests.tui.screens.test_results import (
    INPUT,
    JOB,
    SIZES,
    custom_ids,
    open_results,
    press,
    save_job,
    wait_until_idle,
)

if TYPE_CHECKING:
    from pathlib import Path

    from textual.pilot import Pilot

    from tests.tui.screens.test_results import Host

ANSWERS = [
    answer_row("case-1", '{"label": "good"}'),
    answer_row("case-2", '```json\n{"label": "bad"}\n```'),
    answer_row("case-3", '{"label": "unsure"}'),
    answer_row("case-4", "Good, I think."),
    answer_row("case-5", '{"label": "go', reason="length"),
]
SPEC = "label: enum[good,bad]"


async def give(host: Host, pilot: Pilot[object], text: str) -> None:
    await pilot.press("W")
    await screen_opened(host, SchemaDialog)
    host.screen.query_one(TextInput).value = text
    await pilot.press("enter")


@pytest.mark.parametrize("size", SIZES)
async def test_answers_are_judged_again_and_the_schema_stays_with_the_job(
    size: tuple[int, int], tmp_path: Path
) -> None:
    save_job(tmp_path, output=ANSWERS, errors=[])
    async with open_results(tmp_path, size) as (host, pilot):
        assert "5 in = 4 ok + 1 cut short" in screen_text(host)
        await give(host, pilot, SPEC)
        await until(lambda: "5 in = 2 ok + 1 cut short + 2 invalid" in screen_text(host))
        await until(lambda: (found := host.engine.record(JOB.id)) and found.counts and found.counts.invalid == 2)
        await wait_until_idle(host, pilot)
        record = host.engine.record(JOB.id)
        assert record is not None and json.loads(record.answer_schema)["required"] == ["label"]
        await press(host, pilot, "f", "G", "enter")
        assert custom_ids(host) == ["case-1", "case-2"] and "fence" in screen_text(host)
        check_screen(host)
    async with open_results(tmp_path, size) as (host, pilot):
        assert "2 invalid" in screen_text(host)
        await press(host, pilot, "E")
        assert '"unsure" is not one of' in screen_text(host)
        await press(host, pilot, "E")
        await pilot.press("W")
        await screen_opened(host, SchemaDialog)
        assert host.screen.query_one(TextInput).value == SPEC
        check_screen(host)
        host.screen.query_one(TextInput).value = ""
        await pilot.press("enter")
        await until(lambda: "5 in = 4 ok + 1 cut short" in screen_text(host))


async def test_what_asks_for_json_of_its_own_is_judged_by_that(tmp_path: Path) -> None:
    asked = json.loads(json.dumps(INPUT[0]))
    asked["body"]["response_format"] = {"type": "json_object"}
    save_job(tmp_path, requests=[asked, INPUT[1]], output=[answer_row("case-1", "{}"), answer_row("case-2", "{}")])
    async with open_results(tmp_path) as (host, pilot):
        await give(host, pilot, SPEC)
        await until(lambda: "1 invalid" in screen_text(host))
        index = host.engine.results(host.engine.record(JOB.id))  # type: ignore[arg-type]
        assert [row.outcome for row in index][:2] == [Outcome.OK, Outcome.INVALID]


async def test_without_the_input_file_all_answers_are_judged(tmp_path: Path) -> None:
    save_job(tmp_path, requests=None, output=ANSWERS[:3], errors=None)
    async with open_results(tmp_path) as (host, pilot):
        await give(host, pilot, SPEC)
        await until(lambda: "3 returned = 2 ok + 1 invalid" in screen_text(host))


async def test_a_mistake_in_it_is_said_and_nothing_changes(tmp_path: Path) -> None:
    save_job(tmp_path, output=ANSWERS, errors=[])
    async with open_results(tmp_path) as (host, pilot):
        await give(host, pilot, "label: colour")
        await until(lambda: "colour is not a type" in screen_text(host))
        check_screen(host)
        await pilot.press("escape")
        await until(lambda: "4 ok" in screen_text(host))
        assert not host.engine.record(JOB.id).answer_schema  # type: ignore[union-attr]


def test_a_schema_is_a_short_text_json_or_a_file(tmp_path: Path) -> None:
    file = tmp_path / "schema.json"
    file.write_text('{"type": "object", "properties": {"a": {"type": "integer"}}}')
    assert json.loads(read_schema(f"@{file}"))["properties"] == {"a": {"type": "integer"}}
    assert json.loads(read_schema("a: integer"))["required"] == ["a"]
    assert read_schema('{"type": "object"}') == '{"type": "object"}' and read_schema("") == ""
    for text, said in (
        ("@/nowhere/at/all", "cannot be read"),
        ("{", "not JSON"),
        ('{"type": "colour"}', "not a JSON Schema"),
    ):
        with pytest.raises(ValueError, match=said):
            read_schema(text)
