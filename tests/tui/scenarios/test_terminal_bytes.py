"""However the app ends, the terminal is as before, no process is left, and the history is intact."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import sqlite3
import sys
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.helpers.terminal import Terminal, children_of, is_alive

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks at processes in /proc")

OWN_TERMINAL = "import fcntl, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0)\n"
"""Make the pty the controlling terminal, so that the program gets SIGHUP when it closes, and ctrl+z stops it."""
THE_APP = "import sys; from tbatch_tui.cli.dispatch import main; sys.exit(main())\n"
HANGUP_IGNORED = "import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN)\n"
"""As nohup starts a program."""
A_MISTAKE = """
from tbatch_tui.tui.app import TbatchApp
def mistake(self): raise RuntimeError("a mistake of ours")
TbatchApp.action_show_keys = mistake
"""
A_SHELL = "import os; os.execvp('bash', ['bash', '--norc', '--noprofile', '-i'])\n"
ON, OFF = ("25", "7"), ("1000", "1003", "1004", "1006", "1015", "1049", "2004")
"""Cursor and line wrap; mouse, focus, the other screen, bracketed paste."""
SWITCH = re.compile(rb"\x1b\[\?([\d;]+)([hl])")


def modes(seen: bytes) -> dict[str, bool]:
    """Return which modes are on and off in a terminal that was sent these bytes."""
    return {mode: how == b"h" for which, how in SWITCH.findall(seen) for mode in which.decode().split(";")}


def check_modes(seen: bytes) -> None:
    left = modes(seen)
    assert {mode: left[mode] for mode in (*ON, *OFF)} == dict.fromkeys(ON, True) | dict.fromkeys(OFF, False)
    assert len(re.findall(rb"\x1b\[>\d+u", seen)) == seen.count(b"\x1b[<u"), "the keyboard protocol"
    assert seen.count(b"\x1b[22;2t") == seen.count(b"\x1b[23;2t"), "the title"


Start = Callable[..., Terminal]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    opened: list[Terminal] = []

    def start_it(code: str, *arguments: str) -> Terminal:
        terminal = Terminal(*arguments, cwd=tmp_path, program=("-c", OWN_TERMINAL + code), TMUX="", PS1="ready> ")
        opened.append(terminal)
        return terminal

    yield start_it
    for terminal in opened:
        terminal.close()


def demo(folder: Path) -> list[str]:
    return ["--demo", "--data-dir", str(folder / "data"), "--output-dir", str(folder / "results")]


def wait_for_end(terminal: Terminal, child: int) -> None:
    """Wait until the app and its server have ended."""
    end = time.monotonic() + 60
    while is_alive(child):
        assert time.monotonic() < end, "the server outlived the app"
        time.sleep(0.05)
    terminal.child.wait(20)


def check_history(folder: Path) -> None:
    with closing(sqlite3.connect(folder / "data" / "demo" / "history.db")) as history:
        assert history.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert history.execute("SELECT count(*) FROM records").fetchone()[0] > 5


def terminate(terminal: Terminal) -> None:
    terminal.child.send_signal(signal.SIGTERM)


def interrupt(terminal: Terminal) -> None:
    terminal.child.send_signal(signal.SIGINT)


def make_mistake(terminal: Terminal) -> None:
    os.write(terminal.master, b"?")


@pytest.mark.parametrize(
    ("end", "code"),
    [(terminate, 0), (interrupt, 0), (make_mistake, 1)],
    ids=["SIGTERM", "SIGINT", "a crash"],
)
def test_the_terminal_is_as_it_was(end: Callable[[Terminal], None], code: int, start: Start, tmp_path: Path) -> None:
    terminal = start((A_MISTAKE if code else "") + THE_APP, *demo(tmp_path))
    before = termios.tcgetattr(terminal.master)
    terminal.read_until(b"reviews-november")
    [server] = children_of(terminal.child.pid)
    assert modes(terminal.seen)["1049"] and termios.tcgetattr(terminal.master) != before
    end(terminal)
    terminal.drain()
    wait_for_end(terminal, server)
    assert terminal.child.returncode == code
    check_modes(terminal.seen)
    assert termios.tcgetattr(terminal.master) == before
    check_history(tmp_path)
    if code:
        message = terminal.seen[terminal.seen.rindex(b"\x1b[?1049l") :]
        assert b"a mistake of ours" in message and b"Nothing you submitted is lost" in message
        assert list((tmp_path / "data" / "demo").glob("crash-*.txt"))


def test_a_terminal_that_closes_takes_the_app_with_it(start: Start, tmp_path: Path) -> None:
    terminal = start(THE_APP, *demo(tmp_path))
    terminal.read_until(b"reviews-november")
    [server] = children_of(terminal.child.pid)
    os.close(terminal.master)
    terminal.master = os.open(os.devnull, os.O_RDONLY)
    wait_for_end(terminal, server)
    check_history(tmp_path)


def test_a_terminal_that_goes_without_a_hangup_does_so_too(start: Start, tmp_path: Path) -> None:
    terminal = start(HANGUP_IGNORED + THE_APP, *demo(tmp_path))
    terminal.read_until(b"reviews-november")
    [server] = children_of(terminal.child.pid)
    os.close(terminal.master)
    terminal.master = os.open(os.devnull, os.O_RDONLY)
    wait_for_end(terminal, server)
    check_history(tmp_path)


@pytest.mark.parametrize("name", ["dumb", "unknown", "DUMB"])
def test_a_terminal_that_cannot_draw_is_refused(name: str, tmp_path: Path) -> None:
    terminal = Terminal(*demo(tmp_path), cwd=tmp_path, TERM=name)
    try:
        terminal.drain()
        assert terminal.child.returncode == 2
        said = terminal.seen.decode().replace("\r\n", " ")
        assert f"cannot draw in a terminal that is called '{name}'" in said and "\x1b" not in said
        assert not (tmp_path / "data").exists()
    finally:
        terminal.close()


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs a shell that knows jobs")
def test_to_the_shell_and_back(start: Start, tmp_path: Path) -> None:
    terminal = start(A_SHELL)
    terminal.read_until(b"ready> ")
    command = [sys.executable, "-m", "tbatch_tui", *demo(tmp_path)]
    os.write(terminal.master, f"stty size; {shlex.join(command)}\r".encode())
    terminal.read_until(b"reviews-november")
    before, terminal.seen = terminal.seen, b""
    os.write(terminal.master, b"\x1a")
    terminal.read_until(b"ready> ")
    assert b"Stopped" in terminal.seen
    before, terminal.seen = before + terminal.seen, b""
    left = modes(before)
    assert left["25"] and not any(left[mode] for mode in OFF if mode != "2004"), "the shell has paste on for itself"
    os.write(terminal.master, b"fg\r")
    terminal.read_until(b"tags-catalogue")  # a row that does not change
    back = modes(terminal.seen)
    assert back["1049"] and back["1000"] and not back["25"]
    os.write(terminal.master, b"q")
    terminal.read_until(b"ready> ")
    os.write(terminal.master, b"echo left=$?; exit\r")
    terminal.drain()
    assert b"left=0" in terminal.seen
    left = modes(before + terminal.seen)
    assert left["25"] and not any(left[mode] for mode in OFF if mode != "2004")
    check_history(tmp_path)
