"""Two answers side by side, with the words that differ."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.containers import Horizontal, VerticalScroll
from textual.widgets import Static

from tbatch_tui.engine.answers.word_diff import DiffPiece, word_diff
from tbatch_tui.tui.render.styled import styled_content
from tbatch_tui.tui.sanitize import lines

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import ComposeResult

    from tbatch_tui.tui.render.styled import StyledText

LONGEST = 20_000
"""Characters of an answer that are shown."""


class AnswerSide(VerticalScroll):
    """One of the two answers."""

    def compose(self) -> ComposeResult:
        """Lay out the text."""
        yield Static(markup=False)


class BothSides(Horizontal):
    """What both sides answered to one request."""

    DEFAULT_CSS = """
    BothSides {
        AnswerSide { width: 1fr; padding: 0 1; scrollbar-size-vertical: 1; }
        #second { border-left: solid $rule; }
    }
    """

    def compose(self) -> ComposeResult:
        """Lay out the two sides."""
        yield AnswerSide(id="first", can_focus=False)
        yield AnswerSide(id="second", can_focus=False)

    def show(self, names: tuple[str, str], pieces: tuple[Sequence[DiffPiece], Sequence[DiffPiece]]) -> None:
        """Show both texts in pieces, with a name above each."""
        for side, name, parts in zip(self.query(AnswerSide), names, pieces, strict=True):
            text: StyledText = [(lines(name), "$status-quiet"), ("\n", "")]
            text += [(lines(piece.text), "" if piece.is_same else "bold underline") for piece in parts]
            side.query_one(Static).update(styled_content(text))

    def clear(self) -> None:
        """Show nothing."""
        for side in self.query(AnswerSide):
            side.query_one(Static).update("")


def differing_words(first: str, second: str) -> tuple[list[DiffPiece], list[DiffPiece]]:
    """Return both texts in pieces, as far as they are shown. For a thread: long texts take a while."""
    first, second = (text if len(text) <= LONGEST else f"{text[:LONGEST]}…" for text in (first, second))
    if not first or not second:
        return [DiffPiece(first, True)], [DiffPiece(second, True)]
    return word_diff(first, second)
