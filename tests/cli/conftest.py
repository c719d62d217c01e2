"""Runs commands as a shell does, against a sandbox."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from tests.helpers import commands

if TYPE_CHECKING:
    from pathlib import Path

    from tbatch_tui.sandbox.testing import Sandbox

Run = Callable[..., subprocess.CompletedProcess[str]]
Started = commands.StartedCommand | subprocess.Popen[str]
Start = Callable[..., Started]


@pytest.fixture
def start(sandbox: Sandbox, tmp_path: Path) -> Iterator[Start]:
    """Return what starts a command as `run` does, and does not wait for it. What still runs at the end is killed.

    What it takes by name is set in the engine's options.
    """
    started = []

    def start_command(*arguments: str, **engine_options: Any) -> Started:
        env = {**os.environ, "TOGETHER_API_KEY": sandbox.key, "TOGETHER_BASE_URL": sandbox.base_url}
        given = [arguments[0], "--data-dir", str(tmp_path / "data"), *arguments[1:]]
        command = commands.start_command(given, tmp_path, env, **engine_options)
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
