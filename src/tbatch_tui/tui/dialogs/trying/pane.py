"""One side of a try: a title, and text that scrolls."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.containers import Vertical, VerticalScroll
from textual.widgets import Static

from tbatch_tui.tui.keys import bindings as keys
from tbatch_tui.tui.render.styled import styled_content
from tbatch_tui.tui.widgets.divider import Divider

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from tbatch_tui.tui.render.styled import StyledText


class _Scroll(VerticalScroll, can_focus=True, inherit_bindings=False):
    BINDINGS: ClassVar[list[BindingType]] = [*keys.MOVING]

    def action_cursor_down(self) -> None:
        self.scroll_down(animate=False)

    def action_cursor_up(self) -> None:
        self.scroll_up(animate=False)

    def action_cursor_top(self) -> None:
        self.scroll_home(animate=False)

    def action_cursor_bottom(self) -> None:
        self.scroll_end(animate=False)

    def action_page_down(self) -> None:
        self.scroll_page_down(animate=False)

    def action_page_up(self) -> None:
        self.scroll_page_up(animate=False)


class TryPane(Vertical):
    """A request, or an answer."""

    DEFAULT_CSS = """
    TryPane {
        height: 1fr; min-height: 3;
        _Scroll { height: 1fr; padding: 0 1; scrollbar-size-vertical: 1; }
        _Scroll:focus { background: $cursor-row 40%; }
    }
    """

    def __init__(self, title: str, *, id: str) -> None:
        super().__init__(id=id)
        self._heading = title

    def compose(self) -> ComposeResult:
        """Lay out title and text."""
        yield Divider(self._heading)
        with _Scroll():
            yield Static(markup=False)

    def show(self, title: str, text: StyledText) -> None:
        """Show a text, which must be safe for the screen, from its top."""
        self.query_one(Divider).set_title(title)
        self.query_one(Static).update(styled_content(text))
        self.query_one(_Scroll).scroll_home(animate=False)

    def focus_text(self) -> None:
        """Give the keys that move to the text."""
        self.query_one(_Scroll).focus()
