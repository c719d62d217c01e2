"""Edit what only this machine knows about a job: its label and a note."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.widgets import Static, TextArea

from tbatch_tui.tui.dialogs.base import Box, Dialog, KeyHints
from tbatch_tui.tui.keys import bindings as keys
from tbatch_tui.tui.sanitize import lines
from tbatch_tui.tui.widgets.text_input import LabelInput, TextInput

if TYPE_CHECKING:
    from textual import events
    from textual.app import ComposeResult
    from textual.binding import BindingType


class NoteInput(TextArea):
    """Lines to write in. A paste may bring several; Enter is the dialog's, and saves."""

    DEFAULT_CSS = """
    NoteInput {
        height: auto; max-height: 6; border: none; padding: 0 1; background: $panel;
        scrollbar-size-vertical: 1;
        &:focus { border: none; background: $cursor-row; }
    }
    """

    def __init__(self, text: str, *, placeholder: str, id: str) -> None:
        super().__init__(
            lines(text), placeholder=placeholder, id=id, compact=True, highlight_cursor_line=False, theme="css"
        )
        self.move_cursor(self.document.end)

    def on_key(self, event: events.Key) -> None:
        """Leave Enter to the dialog."""
        if event.key == "enter":
            event.prevent_default()

    def on_paste(self, event: events.Paste) -> None:
        """Take all lines, without what a terminal would obey."""
        event.stop()
        event.prevent_default()
        self.replace(lines("\n".join(event.text.splitlines())), *self.selection, maintain_selection_offset=False)


class EditLabel(Dialog[tuple[str, str] | None]):
    """A line and a note to write; answers (label, note), or None if nothing was changed."""

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
            yield LabelInput(self._label, placeholder="defaults to the file's name", id="label")
            yield Static("Note", classes="edit--name", markup=False)
            yield NoteInput(self._note, placeholder="kept on this machine only", id="note")
            yield KeyHints(
                (self.key_of("answer.save"), "Save"), ("tab", "Next"), (self.key_of("answer.discard"), "Cancel")
            )

    def on_input_submitted(self, event: TextInput.Submitted) -> None:
        """Save on Enter, from either line."""
        event.stop()
        self.action_save()

    def action_save(self) -> None:
        """Answer what is written."""
        label = self.query_one("#label", TextInput).value.strip()
        note = self.query_one("#note", NoteInput).text.strip()
        self.dismiss(None if (label, note) == (self._label, self._note) else (label, note))

    def action_discard(self) -> None:
        """Answer that nothing changes."""
        self.dismiss(None)
