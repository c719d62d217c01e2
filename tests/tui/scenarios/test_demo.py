"""The demo keeps to itself: its results are in its own folder; where it can have none, in a temporary one."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tbatch_tui.config.engine_options import options_from
from tbatch_tui.config.resolve import resolve_settings
from tbatch_tui.config.settings import DEFAULT_OUTPUT_DIR
from tbatch_tui.demo import DemoServer
from tests.helpers.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def unwritable(tmp_path: Path) -> Iterator[Path]:
    """A folder in which nothing can be made, by root neither: its parent is a file."""
    (tmp_path / "a-file").touch()
    yield tmp_path / "a-file" / "data"


def test_results_are_in_the_demos_folder_unless_another_is_given(tmp_path: Path) -> None:
    server = DemoServer(tmp_path / "data")
    try:
        options = options_from(resolve_settings(demo=True))
        assert options.output_dir == DEFAULT_OUTPUT_DIR.absolute()
        assert server.options_from(options, None).output_dir == tmp_path / "data" / "demo" / "results"
        assert server.options_from(options, tmp_path / "mine").output_dir == tmp_path / "mine"
        for folder in (tmp_path / "data", server.folder):
            assert stat.S_IMODE(folder.stat().st_mode) == 0o700, "what the app itself makes is no one else's to read"
    finally:
        server.stop()


def test_a_folder_of_results_in_the_configuration_is_for_real_ones(tmp_path: Path) -> None:
    folder = Path(os.environ["HOME"]) / ".config" / "tbatch-tui"
    folder.mkdir(parents=True)
    (folder / "config.toml").write_text(f'output_dir = "{tmp_path / "real"}"\n')
    assert resolve_settings().output_dir == tmp_path / "real"
    assert resolve_settings(demo=True).output_dir == DEFAULT_OUTPUT_DIR
    assert resolve_settings(demo=True, output_dir=tmp_path / "mine").output_dir == tmp_path / "mine"


def test_without_a_folder_that_can_be_written(unwritable: Path) -> None:
    server = DemoServer(unwritable)
    folder = server.folder
    assert server.unwritable == "Not a directory" and folder.is_dir() and not folder.is_relative_to(unwritable)
    server.stop()
    assert not folder.exists()


def test_such_a_demo_says_so_and_leaves_nothing(unwritable: Path, tmp_path: Path) -> None:
    """A job of the demo, from its sample file to its results, and nothing of it in the working folder."""
    working = tmp_path / "working"
    working.mkdir()
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    terminal = Terminal("--demo", "--data-dir", str(unwritable), cwd=working, TMPDIR=str(temporary))
    try:
        terminal.read_until(b"temporary folder")
        terminal.read_until(b"reviews-november")
        assert list(temporary.glob("tbatch-tui-demo-*"))
        terminal.type(b"q")
        terminal.drain()
        assert terminal.child.returncode == 0
        assert not list(working.iterdir()) and not list(temporary.glob("tbatch-tui-demo-*"))
    finally:
        terminal.close()


def test_results_of_the_demo_are_not_in_the_working_folder(tmp_path: Path) -> None:
    working = tmp_path / "working"
    working.mkdir()
    terminal = Terminal("--demo", "--data-dir", str(tmp_path / "data"), cwd=working)
    try:
        terminal.read_until(b"reviews-november")
        terminal.type(b"n")
        terminal.read_until(b"Pick")
        terminal.settle()
        terminal.type(f"/{tmp_path}/data/demo/samples/chat.jsonl\r".encode())
        terminal.read_until(b"No problems")
        terminal.type(b"\r")
        terminal.read_until(b"Submit")
        terminal.settle()
        terminal.type(b"\r")
        terminal.read_until(b"results downloaded", within=60)
        assert not list(working.iterdir())
        assert list((tmp_path / "data" / "demo" / "results").glob("chat-*.output.jsonl"))
    finally:
        terminal.close()
