"""Copy text to the clipboard, over ssh too (OSC 52).

What is copied is harmless wherever it is pasted, and a toast confirms it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tbatch_tui.text import format as fmt
from tbatch_tui.text.escape import escape_json
from tbatch_tui.tui.sanitize import line, lines

if TYPE_CHECKING:
    from textual.app import App

    from tbatch_tui.tui.bridge import Bridge

MAX_BYTES = 74_000
"""The most that is copied. Terminals and multiplexers differ in what they take by OSC 52; most take this, in base64."""


def copy_id(app: App[Any], bridge: Bridge, text: str) -> None:
    """Copy a name or an id, as one line."""
    clean = line(text)
    app.copy_to_clipboard(clean)
    bridge.notify(f"Copied {clean}")


def copy_record(app: App[Any], bridge: Bridge, text: str, what: str) -> None:
    """Copy a whole record, or say that it is too long.

    Args:
        what: What the toast calls it.
    """
    size = len(text.encode("utf-8", "replace"))
    if size > MAX_BYTES:
        bridge.notify(
            f"{what} is too long to copy: {fmt.size(size)}",
            f"Terminals take about {fmt.size(MAX_BYTES)}. Nothing was copied; exporting writes it to a file.",
            "warning",
        )
        return
    app.copy_to_clipboard(text)
    bridge.notify(f"Copied {what}", fmt.size(size))


def copy_selection(app: App[Any], bridge: Bridge, selected: str) -> bool:
    """Copy the text selected with the mouse; return False when there is none."""
    text = lines(selected)
    if not text.strip():
        return False
    if len(text.encode("utf-8", "replace")) > MAX_BYTES:
        bridge.notify(
            f"Too much is selected to copy: more than {fmt.size(MAX_BYTES)}",
            "Terminals take about that much. Nothing was copied; exporting writes it to a file.",
            "warning",
        )
        return True
    app.copy_to_clipboard(text)
    count = text.count("\n") + 1
    characters = fmt.plural(len(text), "character")
    bridge.notify(f"Copied {characters}" if count == 1 else f"Copied {fmt.plural(count, 'line')}, {characters}")
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
