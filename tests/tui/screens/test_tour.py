"""The tour shows a hint on each screen once; a chosen theme is remembered."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tbatch_tui.config.settings import Settings
from tbatch_tui.engine.engine import BatchEngine
from tbatch_tui.engine.options import EngineOptions
from tbatch_tui.tui.app import TbatchApp
from tbatch_tui.tui.keys import bindings as keys
from tbatch_tui.tui.keys.hints import fill_keys
from tbatch_tui.tui.screens import tour
from tbatch_tui.tui.widgets.hint_line import HintLine
from tests.conftest import until
from tests.helpers.app_host import SIZES
from tests.helpers.drawn import check_screen, screen_text

if TYPE_CHECKING:
    from pathlib import Path


def make(folder: Path, **more: object) -> TbatchApp:
    options = EngineOptions(data_dir=folder / "data", output_dir=folder / "results")
    settings = Settings(data_dir=options.data_dir, output_dir=options.output_dir, tour=True, **more)  # type: ignore[arg-type]
    app = TbatchApp(settings, lambda emit: BatchEngine(options, emit))
    app.load_first_rows(60)
    return app


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_a_screen_shows_its_hint_once(size: tuple[int, int], tmp_path: Path) -> None:
    app = make(tmp_path)
    async with app.run_test(size=size) as pilot:
        await until(lambda: app.jobs.query(HintLine))
        await pilot.pause()
        assert "H hides this" in screen_text(app)
        check_screen(app)
        await pilot.press("n")
        await until(lambda: app.screen.query(HintLine), what="Pick shows its hint")
        await until(lambda: not app.jobs.query(HintLine), what="Jobs has been left")
        await pilot.press("H")
        await until(lambda: not app.screen.query(HintLine))
        await pilot.press("escape")
        await until(lambda: app.screen is app.jobs)


async def test_a_hint_is_not_shown_again(tmp_path: Path) -> None:
    app = make(tmp_path)
    async with app.run_test():
        await until(lambda: app.jobs.query(HintLine))
    app = make(tmp_path)
    async with app.run_test() as pilot:
        await pilot.press("n")
        await until(lambda: getattr(app.screen, "NAME", "") == "Pick", what="Pick is open")
        await until(lambda: app.screen.query(HintLine), what="Pick is new")
        assert not app.jobs.query(HintLine)


def test_every_screen_has_a_hint_that_fits() -> None:
    assert set(tour.LINES) >= set(keys.SCREENS)
    for name, (words, short) in tour.LINES.items():
        assert len(fill_keys(words)) <= 140 - 24 and len(fill_keys(short)) <= 60 - 20
        for binding_id in re.findall(r"{([\w.-]+)}", words + short):
            assert name.partition(" of ")[0] in keys.CONTEXTS[binding_id] or binding_id == "list.filter", (
                f"{binding_id} works on {name}"
            )


async def test_a_hint_names_only_what_is_possible(tmp_path: Path) -> None:
    """Without a job there is none to open."""
    app = make(tmp_path)
    async with app.run_test(size=(80, 24)):
        await until(lambda: app.jobs.query(HintLine))
        await until(lambda: "n picks a file." in screen_text(app))
        assert "opens a job" not in screen_text(app)


async def test_a_hint_names_the_keys_as_they_are_mapped(tmp_path: Path) -> None:
    app = make(tmp_path, keymap={"jobs.new": "ctrl+n,b", "tour.hide": "U"})
    async with app.run_test(size=(80, 24)):
        await until(lambda: app.jobs.query(HintLine))
        await until(lambda: "^n picks a file." in screen_text(app) and "U hides" in screen_text(app))


async def test_a_chosen_theme_is_remembered_and_config_wins(tmp_path: Path) -> None:
    app = make(tmp_path)
    async with app.run_test():
        app.theme = "tbatch-light"
        await until(lambda: app.engine.first_memory("theme") == "tbatch-light")
    assert make(tmp_path).theme == "tbatch-light"
    assert make(tmp_path, theme="nord").theme == "nord"
