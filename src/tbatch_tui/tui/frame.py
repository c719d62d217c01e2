"""What every screen has: its name at the top left, its keys at the bottom, and the way back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widgets import Static

from tbatch_tui.tui import keys
from tbatch_tui.tui.messages import GoBack
from tbatch_tui.tui.widgets.header_line import HeaderLine
from tbatch_tui.tui.widgets.job_foot import pieces_content
from tbatch_tui.tui.widgets.key_bar import KeyBar
from tbatch_tui.tui.widgets.rule import Rule
from tbatch_tui.tui.widgets.selecting import Selecting


class Frame(Selecting[None]):
    """Base of the screens. A subclass sets `NAME` and composes its `body`."""

    NAME: ClassVar[str]
    BINDINGS: ClassVar[list[BindingType]] = [keys.BACK]
    HORIZONTAL_BREAKPOINTS = [  # noqa: RUF012 - declared by Screen
        (0, "-narrow"),
        (80, "-normal"),
        (130, "-wide"),
    ]
    DEFAULT_CSS = """
    Frame { background: $background; color: $foreground; }
    """

    def compose(self) -> ComposeResult:
        yield HeaderLine(self.NAME, id="header")
        yield Rule()
        yield from self.body()
        yield KeyBar()

    def body(self) -> ComposeResult:
        """What stands between the header and the keys."""
        raise NotImplementedError

    @property
    def header(self) -> HeaderLine:
        return self.query_one("#header", HeaderLine)

    @staticmethod
    def set_pieces(static: Static, pieces: Sequence[tuple[str, str]]) -> None:
        """Show text with styles. The text has passed the gate where the pieces were made."""
        static.update(pieces_content(list(pieces)))

    def action_back(self) -> None:
        """Back to where the person came from."""
        self.post_message(GoBack())
