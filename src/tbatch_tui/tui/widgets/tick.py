"""A line that can be ticked: `[x] 17  ↻ retryable  Request timed out`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import events
from textual.binding import BindingType
from textual.message import Message

from tbatch_tui.tui import keys
from tbatch_tui.tui.widgets.one_line import OneLine, Pieces


class Tick(OneLine, can_focus=True):
    """One thing to be chosen or not. Its words pass the gate when they are drawn."""

    BINDINGS: ClassVar[list[BindingType]] = [keys.TICK]
    DEFAULT_CSS = """
    Tick { pointer: pointer; &:focus { background: $cursor-row; } }
    """

    class Changed(Message):
        """It was ticked, or is not any more."""

    def __init__(self, words: Sequence[tuple[str, str]], *, on: bool, id: str | None = None) -> None:
        super().__init__(id=id)
        self.on = on
        self._words = tuple(words)

    def pieces(self, width: int) -> Pieces:
        box: Pieces = [("[", "$status-quiet"), ("x" if self.on else " ", "bold $accent-text"), ("] ", "$status-quiet")]
        return [*box, *self._words]

    def set(self, on: bool) -> None:
        """Tick it, or not."""
        if on is not self.on:
            self.on = on
            self.changed()
            self.post_message(self.Changed())

    def action_tick(self) -> None:
        self.set(not self.on)

    def on_click(self, event: events.Click) -> None:
        event.stop()
        self.action_tick()
