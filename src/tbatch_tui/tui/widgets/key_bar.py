"""The footer: the keys of the screen on one line, in one widget. What is not possible right now is greyed in its place.

It reads the screen's bindings, so it is right after every change of focus, of `check_action` and of the keymap. A click
on a key presses it. Keys that do not fit are dropped from the right, except for `? Keys`, which lists them all; where
there is room after that, it shows more of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from rich.cells import cell_len

from tbatch_tui.tui.keys import bindings as keys
from tbatch_tui.tui.keys.actions import screen_actions
from tbatch_tui.tui.sanitize import line, line_content
from tbatch_tui.tui.widgets.one_line import OneLine

if TYPE_CHECKING:
    from textual import events
    from textual.screen import Screen

    from tbatch_tui.tui.keys.actions import ScreenAction
    from tbatch_tui.tui.render.styled import StyledText

SEPARATOR = "  "
_NOT_LISTED = frozenset({keys.MOVE.description, keys.ANSWER.description})
"""Groups of which the bar has only the keys that it always has."""
_FIRST = 2
"""Keys that stand before those, so that a narrow bar has them too."""
_PAIRS = {keys.MORE_COLUMNS.id or "": keys.FEWER_COLUMNS.id or ""}
"""Keys that the bar shows with the one for the other direction, as one: `←→ Columns`."""
_ONLY_WHEN_POSSIBLE = frozenset({keys.TRY_DEMO.id})
"""What is no use to most people at any time: greyed it would only take room."""


class ShownKey(NamedTuple):
    """A key of the bar."""

    id: str
    key: str
    """As it is pressed: `question_mark`."""
    display: str
    """As it is displayed: `?`."""
    description: str
    tooltip: str
    enabled: bool

    @property
    def width(self) -> int:
        """Cells of key and description."""
        return cell_len(self.display) + (cell_len(self.description) + 1 if self.description else 0)


class KeyBar(OneLine):
    """The footer of a screen: ` n New  ⏎ Open  c Cancel  ? Keys                     ^p`."""

    DEFAULT_CSS = """
    KeyBar { dock: bottom; color: $status-quiet; pointer: default; }
    """

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._shown: list[ShownKey] = []
        self._extra: set[str] = set()
        """The ids of those that are shown only where there is much room."""
        self._labels: dict[str, str] = {}
        self._taken: set[str] = set()
        """The ids of those whose key the focused widget takes, to do the same."""
        self._spans: list[tuple[int, int, ShownKey]] = []

    def relabel(self, action_id: str, description: str, *, is_taken: bool = False) -> None:
        """Give a key another description for now: `f Active` instead of `f Show`.

        Args:
            action_id: The id of its binding.
            description: What it does.
            is_taken: Whether the focused widget takes the key and does just that with it.
        """
        self._labels[action_id] = line(description)
        (self._taken.add if is_taken else self._taken.discard)(action_id)
        self._collect()

    def on_mount(self) -> None:
        """Follow the screen's bindings from now on."""
        self.screen.bindings_updated_signal.subscribe(self, self._bindings_changed)
        self._collect()

    def _bindings_changed(self, screen: Screen[object]) -> None:
        if screen is self.screen and self.app.app_focus:
            self._collect()

    def _collect(self) -> None:
        """Read the actions of the screen, in the order of `keys.ALL`; what is not possible stays in its place."""
        if not self.is_attached:
            return
        actions = [
            action._replace(enabled=True) if action.id in self._taken else action
            for action in screen_actions(self.screen)
        ]
        if any(action.id == keys.FILTER_CLEAR.id and action.enabled for action in actions):
            actions = [action for action in actions if action.id != keys.BACK.id]  # the same key clears the filter
        displays = {action.id: action.displays[0] for action in actions}
        shown = [
            ShownKey(
                action.id,
                action.key,
                displays.get(_PAIRS.get(action.id, ""), "") + displays[action.id],
                self._labels.get(action.id, action.description) if action.enabled else action.description,
                action.tooltip,
                action.enabled,
            )
            for action in actions
            if _is_listed(action) and not (action.id in _PAIRS.values() and displays.keys() & _PAIRS.keys())
        ]
        rare = [key for key in shown if key.id in _ONLY_WHEN_POSSIBLE]
        others = [key for key in shown if key.id not in _ONLY_WHEN_POSSIBLE]
        shown = [*others[:_FIRST], *rare, *others[_FIRST:]]
        extra = {action.id for action in actions if not action.show}
        if (shown, extra) != (self._shown, self._extra):
            self._shown, self._extra = shown, extra
            self.refresh_if_changed()

    def styled_text(self, width: int) -> StyledText:
        """Show as many keys as fit, help always, and the palette's key in the corner."""
        palette = next((key for key in self._shown if key.id == keys.PALETTE.id), None)
        help_keys = [key for key in self._shown if key.id == keys.HELP.id]
        others = [key for key in self._shown if key is not palette and key.id not in self._extra]
        others = [key for key in others if key not in help_keys]
        extra = [key for key in self._shown if key is not palette and key.id in self._extra]
        corner = cell_len(palette.display) + len(SEPARATOR) if palette else 0
        needed = 1 + sum(key.width + len(SEPARATOR) for key in [*others, *help_keys, *extra])
        while (others or extra) and needed + corner > width:
            needed -= (extra or others).pop().width + len(SEPARATOR)
        text: StyledText = [(" ", "")]
        self._spans, x = [], 1
        for key in [*others, *help_keys, *extra]:
            dim = "" if key.enabled else " dim"
            text.append((key.display, f"bold $accent-text{dim}"))
            text.append((f" {key.description}" if key.description else "", f"$status-quiet{dim}"))
            text.append((SEPARATOR, ""))
            self._spans.append((x, x + key.width, key))
            x += key.width + len(SEPARATOR)
        if palette and x + corner <= width:
            text.append((" " * (width - x - corner + 1), ""))
            text.append((palette.display, "bold $accent-text"))
            self._spans.append((width - corner + 1, width, palette))
        return text

    def _at(self, x: int) -> ShownKey | None:
        return next((key for start, end, key in self._spans if start <= x < end), None)

    def on_click(self, event: events.Click) -> None:
        """Press the clicked key; one that is disabled says why."""
        if (key := self._at(event.x)) is not None:
            event.stop()
            self.app.simulate_key(key.key)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Show the tooltip of the key under the mouse."""
        key = self._at(event.x)
        tooltip = line_content(key.tooltip) if key is not None and key.tooltip else None
        if str(self.tooltip or "") != str(tooltip or ""):
            self.tooltip = tooltip


def _is_listed(action: ScreenAction) -> bool:
    """Return whether the bar has this action at all."""
    if action.id in _ONLY_WHEN_POSSIBLE and not action.enabled:
        return False
    return action.show or action.id == keys.PALETTE.id or action.group not in _NOT_LISTED
