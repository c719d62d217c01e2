"""Text is selected with the mouse and copied as it was written: no line break of the screen, no gutter, no control."""

from __future__ import annotations

import asyncio
import json
from time import process_time
from typing import TYPE_CHECKING

import pytest

from tbatch_tui.engine.endpoint import Endpoint
from tbatch_tui.tui.dialogs.text_dialog import TextDialog
from tbatch_tui.tui.keys.keymap import resolve_keymap
from tbatch_tui.tui.screens.job.timeline_list import TimelineList
from tbatch_tui.tui.screens.results.screen import ResultsScreen
from tbatch_tui.tui.widgets.fact_list import FactList
from tbatch_tui.tui.widgets.reader.json_blocks import json_blocks
from tbatch_tui.tui.widgets.reader.view import RecordView
from tbatch_tui.tui.widgets.reader.wrap import Block
from tests.conftest import until
from tests.helpers.app_host import SIZES, make_app
from tests.helpers.drawn import check_screen, is_harmless, screen_text
from tests.helpers.hostile_text import HUGE, NASTY

if TYPE_CHECKING:
    from pathlib import Path

    from textual.pilot import Pilot

    from tbatch_tui.sandbox.testing import Sandbox
    from tbatch_tui.tui.app import TbatchApp

WORDS = "The quick brown fox jumps over the lazy dog and goes home. " * 12


async def drag(pilot: Pilot[str], start: tuple[int, int], end: tuple[int, int], within: str = "") -> None:
    """Press the mouse at `start` and release it at `end`, both within a widget if one is named."""
    on = pilot.app.screen.query_one(within) if within else None
    await pilot.mouse_down(on, offset=start)
    await pilot.hover(on, offset=end)
    await pilot.mouse_up(on, offset=end)


async def copied(app: TbatchApp, pilot: Pilot[str]) -> tuple[str, str]:
    """What ctrl+c puts on the clipboard, and the toast."""
    app.copy_to_clipboard("")
    app.clear_notifications()
    await pilot.press("ctrl+c")
    await until(lambda: app._notifications, what="there is a toast")
    [toast] = [f"{note.title} {note.message}".strip() for note in app._notifications]
    return app.clipboard, toast


def is_on_jobs(app: TbatchApp) -> bool:
    """Whether the Jobs screen is on top."""
    return app.screen is app.jobs


async def reading(app: TbatchApp, pilot: Pilot[str], text: str | list[Block]) -> RecordView:
    """A dialog that shows this text."""
    if app.screen is not app.jobs:
        app.pop_screen()
    app.push_screen(TextDialog("Read this", text))
    await pilot.pause()
    return app.screen.query_one(RecordView)


@pytest.mark.parametrize("size", SIZES)
async def test_a_paragraph_is_copied_as_it_was_written(size: tuple[int, int], tmp_path: Path) -> None:
    app = make_app(tmp_path, None)
    async with app.run_test(size=size) as pilot:
        view = await reading(
            app, pilot, [Block("assistant"), Block(WORDS + "\n\n日本語 done.", indent=2), Block("after")]
        )
        lines = screen_text(app).count("fox")
        assert lines > 3
        await drag(pilot, (6, 1), (40, 4), "RecordView")
        text, toast = await copied(app, pilot)
        assert text and text in WORDS and text.startswith("quick brown") and "\n" not in text
        assert toast == f"Copied {len(text)} characters"
        selected, plain = view.render_line(1)._segments[1].style, view.render_line(0)._segments[0].style
        assert selected is not None and selected.bgcolor is not None and plain is not None
        assert selected.bgcolor.name != str(plain.bgcolor)

        await pilot.click("RecordView", offset=(3, 0))
        assert not app.screen.selections
        await pilot.click("RecordView", offset=(3, 0), times=2)
        text, toast = await copied(app, pilot)
        assert text == f"assistant\n{WORDS}\n\n日本語 done.\nafter"
        assert toast.startswith("Copied 5 lines, ")


async def test_json_is_copied_as_json(tmp_path: Path) -> None:
    """Its indent is its own; where the screen broke a line it is whole again."""
    app = make_app(tmp_path, None)
    row = {
        "custom_id": "a",
        "body": {"messages": [{"role": "user", "content": WORDS[:580] + " 日本"}], "max_tokens": 7},
    }
    async with app.run_test(size=(60, 20)) as pilot:
        view = await reading(app, pilot, json_blocks(json.dumps(row, ensure_ascii=False))[0])
        view.text_select_all()
        text, _ = await copied(app, pilot)
        assert json.loads(text) == row and '\n  "body": {\n    "messages": [' in text


async def test_the_key_can_be_another(tmp_path: Path) -> None:
    app = make_app(tmp_path, None)
    accepted, messages = resolve_keymap({"app.copy-selected": "ctrl+y,ctrl+c"})
    assert not messages
    app.set_keymap(accepted)
    async with app.run_test(size=(80, 24)) as pilot:
        view = await reading(app, pilot, WORDS)
        for key in ("ctrl+y", "ctrl+c"):
            view.text_select_all()
            app.copy_to_clipboard("")
            await pilot.press(key)
            await until(lambda: app.clipboard == WORDS.rstrip("\n"), what=key)


async def test_a_drag_stays_in_the_record(tmp_path: Path) -> None:
    app = make_app(tmp_path, None)
    async with app.run_test(size=(80, 24)) as pilot:
        view = await reading(app, pilot, "\n".join(f"line {n}" for n in range(1_000)))
        bottom = view.content_region.bottom
        await drag(pilot, (view.content_region.x, view.content_region.y), (2, 23))
        text, _ = await copied(app, pilot)
        assert text.split("\n")[0] == "line 0" and 5 < text.count("\n") < bottom
        at = view.content_region.y + 3
        await drag(pilot, (view.content_region.x + 5, at), (79, at))
        assert (await copied(app, pilot))[0] == "3"
        await pilot.press("G")
        await until(lambda: view.scroll_y == view.max_scroll_y > 900)
        await drag(pilot, (view.content_region.x, view.content_region.bottom - 2), (70, view.content_region.bottom - 1))
        assert (await copied(app, pilot))[0] == "line 998\nline 999"


async def test_text_scrolled_under_the_dragging_mouse_is_selected(tmp_path: Path) -> None:
    app = make_app(tmp_path, None)
    async with app.run_test(size=(80, 24)) as pilot:
        view = await reading(app, pilot, "\n".join(f"line {n}" for n in range(1_000)))
        await pilot.mouse_down("RecordView", offset=(0, 0))
        await pilot.hover("RecordView", offset=(3, 4))
        for _ in range(3):  # as Textual does by itself near the edge, and the wheel anywhere
            view.scroll_to(y=view.scroll_y + 10, animate=False, force=True)
            await pilot.pause()
        await pilot.mouse_up("RecordView", offset=(3, 4))
        assert (await copied(app, pilot))[0].split("\n") == [f"line {n}" for n in range(34)] + ["line"]
        view.scroll_to(y=200, animate=False, force=True)
        await pilot.pause()
        assert (await copied(app, pilot))[0].count("\n") == 34


async def test_wide_characters_are_selected_by_their_cells(tmp_path: Path) -> None:
    app = make_app(tmp_path, None)
    async with app.run_test(size=(80, 24)) as pilot:
        await reading(app, pilot, [Block("日本語テキスト🎉 and more", indent=2)])
        await drag(pilot, (4, 0), (9, 0), "RecordView")  # after two cells of indent, from the second character on
        assert (await copied(app, pilot))[0] == "本語テ"
        await drag(pilot, (16, 0), (17, 0), "RecordView")
        assert (await copied(app, pilot))[0] == "🎉"
        await drag(pilot, (17, 0), (0, 0), "RecordView")  # backwards, and into the indent
        assert (await copied(app, pilot))[0] == "日本語テキスト🎉"


async def test_hostile_text_is_copied_without_a_control(tmp_path: Path) -> None:
    app = make_app(tmp_path, None)
    async with app.run_test(size=(60, 20)) as pilot:
        view = await reading(app, pilot, "x")
        for start in range(0, len(NASTY), 8):
            nasty = [text for text in NASTY[start : start + 8] if len(text) < 6_000]
            view.show([Block(text, "bold", indent=2, lead=[(text[:100], "")]) for text in nasty] + [Block("end")])
            view.text_select_all()
            await pilot.pause()
            check_screen(app)
            text, toast = await copied(app, pilot)
            assert text.endswith("end") and all(is_harmless(line) for line in text.split("\n")) and "Copied" in toast


@pytest.mark.parametrize("huge", HUGE, ids=range(len(HUGE)))
async def test_a_megabyte_is_selected_without_holding_the_loop(huge: str, tmp_path: Path) -> None:
    app = make_app(tmp_path, None)
    async with app.run_test(size=(80, 24)) as pilot:
        view = await reading(app, pilot, huge)
        view.text_select_all()
        holds: list[float] = []

        async def measure() -> None:
            while True:
                before = process_time()
                await asyncio.sleep(0.002)
                holds.append(process_time() - before)

        measuring = asyncio.create_task(measure())
        text, toast = await copied(app, pilot)
        measuring.cancel()
        assert not text and "Too much is selected to copy: more than 74.0 kB" in toast
        assert max(holds) < 0.15  # of this process's time, on a slow machine too; put together at once it takes more


async def test_without_a_selection_ctrl_c_explains_how_to_leave_and_new_text_is_not_selected(tmp_path: Path) -> None:
    app = make_app(tmp_path, None)
    async with app.run_test(size=(80, 24)) as pilot:
        assert "quits tbatch-tui" in (await copied(app, pilot))[1]
        view = await reading(app, pilot, WORDS)
        await drag(pilot, (6, 0), (40, 1), "RecordView")
        assert app.screen.selections
        view.show([Block("another")])
        assert not app.screen.selections


async def test_escape_clears_the_selection_before_it_goes_back(tmp_path: Path) -> None:
    app = make_app(tmp_path, None)
    async with app.run_test(size=(80, 24)) as pilot:
        await reading(app, pilot, WORDS)
        await drag(pilot, (6, 0), (40, 1), "RecordView")
        await pilot.press("escape")
        assert isinstance(app.screen, TextDialog) and not app.screen.selections
        await pilot.press("escape")
        assert is_on_jobs(app)


@pytest.mark.parametrize("size", SIZES)
async def test_on_results_and_job(size: tuple[int, int], tmp_path: Path, sandbox: Sandbox, chat_file: Path) -> None:
    """Over the record beside the list, a row under the mouse, and the facts of a job."""
    app = make_app(tmp_path, sandbox)
    async with app.run_test(size=size) as pilot:
        key = await app.engine.submit_checked(chat_file, Endpoint.CHAT, requests=2, label="two")
        await until(lambda: (r := app.engine.record(key)) and r.output and r.output.path, what="it is fetched")
        await until(lambda: app.jobs.table.row_count == 1)
        await pilot.press("enter")
        await until(lambda: getattr(app.screen, "NAME", "") == "Job" and app.screen.query_one("#files").display)
        facts = app.screen.query_one("#files", FactList)
        await until(lambda: "output" in "".join(str(facts.render()).split()), what="its files are shown")
        facts.text_select_all()
        text, toast = await copied(app, pilot)
        assert f"{chat_file.stem}-" in text and ".output.jsonl" in text and toast.startswith("Copied ")
        steps = app.screen.query_one(TimelineList)
        await until(lambda: (r := app.engine.record(key)) and r.counts, what="nothing above the steps grows any more")
        await pilot.pause()
        steps.scroll_visible(animate=False, force=True)
        await until(lambda: 0 < steps.region.y < size[1] - 1, what="the steps are in sight")
        await drag(pilot, (2, 0), (11, 0), "#steps")
        assert (await copied(app, pilot))[0] in "".join(part for part, _ in steps._lines[0])

        await pilot.press("escape", "o")
        await until(lambda: isinstance(app.screen, ResultsScreen) and app.screen.session.index.is_built)
        await until(lambda: isinstance(app.screen, ResultsScreen) and app.screen.table.row_count == 2)
        await drag(pilot, (4, 1), (20, 2), "RecordTable")  # a table moves its cursor on a click; nothing else
        assert not app.screen.selections
        await pilot.press("enter")
        view = app.screen.query_one(RecordView)
        await until(lambda: view.display and view._wrapped_for and view.is_complete)
        await pilot.pause()
        await pilot.click("RecordView", offset=(5, 0), times=2)
        text, _ = await copied(app, pilot)
        assert text.startswith(("user", "system")) and "out tokens · stop" in text and "\n  " not in text
