"""The `/` line below a list, which narrows the list with every key until it is cleared."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Static

from tbatch_tui.tui.keys import bindings as keys
from tbatch_tui.tui.widgets.text_input import TextInput

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType


class FilterInput(TextInput):
    """The input of a filter line.

    The keys are bound here, so that Enter belongs to the line and not to Textual's input.
    """

    BINDINGS: ClassVar[list[BindingType]] = [keys.FILTER_KEEP, keys.FILTER_CLEAR]

    def __init__(self, line: FilterLine, placeholder: str) -> None:
        super().__init__(placeholder=placeholder)
        self._line = line

    def action_keep(self) -> None:
        """Close the line and keep its text."""
        self._line.close(keep=bool(self.value))

    def action_clear(self) -> None:
        """Close the line and drop its text."""
        self._line.close(keep=False)


class FilterLine(Horizontal):
    """A line that is hidden until `open`. Escape clears and closes it, Enter closes it and keeps the text."""

    DEFAULT_CSS = """
    FilterLine {
        height: 1; display: none; padding: 0 1;
        &.-open { display: block; }
        & > Static { width: 2; color: $accent-text; text-style: bold; }
        & > TextInput { width: 1fr; }
    }
    """

    class Changed(Message):
        """The text changed."""

        def __init__(self, line: FilterLine, text: str) -> None:
            super().__init__()
            self.line = line
            self.text = text

        @property
        def control(self) -> FilterLine:
            """The line, for selectors of `@on`."""
            return self.line

        def can_replace(self, message: Message) -> bool:
            """Let the last of several stand for all."""
            return isinstance(message, FilterLine.Changed) and message.line is self.line

    class Closed(Message):
        """The line was closed. Without `keep` its text is gone, and no `Changed` was posted for that."""

        def __init__(self, line: FilterLine, keep: bool) -> None:
            super().__init__()
            self.line = line
            self.keep = keep

        @property
        def control(self) -> FilterLine:
            """The line, for selectors of `@on`."""
            return self.line

    def __init__(self, *, placeholder: str = "type to filter", id: str | None = None) -> None:
        super().__init__(id=id)
        self._input = FilterInput(self, placeholder)

    def compose(self) -> ComposeResult:
        """Put the input behind a slash."""
        yield Static("/", markup=False)
        yield self._input

    @property
    def text(self) -> str:
        """What is typed."""
        return self._input.value

    @property
    def is_open(self) -> bool:
        """Whether the line is shown."""
        return self.has_class("-open")

    def open(self, text: str = "") -> None:
        """Show the line with this text and give it the keyboard."""
        with self.prevent(TextInput.Changed):
            self._input.value = text
        self._input.cursor_position = len(self._input.value)
        self.add_class("-open")
        self.screen.set_focus(self._input)  # now, not with the next message: the next key is meant for it

    def close(self, *, keep: bool) -> None:
        """Hide the line, and post `Closed`.

        Args:
            keep: Whether the list stays filtered by the text; otherwise the text is dropped.
        """
        if not self.is_open:
            return
        if not keep:
            with self.prevent(TextInput.Changed):
                self._input.value = ""
        self.remove_class("-open")
        self.post_message(self.Closed(self, keep))

    def on_input_changed(self, event: TextInput.Changed) -> None:
        """Post the text as the line's own message."""
        event.stop()
        if self.is_open:
            self.post_message(self.Changed(self, event.value))

    def on_descendant_blur(self) -> None:
        """Keep the text on a click elsewhere, as Enter does."""
        if self.is_open and self.screen.is_current:
            self.close(keep=bool(self.text))
