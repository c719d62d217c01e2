"""Copy text to the clipboard, over ssh too (OSC 52), and to the buffer of tmux, which by default stops OSC 52.

What is copied is harmless wherever it is pasted, and a toast confirms it.
"""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Any

from tbatch_tui.text import format as fmt
from tbatch_tui.text.escape import escape_json
from tbatch_tui.tui.sanitize import line, lines

if TYPE_CHECKING:
    from textual.app import App

    from tbatch_tui.tui.bridge import Bridge

MAX_BYTES = 74_000
"""The most that is copied. Terminals and multiplexers differ in what they take by OSC 52; most take this, in base64."""

_TMUX_COMMANDS = (("tmux", "load-buffer", "-w", "-"), ("tmux", "load-buffer", "-"))
"""What takes a text for tmux's buffer, and with -w (since 3.2) for the clipboard of the terminal around it."""
_TMUX_ANSWERS_WITHIN = 2.0
"""Seconds."""


def _copy(app: App[Any], bridge: Bridge, text: str, copied: str, hint: str = "") -> None:
    """Copy a text, and say so once it is copied.

    Args:
        copied: What the toast says.
        hint: What it adds.
    """
    app.copy_to_clipboard(text)
    if app.is_headless or not os.environ.get("TMUX"):
        bridge.notify(copied, hint)
    else:
        app.run_worker(_copy_to_tmux(bridge, text, copied, hint), group="clipboard", exit_on_error=False)


async def _copy_to_tmux(bridge: Bridge, text: str, copied: str, hint: str) -> None:
    for command in _TMUX_COMMANDS:
        if await _is_taken_by(command, text.encode("utf-8", "replace")):
            bridge.notify(copied, fmt.join(hint, "in tmux's buffer too, which its prefix and ] paste"))
            return
    bridge.notify(
        "The copied text was not accepted by tmux",
        "Run `tmux set -s set-clipboard on` to let programs copy.",
        "warning",
    )


async def _is_taken_by(command: tuple[str, ...], data: bytes) -> bool:
    quiet = asyncio.subprocess.DEVNULL
    try:
        process = await asyncio.create_subprocess_exec(
            *command, stdin=asyncio.subprocess.PIPE, stdout=quiet, stderr=quiet
        )
    except OSError:
        return False
    try:
        async with asyncio.timeout(_TMUX_ANSWERS_WITHIN):
            await process.communicate(data)
    except TimeoutError:
        process.kill()
        await process.wait()
    return process.returncode == 0


def copy_id(app: App[Any], bridge: Bridge, text: str) -> None:
    """Copy a name or an id, as one line."""
    clean = line(text)
    _copy(app, bridge, clean, f"Copied {clean}")


def copy_record(app: App[Any], bridge: Bridge, text: str, what: str) -> None:
    """Copy a whole record, or say that it is too long.

    Args:
        what: What the toast calls it.
    """
    size = len(text.encode("utf-8", "replace"))
    if size > MAX_BYTES:
        bridge.notify(
            f"{what} is too long to copy: {fmt.size(size)}",
            f"Terminals accept about {fmt.size(MAX_BYTES)}. Nothing was copied; exporting writes it to a file.",
            "warning",
        )
        return
    _copy(app, bridge, text, f"Copied {what}", fmt.size(size))


def copy_selection(app: App[Any], bridge: Bridge, selected: str) -> bool:
    """Copy the text selected with the mouse; return False when there is none."""
    text = lines(selected)
    if not text.strip():
        return False
    if len(text.encode("utf-8", "replace")) > MAX_BYTES:
        bridge.notify(
            f"Too much is selected to copy: more than {fmt.size(MAX_BYTES)}",
            "Terminals accept about that much. Nothing was copied; exporting writes it to a file.",
            "warning",
        )
        return True
    count = text.count("\n") + 1
    characters = fmt.plural(len(text), "character")
    what = characters if count == 1 else f"{fmt.plural(count, 'line')}, {characters}"
    _copy(app, bridge, text, f"Copied {what}")
    return True


def json_text(value: Any) -> str:
    """Return a value as indented JSON that pastes without harm.

    What a terminal would obey or hide is escaped, as JSON allows; a number that JSON does not have is null.
    """
    import json

    from tbatch_tui.engine.lenient_json import TOO_DEEP, as_finite

    try:
        return escape_json(json.dumps(as_finite(value), indent=2, ensure_ascii=False, allow_nan=False))
    except RecursionError:
        return escape_json(json.dumps(TOO_DEEP))


def json_or_text(raw: bytes | None) -> Any:
    """Return a line of a file as a JSON value; as sanitized text if it is not JSON."""
    if raw is None:
        return None
    import json

    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        return lines(raw.decode("utf-8", "replace"))
