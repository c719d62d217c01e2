"""A line of styled text: the base of headers, footers, rules and progress lines. No child widgets, no markup."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.segment import Segment
from textual.strip import Strip
from textual.widget import Widget

from tbatch_tui.tui.sanitize import fit_styled

if TYPE_CHECKING:
    from rich.style import Style as RichStyle

    from tbatch_tui.tui.render.styled import StyledText


class OneLine(Widget):
    """A widget of one line.

    A subclass returns its text from `styled_text`, and calls `refresh_if_changed` when that may be another one.
    """

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    OneLine { height: 1; width: 1fr; }
    """

    _last_strip: Strip | None = None

    def styled_text(self, width: int) -> StyledText:
        """Return the text of the line for so many cells. What is too long is cut with an ellipsis."""
        raise NotImplementedError

    def refresh_if_changed(self) -> None:
        """Paint the line again if it looks different now."""
        if self.is_attached and self.size and (self._last_strip is None or self._strip() != self._last_strip):
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """Render the line, and blank ones below it."""
        if y:
            return Strip.blank(self.size.width, self.rich_style)
        self._last_strip = self._strip()
        return self._last_strip

    def _strip(self) -> Strip:
        width, base = self.size.width, self.rich_style
        styled = [(text, base + self._resolve(style) if style else base) for text, style in self.styled_text(width)]
        return Strip([Segment(text, style) for text, style in fit_styled(styled, width, fill=base)], width)

    def _resolve(self, style: str) -> RichStyle:
        return self.app.stylesheet.parse_style(style).rich_style
