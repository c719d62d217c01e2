"""Runs commands as a shell does, against a sandbox."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tbatch_tui.sandbox.testing import Sandbox

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(sandbox: Sandbox, tmp_path: Path) -> Run:
    """Return what runs a command with the sandbox's key, in a folder of its own.

    Its `env` adds to the environment; a variable that is None there is removed.
    """

    def run_command(*arguments: str, env: dict[str, str | None] | None = None) -> subprocess.CompletedProcess[str]:
        settings = {"TOGETHER_API_KEY": sandbox.key, "TOGETHER_BASE_URL": sandbox.base_url}
        environment: dict[str, str | None] = {**os.environ, **settings, **(env or {})}
        return subprocess.run(
            [sys.executable, "-m", "tbatch_tui", arguments[0], "--data-dir", str(tmp_path / "data"), *arguments[1:]],
            cwd=tmp_path,
            env={name: value for name, value in environment.items() if value is not None},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
        )

    return run_command
