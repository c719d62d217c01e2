"""Text in the same read as the key that opens a filter is text of that filter, on every screen that has one."""

from __future__ import annotations

import asyncio
import string
from typing import TYPE_CHECKING, Any

import pytest

from tbatch_tui.engine.domain.account import HealthState
from tbatch_tui.engine.endpoint import Endpoint
from tbatch_tui.tui.app import TbatchApp
from tbatch_tui.tui.keys import bindings as keys
from tbatch_tui.tui.widgets.text_input import TextInput
from tests.conftest import until, write_chat
from tests.helpers.app_host import make_app
from tests.helpers.keyboard import type_at_once
from tests.helpers.terminal import terminal_on
from tests.tui.scenarios.test_main_path import on, shows

if TYPE_CHECKING:
    from pathlib import Path

    from textual.pilot import Pilot

    from tbatch_tui.sandbox.testing import Sandbox

LETTERS = string.ascii_letters + string.digits + string.punctuation
BURSTS = ["qwen", "cd", LETTERS, LETTERS[::-1], "a b\tc", "/x/y.jsonl"]
SCREENS = [*sorted(map(str, keys.CONTEXTS["list.filter"])), "Pick"]


async def go_to(name: str, app: TbatchApp, pilot: Pilot[Any], folder: Path) -> None:
    """Go from Jobs, where there is a job with results, to a screen."""
    match name:
        case "Results":
            await pilot.press("o")
        case "Files":
            await pilot.press("F")
        case "Pick":
            await pilot.press("n")
        case "Models":
            await pilot.press("M")
        case "Check":
            path = write_chat(folder / "faulty.jsonl", ["Hello", "World"])
            path.write_text(path.read_text() + "{oops\n\n")
            app.open_check(path)
    ready = {"Results": "request-1", "Files": "batch_input", "Pick": ".jsonl", "Check": "error", "Jobs": "all ok"}
    ready["Models"] = "catalogue of"
    await until(lambda: on(app, name) and shows(app, ready[name]), what=f"{name} is there")
    await pilot.pause()


@pytest.mark.parametrize("name", SCREENS)
async def test_what_follows_the_slash_is_text(
    name: str, sandbox: Sandbox, tmp_path: Path, chat_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    app = make_app(tmp_path, sandbox)
    done: list[str] = []
    async with asyncio.timeout(60), app.run_test(size=(100, 30)) as pilot:
        await until(lambda: app.engine.health.state is HealthState.OK)
        await app.engine.submit_checked(chat_file, Endpoint.CHAT, requests=2)
        await until(lambda: shows(app, "all ok"))
        await go_to(name, app, pilot, tmp_path)
        for _ in range(2):
            app.clear_notifications()
        screen = app.screen
        run = TbatchApp.run_action

        async def run_action(self: TbatchApp, action: Any, *more: Any, **others: Any) -> bool:
            done.append(str(action))
            return await run(self, action, *more, **others)

        monkeypatch.setattr(TbatchApp, "run_action", run_action)
        for burst in BURSTS:
            done.clear()
            text = burst.partition("\t")[0]
            type_at_once(app, f"/{text}")
            await until(
                lambda: isinstance(app.focused, TextInput) and app.focused.value == text,  # noqa: B023
                what=f"{text!r} is in the filter",
            )
            await pilot.pause()
            assert done in (["filter"], ["type_path"]) and app.screen is screen and not app._notifications
            await pilot.press("escape")
            await until(lambda: not isinstance(app.focused, TextInput))
            await pilot.pause()


@pytest.mark.parametrize("name", SCREENS[:-1])
async def test_enter_closes_the_filter_only_after_its_text(
    name: str, sandbox: Sandbox, tmp_path: Path, chat_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    app = make_app(tmp_path, sandbox)
    async with asyncio.timeout(60), app.run_test(size=(100, 30)) as pilot:
        await until(lambda: app.engine.health.state is HealthState.OK)
        await app.engine.submit_checked(chat_file, Endpoint.CHAT, requests=2)
        await until(lambda: shows(app, "all ok"))
        await go_to(name, app, pilot, tmp_path)
        type_at_once(app, "/batch\r")
        await until(lambda: not isinstance(app.focused, TextInput) and shows(app, "batch"))
        await pilot.pause()
        assert on(app, name)


def test_a_path_in_a_terminal(still_sandbox: Sandbox, tmp_path: Path, chat_file: Path) -> None:
    """One write to a pseudo-terminal, from Jobs to Pick to Check; the names begin with keys that quit and move."""
    write_chat(tmp_path / "aaa.jsonl", ["Other"])
    target = write_chat(tmp_path / "quick-jk.jsonl", ["One", "Two", "Three"])
    terminal = terminal_on(still_sandbox, tmp_path)
    try:
        terminal.read_until(b"No jobs yet")
        terminal.type(b"n")
        terminal.read_until(chat_file.name.encode())
        terminal.type(b"/qwen")
        terminal.read_until(b"qwen")
        terminal.settle()
        assert terminal.child.poll() is None
        terminal.type(b"\x1b[27u")
        terminal.settle()
        terminal.type(f"/{target}\r".encode())
        terminal.read_until(b"No problems")
        assert target.name.encode() in terminal.seen
    finally:
        terminal.close()
