"""A scroll view of lines below a header, of which only those that changed are painted again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from textual.geometry import Region, Size
from textual.scroll_view import ScrollView

if TYPE_CHECKING:
    from textual.strip import Strip

HEADER = 1
"""Lines of the header; a view without lines has none."""


class LineScrollView(ScrollView):
    """A scroll view whose subclass renders the lines, each by its place on the screen."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._line_count = 0
        self._last_strips: dict[int, Strip] = {}

    def strip_at(self, y: int) -> Strip:
        """Return line `y` of the screen as it looks now; the header is line 0."""
        raise NotImplementedError

    def render_line(self, y: int) -> Strip:
        """Render a line of the screen, and remember it, so that it is painted again only when it changes."""
        self._last_strips[y] = strip = self.strip_at(y)
        return strip

    def refresh_changed_lines(self) -> None:
        """Paint those lines of the screen again that look different now."""
        if not self.is_attached or not self.size:
            return
        for y in range(self.size.height):
            last, strip = self._last_strips.get(y), self.strip_at(y)
            if last is not strip and last != strip:
                self.refresh(Region(0, y, self.size.width, 1))

    def on_focus(self) -> None:
        """Show that the keyboard is here."""
        self.refresh_changed_lines()

    def on_blur(self) -> None:
        """Show that the keyboard is elsewhere."""
        self.refresh_changed_lines()

    @property
    def page_height(self) -> int:
        """How many lines are on the screen below the header."""
        return max(1, self.scrollable_content_region.height - HEADER)

    @property
    def top_line(self) -> int:
        """The first line below the header."""
        return round(self.scroll_y)

    def set_line_count(self, count: int) -> None:
        """Have so many lines to scroll over, the header not counted."""
        self._line_count = count
        height = count + HEADER if count else 0
        if self.virtual_size.height != height:
            self.virtual_size = Size(0, height)

    def scroll_to_line(self, line: int) -> None:
        """Put this line first below the header, or as near to it as the last page allows."""
        bottom = max(0, self._line_count - self.page_height)
        self.scroll_to(y=min(max(0, line), bottom), animate=False, force=True)

    def bring_into_view(self, line: int) -> None:
        """Scroll as little as shows this line."""
        if not self.is_attached or not self.size:
            return
        if line < self.top_line:
            self.scroll_to_line(line)
        elif line >= self.top_line + self.page_height:
            self.scroll_to_line(line - self.page_height + 1)
