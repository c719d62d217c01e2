"""From a table to its answers from the keyboard, and keys in one read on Compose."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from tbatch_tui.tui.screens.compose.screen import ComposeScreen
from tbatch_tui.tui.screens.compose.text_area import TemplateArea
from tests.conftest import CHAT_MODEL, until
from tests.helpers.app_host import make_app
from tests.helpers.keyboard import ESCAPE, type_at_once
from tests.tui.scenarios.test_main_path import on, shows

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from tbatch_tui.sandbox.testing import Sandbox
    from tbatch_tui.tui.app import TbatchApp


def table(folder: Path) -> Path:
    path = folder / "reviews.csv"
    path.write_text("id,text\nr1,Great\nr2,Broke soon\n")
    return path


def is_summed_up(app: TbatchApp) -> bool:
    """Whether the sums of the draft as it is now are known."""
    if not isinstance(app.screen, ComposeScreen):
        return False
    summary = app.screen.session.summary
    return summary is not None and summary.is_whole


async def test_from_a_table_to_its_answers(sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    table(tmp_path)
    app = make_app(tmp_path, sandbox)
    async with asyncio.timeout(120), app.run_test(size=(80, 24)) as pilot:
        await until(lambda: shows(app, "No jobs yet"))
        await pilot.press("n")
        await until(lambda: on(app, "Pick"))
        await pilot.press("slash", *"./reviews.csv", "enter")
        await until(lambda: on(app, "Compose") and isinstance(app.focused, TemplateArea))
        await pilot.press(*"Good? {{ te", "tab", "tab", "tab", *CHAT_MODEL, "tab", *"900")
        await until(lambda: is_summed_up(app))
        await pilot.press("ctrl+j")
        await until(lambda: on(app, "Check") and shows(app, "No problems"))
        await pilot.press("escape")
        await until(lambda: on(app, "Compose") and shows(app, "Good? Great"))
        await pilot.press("escape", "enter")
        await until(lambda: on(app, "Check") and shows(app, "No problems"))
        await pilot.press("enter")
        await until(lambda: on(app, "Create") and shows(app, "Submit"))
        await pilot.press("enter")
        await until(lambda: on(app, "Jobs") and shows(app, "all ok"))
        await pilot.press("o")
        await until(lambda: on(app, "Results") and shows(app, "row-0001"))
        record = next(iter(await app.engine.records()))
        noted = await app.engine.recipes.recipe_of(record)
        assert noted is not None and "Good? {{ text }}" in noted.text
    assert not (tmp_path / "reviews-2.jsonl").exists()


async def test_keys_in_one_read_are_text_in_the_prompt_and_keys_after_it(
    still_sandbox: Sandbox, tmp_path: Path
) -> None:
    app = make_app(tmp_path, still_sandbox, file=table(tmp_path))
    async with asyncio.timeout(120), app.run_test(size=(80, 24)) as pilot:
        await until(lambda: on(app, "Compose") and isinstance(app.focused, TemplateArea))
        prompt = app.focused
        assert isinstance(prompt, TemplateArea)
        type_at_once(app, f"qnpre]>{ESCAPE}nn")
        await until(lambda: app.focused is app.screen.query_one("#request"))
        await until(lambda: isinstance(app.screen, ComposeScreen) and app.screen.session.row == 2)
        await pilot.pause()
        assert prompt.text == "qnpre]>" and on(app, "Compose")
        type_at_once(app, f"{ESCAPE}j")
        await until(lambda: on(app, "Jobs"))


async def test_a_file_of_requests_goes_to_check_and_other_rows_to_compose(
    still_sandbox: Sandbox, tmp_path: Path, chat_file: Path
) -> None:
    rows = tmp_path / "rows.jsonl"
    rows.write_text('{"id": 1, "text": "x"}\n')
    for path, name in ((chat_file, "Check"), (rows, "Compose"), (tmp_path, "Compose")):
        app = make_app(tmp_path, still_sandbox, file=path)
        async with asyncio.timeout(120), app.run_test(size=(80, 24)):
            await until(lambda: on(app, name))  # noqa: B023
