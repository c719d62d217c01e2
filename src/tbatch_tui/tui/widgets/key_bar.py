"""The footer: the keys that work right now, on one line, in one widget.

It reads the screen's active bindings, so it is right after every change of focus, of `check_action` and of the keymap.
A click on a key presses it. Keys that do not fit are dropped from the right, except for `? Keys`, which lists them all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from rich.cells import cell_len

from tbatch_tui.tui.keys import bindings as keys
from tbatch_tui.tui.keys import keymap
from tbatch_tui.tui.sanitize import line, line_content
from tbatch_tui.tui.widgets.one_line import OneLine

if TYPE_CHECKING:
    from textual import events
    from textual.screen import Screen

    from tbatch_tui.tui.render.styled import StyledText

SEPARATOR = "  "
_ORDER = {binding.id: index for index, binding in reversed(list(enumerate(keys.ALL)))}


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
        self._labels: dict[str, str] = {}
        self._spans: list[tuple[int, int, ShownKey]] = []

    def relabel(self, action_id: str, description: str) -> None:
        """Give a key another description for now: `f Active` instead of `f Show`."""
        self._labels[action_id] = line(description)
        self._collect()

    def on_mount(self) -> None:
        """Follow the screen's bindings from now on."""
        self.screen.bindings_updated_signal.subscribe(self, self._bindings_changed)
        self._collect()

    def _bindings_changed(self, screen: Screen[object]) -> None:
        if screen is self.screen and self.app.app_focus:
            self._collect()

    def _collect(self) -> None:
        """Read the active bindings: one key for each action, in the order of `keys.ALL`."""
        if not self.is_attached:
            return
        by_action: dict[str, ShownKey] = {}
        active_keys = sorted(self.screen.active_bindings.values(), key=lambda active: keymap.key_rank(active.binding))
        for active in active_keys:
            binding = active.binding
            name = binding.id or binding.action
            if name in by_action or not (binding.show or name == keys.PALETTE.id):
                continue
            by_action[name] = ShownKey(
                name,
                binding.key,
                self.app.get_key_display(binding),
                self._labels.get(name, binding.description),
                binding.tooltip,
                active.enabled,
            )
        self._shown = sorted(by_action.values(), key=lambda shown: _ORDER.get(shown.id, len(_ORDER)))
        self.refresh_if_changed()

    def styled_text(self, width: int) -> StyledText:
        """Show as many keys as fit, help always, and the palette's key in the corner."""
        palette = next((key for key in self._shown if key.id == keys.PALETTE.id), None)
        help_keys = [key for key in self._shown if key.id == keys.HELP.id]
        others = [key for key in self._shown if key is not palette and key not in help_keys]
        corner = cell_len(palette.display) + len(SEPARATOR) if palette else 0

        def needed() -> int:
            return 1 + sum(key.width + len(SEPARATOR) for key in [*others, *help_keys])

        while others and needed() + corner > width:
            others.pop()
        text: StyledText = [(" ", "")]
        self._spans, x = [], 1
        for key in [*others, *help_keys]:
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
        """Press the clicked key; ring the bell if it is disabled."""
        if (key := self._at(event.x)) is not None:
            event.stop()
            if key.enabled:
                self.app.simulate_key(key.key)
            else:
                self.app.bell()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Show the tooltip of the key under the mouse."""
        key = self._at(event.x)
        tooltip = line_content(key.tooltip) if key is not None and key.tooltip else None
        if str(self.tooltip or "") != str(tooltip or ""):
            self.tooltip = tooltip
