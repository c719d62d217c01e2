"""Open a line of a file in the user's own editor."""

from __future__ import annotations

import shlex
from pathlib import Path, PurePath
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from textual.app import App, SuspendNotSupported

from tbatch_tui.engine.errors import BatchError
from tbatch_tui.tui.terminal.suspend import run_in_terminal

if TYPE_CHECKING:
    from collections.abc import Mapping

_PLUS = frozenset(
    ("vi", "vim", "nvim", "nvi", "view", "nano", "pico", "emacs", "emacsclient", "micro", "kak", "joe", "mg", "ne")
)
"""Editors that take `+LINE FILE`."""
_COLON = frozenset(("hx", "helix"))
"""Editors that take `FILE:LINE`."""
_COLON_WAIT = frozenset(("subl", "zed"))
_GOTO_WAIT = frozenset(("code", "code-insiders", "codium", "vscodium", "cursor", "windsurf"))
"""Editors with windows of their own: without a flag to wait, their command ends at once."""


def editor_command(environ: Mapping[str, str], path: Path, line: int) -> list[str]:
    """Return the command that opens a line of a file, as argv.

    Raises BatchError when no editor is set, or its setting cannot be split into words.
    """
    name = next((name for name in ("VISUAL", "EDITOR") if environ.get(name, "").strip()), None)
    if name is None:
        raise BatchError("No editor is set", "Set VISUAL or EDITOR (export EDITOR=nano), then restart tbatch-tui.")
    try:
        words = shlex.split(environ[name])
    except ValueError as error:
        hint = f"It says {environ[name]}: set it to an editor, then restart tbatch-tui."
        raise BatchError(f"{name} is not a command: {error}", hint) from None
    file = str(path.absolute())  # never taken for an option
    known = PurePath(words[0]).name.removesuffix(".exe")
    if known in _PLUS:
        return [*words, f"+{line}", file]
    if known in _COLON:
        return [*words, f"{file}:{line}"]
    if known in _COLON_WAIT or known in _GOTO_WAIT:
        wait = [] if {"--wait", "-w"} & set(words) else ["--wait"]
        return [*words, *wait, *(["-g"] if known in _GOTO_WAIT else []), f"{file}:{line}"]
    return [*words, file]


async def edit(app: App[object], command: list[str]) -> int:
    """Run the editor in this terminal until it ends, and return its exit code. The engine goes on meanwhile.

    Raises BatchError when the terminal cannot be lent, or the editor does not start.
    """
    try:
        result = await run_in_terminal(app, command)
    except SuspendNotSupported:
        raise BatchError(
            "Can't open an editor from this terminal", "Edit the file elsewhere: a change is noticed here."
        ) from None
    if isinstance(result, OSError):
        raise BatchError(
            f"{command[0]} did not start: {result.strerror or result}",
            "Set VISUAL or EDITOR to an editor that is installed, then restart tbatch-tui.",
        ) from result
    return result


async def edit_text(app: App[object], environ: Mapping[str, str], text: str, name: str) -> str | None:
    """Open a text in the person's editor, and return it as it was saved; None where the editor failed.

    Raises BatchError as `edit`, and where the text cannot be written to a temporary file, or read from it.

    Args:
        app: Which lends the terminal.
        environ: Names the editor.
        text: What is edited.
        name: What the file is called.
    """
    with TemporaryDirectory(prefix="tbatch-tui-") as folder:
        path = Path(folder) / name
        try:
            path.write_bytes(text.encode("utf-8", "replace"))
            if await edit(app, editor_command(environ, path, 1)):
                return None
            edited = path.read_bytes().decode().replace("\r\n", "\n")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
            raise BatchError(f"The text cannot be taken from the editor: {reason}", "It stays as it was.") from error
    # Editors end a file with a line end; nobody has typed it.
    return edited.removesuffix("\n") if not text.endswith("\n") else edited
