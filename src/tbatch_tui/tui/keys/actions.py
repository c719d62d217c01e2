"""Every action of a screen, possible just now or not: what the key bar, `?` and the palette list."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tbatch_tui.tui.keys import bindings as keys
from tbatch_tui.tui.keys import keymap
from tbatch_tui.tui.keys.hints import fill_keys
from tbatch_tui.tui.textual_private import bound_keys

if TYPE_CHECKING:
    from textual.screen import Screen

GROUPS = (keys.JOB, keys.FILE, keys.LIST, keys.ANSWER, keys.APP, keys.MOVE)
"""The groups in the order in which they are listed: actions before movement."""
_RARE = "super+"
"""How the keys of a Mac begin that few terminals send; they are listed only where an action has no other."""
_ORDER = {binding.id: index for index, binding in reversed(list(enumerate(keys.ALL)))}
_RANKS = {group.description: rank for rank, group in enumerate(GROUPS)}


class ScreenAction(NamedTuple):
    """One action of a screen."""

    id: str
    key: str
    """The key to press, as Textual names it: `question_mark`."""
    displays: tuple[str, ...]
    """All its keys as they are displayed: `?`."""
    description: str
    tooltip: str
    group: str
    show: bool
    """Whether the key bar has it also where there is little room."""
    enabled: bool
    """Whether it is possible just now."""
    action: str
    """Its name in the code, without parameters: `cancel_job`."""


def screen_actions(screen: Screen[object]) -> list[ScreenAction]:
    """Return the actions that the keys of this screen and of its focused widget stand for, in the order of `keys.ALL`.

    Textual's own are left out, and so are keys that the focused widget takes for text.
    """
    active = screen.active_bindings
    by_id: dict[str, ScreenAction] = {}
    for binding in sorted(bound_keys(screen), key=keymap.key_rank):
        if binding.system or not (binding.id or (binding.show and binding.description)):
            continue
        name, now = binding.id or binding.action, active.get(binding.key)
        enabled = now is not None and now.enabled and now.binding.action == binding.action
        display = screen.app.get_key_display(binding)
        if display.startswith(_RARE) and name in by_id:
            continue
        known = by_id.get(name)
        if known is not None and (known.enabled or not enabled):
            if enabled is known.enabled and display not in known.displays:
                by_id[name] = known._replace(displays=(*known.displays, display))
            continue
        tooltip = (now.tooltip if now is not None and enabled else "") or binding.tooltip
        group = binding.group.description if binding.group is not None else ""
        action = binding.action.partition("(")[0].rpartition(".")[2]
        by_id[name] = ScreenAction(
            name, binding.key, (display,), binding.description, tooltip, group, binding.show, enabled, action
        )
    return sorted(by_id.values(), key=lambda action: _ORDER.get(action.id, len(_ORDER)))


def grouped(actions: list[ScreenAction]) -> dict[str, list[ScreenAction]]:
    """Return the actions by group, actions before movement."""
    names = sorted(dict.fromkeys(action.group for action in actions), key=lambda name: _RANKS.get(name, -1))
    return {name: [action for action in actions if action.group == name] for name in names}


def reason_of(screen: Screen[object], action: ScreenAction) -> str:
    """Return why an action is not possible right now, in a few words; empty if it is, or nothing more is known."""
    explain = getattr(screen, "disabled_reason", None)
    return fill_keys(explain(action.action)) if explain is not None and not action.enabled else ""


def help_of(screen: Screen[object], action: ScreenAction) -> str:
    """Return what an action does and, where it is not possible right now, why not: `Decide … · Nothing to decide`."""
    reason = reason_of(screen, action)
    return f"{action.tooltip} · {reason}" if reason else action.tooltip
