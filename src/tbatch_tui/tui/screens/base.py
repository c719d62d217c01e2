"""What every screen has: its name at the top left, its keys at the bottom, and the way back."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

from tbatch_tui.tui.keys import bindings as keys
from tbatch_tui.tui.keys.hints import fill_keys
from tbatch_tui.tui.keys.keymap import keys_of
from tbatch_tui.tui.messages import GoBack
from tbatch_tui.tui.render.styled import pieces_content
from tbatch_tui.tui.widgets.divider import Divider
from tbatch_tui.tui.widgets.header_line import HeaderLine
from tbatch_tui.tui.widgets.key_bar import KeyBar
from tbatch_tui.tui.widgets.reader.selectable import SelectableScreen

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual import events
    from textual.app import ComposeResult
    from textual.binding import BindingType
    from textual.widgets import Static

    from tbatch_tui.tui.bridge import Bridge

_SAID_AGAIN = 8.0
"""Seconds until the same refusal is said again: as long as it stands on the screen."""


class BaseScreen(SelectableScreen[None]):
    """Base of the screens. A subclass sets `NAME` and composes its `body`."""

    NAME: ClassVar[str]
    bridge: Bridge
    BINDINGS: ClassVar[list[BindingType]] = [keys.BACK]
    HORIZONTAL_BREAKPOINTS = [  # noqa: RUF012 - declared by Screen
        (0, "-narrow"),
        (80, "-normal"),
        (130, "-wide"),
    ]
    DEFAULT_CSS = """
    BaseScreen { background: $background; color: $foreground; }
    """

    _refused = ""
    """Why a key did nothing, as said last; a key that is held down says it once."""
    _refused_at = 0.0

    def compose(self) -> ComposeResult:
        yield HeaderLine(self.NAME, id="header")
        yield Divider()
        yield from self.body()
        yield KeyBar()

    def body(self) -> ComposeResult:
        """What stands between the header and the keys."""
        raise NotImplementedError

    @property
    def header(self) -> HeaderLine:
        return self.query_one("#header", HeaderLine)

    @staticmethod
    def update_static(static: Static, pieces: Sequence[tuple[str, str]]) -> None:
        """Show text with styles. The text has passed the gate where the pieces were made."""
        static.update(pieces_content(list(pieces)))

    @cached_property
    def _actions(self) -> dict[str, list[str]]:
        """What each key does on this screen, as remapped."""
        own = getattr(self.app, "custom_keys", None)
        found: dict[str, list[str]] = {}
        for binding in keys.ALL:
            if self.NAME in keys.CONTEXTS[binding.id or ""]:
                for key in keys_of(binding, own):
                    found.setdefault(key, []).append(binding.action.partition("(")[0])
        return found

    def disabled_reason(self, action: str) -> str:
        """Why an action of this screen cannot be done just now; empty where that needs no word."""
        return ""

    def on_key(self, event: events.Key) -> None:
        """A key whose action cannot be done just now says why: nothing is refused in silence."""
        actions = self._actions.get(event.key, ())
        if not actions or event.key in self.active_bindings:
            return
        why = next(filter(None, map(self.disabled_reason, actions)), "")
        if why and (why != self._refused or event.time - self._refused_at > _SAID_AGAIN):
            self._refused, self._refused_at = why, event.time
            self.bridge.notify(fill_keys(why))

    def action_back(self) -> None:
        """Back to where the person came from."""
        self.post_message(GoBack())
