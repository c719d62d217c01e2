"""The text of the Job screen, scrolled as one."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.containers import VerticalScroll

from tbatch_tui.tui.keys import bindings as keys

if TYPE_CHECKING:
    from textual.binding import BindingType


class JobText(VerticalScroll, inherit_bindings=False):
    """The text about a job, scrolled by the same keys as a list."""

    BINDINGS: ClassVar[list[BindingType]] = [*keys.MOVING]

    def action_cursor_down(self) -> None:
        """Scroll down by a line."""
        self.scroll_down(animate=False)

    def action_cursor_up(self) -> None:
        """Scroll up by a line."""
        self.scroll_up(animate=False)

    def action_page_down(self) -> None:
        """Scroll down by a page."""
        self.scroll_page_down(animate=False)

    def action_page_up(self) -> None:
        """Scroll up by a page."""
        self.scroll_page_up(animate=False)

    def action_cursor_top(self) -> None:
        """Scroll to the top."""
        self.scroll_home(animate=False)

    def action_cursor_bottom(self) -> None:
        """Scroll to the end."""
        self.scroll_end(animate=False)
