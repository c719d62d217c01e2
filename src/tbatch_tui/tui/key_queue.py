"""One key after the other: a key goes where the keyboard is once everything before it has been done.

Textual sends each key on to the widget that has the focus when the key comes in. Of several keys in one read, by a slow
connection or a macro, all but the first would so go to where the keyboard was before the first had any effect.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING

from textual.app import App, ReturnType
from textual.events import Event, Key, Paste
from textual.message import Message
from textual.screen import ModalScreen

from tbatch_tui.tui.textual_private import TerminalDriver

if TYPE_CHECKING:
    from textual.driver import Driver
    from textual.screen import Screen
    from textual.widget import Widget

_SAME_READ = 0.005
"""Seconds between two keys of one read, at most, where the driver does not give them the same time."""
_ROUNDS = (2, 8)
"""How often to wait for the queues before the next key: a key may post a message, and that another one."""
_LOOK_AGAIN = 0.05
"""Seconds after which to look whether the widget that had the key is still there."""
_PATIENCE = 20
"""How often to look before the next key goes on in any case."""


class KeyDone(Message):
    """Follows a key through the queues from the focused widget up to the app, and so arrives there after it."""


class OrderedKeysApp(App[ReturnType]):
    """An app that deals with keys and pastes in order, and drops those that were meant for a dialog that has closed."""

    def __init__(self) -> None:
        super().__init__()
        self._waiting: deque[Key | Paste] = deque()
        self._awaited: KeyDone | None = None
        """What says that the last key is done; None when it is."""
        self._round = 0
        self._focus_before: tuple[Screen[object], Widget | None] | None = None
        self._last_time = float("-inf")
        self._last_dialog: ModalScreen[object] | None = None
        """The dialog that the last key went to, and when that was read."""

    def get_driver_class(self) -> type[Driver]:
        """Read the terminal in our own way, unless another driver is wanted."""
        wanted = super().get_driver_class()
        return TerminalDriver if wanted is TerminalDriver.__base__ else wanted

    async def on_event(self, event: Event) -> None:
        """Put keys and pastes of the terminal in the queue; all else goes on at once."""
        if isinstance(event, Key | Paste) and not event.is_forwarded:
            self._waiting.append(event)
            await self._deliver_waiting()
        else:
            await super().on_event(event)

    async def deliver(self, event: Key | Paste) -> None:
        """Send a key or a paste on to where the keyboard is."""
        await super().on_event(event)

    async def _deliver_waiting(self) -> None:
        while self._waiting and self._awaited is None:
            event = self._waiting.popleft()
            if self._belongs_to_closed_dialog(event):
                continue
            screen, focused = self.screen, self.focused
            self._last_time = event.time
            self._last_dialog = screen if isinstance(screen, ModalScreen) else None
            is_text = (
                isinstance(event, Key) and focused is not None and focused.check_consume_key(event.key, event.character)
            )
            await self.deliver(event)
            if not is_text:  # a character in an input has no effect on where the next one goes
                self._round = 0
                self._wait_for_queues()

    def _belongs_to_closed_dialog(self, event: Event) -> bool:
        """Return whether a key was read together with the one that closed the dialog."""
        dialog = self._last_dialog
        if dialog is None or dialog in self.screen_stack:
            return False
        return event.time - self._last_time < _SAME_READ

    def _wait_for_queues(self) -> None:
        """Send a message behind what has been posted so far."""
        screen, focused = self._focus_before = (self.screen, self.focused)
        target = focused or screen
        done = self._awaited = KeyDone()
        self._round += 1
        if target.post_message(done):
            asyncio.get_running_loop().call_later(_LOOK_AGAIN, self._look_again, done, target, _PATIENCE)
        else:
            self.post_message(done)

    def _look_again(self, done: KeyDone, target: Widget, left: int) -> None:
        """Go on without the message where it will not come: its widget has gone, or is busy for too long."""
        if self._awaited is not done or not self.is_running:
            return
        if left and target.is_attached and target.screen in self.screen_stack:
            asyncio.get_running_loop().call_later(_LOOK_AGAIN, self._look_again, done, target, left - 1)
        else:
            self.post_message(done)

    async def on_key_done(self, done: KeyDone) -> None:
        """Wait another round where the last one has changed where the keyboard is; else go on with the next key."""
        if done is not self._awaited or not self.screen_stack:  # the app is being left: there is nowhere to go on
            return
        at_least, at_most = _ROUNDS
        has_moved = self._focus_before != (self.screen, self.focused)
        if self._round < at_least or (has_moved and self._round < at_most):
            self._wait_for_queues()
            return
        self._awaited = self._focus_before = None
        await self._deliver_waiting()
