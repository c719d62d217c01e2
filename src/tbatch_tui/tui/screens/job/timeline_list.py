"""The timeline widget: the steps of a job under each other, drawn again only when one of them changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.segment import Segment
from textual.strip import Strip
from textual.widget import Widget

from tbatch_tui.tui.sanitize import fit_styled, line
from tbatch_tui.tui.widgets.reader.selection import DrawnSelection, paint_selection, selected_text, span_in

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.geometry import Size
    from textual.selection import Selection

    from tbatch_tui.tui.render.styled import StyledText


class TimelineList(Widget):
    """One line for each step; a line that is too long is cut with an ellipsis."""

    DEFAULT_CSS = """
    TimelineList { width: 1fr; height: auto; }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._lines: list[StyledText] = []

    def show(self, lines: Sequence[StyledText]) -> None:
        """Show these lines."""
        lines = list(lines)
        if lines != self._lines:
            self.refresh(layout=len(lines) != len(self._lines))
            self._lines = lines

    def get_content_height(self, _container: Size, _viewport: Size, _width: int) -> int:
        """Be as high as there are lines."""
        return max(1, len(self._lines))

    def render_line(self, y: int) -> Strip:
        """Draw one step."""
        width, base = self.size.width, self.rich_style
        pieces = [
            (text, base + self.app.stylesheet.parse_style(style).rich_style if style else base)
            for text, style in (self._lines[y] if y < len(self._lines) else [])
        ]
        segments = [Segment(text, style) for text, style in fit_styled(pieces, width, fill=base)]
        if y < len(self._lines) and (span := span_in(self.text_selection, y, self._drawn(y))) is not None:
            segments = list(paint_selection(segments, span, self.screen.get_component_rich_style("screen--selection")))
        return Strip(segments, width).apply_offsets(0, y)

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """Return the text that is selected with the mouse."""
        return selected_text(map(self._drawn, range(len(self._lines))), selection), "\n"

    def _drawn(self, y: int) -> DrawnSelection:
        return DrawnSelection("".join(line(text) for text, _ in self._lines[y]))
