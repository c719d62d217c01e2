"""Inside tmux with its defaults, what is said to be copied is in its buffer."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tbatch_tui.sandbox.testing import Sandbox

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="needs tmux")
Tmux = "Callable[..., str]"


@pytest.fixture
def tmux(tmp_path: Path) -> Iterator[Callable[..., str]]:
    """Run tmux commands on a server of the test's own, without anybody's configuration."""
    socket = tmp_path / "tmux.sock"

    def run(*arguments: str) -> str:
        environment = {name: value for name, value in os.environ.items() if name not in ("TMUX", "TMUX_PANE")}
        command = ["tmux", "-S", str(socket), "-f", "/dev/null", *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=20, env=environment).stdout

    yield run
    run("kill-server")


def wait_for(what: Callable[[], object], seen: Callable[[], str]) -> None:
    end = time.monotonic() + 40
    while not what():
        assert time.monotonic() < end, seen()
        time.sleep(0.05)


def test_an_id_is_copied(tmux: Callable[..., str], still_sandbox: Sandbox, tmp_path: Path) -> None:
    job_id = still_sandbox.add_job(rows=3)
    settings = {
        "TOGETHER_API_KEY": still_sandbox.key,
        "TOGETHER_BASE_URL": still_sandbox.base_url,
        "PYTHONPATH": os.pathsep.join(sys.path),
        "HOME": str(tmp_path),
    }
    environment = shlex.join(["env", *(f"{name}={value}" for name, value in settings.items())])
    command = shlex.join([sys.executable, "-m", "tbatch_tui", "--data-dir", str(tmp_path / "data")])
    tmux("new-session", "-d", "-x", "100", "-y", "30", f"{environment} {command}")

    def screen() -> str:
        return tmux("capture-pane", "-p")

    wait_for(lambda: "Validating" in screen(), screen)
    tmux("send-keys", "y")
    wait_for(lambda: f"Copied {job_id}" in screen(), screen)
    assert tmux("show-buffer").strip() == job_id
    tmux("send-keys", "q")
