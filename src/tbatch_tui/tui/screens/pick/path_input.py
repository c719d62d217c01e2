"""Where a path is typed, completed and dropped. What it draws is harmless; what it means is the exact path."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message
from textual.suggester import Suggester

from tbatch_tui.tui.keys import bindings as keys
from tbatch_tui.tui.sanitize import line
from tbatch_tui.tui.screens.pick.typed_path import pasted
from tbatch_tui.tui.widgets.text_input import TextInput

if TYPE_CHECKING:
    from textual import events

Complete = Callable[[str], Awaitable[str | None]]
"""What a half-typed path may become; None when nothing begins so."""


class PathInput(TextInput):
    """One line for a path. Tab or → takes the ghost text, Enter takes the path, ↓ goes to the list."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "submit", "Take it", tooltip="Take this file, or go into this folder", id="go.on"),
        Binding("tab", "complete", "Complete", tooltip="Take the completion; without one, go to the list"),
        Binding("down", "leave", "List", tooltip="To the list", show=False),
        keys.FILTER_CLEAR,
    ]

    class Left(Message):
        """The person goes on to the list; `cleared` when the text was given up."""

        def __init__(self, cleared: bool) -> None:
            super().__init__()
            self.cleared = cleared

    def __init__(self, complete: Complete, *, placeholder: str = "", id: str | None = None) -> None:
        super().__init__(placeholder=placeholder, id=id)
        self._exact: dict[str, str] = {}
        """What was pasted or completed, by what is shown of it, where the gate had to change it."""
        self.suggester = _Completer(complete, self)

    @property
    def path_text(self) -> str:
        """The path as it is meant: differs from `value` where that could not be drawn."""
        return self.exact(self.value)

    def exact(self, shown: str) -> str:
        """What is meant by a text on the line; also where it was typed on behind what was pasted."""
        for known, meant in self._exact.items():
            if shown.startswith(known):
                return meant + shown[len(known) :]
        return shown

    def remember(self, meant: str) -> str:
        """What can be shown of a path; the path itself is kept for it."""
        if (shown := line(meant)) != meant:
            self._exact[shown] = meant
        return shown

    def put(self, path: str) -> None:
        """Show this path, with the cursor behind it."""
        self.value = self.remember(path)
        self.cursor_position = len(self.value)

    def on_paste(self, event: events.Paste) -> None:
        """A dropped file comes as a paste, quoted or escaped as the terminal likes it."""
        event.stop()
        event.prevent_default()
        path = pasted(event.text)
        if path and path != event.text.strip():
            self.put(path)  # it was quoted: a whole path, not a piece of one
        elif path:
            self.insert_text_at_cursor(self.remember(path))

    def action_complete(self) -> None:
        """Take the ghost text, as → does at the end of the line."""
        before = self.value
        self.action_end()
        self.action_cursor_right()
        if self.value == before:
            self.action_leave()

    def action_leave(self) -> None:
        self.post_message(self.Left(cleared=False))

    def action_clear(self) -> None:
        self._exact.clear()
        self.value = ""
        self.post_message(self.Left(cleared=True))


class _Completer(Suggester):
    """Asks the owner; nothing is cached, because folders change."""

    def __init__(self, complete: Complete, input: PathInput) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._complete = complete
        self._input = input

    async def get_suggestion(self, value: str) -> str | None:
        if not value:
            return None
        found = await self._complete(self._input.exact(value))
        if found is None:
            return None
        shown = self._input.remember(found)
        return shown if shown.startswith(value) else None
