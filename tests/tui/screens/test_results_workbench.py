"""Search in a field, sort, columns and the way from record to record on the Results screen."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from tbatch_tui.engine.endpoint import Endpoint
from tbatch_tui.tui.screens.results.listing.arrangement import Arrangement
from tbatch_tui.tui.screens.results.listing.column_dialog import ColumnDialog
from tbatch_tui.tui.screens.results.listing.columns import common_ends
from tbatch_tui.tui.widgets.reader.view import RecordView
from tests.conftest import until
from tests.helpers.drawn import check_screen, painted, screen_lines, screen_opened, screen_text
from tests.helpers.result_rows import answer_row, build_index, error_row, request_row, response_row
from tests.tui.screens.test_results import (
    ERRORS,
    INPUT,
    SIZES,
    custom_ids,
    focused,
    open_results,
    press,
    save_job,
    screen_of,
    wait_until_idle,
)

if TYPE_CHECKING:
    from pathlib import Path

LABELS = [("case-1", "positive", 0.9), ("case-3", "negative", 10), ("case-4", "positive", 0.25)]
ANSWERS = [
    answer_row(custom_id, json.dumps({"label": label, "score": score}), tokens=int(score * 100))
    for custom_id, label, score in LABELS
]


@pytest.mark.parametrize("size", SIZES)
async def test_a_search_is_in_the_answers_unless_a_prefix_says_otherwise(size: tuple[int, int], tmp_path: Path) -> None:
    save_job(tmp_path, output=[*ANSWERS, answer_row("case-5", "word " * 60 + "a late Needle at the end")])
    async with open_results(tmp_path, size) as (host, pilot):
        for typed, ids, said in (
            ("question", [], "No hit for “question” in answer"),
            ("timeout", ["case-2"], "“timeout” in answer · 1 hit"),
            ("prompt:question 3", ["case-3"], "“question 3” in prompt · 1 hit"),
            ("label:pos", ["case-1", "case-4"], "“pos” in label · 2 hits"),
            ("id:5", ["case-5"], "“5” in id · 1 hit"),
            ("error:time", ["case-2"], "“time” in error · 1 hit"),
            ("needle", ["case-5"], "“needle” in answer · 1 hit"),
        ):
            await press(host, pilot, "slash", *typed, "enter")
            await until(lambda: custom_ids(host) == ids and said in screen_text(host), what=typed)  # noqa: B023
            await painted(host)
            check_screen(host)
            if typed == "needle":
                await until(lambda: re.search(r"case-5 .*late Needle", screen_text(host)), what="the row shows it")
            if typed.startswith("prompt"):
                assert any("Prompt" in row for row in screen_lines(host)) or size[0] == 60
            await press(host, pilot, "escape")
            await until(lambda: len(custom_ids(host)) == 5)


async def test_a_row_that_was_drawn_before_its_hit_was_found_is_drawn_again(tmp_path: Path) -> None:
    save_job(tmp_path, output=[*ANSWERS, answer_row("case-5", "word " * 60 + "a late Needle at the end")])
    async with open_results(tmp_path, (80, 24)) as (host, pilot):
        screen = screen_of(host)
        await press(host, pilot, "slash", *"needle", "enter")
        hits = screen.session.hits
        assert hits is not None and list(hits.snippets) == [4]
        snippet = hits.snippets.pop(4)
        screen.table.show_rows("")
        screen.table.refresh_rows()
        assert "late Needle" not in screen_text(host)
        hits.snippets[4] = snippet
        screen.table.show_rows("")
        assert re.search("case-5 .*late Needle", screen_text(host))


async def test_s_sorts_by_the_next_column_and_capital_s_the_other_way_round(tmp_path: Path) -> None:
    save_job(tmp_path, output=ANSWERS)
    async with open_results(tmp_path, (140, 40)) as (host, pilot):
        assert "Line ▴" in screen_text(host).replace("Line▴", "Line ▴")
        seen = []
        for key in ("S", "S", "s", "s", "s", "S"):
            await press(host, pilot, key)
            seen.append((screen_of(host).table.arrangement.text, custom_ids(host)))
            check_screen(host)
        every = [f"case-{number}" for number in range(1, 6)]
        assert seen == [
            ("by Line, descending", every[::-1]),
            ("", every),
            ("by custom_id", every),
            ("by Outcome", ["case-1", "case-3", "case-4", "case-2", "case-5"]),
            ("by Tokens, descending", ["case-3", "case-1", "case-4", "case-2", "case-5"]),
            ("by Tokens", ["case-4", "case-1", "case-3", "case-2", "case-5"]),
        ]
        assert screen_of(host).table.cursor_index == 0
        await press(host, pilot, "f")
        assert custom_ids(host) == ["case-4", "case-1", "case-3"], "the order stays with another filter"
        await press(host, pilot, "G", "space", "f")
        assert list(screen_of(host).browser.marked_rows()) == [2]
        await press(host, pilot, "s")
        assert screen_of(host).table.arrangement.text == "by Answer"


async def test_a_click_on_a_title_sorts_and_again_turns_it_round(tmp_path: Path) -> None:
    save_job(tmp_path, output=ANSWERS)
    async with open_results(tmp_path, (140, 40)) as (host, pilot):
        x = screen_lines(host)[3].index("Answer")
        for expected in (["case-4", "case-1", "case-3"], ["case-3", "case-1", "case-4"]):
            await pilot.click(type(screen_of(host).table), offset=(x + 1, 0))
            await wait_until_idle(host, pilot)
            shown = [custom_id for custom_id in custom_ids(host) if custom_id not in ("case-2", "case-5")]
            assert sorted(shown) == sorted(expected)
        assert "by Answer, descending" in screen_lines(host)[0]


@pytest.mark.parametrize("size", SIZES)
async def test_fields_of_the_answers_are_columns_that_are_remembered(size: tuple[int, int], tmp_path: Path) -> None:
    save_job(tmp_path, output=ANSWERS)
    async with open_results(tmp_path, size) as (host, pilot):
        await press_into_dialog(host, pilot)
        text = screen_text(host)
        assert "Columns of Results" in text and "Prompt tokens" in text
        check_screen(host)
        await press(host, pilot, "up", "space", "up", "space", "enter")
        assert "field:score" in screen_of(host).table.arrangement.names
        assert "field:label" in screen_of(host).table.arrangement.names
        check_screen(host)
    async with open_results(tmp_path, (140, 40)) as (host, pilot):
        row = next(row for row in screen_lines(host) if "case-3" in row)
        assert "score" in screen_lines(host)[3] and "negative" in row and " 10 " in row
        screen_of(host).table.sort_by("field:score")
        await wait_until_idle(host, pilot)
        assert custom_ids(host) == ["case-4", "case-1", "case-3", "case-2", "case-5"], "numbers as numbers"
        await press(host, pilot, "slash", *"label:pos", "enter", "f")
        assert custom_ids(host) == ["case-4", "case-1"]


async def press_into_dialog(host: Any, pilot: Any) -> None:
    await pilot.press("O")
    await screen_opened(host, ColumnDialog)
    await pilot.pause()


async def test_costs_lengths_and_finish_reasons_are_columns(tmp_path: Path) -> None:
    save_job(tmp_path, output=ANSWERS)
    dollar = {"m/chat": {"input": 10_000, "output": 10_000}}
    async with open_results(tmp_path, (200, 40), prices=dollar) as (host, pilot):
        table = screen_of(host).table
        table.arrangement.names = ("line", "custom_id", "outcome", "tokens", "cost", "length", "finish_reason")
        table.rearrange()
        await wait_until_idle(host, pilot)
        row = next(row for row in screen_lines(host) if "case-3" in row)
        assert "$10.03" in row and "stop" in row and str(len('{"label": "negative", "score": 10}')) in row
        assert "Answer" not in screen_lines(host)[3]
        table.sort_by("cost")
        await wait_until_idle(host, pilot)
        assert custom_ids(host)[:3] == ["case-3", "case-1", "case-4"]
        table.sort_by("finish_reason")
        await wait_until_idle(host, pilot)
        assert custom_ids(host)[:3] == ["case-1", "case-3", "case-4"], "equal rows stay in the order of the file"


@pytest.mark.parametrize("size", SIZES)
async def test_capital_j_and_k_go_from_record_to_record(size: tuple[int, int], tmp_path: Path) -> None:
    save_job(tmp_path, output=ANSWERS)
    async with open_results(tmp_path, size) as (host, pilot):
        await press(host, pilot, "enter", "J", "J")
        assert isinstance(focused(host), RecordView)
        assert "Question 3?" in screen_text(host) and "3 of 5 rows" in screen_lines(host)[0]
        await press(host, pilot, "K", "K", "K")
        assert "Question 1?" in screen_text(host) and "1 of 5 rows" in screen_lines(host)[0]
        check_screen(host)
        assert ("┃" in screen_text(host)) is (size[0] >= 100), "the record has the focus, and that is seen"
        await press(host, pilot, "escape")
        assert "of 5" not in screen_lines(host)[0] and "┃" not in screen_text(host)


async def test_audio_has_a_column_for_its_duration(tmp_path: Path) -> None:
    clip = {"custom_id": "clip", "method": "FILE", "body": {"file": "https://example.com/a.wav", "model": "w"}}
    heard = response_row("clip", {"text": "Guten Tag.", "duration": 75})
    save_job(tmp_path, requests=[clip], output=[heard], errors=None, endpoint=Endpoint.TRANSCRIPTION)
    async with open_results(tmp_path, (140, 40)) as (host, _):
        assert "Duration" in screen_text(host) and "Tokens" not in screen_text(host)


@pytest.mark.parametrize(
    ("ids", "ends"),
    [
        (["customer-review-000001", "customer-review-000020"], ("customer-review-", "")),
        (["run-1-of-march", "run-20-of-march"], ("run-", "-of-march")),
        (["a1", "a2"], ("", "")),
        (["same", "same"], ("same", "")),
        (["only-one"], ("", "")),
        (["x-12345", "x-12346"], ("", "")),
    ],
)
def test_ids_lose_what_they_all_have_and_never_half_a_number(
    ids: list[str], ends: tuple[str, str], tmp_path: Path
) -> None:
    index = build_index(tmp_path, requests=[request_row(custom_id) for custom_id in ids])
    assert common_ends(index) == ends


@pytest.mark.parametrize("size", SIZES)
async def test_ids_differ_on_the_screen_where_they_differ(size: tuple[int, int], tmp_path: Path) -> None:
    ids = [f"customer-{'very-' * 12}long-review-{number:06}-of-the-{'long-' * 8}march" for number in range(1, 7)]
    save_job(tmp_path, requests=[request_row(name) for name in ids], output=[answer_row(name) for name in ids[:3]])
    async with open_results(tmp_path, size) as (host, _):
        rows = screen_lines(host)[3:]
        assert all(any(f"…{number:06}" in row for row in rows) for number in range(1, 7)), rows


def test_a_memory_that_is_no_list_of_columns_is_passed_over() -> None:
    for memory in (None, "", "{", "{}", "[]", "[1, 2]", '["nothing"]'):
        arrangement = Arrangement()
        before = arrangement.names
        assert not arrangement.recall(memory) and arrangement.names == before
    assert arrangement.recall('["custom_id", "field:a", 7]') and arrangement.names == ("custom_id", "field:a")


async def test_rows_are_sorted_in_a_thread_that_another_sort_stops(tmp_path: Path) -> None:
    save_job(tmp_path, output=ANSWERS, errors=[*ERRORS, error_row("case-5", "Bad")])
    async with open_results(tmp_path, (140, 40)) as (host, pilot):
        table = screen_of(host).table
        for column in ("answer", "custom_id", "tokens", "outcome"):
            table.sort_by(column)
        await wait_until_idle(host, pilot)
        assert custom_ids(host) == ["case-1", "case-3", "case-4", "case-2", "case-5"]
        assert len(INPUT) == table.row_count
