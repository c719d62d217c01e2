"""The base of dialogs with ticks and fields: their layout, and the keys that save or discard."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.widgets import Static

from tbatch_tui.tui.dialogs.base import Answer, Dialog, KeyHints
from tbatch_tui.tui.keys import bindings as keys
from tbatch_tui.tui.keys.hints import key_display
from tbatch_tui.tui.messages import OpenModels
from tbatch_tui.tui.render.styled import styled_content
from tbatch_tui.tui.widgets.text_input import TextInput

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.binding import BindingType
    from textual.events import DescendantFocus
    from textual.widget import Widget
    from textual.widgets import Input


class Form(Dialog[Answer | None]):
    """A dialog of ticks in a `CheckboxList`, of fields, and of a summary in `#sum`. Returns the choice, or None."""

    AUTO_FOCUS = "Checkbox"
    BINDINGS: ClassVar[list[BindingType]] = [keys.SAVE, keys.DISCARD, keys.FORM_NEXT, keys.FORM_PREVIOUS]
    DEFAULT_CSS = """
    Form {
        Box { width: 90; }
        CheckboxList { margin-top: 1; }
        .field { height: 1; margin-top: 1; }
        .field > .name { width: 26; color: $status-quiet; }
        TextInput { width: 1fr; background: $panel; padding: 0 1; &:focus { background: $cursor-row; } }
        #sum { height: auto; margin-top: 1; }
    }
    """
    MODEL_FIELD: ClassVar[str] = ""
    """The id of the field with a model, in which Enter opens Models; empty where there is none."""
    AROUND: ClassVar[int]
    """Lines of the dialog around what scrolls, which gets the rest of the terminal."""

    @property
    def around(self) -> int:
        """AROUND, and the lines of fields that only some of these forms have."""
        return self.AROUND

    def update_summary(self) -> None:
        """Show what the choice amounts to now: called when the form opens, and after each change."""
        raise NotImplementedError

    def action_save(self) -> None:
        """Return the choice."""
        raise NotImplementedError

    def on_mount(self) -> None:
        """Show what the first choice amounts to."""
        self.update_summary()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Show what the choice amounts to with what was typed."""
        event.stop()
        self.update_summary()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Save on Enter in a field too; in the field of a model, go to Models and take one from there."""
        event.stop()
        if self._is_model_field(event.input):
            self.post_message(OpenModels(event.value.strip() or event.input.placeholder, self._take_model))
        else:
            self.action_save()

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        """Say what Enter does in this field."""
        word = "Models" if self._is_model_field(event.widget) else ""
        for hints in self.query(KeyHints):
            hints.say_first(word)

    def _is_model_field(self, widget: Widget) -> bool:
        return bool(self.MODEL_FIELD) and widget.id == self.MODEL_FIELD

    def _take_model(self, name: str) -> None:
        self.query_one(f"#{self.MODEL_FIELD}", TextInput).value = name
        self.focus_next()

    def on_resize(self) -> None:
        """Let the ticks, or the fields of `.fields`, scroll where the terminal is too low for all of them."""
        for scrolling in self.query("CheckboxList, .fields"):
            scrolling.styles.max_height = max(3, self.size.height - self.around)

    def hints(self, write: str, tick: str) -> KeyHints:
        """Return the keys of the form: `write` names what Enter does, `tick` what space does."""
        save, discard = self.key_of("answer.save"), self.key_of("answer.discard")
        return KeyHints((save, write), (key_display(keys.TICK), tick), (discard, "Cancel"))

    def show_summary(self, pieces: Sequence[tuple[str, str]]) -> None:
        """Show what the choice amounts to, or what is wrong with it. The text must be safe for the screen."""
        self.query_one("#sum", Static).update(styled_content(list(pieces)))

    def action_discard(self) -> None:
        """Return None."""
        self.dismiss(None)
