"""An input whose text is always one harmless line, even when it was pasted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.segment import Segment
from textual.geometry import Region
from textual.keys import KEY_NAME_REPLACEMENTS
from textual.strip import Strip
from textual.widgets import Input

from tbatch_tui.tui.sanitize import ELLIPSIS, line

if TYPE_CHECKING:
    from textual.events import Paste


class TextInput(Input):
    """Textual's `Input` without its box, with sanitized text."""

    DEFAULT_CSS = """
    TextInput {
        border: none; height: 1; padding: 0; background: transparent; color: $foreground;
        &:focus { border: none; background: transparent; background-tint: transparent; }
        & > .input--placeholder, & > .input--suggestion { color: $status-quiet; }
    }
    """

    def __init__(self, value: str = "", *, placeholder: str = "", id: str | None = None) -> None:
        super().__init__(line(value), placeholder=line(placeholder), id=id, compact=True, select_on_focus=False)
        self.cursor_position = len(self.value)

    def on_focus(self) -> None:
        """Show the end of the text, where the cursor is."""
        at = Region(cell_len(self.value[: self.cursor_position]), 0, 1, 1)
        self.scroll_to_region(at, force=True, animate=False)

    def render_line(self, y: int) -> Strip:
        """Render as Textual does, with `…` at an edge that cuts the text, unless the cursor is there."""
        strip = super().render_line(y)
        text, room = self.value or self.placeholder, self.scrollable_content_region.width
        start = int(self.scroll_offset.x) if self.value else 0
        cursor = cell_len(self.value[: self.cursor_position]) - start if self.has_focus else -1
        edges = (0 if start else -1, room - 1 if cell_len(text) - start > room else -1)
        sign = self.rich_style + self.get_component_rich_style("input--placeholder", partial=True)
        for edge in edges:
            if y == 0 and edge >= 0 and edge != cursor:
                beyond = strip.crop(edge + 1)
                strip = Strip.join([strip.crop(0, edge), Strip([Segment(ELLIPSIS, sign)], 1), beyond])
        return strip

    def validate_value(self, value: str) -> str:
        """Sanitize what is typed or pasted."""
        return line(value)

    def check_consume_key(self, key: str, character: str | None) -> bool:
        """Claim the keys that type a character.

        Textual does not know that those of KEY_NAME_REPLACEMENTS do, and would list their bindings in the footer.
        """
        return key in KEY_NAME_REPLACEMENTS.values() or super().check_consume_key(key, character)


class LabelInput(TextInput):
    """An input that takes all lines of a paste, as one."""

    def on_paste(self, event: Paste) -> None:
        """Join the lines; Textual would take the first."""
        event.stop()
        event.prevent_default()
        text = " ".join(filter(None, map(str.strip, event.text.splitlines())))
        if self.selection.is_empty:
            self.insert_text_at_cursor(text)
        else:
            self.replace(text, *self.selection)
