"""One of a few choices: `(•) All at once   ( ) 10 first, then ask`, on one line or, without the room, one a line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from rich.cells import cell_len
from textual.message import Message
from textual.widget import Widget

from tbatch_tui.tui.keys import bindings as keys
from tbatch_tui.tui.render.styled import StyledText, styled_content

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual import events
    from textual.binding import BindingType
    from textual.content import Content
    from textual.geometry import Size

_GAP = 3
Value = TypeVar("Value")


class RadioLine(Widget, Generic[Value], can_focus=True):
    """Options of which exactly one is chosen. Those that cannot be chosen are dim."""

    ALLOW_SELECT = False
    BINDINGS: ClassVar[list[BindingType]] = [keys.NEXT_CHOICE, keys.PREVIOUS_CHOICE]
    DEFAULT_CSS = """
    RadioLine { width: 1fr; height: auto; color: $foreground; }
    RadioLine:focus { background: $cursor-row; }
    """

    class Changed(Message):
        """Another option was chosen."""

        def __init__(self, radio_line: RadioLine[Any]) -> None:
            super().__init__()
            self.radio_line = radio_line

        @property
        def control(self) -> RadioLine[Any]:
            """The line, for a handler that selects by its id."""
            return self.radio_line

    def __init__(
        self,
        options: Sequence[tuple[Value, str]],
        chosen: Value,
        choices: Sequence[Value] | None = None,
        *,
        id: str | None = None,
    ) -> None:
        """Make a line of options.

        Args:
            options: Values, and the text of each.
            chosen: The value that is chosen at first.
            choices: The values that can be chosen; all if None. With a single one the line takes no focus.
        """
        super().__init__(id=id)
        self.chosen = chosen
        self._options = options
        self._choices = choices if choices is not None else [value for value, _ in options]
        self.can_focus = len(self._choices) > 1

    def choose(self, value: Value) -> None:
        """Choose this value, if it can be chosen."""
        if value in self._choices and value != self.chosen:
            self.chosen = value
            self.refresh()
            self.post_message(self.Changed(self))

    def action_move(self, by: int) -> None:
        """Choose the next value, or the one before, round and round."""
        index = self._choices.index(self.chosen) + by
        self.choose(self._choices[index % len(self._choices)])

    def _labels(self) -> list[tuple[Value, str]]:
        return [(value, f"({'•' if value == self.chosen else ' '}) {text}") for value, text in self._options]

    def _is_wide(self, width: int) -> bool:
        return sum(cell_len(label) + _GAP for _, label in self._labels()) - _GAP <= width

    def get_content_height(self, _container: Size, _viewport: Size, width: int) -> int:
        """Take one line if all options fit on it, else one each."""
        return 1 if self._is_wide(width) else len(self._options)

    def render(self) -> Content:
        """Render the options."""
        text: StyledText = []
        gap = " " * _GAP if self._is_wide(self.content_size.width) else "\n"
        for value, label in self._labels():
            style = "bold" if value == self.chosen else "" if value in self._choices else "$status-quiet dim"
            text += [(gap if text else "", ""), (label, style)]
        return styled_content(text)

    def on_click(self, event: events.Click) -> None:
        """Choose the clicked option."""
        event.stop()
        left, wide = 0, self._is_wide(self.content_size.width)
        for index, (value, label) in enumerate(self._labels()):
            width = cell_len(label)
            if (wide and left <= event.x < left + width) or (not wide and event.y == index):
                self.choose(value)
            left += width + _GAP
