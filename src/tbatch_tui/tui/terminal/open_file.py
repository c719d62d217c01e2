"""Open a file in another program: the user's pager in this terminal, or what the desktop opens it with."""

from __future__ import annotations

import asyncio
import os
import shlex
import shutil
import sys
from typing import TYPE_CHECKING, Any

from textual.app import App, SuspendNotSupported

from tbatch_tui.engine.errors import BatchError
from tbatch_tui.tui.terminal.suspend import run_in_terminal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_DEFAULT_PAGERS = (("less", "-+r", "-+R"), ("more",))
"""`less` without raw control characters, whatever LESS says: the file is foreign text."""
_OPEN_TIMEOUT = 10.0
_HINT = "{job.page} shows it here, in $PAGER."


def pager_command(environment: Mapping[str, str]) -> list[str]:
    """Return the command that pages a file. Raises BatchError when there is none."""
    setting = environment.get("PAGER", "").strip()
    if setting:
        try:
            command = shlex.split(setting)
        except ValueError:
            command = []
        if command and shutil.which(command[0], path=environment.get("PATH")):
            return command
        raise BatchError(f"$PAGER is {setting!r}, which is not a program on this machine", "Set PAGER to one that is.")
    for command in map(list, _DEFAULT_PAGERS):
        if shutil.which(command[0], path=environment.get("PATH")):
            return command
    raise BatchError("There is no pager on this machine", "Set PAGER to a program that shows a file.")


def opener_command(environment: Mapping[str, str], platform: str) -> list[str]:
    """Return the command that opens a file on the desktop. Raises BatchError where there is no desktop."""
    if environment.get("SSH_CONNECTION") or environment.get("SSH_TTY"):
        raise BatchError("There is no desktop over ssh", _HINT)
    if platform == "darwin":
        return ["open"]
    if platform == "win32":
        return ["explorer"]
    if not (environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY")):
        raise BatchError("There is no desktop", _HINT)
    if shutil.which("xdg-open", path=environment.get("PATH")):
        return ["xdg-open"]
    raise BatchError("xdg-open is not on this machine", _HINT)


async def page(app: App[Any], path: Path) -> None:
    """Show a file, by its absolute path, in the pager until the user leaves it.

    Raises BatchError when the file is gone, the terminal cannot be lent, or the pager does not start.
    """
    command = pager_command(os.environ)
    await _require_file(path)
    try:
        result = await run_in_terminal(app, [*command, str(path)])
    except SuspendNotSupported:
        raise BatchError(
            "Can't start another program in this terminal", f"The file is {path}: open it in another terminal."
        ) from None
    if isinstance(result, OSError):
        raise BatchError(
            f"{command[0]} did not start: {result.strerror or result}", "Set PAGER to another one."
        ) from result


async def open_on_desktop(path: Path) -> None:
    """Open a file, by its absolute path, with the desktop's program for such files.

    Raises BatchError when the file is gone, or the program fails.
    """
    command = opener_command(os.environ, sys.platform)
    await _require_file(path)
    await _open(command, str(path), path.name)


async def open_link(url: str) -> None:
    """Open an http or https URL with the desktop's program for it. Raises BatchError."""
    if not url.lower().startswith(("http://", "https://")):
        raise BatchError("This link cannot be opened in a browser", "Only http and https links can.")
    try:
        command = opener_command(os.environ, sys.platform)
    except BatchError as error:
        raise BatchError(error.title, "{list.copy-record} copies the record with its link.") from None
    await _open(command, url, "the link")


async def _open(command: list[str], target: str, name: str) -> None:
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            target,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )
        async with asyncio.timeout(_OPEN_TIMEOUT):
            code = await process.wait()
    except TimeoutError:
        return  # some openers run as long as the window is open
    except OSError as error:
        raise BatchError(f"{command[0]} did not start: {error.strerror}", _HINT) from error
    if code != 0 and sys.platform != "win32":
        raise BatchError(f"{command[0]} could not open {name}", _HINT)


async def _require_file(path: Path) -> None:
    if not await asyncio.to_thread(os.path.isfile, path):
        raise BatchError(f"{path.name} no longer exists", f"It was {path}.")
