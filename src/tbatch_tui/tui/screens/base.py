"""The base of all screens: name at the top, keys at the bottom, and the way back."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

from tbatch_tui.tui.keys import bindings as keys
from tbatch_tui.tui.keys.hints import fill_keys
from tbatch_tui.tui.keys.keymap import binding_keys
from tbatch_tui.tui.messages import GoBack
from tbatch_tui.tui.render.styled import styled_content
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

_REPEAT_AFTER = 4.0
"""Seconds before the same reason is shown again: as long as its toast stays."""


class BaseScreen(SelectableScreen[None]):
    """A screen with a header line and a key bar. A subclass sets `NAME` and `bridge`, and composes its `body`."""

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

    _shown_reason = ""
    """The reason that was shown last, so that a key held down shows it once."""
    _shown_reason_at = 0.0

    def compose(self) -> ComposeResult:
        """Lay out header, body and keys."""
        yield HeaderLine(self.NAME, badge=lambda: getattr(self.app, "profile_badge", None), id="header")
        yield Divider()
        yield from self.body()
        yield KeyBar()

    def body(self) -> ComposeResult:
        """Compose what is between the header and the keys."""
        raise NotImplementedError

    @property
    def header(self) -> HeaderLine:
        """The line at the top."""
        return self.query_one("#header", HeaderLine)

    @staticmethod
    def update_static(static: Static, pieces: Sequence[tuple[str, str]]) -> None:
        """Show text with styles in a widget. The text must be safe for the screen."""
        static.update(styled_content(list(pieces)))

    @cached_property
    def _actions(self) -> dict[str, list[str]]:
        """The actions of each key on this screen, as the person mapped them."""
        custom_keys = getattr(self.app, "custom_keys", None)
        actions: dict[str, list[str]] = {}
        for binding in keys.ALL:
            if self.NAME in keys.CONTEXTS[binding.id or ""]:
                for key in binding_keys(binding, custom_keys):
                    actions.setdefault(key, []).append(binding.action.partition("(")[0])
        return actions

    def disabled_reason(self, _action: str) -> str:
        """Return why an action of this screen is disabled now; empty if it needs no explanation."""
        return ""

    def on_key(self, event: events.Key) -> None:
        """Explain why a bound key is disabled right now."""
        actions = self._actions.get(event.key, ())
        if not actions or event.key in self.active_bindings:
            return
        reason = next(filter(None, map(self.disabled_reason, actions)), "")
        if reason and (reason != self._shown_reason or event.time - self._shown_reason_at > _REPEAT_AFTER):
            self._shown_reason, self._shown_reason_at = reason, event.time
            self.bridge.notify(fill_keys(reason))

    def action_back(self) -> None:
        """Leave this screen."""
        self.post_message(GoBack())
