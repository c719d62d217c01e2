"""Compose: a form over a table, beside the request of each row and the sums of all of them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tbatch_tui.tui.messages import CheckFile, GoBack
from tbatch_tui.tui.screens.compose.columns import ColumnTable
from tbatch_tui.tui.screens.compose.screen import ComposeScreen
from tbatch_tui.tui.screens.compose.text_area import TemplateArea
from tests.conftest import until
from tests.helpers.new_batch_host import SIZES, NewBatchHost, offline, shown

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from textual.pilot import Pilot

    Shown = AbstractAsyncContextManager[tuple[NewBatchHost, Pilot[object]]]


def compose(tmp_path: Path, path: Path, size: tuple[int, int] = (100, 50)) -> Shown:
    return shown(offline(tmp_path), lambda engine, bridge: ComposeScreen(engine, bridge, path), size)


def screen(app: NewBatchHost) -> ComposeScreen:
    assert isinstance(app.screen, ComposeScreen)
    return app.screen


def area(app: NewBatchHost, name: str = "prompt") -> TemplateArea:
    return app.screen.query_one(f"#{name}", TemplateArea)


def reviews(folder: Path, *rows: str) -> Path:
    path = folder / "reviews.csv"
    rows = rows or ("1,Great,en", "2,Broke soon,de", "3,,en", "4,Fine,de")
    path.write_text("\n".join(("id,review text,lang", *rows)) + "\n", encoding="utf-8")
    return path


async def ready(app: NewBatchHost) -> None:
    """Wait until the table is read and its sums are whole."""
    await until(lambda: isinstance(app.screen, ComposeScreen), what="Compose is there")
    await until(lambda: (profile := screen(app).session.profile) and profile.is_whole, what="the columns are known")
    await until(lambda: "Row 1" in app.text, what="the first row is shown")


async def compute(app: NewBatchHost) -> None:
    """Wait until the sums of the draft as it is now are known."""
    await until(lambda: (summary := screen(app).session.summary) and summary.is_whole, what="the sums are known")


async def type_prompt(app: NewBatchHost, pilot: Pilot[object], text: str = "Good? {{ review text }}") -> None:
    area(app).focus()
    await pilot.press(*text)
    await compute(app)


def requests(app: NewBatchHost) -> list[dict[str, Any]]:
    """Return the requests of the file that was gone on with."""
    [message] = [message for message in app.posted if isinstance(message, CheckFile)]
    return [json.loads(line) for line in message.path.read_text().splitlines()]


def prompts(app: NewBatchHost) -> list[str]:
    return [request["body"]["messages"][-1]["content"] for request in requests(app)]


@pytest.mark.parametrize("size", SIZES)
async def test_a_table_its_columns_and_the_request_of_a_row(tmp_path: Path, size: tuple[int, int]) -> None:
    async with compose(tmp_path, reviews(tmp_path), size) as (app, pilot):
        await ready(app)
        assert "review text" in app.text and "75 %" in app.text and "Compose" in app.text
        assert app.focused is area(app)
        await type_prompt(app, pilot)
        await until(lambda: "Good? Great" in app.text)
        await until(lambda: "4 rows · 3 requests" in app.text and "22 prompt tokens" in app.text)
        await until(lambda: "1 problem · row 3, column review text: the cell" in app.text)
        await pilot.press("escape", "n")
        await until(lambda: "Good? Broke soon" in app.text and "Row 2 of 4" in app.text)
        await pilot.press("right_square_bracket")
        await until(lambda: "Row 3 of 4" in app.text)
        await pilot.press("p", "p", "p", "p")
        await until(lambda: "Row 1 of 4" in app.text)
        await pilot.press("greater_than_sign")
        await until(lambda: "Row 2 of 4" in app.text)
        await pilot.press("escape")
        await until(lambda: any(isinstance(message, GoBack) for message in app.posted))


async def test_enter_writes_what_make_writes_and_goes_on_to_check(tmp_path: Path) -> None:
    path = reviews(tmp_path, "1,Great,en", "2,Broke soon,de")
    async with compose(tmp_path, path) as (app, pilot):
        await ready(app)
        await type_prompt(app, pilot)
        await pilot.press("ctrl+j")
        await until(lambda: "No model is named" in app.toasts)
        assert app.focused is app.screen.query_one("#model")
        await pilot.press(*"m/m", "tab", *"20", "tab", *"0.5", "tab", *"label: string", "enter")
        await until(lambda: app.posted)
        assert prompts(app) == ["Good? Great", "Good? Broke soon"]
        body = requests(app)[0]["body"]
        assert (body["model"], body["max_tokens"], body["temperature"]) == ("m/m", 20, 0.5)
        assert body["response_format"]["json_schema"]["schema"]["required"] == ["label"]
        assert "2 requests of 2 rows" in app.toasts
        recipe = (tmp_path / "reviews.recipe.toml").read_text()
        assert 'path = "reviews.csv"' in recipe and "sha256" in recipe
        app.posted.clear()
        screen(app).query_one("#request").focus()
        await pilot.press("enter")  # the same is not written twice
        await until(lambda: app.posted)
        assert prompts(app)[0] == "Good? Great"
        assert not (tmp_path / "reviews-2.jsonl").exists()


async def test_a_column_goes_into_the_prompt_by_tab_and_by_enter(tmp_path: Path) -> None:
    async with compose(tmp_path, reviews(tmp_path)) as (app, pilot):
        await ready(app)
        await pilot.press(*"{{ rev", "tab")
        assert area(app).text == "{{ review text }}"
        await pilot.press(*" {{ ", "tab", "tab")
        assert area(app).text == "{{ review text }} {{ review text }}"
        await pilot.press(" ", "tab")
        assert app.focused is area(app, "system")
        app.screen.query_one(ColumnTable).focus()
        await pilot.press("G", "enter")
        assert app.focused is area(app) and area(app).text.endswith("}} {{ lang }}")


async def test_what_is_typed_is_there_again(tmp_path: Path) -> None:
    path = reviews(tmp_path)
    async with compose(tmp_path, path) as (app, pilot):
        await ready(app)
        await type_prompt(app, pilot, "Half a thought {{ lang }}")
        await pilot.press("escape", "n")
        await until(lambda: "Row 2" in app.text)
    async with compose(tmp_path, path) as (app, _):
        await until(lambda: isinstance(app.screen, ComposeScreen) and "Half a thought de" in app.text)
        assert "as you left it" in app.text and app.focused is app.screen.query_one("#request")
    [draft] = (tmp_path / "data" / "drafts").iterdir()
    assert draft.stat().st_mode & 0o777 == 0o600
