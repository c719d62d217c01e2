"""Spend: a month with bars, by model, label, day and endpoint; what is not known is said; the sum in Jobs' header."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import pytest

from tbatch_tui.engine.endpoint import Endpoint
from tbatch_tui.engine.pricing.spending.spend import Spending
from tbatch_tui.tui.screens.spend.screen import SpendScreen
from tests.conftest import until, write_chat
from tests.engine.pricing.ledger import LLAMA, PLAIN, PRICES, RECORDS, RETRIES, utc
from tests.helpers.app_host import make_app
from tests.helpers.drawn import check_screen, screen_lines, screen_text

if TYPE_CHECKING:
    from pathlib import Path

    from tbatch_tui.sandbox.testing import Sandbox

SIZES = [(60, 20), (80, 24), (140, 40)]


@pytest.mark.parametrize("size", SIZES)
async def test_a_month_is_broken_down(sandbox: Sandbox, tmp_path: Path, size: tuple[int, int]) -> None:
    app = make_app(tmp_path, sandbox, now=lambda: utc("2026-11-28T12:00"))
    async with app.run_test(size=size) as pilot:
        await pilot.press("dollar_sign")
        await until(lambda: isinstance(app.screen, SpendScreen) and "No job ended" in screen_text(app))
        screen = app.screen
        assert isinstance(screen, SpendScreen)
        screen._spending = Spending(RECORDS, RETRIES, PRICES)
        screen._months = sorted(screen._spending.months())
        screen._show_again()
        await until(lambda: screen.table.row_count == 4)
        assert screen.table.cursor_key == PLAIN
        assert "over $8.70" in screen_lines(app)[0] and "over $8.10" in screen_text(app) and "$0.51" in screen_text(app)
        await until(lambda: "The bill is Together's" in " ".join(screen_text(app).split()))
        assert "3 jobs are not or not wholly in the sum" in " ".join(screen_text(app).split())
        if size[0] == 140:
            assert "█" in screen_text(app) and "$0.07 for retries" in screen_lines(app)[0]
            assert "2 jobs cost $0.51, 24 % of the $2.10" in screen_text(app)
        check_screen(app)
        await pilot.press("b")
        await until(lambda: screen.table.cursor_key == "shards")
        await pilot.press("left")
        october = "October 2026 (UTC)" if size[0] >= 80 else "Oct 2026 (UTC) · by label "
        await until(lambda: october in screen_lines(app)[0] and screen.table.cursor_key == "october")
        await pilot.press("left")
        assert october in screen_lines(app)[0], "there is no month before"
        check_screen(app)
        await pilot.press("right", "x")
        await until(lambda: list((tmp_path / "results").glob("spend-2026-11-by-label.csv")))
        [path] = (tmp_path / "results").glob("*.csv")
        await until(lambda: path.stat().st_size > 0)
        assert next(csv.DictReader(path.read_text().splitlines()))["label"] == "shards"


async def test_the_sum_of_the_month_is_in_the_header_of_jobs(sandbox: Sandbox, tmp_path: Path) -> None:
    path = write_chat(tmp_path / "work.jsonl", [f"Question {number}" for number in range(30)])
    prices = {LLAMA: {"input": 880.0, "output": 880.0}}
    app = make_app(tmp_path, sandbox, prices=prices)
    async with app.run_test(size=(140, 30)):
        await until(lambda: app.engine.health.next_at is not None)
        key = await app.engine.submit_checked(path, Endpoint.CHAT, label="work")
        record = await app.engine.wait_until(key, lambda record: record.counts is not None)
        spend = await app.engine.prices.spend()
        assert record.counts is not None and spend.total > 0.01
        await until(lambda: f" ${spend.total:.2f} " in screen_lines(app)[0], what=screen_text(app))
