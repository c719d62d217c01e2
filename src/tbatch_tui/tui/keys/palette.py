"""The command palette: every key that works on this screen, by its name.

It is derived from the bindings, so it is never out of date.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from textual.command import DiscoveryHit, Hit, Hits, Provider

from tbatch_tui.tui.keys import bindings as keys

if TYPE_CHECKING:
    from collections.abc import Iterator


class KeyCommands(Provider):
    """Commands for the active bindings of the screen below the palette."""

    def _entries(self) -> Iterator[tuple[str, str, str]]:
        """Yield the key to press, the title and the tooltip of each action."""
        listed: set[str] = set()
        for active in self.screen.active_bindings.values():
            binding = active.binding
            name = binding.id or binding.action
            if not active.enabled or name in listed or name == keys.PALETTE.id or not binding.description:
                continue
            listed.add(name)
            display = self.app.get_key_display(binding)
            yield binding.key, f"{binding.description}  ({display})", binding.tooltip

    async def discover(self) -> Hits:
        """List every action before anything is typed."""
        for key, title, tooltip in self._entries():
            yield DiscoveryHit(title, partial(self.app.simulate_key, key), help=tooltip or None)

    async def search(self, query: str) -> Hits:
        """List the actions whose title matches."""
        matcher = self.matcher(query)
        for key, title, tooltip in self._entries():
            if (score := matcher.match(title)) > 0:
                yield Hit(score, matcher.highlight(title), partial(self.app.simulate_key, key), help=tooltip or None)
