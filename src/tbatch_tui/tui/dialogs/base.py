"""The look of all dialogs: one thin box in the middle, never wider or higher than the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from textual.await_complete import AwaitComplete
from textual.containers import Vertical
from textual.screen import ModalScreen

from tbatch_tui.tui.keys import keymap
from tbatch_tui.tui.widgets.one_line import OneLine
from tbatch_tui.tui.widgets.reader.selectable import SelectableScreen

if TYPE_CHECKING:
    from tbatch_tui.tui.render.styled import StyledText

Answer = TypeVar("Answer")


class Box(Vertical):
    """The box around a dialog."""

    DEFAULT_CSS = """
    Box {
        width: 68; max-width: 100%; height: auto; max-height: 100%;
        padding: 1 2; background: $surface; border: round $rule;
    }
    """


class Dialog(ModalScreen[Answer], SelectableScreen[Answer]):  # Textual takes the style sheet of the first base only
    """A question whose answer has a type; escape is always the answer that changes nothing."""

    DEFAULT_CSS = """
    Dialog {
        align: center middle; background: $background 70%;
        .dialog--title { text-style: bold; width: 1fr; height: auto; }
        .dialog--text { color: $status-quiet; width: 1fr; height: auto; margin-top: 1; }
        .dialog--answers { height: 1; margin-top: 1; align-horizontal: right; }
        .dialog--answers > FlatButton { margin-left: 2; }
        KeyHints { margin-top: 1; }
    }
    """

    _is_answered = False

    def dismiss(self, result: Answer | None = None) -> AwaitComplete:
        """Close the dialog with this answer, once: keys that came before it was gone answer nothing more."""
        if self._is_answered:
            return AwaitComplete()
        self._is_answered = True
        return super().dismiss(result)

    def key_of(self, binding_id: str) -> str:
        """Return the first key of a binding as it is displayed; empty if the binding is not active here."""
        bindings = [active.binding for active in self.active_bindings.values() if active.binding.id == binding_id]
        return self.app.get_key_display(min(bindings, key=keymap.key_rank)) if bindings else ""


class KeyHints(OneLine):
    """The keys at the bottom of a dialog: `⏎ Save  esc Discard`."""

    def __init__(self, *hints: tuple[str, str]) -> None:
        super().__init__()
        self._hints = hints
        self._first_word = ""

    def say_first(self, word: str) -> None:
        """Show another word for the first key as long as that does something else; empty for its own again."""
        self._first_word = word
        self.refresh_if_changed()

    def styled_text(self, _width: int) -> StyledText:
        """Show each key with its word."""
        text: StyledText = []
        for number, (key, own) in enumerate(self._hints):
            word = own if number else self._first_word or own
            text += [(key, "bold $accent-text"), (f" {word}", "$status-quiet"), ("  ", "")]
        return text
