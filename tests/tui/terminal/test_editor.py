"""e on Check: the line is opened in the user's own editor, and then the file is checked again."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from textual.drivers.headless_driver import HeadlessDriver

from tbatch_tui.engine.errors import BatchError
from tbatch_tui.tui.screens.check import screen as check
from tbatch_tui.tui.screens.check.screen import CheckScreen
from tbatch_tui.tui.terminal.editor import editor_command
from tests.conftest import until, write_chat
from tests.helpers.new_batch_host import SIZES, Open, offline, shown


@pytest.mark.parametrize(
    ("editor", "command"),
    [
        ("vi", ["vi", "+7", "/data/x.jsonl"]),
        ("/usr/bin/nvim -n", ["/usr/bin/nvim", "-n", "+7", "/data/x.jsonl"]),
        ("nano", ["nano", "+7", "/data/x.jsonl"]),
        ("emacsclient -t", ["emacsclient", "-t", "+7", "/data/x.jsonl"]),
        ("micro", ["micro", "+7", "/data/x.jsonl"]),
        ("kak", ["kak", "+7", "/data/x.jsonl"]),
        ("hx", ["hx", "/data/x.jsonl:7"]),
        ("helix", ["helix", "/data/x.jsonl:7"]),
        ("code", ["code", "--wait", "-g", "/data/x.jsonl:7"]),
        ("code -w", ["code", "-w", "-g", "/data/x.jsonl:7"]),
        ("subl --wait", ["subl", "--wait", "/data/x.jsonl:7"]),
        ("'/opt/my editor/ed it' -x", ["/opt/my editor/ed it", "-x", "/data/x.jsonl"]),
    ],
)
def test_each_editor_gets_the_line_in_its_own_way(editor: str, command: list[str]) -> None:
    assert editor_command({"EDITOR": editor}, Path("/data/x.jsonl"), 7) == command


def test_visual_comes_before_editor_and_an_empty_one_does_not_count() -> None:
    path = Path("/data/x.jsonl")
    assert editor_command({"VISUAL": "vim", "EDITOR": "nano"}, path, 1)[0] == "vim"
    assert editor_command({"VISUAL": " ", "EDITOR": "nano"}, path, 1)[0] == "nano"


def test_no_name_is_taken_for_an_option() -> None:
    assert editor_command({"EDITOR": "vi"}, Path("-c:!sh.jsonl"), 1)[-1] == f"{Path.cwd()}/-c:!sh.jsonl"


@pytest.mark.parametrize(
    ("environ", "title"),
    [({}, "No editor is set"), ({"EDITOR": "'vi"}, "EDITOR is not a command: No closing quotation")],
)
def test_an_error_without_an_editor_has_a_hint(environ: dict[str, str], title: str) -> None:
    with pytest.raises(BatchError) as raised:
        editor_command(environ, Path("x"), 1)
    assert title in raised.value.title and "restart tbatch-tui" in raised.value.hint


def open_check(path: Path) -> Open:
    return lambda engine, bridge: CheckScreen(engine, bridge, path)


@pytest.fixture
def faulty(tmp_path: Path) -> Path:
    path = write_chat(tmp_path / "in.jsonl", ["One", "Two"])
    path.write_text(path.read_text() + "oops\n")
    return path


@pytest.fixture
def with_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """A headless app that can give its terminal away, as one at a real terminal can."""
    monkeypatch.setattr(HeadlessDriver, "can_suspend", True)


def script(path: Path, text: str) -> str:
    path.write_text(f"#!/bin/sh\n{text}")
    path.chmod(0o755)
    return str(path)


@pytest.mark.usefixtures("with_terminal")
@pytest.mark.parametrize("size", SIZES)
async def test_e_opens_the_line_and_checks_again(
    faulty: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]
) -> None:
    seen = tmp_path / "seen"
    vi = script(tmp_path / "vi", f'printf "%s\\n" "$@" > "{seen}"; sed -i 3d "$2"\n')
    monkeypatch.setenv("VISUAL", vi)
    async with shown(offline(tmp_path), open_check(faulty), size) as (
        app,
        pilot,
    ):
        await until(lambda: "e Edit line 3" in app.text)
        await pilot.press("e")
        await until(lambda: "No problems in 2 lines" in app.text)
        assert seen.read_text().split("\n") == ["+3", str(faulty), ""] and app.toasts == ""
        assert "Edit line" not in app.text


@pytest.mark.usefixtures("with_terminal")
async def test_the_app_goes_on_while_the_editor_is_open(
    faulty: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, opened = tmp_path / "gate", tmp_path / "opened"
    os.mkfifo(gate)
    monkeypatch.setattr(check, "WATCH_INTERVAL", 0.02)
    monkeypatch.setenv("EDITOR", script(tmp_path / "slow", f'touch "{opened}"; read -r line < "{gate}"; exit 3\n'))
    monkeypatch.delenv("VISUAL", raising=False)
    async with shown(offline(tmp_path), open_check(faulty)) as (app, pilot):
        await until(lambda: "e Edit line 3" in app.text)
        await pilot.press("e")
        await until(opened.exists)  # the loop runs: a transfer would go on
        assert app._batch_count, "nothing is drawn on the editor's terminal"
        with faulty.open("a") as file:
            file.write("oops again\n")
        gate.write_text("done\n")
        await until(lambda: "ended with 3" in app.toasts)
        await until(lambda: "✗ 2 errors" in app.text)
        assert "changed on disk" not in app.toasts
        assert not app._batch_count


async def test_an_editor_that_does_not_open_gives_the_reason(
    faulty: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.delenv("EDITOR", raising=False)
    async with shown(offline(tmp_path), open_check(faulty)) as (app, pilot):
        await until(lambda: "e Edit line 3" in app.text)
        await pilot.press("e")
        await until(lambda: "No editor is set" in app.toasts)
        monkeypatch.setenv("EDITOR", "vi")
        await pilot.press("e")
        await until(lambda: "open an editor from this terminal" in app.toasts)
        monkeypatch.setattr(HeadlessDriver, "can_suspend", True)
        monkeypatch.setenv("EDITOR", str(tmp_path / "nowhere"))
        await pilot.press("e")
        await until(lambda: "did not start: No such file" in app.toasts)
        assert not app._batch_count and app.is_running
