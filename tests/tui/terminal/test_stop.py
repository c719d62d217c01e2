"""A suspended app, in a real terminal, keeps nothing from working; one that was stopped by force is named."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.helpers.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tbatch_tui.sandbox.testing import Sandbox

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks at processes in /proc")
SOON = ("--poll-interval", "0.2")


@pytest.fixture
def app(sandbox: Sandbox, tmp_path: Path) -> Iterator[Terminal]:
    """The app in a terminal, with the worker lock of its data folder."""
    terminal = Terminal(
        *("--data-dir", str(tmp_path / "data"), *SOON),
        cwd=tmp_path,
        TOGETHER_API_KEY=sandbox.key,
        TOGETHER_BASE_URL=sandbox.base_url,
    )
    terminal.read_until(b"Jobs")
    wait_for(lambda: (tmp_path / "data" / "work-1.pid").exists(), terminal)
    yield terminal
    terminal.child.send_signal(signal.SIGCONT)
    terminal.close()


def wait_for(condition: Callable[[], object], terminal: Terminal, within: float = 30.0) -> None:
    end = time.monotonic() + within
    while not condition():
        assert time.monotonic() < end, terminal.seen[-400:]
        terminal.settle(0.05)


def is_stopped(terminal: Terminal) -> bool:
    stat = Path(f"/proc/{terminal.child.pid}/stat").read_text()
    return stat.rpartition(")")[2].split()[0] == "T"


@contextlib.contextmanager
def command(sandbox: Sandbox, folder: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Run a command, and end it when the test fails: to leave a `Popen` waits for it, for ever if need be."""
    with subprocess.Popen(
        [sys.executable, "-m", "tbatch_tui", arguments[0], "--data-dir", str(folder / "data"), *SOON, *arguments[1:]],
        cwd=folder,
        env={**os.environ, "TOGETHER_API_KEY": sandbox.key, "TOGETHER_BASE_URL": sandbox.base_url},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as started:
        try:
            yield started
        finally:
            started.kill()


@pytest.mark.parametrize("by_key", [True, False])
def test_a_submit_goes_through_while_the_app_is_suspended(
    app: Terminal, sandbox: Sandbox, tmp_path: Path, chat_file: Path, by_key: bool
) -> None:
    if by_key:
        os.write(app.master, b"\x1a")  # ctrl+z
    else:
        app.child.send_signal(signal.SIGTSTP)
    wait_for(lambda: is_stopped(app), app)
    with command(sandbox, tmp_path, "submit", str(chat_file), "--wait") as submit:
        stdout, stderr = submit.communicate(timeout=60)
    assert submit.returncode == 0, stderr
    assert stdout.splitlines()[0] == sandbox.jobs[0]["id"]
    app.seen = b""
    app.child.send_signal(signal.SIGCONT)  # fg
    wait_for(lambda: (tmp_path / "data" / "work-1.pid").exists(), app)
    app.read_until(b"Completed")
    os.write(app.master, b"q")
    app.drain()
    assert app.child.returncode == 0
    assert len(sandbox.jobs) == 1
    assert not (tmp_path / "data" / "work-1.pid").exists()


def test_what_waits_for_a_process_that_does_not_answer_says_so_and_ctrl_c_says_that_nothing_was_sent(
    app: Terminal, sandbox: Sandbox, tmp_path: Path, chat_file: Path
) -> None:
    app.child.send_signal(signal.SIGSTOP)  # it cannot give anything up
    wait_for(lambda: is_stopped(app), app)
    with command(sandbox, tmp_path, "submit", str(chat_file)) as submit:
        assert submit.stderr is not None
        seen = ""
        while "doesn't respond" not in seen:
            line = submit.stderr.readline()
            assert line, seen  # it ended
            seen += line
        assert f"process {app.child.pid}" in seen and "it was suspended" in seen
        submit.send_signal(signal.SIGINT)
        _, rest = submit.communicate(timeout=30)
    assert submit.returncode == 130
    assert "No job was created yet, and nothing is billed." in rest and "Submitted jobs continue" not in rest
    assert not sandbox.jobs
    app.child.send_signal(signal.SIGCONT)
    wait_for(lambda: sandbox.jobs, app)  # kept, as it said
    with command(sandbox, tmp_path, "ls", "--json") as listing:
        [job] = json.loads(listing.communicate(timeout=30)[0])
    assert job["id"] == sandbox.jobs[0]["id"]
