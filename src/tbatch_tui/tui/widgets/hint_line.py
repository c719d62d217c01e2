"""A line that explains a screen the first time the user opens it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tbatch_tui.tui.widgets.one_line import OneLine

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.screen import Screen

    from tbatch_tui.tui.render.styled import StyledText


class HintLine(OneLine):
    """`  ▸ Every job of this key. n takes a file …   H hides this`.

    The tail stays where there is little room.
    """

    DEFAULT_CSS = """
    HintLine { dock: bottom; margin-bottom: 1; background: $panel; color: $foreground; }
    """

    def __init__(self, texts: Callable[[], tuple[str, str]], key: str) -> None:
        """Make a hint.

        Args:
            texts: Returns the explanation, and what is shown where that does not fit.
            key: The key that hides the line, as it is displayed.
        """
        super().__init__()
        self._texts, self._key = texts, key
        self._text, self._short = texts()

    def on_mount(self) -> None:
        """Follow what is possible on the screen."""
        self.screen.bindings_updated_signal.subscribe(self, self._bindings_changed)

    def _bindings_changed(self, screen: Screen[object]) -> None:
        if screen is self.screen:
            self._text, self._short = self._texts()
            self.refresh_if_changed()

    def styled_text(self, width: int) -> StyledText:
        """Show the explanation, or its short form, and how to hide it."""
        tail = f"   {self._key} hides this "
        text = self._text if len(self._text) + len(tail) + 3 <= width else self._short
        gap = max(0, width - len(text) - len(tail) - 3)
        return [(" ▸ ", "$accent-text"), (text, ""), (" " * gap, ""), (tail, "$status-quiet")]
