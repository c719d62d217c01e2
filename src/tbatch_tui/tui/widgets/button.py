"""A button of one line, without a box."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.cells import cell_len
from textual.message import Message

from tbatch_tui.tui.keys import bindings as keys
from tbatch_tui.tui.sanitize import line
from tbatch_tui.tui.widgets.one_line import OneLine

if TYPE_CHECKING:
    from textual import events
    from textual.binding import BindingType
    from textual.geometry import Size

    from tbatch_tui.tui.render.styled import StyledText


class FlatButton(OneLine, can_focus=True):
    """`[ Submit ]` with the focus, `  Back  ` without it.

    Brackets, weight and background show the focus, never a colour alone.
    """

    BINDINGS: ClassVar[list[BindingType]] = [keys.PRESS]
    DEFAULT_CSS = """
    FlatButton {
        width: auto; pointer: pointer; color: $foreground; background: $panel;
        &:focus { background: $cursor-row; }
        &:disabled { color: $status-quiet; text-style: dim; }
    }
    """

    class Pressed(Message):
        """The button was pressed."""

        def __init__(self, button: FlatButton) -> None:
            super().__init__()
            self.button = button

        @property
        def control(self) -> FlatButton:
            """The button, for selectors of `@on`."""
            return self.button

    def __init__(self, label: str, *, key: str = "", id: str | None = None, disabled: bool = False) -> None:
        """Make a button.

        Args:
            key: The key that presses it from anywhere, shown before the label.
        """
        super().__init__(id=id, disabled=disabled)
        self._label = line(label)
        self._key = key

    def set_label(self, label: str) -> None:
        """Change the label, and the width with it."""
        self._label = line(label)
        self.refresh(layout=True)

    def get_content_width(self, _container: Size, _viewport: Size) -> int:
        """Take as many cells as key, label and brackets need."""
        return cell_len(self._label) + (cell_len(self._key) + 1 if self._key else 0) + 4

    def styled_text(self, _width: int) -> StyledText:
        """Show the label, in brackets while the button has the focus."""
        left, right = ("[ ", " ]") if self.has_focus else ("  ", "  ")
        key: StyledText = [(self._key, "bold $accent-text"), (" ", "")] if self._key else []
        return [(left, "$accent-text"), *key, (self._label, "bold" if self.has_focus else ""), (right, "$accent-text")]

    def action_press(self) -> None:
        """Post `Pressed`."""
        self.post_message(self.Pressed(self))

    def on_click(self, event: events.Click) -> None:
        """Press the button."""
        event.stop()
        self.action_press()
