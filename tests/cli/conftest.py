"""Runs commands as a shell does, against a sandbox."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

from tests.helpers import commands

if TYPE_CHECKING:
    from pathlib import Path

    from tbatch_tui.sandbox.testing import Sandbox

Run = Callable[..., subprocess.CompletedProcess[str]]
Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start(sandbox: Sandbox, tmp_path: Path) -> Iterator[Start]:
    """Return what starts a command as `run` does, and does not wait for it. What still runs at the end is killed."""
    started = []

    def start_command(*arguments: str) -> subprocess.Popen[str]:
        command = subprocess.Popen(
            [sys.executable, "-m", "tbatch_tui", arguments[0], "--data-dir", str(tmp_path / "data"), *arguments[1:]],
            cwd=tmp_path,
            env={**os.environ, "TOGETHER_API_KEY": sandbox.key, "TOGETHER_BASE_URL": sandbox.base_url},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(command)
        return command

    yield start_command
    for command in started:
        command.kill()
        command.communicate()


@pytest.fixture
def run(sandbox: Sandbox, tmp_path: Path) -> Run:
    """Return what runs a command with the sandbox's key, in a folder of its own.

    Its `env` adds to the environment; a variable that is None there is removed.
    """

    def run_command(*arguments: str, env: dict[str, str | None] | None = None) -> subprocess.CompletedProcess[str]:
        settings = {"TOGETHER_API_KEY": sandbox.key, "TOGETHER_BASE_URL": sandbox.base_url}
        environment: dict[str, str | None] = {**os.environ, **settings, **(env or {})}
        given = {name: value for name, value in environment.items() if value is not None}
        return commands.run_command(
            [arguments[0], "--data-dir", str(tmp_path / "data"), *arguments[1:]], tmp_path, given
        )

    return run_command
