"""A text of several lines to write in, which is always harmless."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.keys import KEY_NAME_REPLACEMENTS
from textual.widgets import TextArea

from tbatch_tui.tui.sanitize import lines

if TYPE_CHECKING:
    from textual import events


class LinesArea(TextArea):
    """Lines to write in. What was set is returned as it was, also where it cannot be shown as it is."""

    DEFAULT_CSS = """
    LinesArea {
        width: 1fr; height: auto; min-height: 1; max-height: 8; border: none; padding: 0; background: $surface;
        scrollbar-size-vertical: 1;
        &:focus { border: none; background: $cursor-row; }
    }
    """

    def __init__(self, *, placeholder: str, id: str) -> None:
        """Make an empty text; `placeholder` is shown as long as it is empty."""
        super().__init__(placeholder=placeholder, id=id, compact=True, highlight_cursor_line=False, theme="css")
        self._given, self._shown = "", ""

    @property
    def value(self) -> str:
        """The text: what was set, unless it was changed since."""
        return self._given if self.text == self._shown else self.text

    def set_value(self, text: str) -> None:
        """Show a text, with the cursor at its end."""
        self._given, self._shown = text, lines(text)
        if self.text != self._shown:
            self.load_text(self._shown)
            self._shown = self.text
        self.move_cursor(self.document.end)

    def check_consume_key(self, key: str, character: str | None = None) -> bool:
        """Claim the keys that write: Enter too, and those that Textual does not know to do so."""
        return key == "enter" or key in KEY_NAME_REPLACEMENTS.values() or super().check_consume_key(key, character)

    def on_paste(self, event: events.Paste) -> None:
        """Take all lines, without what a terminal would obey."""
        event.stop()
        event.prevent_default()
        self.replace(lines("\n".join(event.text.splitlines())), *self.selection, maintain_selection_offset=False)
