"""Copied text pastes without harm, whatever it was; what is too long is refused, not cut."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tbatch_tui.engine.endpoint import Endpoint
from tbatch_tui.tui.screens.check.screen import CheckScreen
from tbatch_tui.tui.screens.results.screen import ResultsScreen
from tbatch_tui.tui.terminal.clipboard import MAX_BYTES, json_or_text, json_text
from tests.conftest import until
from tests.helpers.app_host import make_app
from tests.helpers.hostile_text import NASTY

if TYPE_CHECKING:
    from pathlib import Path

    from tbatch_tui.sandbox.testing import Sandbox


@given(st.text() | st.sampled_from(NASTY))
def test_copied_json_is_the_same_value(text: str) -> None:
    copied = json_text({text: [text]})
    assert json.loads(copied) == {text: [text]}
    assert not any(c in copied for c in "\x1b\x07\x9b\u202e\u200b\x7f")


@pytest.mark.parametrize("nasty", NASTY, ids=range(len(NASTY)))
def test_what_is_not_json_is_copied_as_harmless_text(nasty: str) -> None:
    value = json_or_text(b"{" + nasty.encode("utf-8", "surrogatepass"))
    assert isinstance(value, str)
    assert not any(c in value for c in "\x1b\x07\x9b\u202e\x00")


async def test_y_and_Y_on_jobs(tmp_path: Path, sandbox: Sandbox, chat_file: Path) -> None:  # noqa: N802 - two keys
    app = make_app(tmp_path, sandbox)
    async with app.run_test(size=(80, 24)) as pilot:
        key = await app.engine.submit_checked(chat_file, Endpoint.CHAT, requests=2, label="\x1b[2J[/bad]\u202e")
        await until(lambda: (r := app.engine.record(key)) and r.output and r.output.path, what="it is fetched")
        await until(lambda: app.jobs.table.row_count == 1)
        await pilot.press("y")
        await until(lambda: app.clipboard == sandbox.jobs[0]["id"])
        await pilot.press("Y")
        await until(lambda: app.clipboard.startswith("{"))
        record = json.loads(app.clipboard)
        assert (record["id"], record["label"]) == (sandbox.jobs[0]["id"], "\x1b[2J[/bad]\u202e")
        assert "\x1b" not in app.clipboard
        await pilot.press("o")
        await until(lambda: isinstance(app.screen, ResultsScreen) and app.screen.session.index.is_built)
        await until(lambda: isinstance(app.screen, ResultsScreen) and app.screen.table.row_count == 2)
        await pilot.press("Y")
        await until(lambda: "custom_id" in app.clipboard)
        both = json.loads(app.clipboard)
        assert both["request"] == json.loads(chat_file.read_text().splitlines()[0])
        assert both["response"]["custom_id"] == "request-1"


@pytest.mark.parametrize("more", ["", "x" * (MAX_BYTES + 1)], ids=["short", "too long"])
async def test_a_faulty_line_is_copied_whole_or_not_at_all(more: str, tmp_path: Path) -> None:
    path = tmp_path / "faulty.jsonl"
    path.write_text(json.dumps({"custom_id": 7, "body": more}) + "\n")
    app = make_app(tmp_path, None, file=path)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(lambda: isinstance(app.screen, CheckScreen) and app.screen.session.report is not None)
        await pilot.press("Y")
        await until(lambda: app._notifications)
        [toast] = [f"{note.title} {note.message}" for note in app._notifications]
        if more:
            assert "line 1 is too long to copy" in toast and not app.clipboard
        else:
            assert json.loads(app.clipboard) == {"custom_id": 7, "body": ""} and "Copied line 1" in toast
