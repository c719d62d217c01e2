"""An output file from elsewhere, opened by its path: Results, with the input file that has its ids."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tbatch_tui.tui.messages import OpenPath
from tbatch_tui.tui.screens.results.dialogs.input_choice import InputDialog
from tbatch_tui.tui.screens.results.screen import ResultsScreen
from tbatch_tui.tui.screens.values.screen import ValuesScreen
from tests.conftest import until
from tests.helpers.app_host import make_app
from tests.helpers.drawn import check_screen, screen_opened, screen_text
from tests.helpers.result_rows import answer_row, request_row, write_rows

if TYPE_CHECKING:
    from pathlib import Path

    from tbatch_tui.sandbox.testing import Sandbox
    from tbatch_tui.tui.app import TbatchApp


def results(app: TbatchApp) -> ResultsScreen | None:
    """Return the screen Results once it has read the files."""
    screen = app.screen
    return screen if isinstance(screen, ResultsScreen) and screen.session.index.is_built else None


async def test_an_output_file_opens_in_results_with_its_questions(tmp_path: Path) -> None:
    output = write_rows(tmp_path / "output.jsonl", [answer_row("b", "Blue"), answer_row("a", "Amber")])
    asked = write_rows(tmp_path / "asked.jsonl", [request_row(each, f"Colour {each}?") for each in "abc"])
    app = make_app(tmp_path, None, file=output)
    async with app.run_test(size=(110, 32)) as pilot:
        await until(lambda: (screen := results(app)) is not None and screen.session.index.has_input)
        await until(lambda: "Colour a?" in screen_text(app))
        text = screen_text(app)
        assert text.startswith(" Results   output")
        assert "2 of 3 returned" in text or "1 missing" in text
        assert [message.title for message in app.bridge.log] == ["The questions are from asked.jsonl"]
        check_screen(app)

        write_rows(tmp_path / "other.jsonl", [request_row(each, f"Shade {each}?") for each in "ab"])
        await pilot.press("i")
        await screen_opened(app, InputDialog)
        await pilot.press("ctrl+u", *"asked.json", "enter")
        await until(lambda: "This file does not hold requests." in screen_text(app))
        await pilot.press("ctrl+u", *"other.jsonl", "enter")
        await until(lambda: "Shade a?" in screen_text(app))

        await pilot.press("V")
        await until(lambda: isinstance(app.screen, ValuesScreen) and "Amber" in screen_text(app))
        await pilot.press("escape", "i")
        await screen_opened(app, InputDialog)
        await pilot.press("ctrl+u", "enter")
        await until(lambda: (screen := results(app)) is not None and not screen.session.index.has_input)
        assert asked.exists()


async def test_without_an_input_file_the_answers_stand_alone(tmp_path: Path) -> None:
    output = write_rows(tmp_path / "output.jsonl", [answer_row("b", "Blue"), answer_row("a", "Amber")])
    app = make_app(tmp_path, None, file=output)
    async with app.run_test(size=(110, 32)) as pilot:
        await until(lambda: results(app) is not None and "Blue" in screen_text(app))
        assert [message.title for message in app.bridge.log] == ["No input file near these answers has their ids"]
        await pilot.press("C")
        # Compare opens, and is left again at once: waiting for the screen itself may come too late.
        await until(lambda: "There is nothing here to compare output with" in [each.title for each in app.bridge.log])


async def test_a_file_of_a_job_opens_as_the_job(still_sandbox: Sandbox, tmp_path: Path) -> None:
    key = still_sandbox.add_job("COMPLETED", rows=3)
    app = make_app(tmp_path, still_sandbox)
    async with app.run_test(size=(110, 32)):
        await until(lambda: app.engine.record(key) is not None)
        await app.engine.download(key)
        await until(lambda: (record := app.engine.record(key)) is not None and len(record.paths) > 0)
        record = app.engine.record(key)
        assert record is not None
        app.post_message(OpenPath(record.paths[0]))
        await until(lambda: results(app) is not None)
        screen = results(app)
        assert screen is not None
        assert screen.family.key == key
