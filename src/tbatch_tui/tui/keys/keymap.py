"""A person's own keys: what is wrong with them is said, because Textual ignores it in silence.

Unknown ids, keys that do not exist and clashes each get a message; where there is one, the default stays.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.keys import KEY_NAME_REPLACEMENTS, KEY_TO_UNICODE_NAME, Keys, key_to_character

from tbatch_tui.tui.keys.bindings import ALL, CONTEXTS, TICK, KeyContext
from tbatch_tui.tui.textual_private import key_of_character

if TYPE_CHECKING:
    from collections.abc import Mapping

    from textual.binding import Binding

_TAKEN = {
    "tab": "moves between fields",
    "shift+tab": "moves between fields",
    "ctrl+c": "is the terminal's",
    "ctrl+q": "always quits",
    "ctrl+i": "is Tab to a terminal",
    "ctrl+m": "is Enter to a terminal",
    "ctrl+h": "is Backspace to a terminal",
    "ctrl+left_square_bracket": "is Escape to a terminal",
}
_WHILE_TYPING = frozenset(
    id for id, places in CONTEXTS.items() if places <= {KeyContext.FILTERING, KeyContext.FORM} and id != TICK.id
)
"""What works while one writes: no character can be its key."""
_MODIFIERS = frozenset({"ctrl", "shift", "alt", "super", "meta", "hyper"})
_NAMED = (
    {key.value for key in Keys if "+" not in key.value and not key.value.startswith("<")}
    | set(KEY_TO_UNICODE_NAME)
    | set(KEY_NAME_REPLACEMENTS.values())
    | {
        "slash",
        "comma",
        "colon",
        "semicolon",
        "apostrophe",
        "asterisk",
        "ampersand",
        "tilde",
        "equals_sign",
        "full_stop",
    }
)


def normal_key(key: str) -> str | None:
    """A key as Textual spells it (`?` → `question_mark`, `shift+a` → `A`); None when there is no such key."""
    key = key.strip()
    if len(key) == 1:
        return key_of_character(key) if key.isprintable() and key != " " else None
    *modifiers, last = key.split("+")
    if len(last) == 1:
        if modifiers == ["shift"] and last.isalpha():
            return last.upper()
        last = key_of_character(last)
    elif last not in _NAMED:
        return None
    if len(set(modifiers)) != len(modifiers) or not _MODIFIERS.issuperset(modifiers):
        return None
    return "+".join([*modifiers, last])


def keys_of(binding: Binding, keymap: Mapping[str, str] | None = None) -> list[str]:
    """The keys of a binding, as remapped."""
    keys = (keymap or {}).get(binding.id or "", binding.key)
    return [normal_key(key) or key.strip() for key in keys.split(",")]


def key_rank(binding: Binding) -> int:
    """Which of an action's keys this one is, so that the first is shown first; a remapped one comes before all."""
    default = next((keys_of(one) for one in ALL if one.id == binding.id), [])
    return default.index(binding.key) if binding.key in default else -1


def resolve_keymap(mapping: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """The part of a person's keymap that can be had, and a message for each part that cannot: there the default stays.

    The mapping is id → keys, several separated by commas. Of two ids that want the same key on the same screen,
    the one written later loses; a default is never pushed out by a remapped key.
    """
    accepted: dict[str, str] = {}
    messages: list[str] = []
    for id, keys in mapping.items():
        if id not in CONTEXTS:
            messages.append(f"keys: there is no action {id!r}{_meant(id)}")
        elif message := _fault(id, keys):
            messages.append(f"keys: {id}: {message}; it stays {_default(id)}")
        else:
            accepted[id] = ",".join(normal_key(key) or key for key in keys.split(","))
    while clash := _clash(accepted):
        loser, key, other, place = clash
        del accepted[loser]
        messages.append(f"keys: {loser}: {key!r} is {other} on {place} already; it stays {_default(loser)}")
    return accepted, messages


def _fault(id: str, keys: object) -> str | None:
    """What is wrong with the keys of one action, whatever else is mapped."""
    if not isinstance(keys, str) or not keys.strip():
        return "a key is wanted, or several separated by commas"
    for key in keys.split(","):
        normal = normal_key(key)
        if normal is None:
            return f"there is no key {key.strip()!r}"
        if normal in _TAKEN and not any(normal in keys_of(one) for one in ALL if one.id == id):
            return f"{normal!r} {_TAKEN[normal]}"
        if id in _WHILE_TYPING and key_to_character(normal) is not None:
            return f"{key.strip()!r} would be typed into the line"
    return None


def _clash(accepted: dict[str, str]) -> tuple[str, str, str, KeyContext] | None:
    """The last remapped id whose key is another's on the same screen: (id, key, the other id, where)."""
    effective = {binding.id: keys_of(binding, accepted) for binding in ALL if binding.id}
    for id in reversed(accepted):
        for other, keys in effective.items():
            shared = CONTEXTS[id] & CONTEXTS[other]
            if other != id and shared and (both := [key for key in effective[id] if key in keys]):
                return id, both[0], other, min(shared)
    return None


def _default(id: str) -> str:
    return repr(next(binding.key for binding in ALL if binding.id == id))


def _meant(id: str) -> str:
    from difflib import get_close_matches

    near = get_close_matches(id, CONTEXTS, 1)
    return f"; did you mean {near[0]!r}?" if near else ""
