"""Lines that can be ticked: `[x] 17  ↻ retryable  Request timed out`."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.containers import VerticalScroll
from textual.message import Message

from tbatch_tui.tui.keys import bindings as keys
from tbatch_tui.tui.widgets.one_line import OneLine

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual import events
    from textual.binding import BindingType

    from tbatch_tui.tui.render.styled import StyledText


class CheckboxList(VerticalScroll, can_focus=False, inherit_bindings=False):
    """Ticks under each other. Up and down go from one to the next, also where the list is longer than its place."""

    DEFAULT_CSS = """
    CheckboxList { height: auto; scrollbar-size-vertical: 1; }
    """


class Checkbox(OneLine, can_focus=True):
    """One thing to be chosen or not. Its words pass the gate when they are drawn."""

    BINDINGS: ClassVar[list[BindingType]] = [keys.TICK]
    DEFAULT_CSS = """
    Checkbox { pointer: pointer; &:focus { background: $cursor-row; text-style: bold; } }
    """

    class Changed(Message):
        """It was ticked, or is not any more."""

        def __init__(self, checkbox: Checkbox) -> None:
            super().__init__()
            self.checkbox = checkbox

    def __init__(
        self, words: Sequence[tuple[str, str]], *, on: bool, id: str | None = None, group: str | None = None
    ) -> None:
        """A line. Of those of a `group` one is chosen: `(•)`."""
        super().__init__(id=id)
        self.on = on
        self._of_group = group
        self._words = tuple(words)

    def styled_text(self, width: int) -> StyledText:
        (left, mark, right) = "[x]" if self._of_group is None else "(•)"
        box: StyledText = [
            (left, "$status-quiet"),
            (mark if self.on else " ", "bold $accent-text"),
            (f"{right} ", "$status-quiet"),
        ]
        return [*box, *self._words]

    def action_tick(self) -> None:
        """Tick it, or not any more; of a group, this one instead."""
        if self._of_group is None:
            self.on = not self.on
        else:
            for other in self.screen.query(Checkbox):
                if other._of_group == self._of_group:
                    other.on = other is self
                    other.refresh_if_changed()
        self.refresh_if_changed()
        self.post_message(self.Changed(self))

    def on_click(self, event: events.Click) -> None:
        event.stop()
        self.action_tick()
