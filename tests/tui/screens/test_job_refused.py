"""A job that failed on its input file: what the server's report says of the lines, and the way to Check."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tbatch_tui.engine.check import check_file
from tbatch_tui.engine.domain.server_file import RefusedLine
from tbatch_tui.tui.screens.check.problem_rows import ProblemRows
from tbatch_tui.tui.screens.check.screen import CheckScreen
from tests.conftest import until
from tests.helpers.app_host import make_app
from tests.helpers.drawn import screen_text
from tests.sandbox.conftest import chat_row, jsonl
from tests.tui.screens.test_job import open_job

if TYPE_CHECKING:
    from pathlib import Path

    from tbatch_tui.sandbox.testing import Sandbox

ROWS = [chat_row(f"row-{number}") for number in range(1, 10)]
CONTENT = jsonl(*ROWS[:3]) + b"{]\n" + jsonl(*ROWS[4:6]) + b"[1]\n" + jsonl(*ROWS[7:])
"""Nine lines, of which the fourth and the seventh are no requests."""


async def test_enter_checks_the_file_at_the_line_that_was_refused(still_sandbox: Sandbox, tmp_path: Path) -> None:
    job = still_sandbox.job(still_sandbox.add_job("FAILED", content=CONTENT))
    error = "line 7: expected a JSON \x1b[31mobject\n" + "\n".join(f"line {n}: why" for n in range(20, 30))
    report = {"id": job["input_file_id"], "validation_report": {"valid": False, "error": error}}
    path = f"/v1/files/{job['input_file_id']}"
    still_sandbox.plan_fault("status", path, method="GET", status=200, body=report, to=None)
    app = make_app(tmp_path, still_sandbox)
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await open_job(app, job["id"])
        await until(lambda: "line 7: expected a JSON" in screen_text(app))
        text = screen_text(app)
        assert "line 26: why" in text and "line 27" not in text and "and 3 more" in text
        assert still_sandbox.count("GET", path) == 1
        assert screen.check_action("go_on", ()) is False and "i gets that" in _said(screen.disabled_reason("go_on"))
        await pilot.press("i")
        await until(lambda: screen.check_action("go_on", ()) is True)
        await pilot.press("enter")
        await until(lambda: isinstance(app.screen, CheckScreen) and app.screen.session.report is not None)
        check = app.screen
        assert isinstance(check, CheckScreen)
        await until(lambda: check.cursor_row is not None)
        assert check.cursor_row is not None and check.cursor_row.problem.line == 7


def _said(reason: str) -> str:
    from tbatch_tui.tui.keys.hints import fill_keys

    return fill_keys(reason)


async def test_without_a_report_the_error_of_the_job_names_the_line(still_sandbox: Sandbox, tmp_path: Path) -> None:
    job_id = still_sandbox.add_job("FAILED", content=CONTENT)
    app = make_app(tmp_path, still_sandbox)
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await open_job(app, job_id)
        await until(lambda: "Line 4" in screen_text(app))
        assert "Report" not in screen_text(app), "it says what the error says"
        assert "i gets its input file; ⏎ then checks that." in screen_text(app)
        await pilot.press("i")
        await until(lambda: screen.check_action("go_on", ()) is True)
        await pilot.press("enter")
        await until(lambda: isinstance(app.screen, CheckScreen) and app.screen.cursor_row is not None)
        assert isinstance(app.screen, CheckScreen) and app.screen.cursor_row is not None
        assert app.screen.cursor_row.problem.line == 4


@pytest.mark.parametrize(
    ("refused", "line"),
    [
        (RefusedLine(4, False, ""), 4),
        (RefusedLine(7, False, ""), 7),
        (RefusedLine(2, True, ""), 4),
        (RefusedLine(5, True, ""), 7),
        (RefusedLine(5, False, ""), None),
        (RefusedLine(8, True, ""), None),
    ],
)
def test_where_the_cursor_goes(refused: RefusedLine, line: int | None, tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    path.write_bytes(CONTENT)
    rows = ProblemRows.of(check_file(path))
    key = rows.key_near(refused)
    assert (key is None) is (line is None)
    if key is not None:
        index = rows.find(key)
        assert index is not None and rows.row(index).problem.line == line
