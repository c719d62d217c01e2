"""An input line whose text is always one harmless line, also when it was pasted."""

from __future__ import annotations

from textual.keys import KEY_NAME_REPLACEMENTS
from textual.widgets import Input

from tbatch_tui.tui.text import line


class TextInput(Input):
    """Textual's `Input` without its box, behind the gate."""

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

    def validate_value(self, value: str) -> str:
        """What is typed and pasted passes the gate too: it is drawn like everything else."""
        return line(value)

    def check_consume_key(self, key: str, character: str | None) -> bool:
        """As Textual's, which does not know that these keys are characters: they would stand in the footer."""
        return key in KEY_NAME_REPLACEMENTS.values() or super().check_consume_key(key, character)
