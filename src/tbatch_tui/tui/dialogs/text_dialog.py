"""A dialog to read a text in full: an error, or an answer of the server."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.widgets import Static

from tbatch_tui.tui.dialogs.base import Box, Dialog, KeyHints
from tbatch_tui.tui.keys import bindings as keys
from tbatch_tui.tui.keys.hints import key_display
from tbatch_tui.tui.sanitize import line_content
from tbatch_tui.tui.widgets.reader.view import RecordView
from tbatch_tui.tui.widgets.reader.wrap import Block

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import ComposeResult
    from textual.binding import BindingType

AROUND = 9
"""Lines of the box around the text: border, padding, title and keys."""


class TextDialog(Dialog[None]):
    """A title and a text of any length."""

    AUTO_FOCUS = "RecordView"
    BINDINGS: ClassVar[list[BindingType]] = [keys.CLOSE]
    DEFAULT_CSS = """
    TextDialog {
        Box { width: 90; }
        RecordView { height: auto; padding: 0; margin-top: 1; }
    }
    """

    def __init__(self, title: str, text: str | Sequence[Block]) -> None:
        super().__init__()
        self._heading = title
        self._blocks = [Block(text)] if isinstance(text, str) else list(text)

    def compose(self) -> ComposeResult:
        """Lay out title, text and keys."""
        with Box():
            yield Static(line_content(self._heading), classes="dialog--title")
            yield RecordView(*self._blocks)
            yield KeyHints((self.key_of("answer.close"), "Close"), (key_display(keys.DOWN), "Down"))

    def on_resize(self) -> None:
        """Let the text scroll where the terminal is too low for all of it."""
        for view in self.query(RecordView):  # there is none before the dialog is whole, and at its end
            view.styles.max_height = max(3, self.size.height - AROUND)

    def action_close(self) -> None:
        """Close it."""
        self.dismiss(None)
