"""The command palette: every key that works here, by name. Derived from the bindings, so it is never out of date."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from textual.command import DiscoveryHit, Hit, Hits, Provider

from tbatch_tui.tui.keys import bindings as keys

if TYPE_CHECKING:
    from collections.abc import Iterator


class KeyCommands(Provider):
    """The active bindings of the screen below the palette."""

    def _entries(self) -> Iterator[tuple[str, str, str]]:
        seen: set[str] = set()
        for active in self.screen.active_bindings.values():
            binding = active.binding
            name = binding.id or binding.action
            if not active.enabled or name in seen or name == keys.PALETTE.id or not binding.description:
                continue
            seen.add(name)
            shown = self.app.get_key_display(binding)
            yield binding.key, f"{binding.description}  ({shown})", binding.tooltip

    async def discover(self) -> Hits:
        for key, title, tooltip in self._entries():
            yield DiscoveryHit(title, partial(self.app.simulate_key, key), help=tooltip or None)

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for key, title, tooltip in self._entries():
            if (score := matcher.match(title)) > 0:
                yield Hit(score, matcher.highlight(title), partial(self.app.simulate_key, key), help=tooltip or None)
