"""A line of text that is given to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tbatch_tui.tui.sanitize import line
from tbatch_tui.tui.widgets.one_line import OneLine

if TYPE_CHECKING:
    from tbatch_tui.tui.render.styled import StyledText


class SummaryLine(OneLine):
    """A line that stands above what it sums up."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._text: StyledText = []

    def show(self, text: StyledText) -> None:
        """Show this text; it is made safe here."""
        self._text = [(line(part), style) for part, style in text]
        self.refresh_if_changed()

    def styled_text(self, _width: int) -> StyledText:
        """Return the line; what has no room is cut by the base class."""
        return self._text
