"""Edit what only this machine knows about a job: its label and a note."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.widgets import Static

from tbatch_tui.tui.dialogs.base import Box, Dialog, KeyHints
from tbatch_tui.tui.keys import bindings as keys
from tbatch_tui.tui.widgets.text_input import TextInput

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType


class EditLabel(Dialog[tuple[str, str] | None]):
    """Two lines to write in; answers (label, note), or None if nothing was changed."""

    AUTO_FOCUS = "#label"
    BINDINGS: ClassVar[list[BindingType]] = [keys.SAVE, keys.DISCARD]
    DEFAULT_CSS = """
    EditLabel {
        .edit--name { color: $status-quiet; height: 1; margin-top: 1; width: 1fr; }
        TextInput { background: $panel; padding: 0 1; &:focus { background: $cursor-row; } }
    }
    """

    def __init__(self, label: str = "", note: str = "") -> None:
        super().__init__()
        self._label = label
        self._note = note

    def compose(self) -> ComposeResult:
        """Compose the two lines."""
        with Box():
            yield Static("Label and note", classes="dialog--title", markup=False)
            yield Static("Label", classes="edit--name", markup=False)
            yield TextInput(self._label, placeholder="the file's name is used without one", id="label")
            yield Static("Note", classes="edit--name", markup=False)
            yield TextInput(self._note, placeholder="kept on this machine only", id="note")
            yield KeyHints(
                (self.key_of("answer.save"), "Save"), ("tab", "Next"), (self.key_of("answer.discard"), "Back")
            )

    def on_input_submitted(self, event: TextInput.Submitted) -> None:
        """Save on Enter, from either line."""
        event.stop()
        self.action_save()

    def action_save(self) -> None:
        """Answer what is written."""
        label = self.query_one("#label", TextInput).value.strip()
        note = self.query_one("#note", TextInput).value.strip()
        self.dismiss(None if (label, note) == (self._label, self._note) else (label, note))

    def action_discard(self) -> None:
        """Answer that nothing changes."""
        self.dismiss(None)
