"""The line on which a path is typed, completed or dropped. It shows a harmless text, and means the exact path."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message
from textual.suggester import Suggester

from tbatch_tui.tui.keys import bindings as keys
from tbatch_tui.tui.sanitize import line
from tbatch_tui.tui.screens.pick.typed_path import pasted_path
from tbatch_tui.tui.widgets.text_input import TextInput

if TYPE_CHECKING:
    from textual import events

Complete = Callable[[str], Awaitable[str | None]]
"""Returns what completes a half-typed path; None if nothing begins so."""


class PathInput(TextInput):
    """One line for a path. Tab or → takes the ghost text, Enter takes the path, ↓ goes to the list."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "submit", "Select", tooltip="Select this file, or open this folder", id="go.on"),
        Binding("tab", "complete", "Complete", tooltip="Accept the completion, or go to the list"),
        Binding("down", "leave", "List", tooltip="Go to the list", show=False),
        keys.FILTER_CLEAR,
    ]

    class Left(Message):
        """The person goes on to the list."""

        def __init__(self, cleared: bool) -> None:
            super().__init__()
            self.cleared = cleared
            """Whether the text was cleared."""

    def __init__(self, complete: Complete, *, placeholder: str = "", id: str | None = None) -> None:
        """`complete` is asked for the ghost text with every key."""
        super().__init__(placeholder=placeholder, id=id)
        self._exact_texts: dict[str, str] = {}
        """By the text shown, the text that was pasted or completed, where the two differ."""
        self.suggester = _Completer(complete, self)

    @property
    def path_text(self) -> str:
        """The exact path: differs from `value` where that cannot be drawn."""
        return self.exact_text(self.value)

    def exact_text(self, shown: str) -> str:
        """Return the exact text for a text shown; what was typed after a paste is added to it."""
        for known, exact in self._exact_texts.items():
            if shown.startswith(known):
                return exact + shown[len(known) :]
        return shown

    def shown_text(self, exact: str) -> str:
        """Return what is shown of a path, and remember the path for it."""
        if (shown := line(exact)) != exact:
            self._exact_texts[shown] = exact
        return shown

    def set_path(self, path: str) -> None:
        """Show this path, with the cursor behind it."""
        self.value = self.shown_text(path)
        self.cursor_position = len(self.value)

    def on_paste(self, event: events.Paste) -> None:
        """Take a dropped file, which the terminal pastes with its own quotes or escapes."""
        event.stop()
        event.prevent_default()
        path = pasted_path(event.text)
        if path and path != event.text.strip():
            self.set_path(path)  # it was quoted: a whole path, not a piece of one
        elif path:
            self.insert_text_at_cursor(self.shown_text(path))

    def action_complete(self) -> None:
        """Take the ghost text, as → does at the end of the line."""
        before = self.value
        self.action_end()
        self.action_cursor_right()
        if self.value == before:
            self.action_leave()

    def action_leave(self) -> None:
        """Go to the list; the text stays."""
        self.post_message(self.Left(cleared=False))

    def action_clear(self) -> None:
        """Clear the text, and go to the list."""
        self._exact_texts.clear()
        self.value = ""
        self.post_message(self.Left(cleared=True))


class _Completer(Suggester):
    """Completes by asking the owner; nothing is cached, because folders change."""

    def __init__(self, complete: Complete, path_input: PathInput) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._complete = complete
        self._input = path_input

    async def get_suggestion(self, value: str) -> str | None:
        if not value:
            return None
        completion = await self._complete(self._input.exact_text(value))
        if completion is None:
            return None
        shown = self._input.shown_text(completion)
        return shown if shown.startswith(value) else None
