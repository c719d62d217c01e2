"""The command palette: every action of the screen, by its name, also those that are not possible right now.

It is derived from the bindings, so it is never out of date.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content

from tbatch_tui.tui.keys import bindings as keys
from tbatch_tui.tui.keys.actions import grouped, help_of, reason_of, screen_actions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NOT_NOW = "Not possible right now"
_LESS = 0.2
"""By how much what is not possible ranks lower in a search."""


class KeyCommands(Provider):
    """Commands for the actions of the screen below the palette: of each group in turn, movement last."""

    def _entries(self) -> Iterator[tuple[str, str, str, bool, Callable[[], object]]]:
        """Yield title, what is matched, help, whether it is possible, and what to call, of each action."""
        for group, actions in grouped(screen_actions(self.screen)).items():
            for action in actions:
                if action.id == keys.PALETTE.id or not action.description:
                    continue
                title = f"{action.description}  ({' '.join(action.displays)})"
                text, reason = help_of(self.screen, action), reason_of(self.screen, action)
                if action.enabled:
                    yield title, group, text, True, partial(self.app.simulate_key, action.key)
                else:
                    refuse = partial(self.app.notify, reason or NOT_NOW, markup=False)
                    yield title, group, text, False, refuse
            if group == keys.APP.description:
                yield "Theme", group, "Change theme", True, self.app.action_change_theme

    async def discover(self) -> Hits:
        """List every action before anything is typed."""
        for title, group, text, is_possible, command in self._entries():
            shown = Content.styled(title, "" if is_possible else "dim")
            yield DiscoveryHit(shown, command, text=f"{group} {title}", help=text or None)

    async def search(self, query: str) -> Hits:
        """List the actions whose title matches."""
        matcher = self.matcher(query)
        for title, _, text, is_possible, command in self._entries():
            if (score := matcher.match(title)) > 0:
                shown = matcher.highlight(title)
                if not is_possible:
                    score, shown = score * (1 - _LESS), shown.stylize("dim")
                yield Hit(score, shown, command, text=title, help=text or None)
