"""Models: the catalogue with what jobs say of each; filter, sort, and a model taken to where one came from."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tbatch_tui.engine.domain.catalogue import ModelInfo
from tbatch_tui.engine.pricing.prices import Price
from tbatch_tui.engine.pricing.spending.model_history import ModelEntry, ModelHistory
from tbatch_tui.tui.messages import OpenModels
from tbatch_tui.tui.screens.models.rows import describe_history
from tbatch_tui.tui.screens.models.screen import ModelsScreen
from tests.conftest import CHAT_MODEL, until
from tests.helpers.app_host import make_app
from tests.helpers.drawn import check_screen, screen_lines, screen_text

if TYPE_CHECKING:
    from pathlib import Path

    from tbatch_tui.sandbox.testing import Sandbox
    from tbatch_tui.tui.app import TbatchApp

SIZES = [(60, 20), (80, 24), (140, 40)]


async def ready(app: TbatchApp) -> ModelsScreen:
    await until(lambda: isinstance(app.screen, ModelsScreen) and app.screen.table.row_count > 20)
    assert isinstance(app.screen, ModelsScreen)
    return app.screen


@pytest.mark.parametrize("size", SIZES)
async def test_models_are_listed_filtered_and_sorted(sandbox: Sandbox, tmp_path: Path, size: tuple[int, int]) -> None:
    app = make_app(tmp_path, sandbox)
    async with app.run_test(size=size) as pilot:
        await until(lambda: app.engine.health.next_at is not None)
        await pilot.press("M")
        screen = await ready(app)
        await until(lambda: "catalogue of" in screen_lines(app)[0])
        check_screen(app)
        await pilot.press("slash", *"3.3-70b", "enter")
        await until(lambda: screen.table.row_count == 1)
        assert screen.table.cursor_key == CHAT_MODEL
        assert "$0.44" in screen_text(app) and "50 % off in a batch (list of September 2026)" in screen_text(app)
        await pilot.press("escape", "s")
        await until(lambda: "by price in" in screen_lines(app)[0])
        assert screen.table.cursor_key == CHAT_MODEL, "the cursor stays on its row"
        await pilot.press("g")
        assert screen.table.cursor_key == "google/gemma-3n-E4B-it", "the cheapest"
        check_screen(app)
        await pilot.press("escape")
        await until(lambda: app.screen is app.jobs)


def test_a_median_is_said_where_the_sizes_of_the_jobs_are_not_known() -> None:
    def said(history: ModelHistory | None) -> str:
        return "".join(
            text
            for text, _ in describe_history(
                ModelEntry(ModelInfo(CHAT_MODEL), Price(None, None, None, None), history=history)
            )
        )

    known = ModelHistory(jobs=3, median_seconds=660.0)
    assert said(known) == " 3 jobs of yours; median time 11 m, of how many requests is not known"
    assert said(replace(known, median_seconds=None)) == " 3 jobs of yours; none tells how long it takes"
    assert said(None) == " no job of yours ran with it"


async def test_names_stay_beside_the_columns_that_had_no_room(sandbox: Sandbox, tmp_path: Path) -> None:
    """A column of statuses, none of which says of which model it is, is no use."""
    app = make_app(tmp_path, sandbox)
    async with app.run_test(size=(60, 20)) as pilot:
        await until(lambda: app.engine.health.next_at is not None)
        await pilot.press("M")
        await ready(app)
        seen = []
        for _ in range(6):
            text = screen_text(app)
            assert "deepseek-ai" in text and "Llama-3.2-3B" in text and "Llama-3.3-70" in text, "told apart"
            seen.append(screen_lines(app)[2])
            await pilot.press("right")
        assert all(any(title in line for line in seen) for title in ("Context", "Status", "Jobs", "Invalid", "Time"))
        await pilot.resize_terminal(140, 24)
        await until(lambda: "←→ Columns" in screen_lines(app)[-1])
        assert screen_lines(app)[-1].count("Columns") == 1


async def test_enter_takes_a_model_to_where_one_came_from(sandbox: Sandbox, tmp_path: Path) -> None:
    taken: list[str] = []
    app = make_app(tmp_path, sandbox)
    async with app.run_test() as pilot:
        await until(lambda: app.engine.health.next_at is not None)
        app.post_message(OpenModels("openai/gpt-oss-20b", taken.append))
        screen = await ready(app)
        await until(lambda: screen.table.cursor_key == "openai/gpt-oss-20b")
        await pilot.press("up", "enter")
        await until(lambda: app.screen is app.jobs)
        assert taken == ["openai/gpt-oss-120b"]


async def test_without_a_network_the_kept_catalogue_is_shown_with_its_date(sandbox: Sandbox, tmp_path: Path) -> None:
    app = make_app(tmp_path, sandbox)
    async with app.run_test() as pilot:
        await app.engine.prices.catalogue()
        await pilot.press("M")
        await ready(app)
    offline = make_app(tmp_path, sandbox, api_key=None)
    async with offline.run_test() as pilot:
        await pilot.pause()
        await pilot.press("M")
        await ready(offline)
        await until(lambda: "catalogue of 20" in screen_lines(offline)[0])


async def test_an_unknown_catalogue_is_said(tmp_path: Path, sandbox: Sandbox) -> None:
    app = make_app(tmp_path, sandbox, api_key=None)
    async with app.run_test() as pilot:
        await pilot.press("M")
        await until(lambda: "No model is known" in screen_text(app))
