"""The tabs of outcomes above the list of results, and rows that another screen has selected."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tbatch_tui.engine.domain.counts import RequestCounts, format_sum
from tbatch_tui.tui.messages import ResultSelection
from tbatch_tui.tui.screens.results.header import Heading
from tbatch_tui.tui.screens.results.listing.outcome_tabs import OutcomeTabs, outcome_tabs, tab_lines
from tbatch_tui.tui.screens.results.screen import ResultsScreen
from tests.helpers.drawn import check_screen, screen_lines, screen_text
from tests.helpers.result_rows import answer_row
from tests.tui.screens.test_results import (
    INPUT,
    JOB,
    OUTPUT,
    SIZES,
    custom_ids,
    open_results,
    press,
    save_job,
    screen_of,
    wait_until_idle,
)
from tests.tui.screens.test_results_merged import save_retry

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    "counts",
    [
        RequestCounts(2_000, 1_980, 17, 3, cut_short=12, invalid=3),
        RequestCounts(5, 5, 0, 0),
        RequestCounts(0, 0, 0, 0),
        RequestCounts(5, 3, 1, 1, has_input=False),
        RequestCounts(5, 4, 0, 1, unknown=1, duplicates=2, unreadable=3, invalid=4),
    ],
)
@pytest.mark.parametrize("width", [20, 58, 200])
def test_the_tabs_are_the_sum_with_what_has_no_rows_behind_it(counts: RequestCounts, width: int) -> None:
    tabs = outcome_tabs(counts, 5)
    [*sums] = (tab for tab in tabs if tab.is_possible or tab.text != tab.kind)
    assert "".join(tab.glue + tab.text for tab in sums) == format_sum(counts)
    assert {tab.kind for tab in tabs} >= {"all", "ok", "cut short", "invalid", "errors", "missing"}
    lines = tab_lines(tabs, width)
    assert [tab.text for line in lines for tab in line][: len(sums)] == [tab.text for tab in sums]
    for line in lines:
        assert sum(len(tab.glue) + len(tab.text) for tab in line) <= width or len(line) == 1


@pytest.mark.parametrize("size", SIZES)
async def test_a_click_on_a_tab_shows_its_rows_and_an_empty_one_does_nothing(
    size: tuple[int, int], tmp_path: Path
) -> None:
    save_job(tmp_path)
    async with open_results(tmp_path, size) as (host, pilot):
        sums = screen_lines(host)[2]
        for words, ids in (("1 cut short", ["case-4"]), ("invalid", ["case-4"]), ("2 ok", ["case-1", "case-5"])):
            await pilot.click(OutcomeTabs, offset=(sums.index(words) + 1, 0))
            await wait_until_idle(host, pilot)
            assert custom_ids(host) == ids
            check_screen(host)
        await pilot.click(OutcomeTabs, offset=(2, 0))
        await wait_until_idle(host, pilot)
        assert len(custom_ids(host)) == 5
        await press(host, pilot, "F")
        assert custom_ids(host) == ["case-3"], "the last kind that has rows"
        await press(host, pilot, "F", "f")
        assert custom_ids(host) == ["case-3"]


@pytest.mark.parametrize("size", SIZES)
async def test_selected_rows_are_shown_until_all_are_wanted_again(size: tuple[int, int], tmp_path: Path) -> None:
    save_job(tmp_path, output=[*OUTPUT, answer_row("stranger")])
    async with open_results(tmp_path, size) as (host, pilot):
        screen = ResultsScreen(
            host.engine,
            host.bridge,
            JOB.id,
            selection=ResultSelection("label = [safe]", rows=[4, 0, 5], ids={"case-2"}),
        )
        host.push_screen(screen)
        await wait_until_idle(host, pilot)
        assert custom_ids(host) == ["case-1", "case-2", "case-5", "stranger"]
        assert "label = [safe]" in screen_text(host) and "3 rows = 2 ok + 1 error · 1 unknown id" in screen_text(host)
        check_screen(host)
        await press(host, pilot, "f")
        assert custom_ids(host) == ["case-1", "case-5"]
        await press(host, pilot, "f")
        assert custom_ids(host) == ["case-2"], "kinds without rows in the selection are passed over"
        await press(host, pilot, "backspace")
        assert len(custom_ids(host)) == 6 and "5 in = " in screen_text(host)
        assert "label" not in screen_lines(host)[0]
        screen_of(host).show_selection(ResultSelection("differing rows", rows=[1]))
        await wait_until_idle(host, pilot)
        assert custom_ids(host) == ["case-2"] and "differing rows" in screen_lines(host)[0]
        await press(host, pilot, "escape")
        assert len(custom_ids(host)) == 6 and host.went_back == 0
        await press(host, pilot, "escape")
        assert host.went_back == 1


async def test_escape_leaves_a_screen_that_was_opened_for_its_selection(tmp_path: Path) -> None:
    save_job(tmp_path)
    save_retry(tmp_path, [INPUT[1], INPUT[2]], [answer_row("case-2", "At last.")])
    async with open_results(tmp_path) as (host, pilot):
        selection = ResultSelection("answered later", ids={"case-2"})
        host.push_screen(ResultsScreen(host.engine, host.bridge, JOB.id, selection=selection, merged=True))
        await wait_until_idle(host, pilot)
        assert custom_ids(host) == ["case-2"] and "merged from 2 jobs" in screen_text(host)
        assert "1 row = 1 ok" in screen_text(host) and host.screen.query_one(Heading).size.height == 1
        await press(host, pilot, "escape")
        assert host.went_back == 1
