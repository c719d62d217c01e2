"""The dialog behind `L`: the messages so far, newest first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tbatch_tui.text import format as fmt
from tbatch_tui.tui.dialogs.text_dialog import TextDialog
from tbatch_tui.tui.widgets.reader.wrap import Block

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tbatch_tui.tui.bridge import LoggedMessage

_STYLES = {"warning": "$status-attention", "error": "$status-failed"}
_NOTHING = "No messages yet."


class MessageLog(TextDialog):
    """Lists messages with their time; a screen shows each of them for some seconds only."""

    def __init__(self, messages: Iterable[LoggedMessage], now: float) -> None:
        """Make a dialog.

        Args:
            messages: The oldest first.
            now: The time, in seconds since the epoch: a message of another day is shown with its date.
        """
        blocks: list[Block] = []
        for message in reversed(list(messages)):
            lead = [(f"{fmt.when(message.at, now)}  ", "$status-quiet")]
            times = f"  × {message.count:,}" if message.count > 1 else ""
            title = message.title or message.text
            indent = len(lead[0][0])
            blocks.append(Block(title + times, _STYLES.get(message.severity, ""), indent=indent, lead=lead))
            if message.title:
                blocks.append(Block(message.text, "$status-quiet", indent=indent, lead=[(" " * indent, "")]))
        super().__init__("Messages", blocks or _NOTHING)
