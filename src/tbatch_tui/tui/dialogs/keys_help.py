"""The dialog behind `?`: the keys of the current screen, as the person mapped them, and what each does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.cells import cell_len

from tbatch_tui.tui.dialogs.text_dialog import TextDialog
from tbatch_tui.tui.keys import bindings as keys
from tbatch_tui.tui.keys import keymap
from tbatch_tui.tui.widgets.reader.wrap import Block

if TYPE_CHECKING:
    from textual.screen import Screen


@dataclass(slots=True)
class _Entry:
    """One action: what it does, and its keys as they are displayed."""

    group: str
    description: str
    tooltip: str
    keys: list[str]


class KeysHelp(TextDialog):
    """Lists the active bindings of a screen. Make it while that screen is still the current one."""

    def __init__(self, screen: Screen[object], title: str = "") -> None:
        super().__init__(f"Keys of {title}" if title else "Keys", key_blocks(screen))


def key_blocks(screen: Screen[object]) -> list[Block]:
    """Return a heading for each group of keys and a line for each action that works now, in the order of `keys.ALL`."""
    by_name: dict[str, _Entry] = {}
    for active in sorted(screen.active_bindings.values(), key=lambda active: keymap.key_rank(active.binding)):
        binding = active.binding
        if not active.enabled or binding.system or not (binding.id or (binding.show and binding.description)):
            continue
        name = binding.id or binding.action
        group = binding.group.description if binding.group is not None else "Here"
        entry = by_name.setdefault(name, _Entry(group, binding.description, active.tooltip or binding.tooltip, []))
        display = screen.app.get_key_display(binding)
        if display not in entry.keys:
            entry.keys.append(display)
    order = {binding.id: index for index, binding in reversed(list(enumerate(keys.ALL)))}
    entries = [by_name[name] for name in sorted(by_name, key=lambda name: order.get(name, len(order)))]
    width = max((cell_len(" ".join(entry.keys)) for entry in entries), default=0) + 2
    name_width = max((cell_len(entry.description) for entry in entries), default=0) + 2
    blocks: list[Block] = []
    for group in dict.fromkeys(entry.group for entry in entries):
        blocks += [Block(), Block(group, "bold $accent-text")] if blocks else [Block(group, "bold $accent-text")]
        blocks += [_block(entry, width, name_width) for entry in entries if entry.group == group]
    return blocks


def _block(entry: _Entry, width: int, name_width: int) -> Block:
    shown = " ".join(entry.keys)
    lead = [
        (f"{shown}{' ' * (width - cell_len(shown))}", "bold"),
        (f"{entry.description}{' ' * (name_width - cell_len(entry.description))}", ""),
    ]
    return Block(entry.tooltip, "$status-quiet", indent=width + name_width, lead=lead)
