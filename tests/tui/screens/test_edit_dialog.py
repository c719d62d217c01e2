"""t on Check: the whole file is edited in a copy, with a line before and after, and the copy is checked."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING

import pytest

from tbatch_tui.tui.messages import CheckFile, OpenModels
from tbatch_tui.tui.screens.check.edit_dialog import EditDialog
from tbatch_tui.tui.screens.check.screen import CheckScreen
from tbatch_tui.tui.widgets.text_input import TextInput
from tests.conftest import CHAT_MODEL, until, write_chat
from tests.helpers.drawn import check_screen, screen_opened
from tests.helpers.new_batch_host import SIZES, NewBatchHost, Open, offline, shown

if TYPE_CHECKING:
    from pathlib import Path

    from textual.pilot import Pilot


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write_chat(tmp_path / "questions.jsonl", [f"Question {number}" for number in range(1, 31)])


def text_on(app: NewBatchHost) -> str:
    return " ".join(app.text.replace("│", " ").split())


def is_shown(app: NewBatchHost, words: str) -> bool:
    return words in text_on(app)


def open_check(path: Path) -> Open:
    return lambda engine, bridge: CheckScreen(engine, bridge, path)


async def open_dialog(app: NewBatchHost, pilot: Pilot[object]) -> None:
    await until(lambda: "No problems" in app.text, what="checked")
    await pilot.press("t")
    await until(lambda: isinstance(app.screen, EditDialog) and "Edit a copy" in app.text)


async def type_into(pilot: Pilot[object], field: str, text: str) -> None:
    """Focus a field, and type."""
    pilot.app.screen.query_one(f"#{field}").focus()
    await pilot.press(*text)


@pytest.mark.parametrize("size", SIZES)
async def test_a_copy_is_previewed_written_and_checked(path: Path, tmp_path: Path, size: tuple[int, int]) -> None:
    before = path.read_bytes()
    async with shown(offline(tmp_path), open_check(path), size) as (app, pilot):
        await open_dialog(app, pilot)
        await until(lambda: "Nothing is changed yet" in text_on(app))
        assert CHAT_MODEL[:20] in text_on(app)
        await pilot.press(*"m2")
        await until(lambda: "30 of 30 lines, 30 changed" in text_on(app), what="counted")
        assert "line 1 ─" in text_on(app)
        await pilot.press("down", "down", "down")  # where the fields scroll too
        assert app.focused is not None and app.focused.id == "set"
        await type_into(pilot, "set", "temperature=0")
        await type_into(pilot, "rows", "5-6")
        await until(lambda: "2 of 30 lines, 2 changed" in text_on(app), what="counted again")
        assert "line 5 ─" in text_on(app) and "⏎ Write and check" in text_on(app)
        check_screen(app)
        await pilot.press("enter")
        await until(lambda: app.posted)
        assert isinstance(app.posted[0], CheckFile)
        copy = app.posted[0].path
        assert copy.name == "questions.edited.jsonl" and path.read_bytes() == before
        rows = [json.loads(row) for row in copy.read_text().splitlines()]
        assert [row["custom_id"] for row in rows] == ["request-5", "request-6"]
        assert {(row["body"]["model"], row["body"]["temperature"]) for row in rows} == {("m2", 0)}
        assert "Wrote questions.edited.jsonl" in app.toasts and "2 of 30 lines, 2 changed" in app.toasts


async def test_what_makes_no_sense_is_said_and_writes_nothing(path: Path, tmp_path: Path) -> None:
    async with shown(offline(tmp_path), open_check(path)) as (app, pilot):
        await open_dialog(app, pilot)
        await pilot.press("down", "enter")
        for field, text, words in (
            ("set", "model=x", "model cannot be set as a parameter"),
            ("drop", "messages", "A request cannot be without messages"),
            ("max-tokens", "0", "The token limit must be a whole number"),
            ("rows", "9-1", "has no row"),
            ("rows", "99-", "No line of questions.jsonl is left to copy"),
            ("sample", "few", "A sample is a number of lines"),
            ("system", "@gone.md", "gone.md cannot be read"),
        ):
            await type_into(pilot, field, text)
            await until(partial(is_shown, app, words), what=words)
            if "99" not in text:
                await pilot.press("enter")
                assert isinstance(app.screen, EditDialog)
            app.screen.query_one(f"#{field}").value = ""  # type: ignore[attr-defined]
        await until(lambda: "Nothing is changed yet" in text_on(app))
        await pilot.press("escape")
        await screen_opened(app, CheckScreen)
        assert not app.posted and not list(tmp_path.glob("*.edited*"))


async def test_a_sample_is_drawn_with_the_seed_that_is_named(path: Path, tmp_path: Path) -> None:
    async with shown(offline(tmp_path), open_check(path)) as (app, pilot):
        await open_dialog(app, pilot)
        await type_into(pilot, "sample", "3 seed 7")
        await until(lambda: "3 of 30 lines, 0 changed" in text_on(app))
        await pilot.press("enter")
        await until(lambda: app.posted)
        lines = path.read_bytes().splitlines(keepends=True)
        copied = (tmp_path / "questions.edited.jsonl").read_bytes().splitlines(keepends=True)
        assert len(copied) == 3 and [row for row in lines if row in copied] == copied


async def test_a_line_that_cannot_be_changed_is_named(tmp_path: Path) -> None:
    path = tmp_path / "calls.jsonl"
    audio = {"custom_id": "a", "method": "FILE", "body": {"model": "m", "file": "https://x.org/a.mp3"}}
    path.write_text(json.dumps(audio) + "\n")
    async with shown(offline(tmp_path), open_check(path)) as (app, pilot):
        await open_dialog(app, pilot)
        await type_into(pilot, "system", "Be brief.")
        await until(lambda: "calls.jsonl:1: a transcription has no system prompt" in text_on(app))


@pytest.mark.parametrize("typed", ["", "acme/typed"])
async def test_enter_in_the_field_of_the_model_takes_one_from_models(typed: str, path: Path, tmp_path: Path) -> None:
    async with shown(offline(tmp_path), open_check(path)) as (app, pilot):
        await open_dialog(app, pilot)
        await until(lambda: "⏎ Models" in text_on(app))
        await pilot.press(*typed, "enter")
        await until(lambda: any(isinstance(message, OpenModels) for message in app.posted))
        [opened] = [message for message in app.posted if isinstance(message, OpenModels)]
        assert opened.take is not None and opened.chosen == (
            typed or app.screen.query_one("#model", TextInput).placeholder
        )
        opened.take("acme/other")
        assert app.screen.query_one("#model", TextInput).value == "acme/other"
        await until(lambda: "⏎ Write and check" in text_on(app))
        assert app.focused is not app.screen.query_one("#model"), "the next enter writes"
