"""A line that says what a screen is for, the first time one is on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tbatch_tui.tui.widgets.one_line import OneLine

if TYPE_CHECKING:
    from tbatch_tui.tui.render.styled import StyledText


class HintLine(OneLine):
    """`  ▸ Every job of this key. n takes a file …   H hides this`; the tail stays when there is little room."""

    DEFAULT_CSS = """
    HintLine { dock: bottom; margin-bottom: 1; background: $panel; color: $foreground; }
    """

    def __init__(self, words: str, short: str, key: str) -> None:
        """`short` is said where `words` do not fit; `key` hides the line."""
        super().__init__()
        self._words, self._short, self._key = words, short, key

    def styled_text(self, width: int) -> StyledText:
        tail = f"   {self._key} hides this "
        words = self._words if len(self._words) + len(tail) + 3 <= width else self._short
        gap = max(0, width - len(words) - len(tail) - 3)
        return [(" ▸ ", "$accent-text"), (words, ""), (" " * gap, ""), (tail, "$status-quiet")]
