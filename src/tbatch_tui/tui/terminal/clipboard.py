"""What is copied, over ssh too (OSC 52): harmless wherever it is pasted, and said in a toast."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tbatch_tui.text import format as fmt
from tbatch_tui.text.escape import escape_json
from tbatch_tui.tui.sanitize import line, lines

if TYPE_CHECKING:
    from textual.app import App

    from tbatch_tui.tui.bridge import Bridge

LONGEST = 74_000
"""Bytes: what terminals and multiplexers take of OSC 52 differs; this much, in base64, most of them do."""


def copy_id(app: App[Any], bridge: Bridge, text: str) -> None:
    """Copy a name or an id: one line."""
    clean = line(text)
    app.copy_to_clipboard(clean)
    bridge.notify(f"Copied {clean}")


def copy_record(app: App[Any], bridge: Bridge, text: str, what: str) -> None:
    """Copy a whole record. `what` is how the toast calls it."""
    size = len(text.encode("utf-8", "replace"))
    if size > LONGEST:
        bridge.notify(
            f"{what} is too long to copy: {fmt.size(size)}",
            f"Terminals take about {fmt.size(LONGEST)}. Nothing was copied; exporting writes it to a file.",
            "warning",
        )
        return
    app.copy_to_clipboard(text)
    bridge.notify(f"Copied {what}", fmt.size(size))


def copy_selection(app: App[Any], bridge: Bridge, selected: str) -> bool:
    """Copy what is selected with the mouse; False when that is nothing."""
    text = lines(selected)
    if not text.strip():
        return False
    if len(text.encode("utf-8", "replace")) > LONGEST:
        bridge.notify(
            f"Too much is selected to copy: more than {fmt.size(LONGEST)}",
            "Terminals take about that much. Nothing was copied; exporting writes it to a file.",
            "warning",
        )
        return True
    app.copy_to_clipboard(text)
    count = text.count("\n") + 1
    said = fmt.plural(len(text), "character")
    bridge.notify(f"Copied {said}" if count == 1 else f"Copied {fmt.plural(count, 'line')}, {said}")
    return True


def json_text(value: Any) -> str:
    """A value as indented JSON that pastes without harm: what a terminal would obey or hide is escaped, as JSON may."""
    import json

    return escape_json(json.dumps(value, indent=2, ensure_ascii=False))


def json_or_text(raw: bytes | None) -> Any:
    """A line of a file as a JSON value; as harmless text where it is none."""
    if raw is None:
        return None
    import json

    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        return lines(raw.decode("utf-8", "replace"))
