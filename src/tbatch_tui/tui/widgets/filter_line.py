"""The `/` line at the foot of a list: narrows it with every key, until it is cleared."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Static

from tbatch_tui.tui.keys import bindings as keys
from tbatch_tui.tui.widgets.text_input import TextInput

if TYPE_CHECKING:
    from textual import events
    from textual.app import ComposeResult
    from textual.binding import BindingType


class FilterInput(TextInput):
    """The input of a filter line. The keys are bound here, so that Enter is the line's and not the input's."""

    BINDINGS: ClassVar[list[BindingType]] = [keys.FILTER_KEEP, keys.FILTER_CLEAR]

    def __init__(self, line: FilterLine, placeholder: str) -> None:
        super().__init__(placeholder=placeholder)
        self._line = line

    def action_keep(self) -> None:
        self._line.close(keep=bool(self.value))

    def action_clear(self) -> None:
        self._line.close(keep=False)


class FilterLine(Horizontal):
    """Hidden until `open`; Escape clears and closes it, Enter keeps the text and closes it."""

    DEFAULT_CSS = """
    FilterLine {
        height: 1; display: none; padding: 0 1;
        &.-open { display: block; }
        & > Static { width: 2; color: $accent-text; text-style: bold; }
        & > TextInput { width: 1fr; }
    }
    """

    class Changed(Message):
        """The text is another."""

        def __init__(self, line: FilterLine, text: str) -> None:
            super().__init__()
            self.line = line
            self.text = text

        @property
        def control(self) -> FilterLine:
            return self.line

        def can_replace(self, message: Message) -> bool:
            return isinstance(message, FilterLine.Changed) and message.line is self.line

    class Closed(Message):
        """The line is closed. Without `keep` its text is gone, and no more `Changed` says so."""

        def __init__(self, line: FilterLine, keep: bool) -> None:
            super().__init__()
            self.line = line
            self.keep = keep

        @property
        def control(self) -> FilterLine:
            return self.line

    def __init__(self, *, placeholder: str = "type to filter", id: str | None = None) -> None:
        super().__init__(id=id)
        self._input = FilterInput(self, placeholder)

    def compose(self) -> ComposeResult:
        yield Static("/", markup=False)
        yield self._input

    @property
    def text(self) -> str:
        return self._input.value

    @property
    def is_open(self) -> bool:
        return self.has_class("-open")

    def open(self, text: str = "") -> None:
        """Show the line with this text and give it the keyboard."""
        with self.prevent(TextInput.Changed):
            self._input.value = text
        self._input.cursor_position = len(self._input.value)
        self.add_class("-open")
        self.screen.set_focus(self._input)  # now, not with the next message: the next key is already meant for it

    def close(self, *, keep: bool) -> None:
        """Hide the line; say whether its text is kept."""
        if not self.is_open:
            return
        if not keep:
            with self.prevent(TextInput.Changed):
                self._input.value = ""
        self.remove_class("-open")
        self.post_message(self.Closed(self, keep))

    def on_input_changed(self, event: TextInput.Changed) -> None:
        event.stop()
        if self.is_open:
            self.post_message(self.Changed(self, event.value))

    def on_descendant_blur(self, event: events.DescendantBlur) -> None:
        """A click elsewhere keeps the text, as Enter does."""
        if self.is_open and self.screen.is_current:
            self.close(keep=bool(self.text))
