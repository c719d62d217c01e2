"""A question with yes and no. No has the focus, and escape is no."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.containers import Horizontal, VerticalScroll
from textual.widgets import Static

from tbatch_tui.tui.dialogs.base import Box, Dialog
from tbatch_tui.tui.keys import bindings as keys
from tbatch_tui.tui.sanitize import lines_content
from tbatch_tui.tui.widgets.button import FlatButton

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType


class Confirm(Dialog[bool]):
    """Asks before something that cannot be undone. Returns True for yes."""

    AUTO_FOCUS = "#no"
    BINDINGS: ClassVar[list[BindingType]] = [keys.YES, keys.NO, keys.NEXT, keys.PREVIOUS]
    DEFAULT_CSS = """
    Confirm VerticalScroll { height: auto; max-height: 60vh; scrollbar-size-vertical: 1; }
    """

    def __init__(self, question: str, explanation: str = "", *, yes: str = "Yes", no: str = "No") -> None:
        """Make a dialog.

        Args:
            question: One line, ending with a question mark.
            explanation: What yes means, in full.
            yes: What yes does, as a verb: "Cancel the job".
            no: What no leaves: "Keep it running".
        """
        super().__init__()
        self._question = question
        self._explanation = explanation
        self._yes = yes
        self._no = no

    def compose(self) -> ComposeResult:
        """Lay out the question and both answers."""
        with Box():
            with VerticalScroll(can_focus=False):
                yield Static(lines_content(self._question), classes="dialog--title")
                if self._explanation:
                    yield Static(lines_content(self._explanation), classes="dialog--text")
            with Horizontal(classes="dialog--answers"):
                yield FlatButton(self._yes, key=self.key_of("answer.yes"), id="yes")
                yield FlatButton(self._no, key=self.key_of("answer.no"), id="no")

    def action_yes(self) -> None:
        """Answer yes."""
        self.dismiss(True)

    def action_no(self) -> None:
        """Answer no."""
        self.dismiss(False)

    def on_flat_button_pressed(self, event: FlatButton.Pressed) -> None:
        """Answer by mouse, or by Enter on a button."""
        event.stop()
        self.dismiss(event.button.id == "yes")
