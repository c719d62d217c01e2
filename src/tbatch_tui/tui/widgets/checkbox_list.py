"""Checkboxes of one line each: `[x] 17  ↻ retryable  Request timed out`."""

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
    """Checkboxes below each other. Up and down move between them, and scroll where they do not all fit."""

    DEFAULT_CSS = """
    CheckboxList { height: auto; scrollbar-size-vertical: 1; }
    """


class Checkbox(OneLine, can_focus=True):
    """A choice that is on or off. Its label is sanitized when it is rendered."""

    BINDINGS: ClassVar[list[BindingType]] = [keys.TICK]
    DEFAULT_CSS = """
    Checkbox { pointer: pointer; &:focus { background: $cursor-row; text-style: bold; } }
    """

    class Changed(Message):
        """The checkbox was switched on or off."""

        def __init__(self, checkbox: Checkbox) -> None:
            super().__init__()
            self.checkbox = checkbox

    def __init__(
        self, label: Sequence[tuple[str, str]], *, on: bool, id: str | None = None, group: str | None = None
    ) -> None:
        """Make a checkbox.

        Args:
            label: Text and style, in parts.
            on: Whether it is on at first.
            group: Of the checkboxes of a group on a screen exactly one is on: they are radio buttons, `(•)`.
        """
        super().__init__(id=id)
        self.on = on
        self._group = group
        self._label = tuple(label)

    def set_label(self, label: Sequence[tuple[str, str]], *, on: bool | None = None) -> None:
        """Show another label, and switch it on or off without a message."""
        self._label = tuple(label)
        self.on = self.on if on is None else on
        self.refresh_if_changed()

    def styled_text(self, _width: int) -> StyledText:
        """Show box and label."""
        (left, mark, right) = "[x]" if self._group is None else "(•)"
        box: StyledText = [
            (left, "$status-quiet"),
            (mark if self.on else " ", "bold $accent-text"),
            (f"{right} ", "$status-quiet"),
        ]
        return [*box, *self._label]

    def action_tick(self) -> None:
        """Switch it on or off; in a group, switch it on and the others off."""
        if self._group is None:
            self.on = not self.on
        else:
            for other in self.screen.query(Checkbox):
                if other._group == self._group:
                    other.on = other is self
                    other.refresh_if_changed()
        self.refresh_if_changed()
        self.post_message(self.Changed(self))

    def on_click(self, event: events.Click) -> None:
        """Switch it on or off."""
        event.stop()
        self.action_tick()
