"""A key whose action is disabled says why."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from textual.widgets import Input

from tbatch_tui.tui.keys import bindings as keys
from tbatch_tui.tui.keys import keymap
from tbatch_tui.tui.screens.base import BaseScreen
from tests.conftest import until
from tests.helpers.app_host import make_app
from tests.helpers.drawn import screen_text
from tests.helpers.job_host import app_on

if TYPE_CHECKING:
    from pathlib import Path

    from tbatch_tui.tui.app import TbatchApp

QUIET = {
    "go.on",  # what is under the cursor is opened; an empty list says itself what to do
    "go.back",  # behind Jobs there is nothing: escape never quits
    "list.mark",  # an empty list again
    "list.mark-all",
    "create.next",  # of the endpoint's own field
    "create.previous",
    "app.suspend",  # not on every platform
}
"""The keys that may do nothing without a word."""


def unexplained(app: TbatchApp) -> set[str]:
    """Return the bindings of this screen that are disabled now and do not say why."""
    screen = app.screen
    if not isinstance(screen, BaseScreen) or isinstance(app.focused, Input):
        return set()
    active = screen.active_bindings
    idle = [
        binding
        for binding in keys.ALL
        if screen.NAME in keys.CONTEXTS[binding.id or ""]
        and not any(key in active for key in keymap.binding_keys(binding, app.custom_keys))
    ]
    explained = {binding.id for binding in idle if screen.disabled_reason(binding.action.partition("(")[0])}
    return {binding.id or "" for binding in idle} - explained - QUIET


def toasts(app: TbatchApp) -> list[str]:
    return [note.message for note in app._notifications]


@pytest.mark.parametrize("state", ["completed_with_errors", "uncertain", "elsewhere", "cancelled"])
async def test_a_key_that_a_job_does_not_allow_says_why(
    state: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app, _ = app_on(tmp_path, state, monkeypatch)
    async with app.run_test() as pilot:
        await until(lambda: app.jobs.current is not None)
        assert unexplained(app) == set()
        await pilot.press("c")
        if state == "elsewhere":
            return
        await until(lambda: toasts(app))
        ended = "It has already ended"
        uncertain = "Not known yet whether there is a job to cancel: w lets you decide"
        assert toasts(app) == [uncertain if state == "uncertain" else ended]


async def test_keys_on_a_clean_file_say_why_they_do_nothing(tmp_path: Path, chat_file: Path) -> None:
    app = make_app(tmp_path, None, file=chat_file)
    async with app.run_test() as pilot:
        await until(lambda: "No problems" in screen_text(app))
        assert unexplained(app) == set()
        await pilot.press("x", "x", "e", "slash")
        await until(lambda: len(toasts(app)) == 3)
        assert toasts(app) == [
            "There is nothing to fix",
            "There is no problem under the cursor",
            "There is no problem to look for",
        ]
