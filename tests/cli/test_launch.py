"""The program in a shell and the demo in a real terminal, also when it is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.helpers.terminal import Terminal, children_of, is_alive

if TYPE_CHECKING:
    from collections.abc import Iterator


def run(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tbatch_tui", *arguments], cwd=cwd, capture_output=True, text=True, timeout=60
    )


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Terminal]:
    terminal = Terminal("--demo", "--data-dir", str(tmp_path / "data"), cwd=tmp_path)
    yield terminal
    terminal.close()


def test_the_demo_shows_past_jobs_and_that_nothing_leaves_the_machine(demo: Terminal) -> None:
    demo.read_until(b"Nothing leaves this machine")
    demo.read_until(b"reviews-november")
    os.write(demo.master, b"q")
    demo.drain()
    assert demo.child.returncode == 0


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks at processes in /proc")
def test_the_demo_has_results_at_once_and_writes_none_to_the_working_folder(demo: Terminal, tmp_path: Path) -> None:
    demo.read_until(b"reviews-november")
    demo.read_until(b" ok")  # of a past job, in the list
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data"]
    assert b"results downloaded" not in demo.seen
    os.write(demo.master, b"q")
    demo.drain()


def test_the_server_of_the_demo_ends_with_the_app_even_if_it_is_killed(demo: Terminal) -> None:
    demo.read_until(b"reviews-november")
    [server] = children_of(demo.child.pid)
    demo.child.send_signal(signal.SIGKILL)
    demo.child.wait()
    end = time.monotonic() + 20
    while is_alive(server):
        assert time.monotonic() < end, "the server outlived the app"
        time.sleep(0.05)


def test_version_and_help(tmp_path: Path) -> None:
    assert run("--version", cwd=tmp_path).stdout.startswith("tbatch-tui ")
    assert "--demo" in run("--help", cwd=tmp_path).stdout


@pytest.mark.parametrize(
    "arguments",
    [["--poll-interval", "3"], ["--poll-interval", "soon"], ["--base-url", "nowhere"], ["--no-such-flag"], ["a", "b"]],
)
def test_wrong_arguments_are_an_error_on_one_line(arguments: list[str], tmp_path: Path) -> None:
    done = run(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.strip().splitlines()[-1].startswith("tbatch-tui: error:")
    assert "Traceback" not in done.stderr


def test_a_data_folder_that_cannot_be_used_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    terminal = Terminal("--data-dir", str(tmp_path / "file"), cwd=tmp_path)
    try:
        terminal.read_until(b"--data-dir")
        terminal.drain()
        assert terminal.child.returncode == 1
        assert b"Traceback" not in terminal.seen
    finally:
        terminal.close()


def test_a_file_named_like_a_command_is_given_with_its_folder(tmp_path: Path) -> None:
    (tmp_path / "check").write_text("")
    done = run("check", "./check", cwd=tmp_path)
    assert done.returncode == 1
    assert "check:1:" in done.stdout


@pytest.mark.parametrize("arguments", [["--help"], ["check", "--help"]])
def test_help_and_check_load_neither_textual_nor_the_sdk(arguments: list[str], tmp_path: Path) -> None:
    code = (
        "import sys; from tbatch_tui.cli.dispatch import main\n"
        f"try: main({arguments!r})\n"
        "except SystemExit: pass\n"
        "heavy = {'textual', 'rich', 'together', 'httpx', 'starlette', 'asyncio'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("insists", [False, True])
def test_check_loads_msgspec_without_typing_extensions_unless_it_insists(insists: bool, tmp_path: Path) -> None:
    insisting = tmp_path / "msgspec"
    if insists:
        insisting.mkdir()
        (insisting / "__init__.py").write_text("import typing_extensions\nis_whole = True\n")
    code = (
        "import sys; from tbatch_tui.cli import dispatch as cli\n"
        "cli._load_msgspec()\n"
        f"assert ('msgspec' in sys.modules) is not {insists}, sorted(sys.modules)\n"
        "assert 'typing_extensions' not in sys.modules\n"
        "import msgspec, typing_extensions\n"
        f"assert hasattr(msgspec, 'is_whole') is {insists}\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def test_a_key_in_clear_text_is_refused_before_anything_is_sent(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tbatch_tui", "ls", "--base-url", "http://192.0.2.1", "--data-dir", str(tmp_path)]
    environment = {**os.environ, "TOGETHER_API_KEY": "tgp_v1_a_key_of_a_test"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and "--insecure" in done.stderr
    assert not list(tmp_path.iterdir())
