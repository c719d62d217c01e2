"""One of a few choices: `(•) All at once   ( ) 10, then ask me`, one line where there is room, else one a line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from rich.cells import cell_len
from textual.message import Message
from textual.widget import Widget

from tbatch_tui.tui.keys import bindings as keys
from tbatch_tui.tui.render.styled import StyledText, pieces_content

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual import events
    from textual.binding import BindingType
    from textual.content import Content
    from textual.geometry import Size

_BETWEEN = 3
Value = TypeVar("Value")


class RadioLine(Widget, Generic[Value], can_focus=True):
    """What cannot be chosen is dim; with a single choice there is nothing to focus."""

    ALLOW_SELECT = False
    BINDINGS: ClassVar[list[BindingType]] = [keys.NEXT_CHOICE, keys.PREVIOUS_CHOICE]
    DEFAULT_CSS = """
    RadioLine { width: 1fr; height: auto; color: $foreground; }
    RadioLine:focus { background: $cursor-row; }
    """

    class Changed(Message):
        """Another one was chosen."""

        def __init__(self, chooser: RadioLine[Any]) -> None:
            super().__init__()
            self.chooser = chooser

        @property
        def control(self) -> RadioLine[Any]:
            """The line, for a handler that selects by its id."""
            return self.chooser

    def __init__(
        self,
        options: Sequence[tuple[Value, str]],
        chosen: Value,
        choices: Sequence[Value] | None = None,
        *,
        id: str | None = None,
    ) -> None:
        """`options` are shown with these words; `choices` are those that can be chosen, all if None."""
        super().__init__(id=id)
        self.chosen = chosen
        self._options = options
        self._choices = choices if choices is not None else [value for value, _ in options]
        self.can_focus = len(self._choices) > 1

    def choose(self, value: Value) -> None:
        """Choose this one, if it can be."""
        if value in self._choices and value != self.chosen:
            self.chosen = value
            self.refresh()
            self.post_message(self.Changed(self))

    def action_move(self, by: int) -> None:
        index = self._choices.index(self.chosen) + by
        self.choose(self._choices[index % len(self._choices)])

    def _labels(self) -> list[tuple[Value, str]]:
        return [(value, f"({'•' if value == self.chosen else ' '}) {words}") for value, words in self._options]

    def _is_wide(self, width: int) -> bool:
        return sum(cell_len(label) + _BETWEEN for _, label in self._labels()) - _BETWEEN <= width

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return 1 if self._is_wide(width) else len(self._options)

    def render(self) -> Content:
        said: StyledText = []
        gap = " " * _BETWEEN if self._is_wide(self.content_size.width) else "\n"
        for value, label in self._labels():
            style = "bold" if value == self.chosen else "" if value in self._choices else "$status-quiet dim"
            said += [(gap if said else "", ""), (label, style)]
        return pieces_content(said)

    def on_click(self, event: events.Click) -> None:
        event.stop()
        left, wide = 0, self._is_wide(self.content_size.width)
        for index, (value, label) in enumerate(self._labels()):
            width = cell_len(label)
            if (wide and left <= event.x < left + width) or (not wide and event.y == index):
                self.choose(value)
            left += width + _BETWEEN
