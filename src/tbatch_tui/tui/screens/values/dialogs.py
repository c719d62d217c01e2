"""What Values asks: by which column, and with which pattern."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.widgets import Static

from tbatch_tui.tui.dialogs.base import Box, Dialog, KeyHints
from tbatch_tui.tui.keys import bindings as keys
from tbatch_tui.tui.sanitize import line_content
from tbatch_tui.tui.widgets.text_input import LabelInput, TextInput

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType


class PatternDialog(Dialog[str | None]):
    """Returns a regular expression, or None."""

    AUTO_FOCUS = "#pattern"
    BINDINGS: ClassVar[list[BindingType]] = [keys.SAVE, keys.DISCARD]
    DEFAULT_CSS = """
    PatternDialog { TextInput { margin-top: 1; background: $panel; padding: 0 1; } }
    """

    def __init__(self, field: str, pattern: str) -> None:
        """Ask for a pattern to search a field with; `pattern` is the one before."""
        super().__init__()
        self._field = field
        self._pattern = pattern

    def compose(self) -> ComposeResult:
        """Lay out the question, the line and the keys."""
        with Box():
            yield Static(line_content(f"Take a field out of {self._field}"), classes="dialog--title")
            yield Static(
                "A regular expression. Each named group becomes a field, such as (?P<verdict>yes|no). It is kept with "
                "the job; an empty one takes its fields away.",
                classes="dialog--text",
                markup=False,
            )
            yield LabelInput(self._pattern, placeholder="(?P<name>…)", id="pattern")
            yield KeyHints((self.key_of("answer.save"), "Take out"), (self.key_of("answer.discard"), "Cancel"))

    def on_input_submitted(self, event: TextInput.Submitted) -> None:
        """Return the pattern on Enter in the line too."""
        event.stop()
        self.action_save()

    def action_save(self) -> None:
        """Return the pattern; an empty one where none is written."""
        self.dismiss(self.query_one("#pattern", TextInput).value)

    def action_discard(self) -> None:
        """Return None."""
        self.dismiss(None)
