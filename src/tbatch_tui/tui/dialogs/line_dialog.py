"""The base of dialogs with one line to write, help below it, and what is wrong with the line."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.widgets import Static

from tbatch_tui.tui.dialogs.base import Answer, Dialog
from tbatch_tui.tui.keys import bindings as keys
from tbatch_tui.tui.sanitize import lines_content
from tbatch_tui.tui.widgets.text_input import TextInput

if TYPE_CHECKING:
    from textual.binding import BindingType


class LineDialog(Dialog[Answer | None]):
    """A dialog of a `TextInput`, a text of the class `help` and a `#mistake`. Answers None if nothing is changed."""

    AUTO_FOCUS = "TextInput"
    BINDINGS: ClassVar[list[BindingType]] = [keys.SAVE, keys.DISCARD]
    DEFAULT_CSS = """
    LineDialog {
        Box { width: 90; }
        TextInput { margin-top: 1; background: $panel; padding: 0 1; &:focus { background: $cursor-row; } }
        .help { height: auto; margin-top: 1; color: $status-quiet; }
        #mistake { height: auto; margin-top: 1; color: $status-attention; display: none; }
    }
    """

    @property
    def text(self) -> str:
        """What is written, without the spaces around it."""
        return self.query_one(TextInput).value.strip()

    def refuse(self, mistake: str) -> None:
        """Say what is wrong with the line, and leave the dialog open."""
        static = self.query_one("#mistake", Static)
        static.update(lines_content(mistake))
        static.display = True
        self.app.bell()

    def on_input_submitted(self, event: TextInput.Submitted) -> None:
        """Save on Enter."""
        event.stop()
        self.action_save()

    def action_save(self) -> object:
        """Answer what is written, or refuse it."""
        raise NotImplementedError

    def action_discard(self) -> None:
        """Answer that nothing changes."""
        self.dismiss(None)
