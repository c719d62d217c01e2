"""An input line whose text is always one harmless line, also when it was pasted."""

from __future__ import annotations

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
        super().__init__(line(value), placeholder=line(placeholder), id=id, compact=True)

    def validate_value(self, value: str) -> str:
        """What is typed and pasted passes the gate too: it is drawn like everything else."""
        return line(value)
