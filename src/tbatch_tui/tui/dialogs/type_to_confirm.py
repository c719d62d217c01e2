"""A question answered by typing a word, for what cannot be undone. Anything else is no, and so is escape."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.containers import VerticalScroll
from textual.widgets import Static

from tbatch_tui.tui.dialogs.base import Box, Dialog, KeyHints
from tbatch_tui.tui.keys import bindings as keys
from tbatch_tui.tui.render.status import ATTENTION
from tbatch_tui.tui.sanitize import lines_content
from tbatch_tui.tui.widgets.text_input import TextInput

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType


class TypeToConfirm(Dialog[bool]):
    """Returns True only if one of the words was typed."""

    AUTO_FOCUS = "TextInput"
    BINDINGS: ClassVar[list[BindingType]] = [keys.SAVE, keys.DISCARD]
    DEFAULT_CSS = """
    TypeToConfirm {
        VerticalScroll { height: auto; max-height: 50vh; scrollbar-size-vertical: 1; }
        TextInput { background: $panel; padding: 0 1; margin-top: 1; &:focus { background: $cursor-row; } }
        #mistake { height: auto; min-height: 1; }
    }
    """

    def __init__(self, question: str, explanation: str, *, words: tuple[str, ...], verb: str) -> None:
        """Make a dialog.

        Args:
            question: One line, ending with a question mark.
            explanation: What it means, in full.
            words: Any of them is a yes.
            verb: What a yes does: "Delete".
        """
        super().__init__()
        self._question = question
        self._explanation = explanation
        self._words = words
        self._verb = verb

    def compose(self) -> ComposeResult:
        """Lay out the question and the field."""
        with Box():
            with VerticalScroll(can_focus=False):
                yield Static(lines_content(self._question), classes="dialog--title")
                yield Static(lines_content(self._explanation), classes="dialog--text")
            yield TextInput(placeholder=f"Type {self._either()} to confirm")
            yield Static(id="mistake", markup=False)
            yield KeyHints((self.key_of("answer.save"), self._verb), (self.key_of("answer.discard"), "Cancel"))

    def _either(self) -> str:
        """Return `44 or "delete"`: numbers as they are, words in quotes."""
        return " or ".join(word if word.isdigit() else f'"{word}"' for word in self._words)

    def on_input_submitted(self, event: TextInput.Submitted) -> None:
        """Enter in the field answers."""
        event.stop()
        self.action_save()

    def action_save(self) -> None:
        """Return True for one of the words; otherwise say that nothing was done."""
        typed = self.query_one(TextInput).value.strip().lower().replace(",", "")
        if typed in self._words:
            self.dismiss(True)
            return
        self.app.bell()
        self.query_one("#mistake", Static).update(
            lines_content(f"Nothing was done. Type {self._either()} to confirm.", ATTENTION)
        )

    def action_discard(self) -> None:
        """Return False."""
        self.dismiss(False)
