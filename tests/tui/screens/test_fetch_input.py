"""`i`: a job that was submitted elsewhere gets its questions back, on Job and on Results."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tbatch_tui.tui.messages import OpenResults
from tbatch_tui.tui.screens.results.screen import ResultsScreen
from tests.conftest import until
from tests.helpers.app_host import make_app
from tests.helpers.drawn import screen_text

if TYPE_CHECKING:
    from pathlib import Path

    from tbatch_tui.sandbox.testing import Sandbox


async def test_results_read_the_questions_with_the_answers(still_sandbox: Sandbox, tmp_path: Path) -> None:
    key = still_sandbox.add_job("COMPLETED", rows=3)
    app = make_app(tmp_path, still_sandbox)
    async with app.run_test(size=(110, 32)) as pilot:
        await until(lambda: app.engine.record(key) is not None)
        await app.engine.download(key)
        await until(lambda: (record := app.engine.record(key)) is not None and len(record.paths) > 0)
        app.post_message(OpenResults(key))
        await until(lambda: isinstance(app.screen, ResultsScreen) and app.screen.session.index.is_built)
        screen = app.screen
        assert isinstance(screen, ResultsScreen)
        assert not screen.session.index.has_input
        await pilot.press("i")
        await until(lambda: screen.session.index.is_built and screen.session.index.has_input)
        await until(lambda: "3 in = 3 ok" in screen_text(app))
        assert screen.check_action("fetch_input", ()) is False
        assert screen.disabled_reason("fetch_input") == "Its input file is known: it was submitted from here"
