"""A line of styled pieces: what headers, footers, rules and progress lines are made of. No child widgets, no markup."""

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
    """A widget of one line. A subclass says in `pieces` what stands on it; `changed` paints it if it is another."""

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    OneLine { height: 1; width: 1fr; }
    """

    _drawn: Strip | None = None

    def styled_text(self, width: int) -> StyledText:
        """What the line says in so many cells; too much of it is cut with an ellipsis."""
        raise NotImplementedError

    def refresh_if_changed(self) -> None:
        """Paint the line again if it says something else now."""
        if self.is_attached and self.size and (self._drawn is None or self._strip() != self._drawn):
            self.refresh()

    def render_line(self, y: int) -> Strip:
        if y:
            return Strip.blank(self.size.width, self.rich_style)
        self._drawn = self._strip()
        return self._drawn

    def _strip(self) -> Strip:
        width, base = self.size.width, self.rich_style
        styled = [(text, base + self._resolve(style) if style else base) for text, style in self.styled_text(width)]
        return Strip([Segment(text, style) for text, style in fit_styled(styled, width, fill=base)], width)

    def _resolve(self, style: str) -> RichStyle:
        return self.app.stylesheet.parse_style(style).rich_style
