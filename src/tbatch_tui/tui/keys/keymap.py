"""A user's own keys: check a keymap and report what is wrong with it, because Textual ignores that silently.

Unknown ids, keys that do not exist and clashes each get a message, and the default key stays.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from textual.keys import KEY_NAME_REPLACEMENTS, KEY_TO_UNICODE_NAME, Keys, key_to_character

from tbatch_tui.tui.keys.bindings import ALL, CONTEXTS, FORM_NEXT, FORM_PREVIOUS, TICK, KeyContext
from tbatch_tui.tui.textual_private import key_of_character

if TYPE_CHECKING:
    from collections.abc import Mapping

    from textual.binding import Binding

_RESERVED = {
    "tab": "moves between fields",
    "shift+tab": "moves between fields",
    "ctrl+c": "is used by the terminal",
    "ctrl+q": "always quits",
    "ctrl+i": "is Tab to a terminal",
    "ctrl+m": "is Enter to a terminal",
    "ctrl+h": "is Backspace to a terminal",
    "ctrl+left_square_bracket": "is Escape to a terminal",
}
_OUTSIDE_FIELDS = {TICK.id, FORM_NEXT.id, FORM_PREVIOUS.id}
"""Actions of a form that a text field does not pass on: a character may be their key."""
_WHILE_TYPING = frozenset(
    action_id
    for action_id, contexts in CONTEXTS.items()
    if contexts <= {KeyContext.FILTERING, KeyContext.FORM} and action_id not in _OUTSIDE_FIELDS
)
"""Actions that work while the user types: no character can be their key."""
_MODIFIERS = frozenset({"ctrl", "shift", "alt", "super", "meta", "hyper"})
_NAMED_KEYS = (
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


def normalize_key(key: str) -> str | None:
    """Spell a key as Textual does (`?` → `question_mark`, `shift+a` → `A`); return None when there is no such key."""
    key = key.strip()
    if len(key) == 1:
        return key_of_character(key) if key.isprintable() and key != " " else None
    *modifiers, last = key.split("+")
    if len(last) == 1:
        if modifiers == ["shift"] and last.isalpha():
            return last.upper()
        last = key_of_character(last)
    elif last not in _NAMED_KEYS:
        return None
    if len(set(modifiers)) != len(modifiers) or not _MODIFIERS.issuperset(modifiers):
        return None
    return "+".join([*modifiers, last])


def binding_keys(binding: Binding, keymap: Mapping[str, str] | None = None) -> list[str]:
    """Return the keys of a binding, as remapped by `keymap` (id → keys)."""
    keys = (keymap or {}).get(binding.id or "", binding.key)
    return [normalize_key(key) or key.strip() for key in keys.split(",")]


def key_rank(binding: Binding) -> int:
    """Return the position of this key among its action's default keys, to show the first of them first.

    A remapped key is -1, and so comes before all defaults.
    """
    default = _default_keys().get(binding.id or "", ())
    return default.index(binding.key) if binding.key in default else -1


@cache
def _default_keys() -> dict[str, list[str]]:
    """Return the keys of each action by its id."""
    return {binding.id: binding_keys(binding) for binding in reversed(ALL) if binding.id}


_GIVES_WAY = frozenset({"results.compare", "request.try"})
"""Actions that came later than the keys of some people: who gave their key to another action keeps it there."""


def resolve_keymap(mapping: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """Return the valid part of a user's keymap, and a message for each entry that is not valid.

    Of two ids that want the same key on the same screen, the one written later loses. A remapped key never takes a
    default key from another action, unless that gives way.

    Args:
        mapping: id → keys, several separated by commas.
    """
    accepted: dict[str, str] = {}
    messages: list[str] = []
    for action_id, keys in mapping.items():
        if action_id not in CONTEXTS:
            messages.append(f"keys: there is no action {action_id!r}{_suggestion(action_id)}")
        elif message := _fault(action_id, keys):
            messages.append(f"keys: {action_id}: {message}; it stays {_default(action_id)}")
        else:
            accepted[action_id] = ",".join(normalize_key(key) or key for key in keys.split(","))
    while clash := _clash(accepted):
        loser, key, other, context = clash
        del accepted[loser]
        messages.append(f"keys: {loser}: {key!r} is {other} on {context} already; it stays {_default(loser)}")
    return accepted, messages


def _fault(action_id: str, keys: object) -> str | None:
    """Return what is wrong with the keys of one action, whatever else is mapped."""
    if not isinstance(keys, str) or not keys.strip():
        return "use one key, or several separated by commas"
    for key in keys.split(","):
        normal = normalize_key(key)
        if normal is None:
            return f"there is no key {key.strip()!r}"
        if normal in _RESERVED and not any(normal in binding_keys(each) for each in ALL if each.id == action_id):
            return f"{normal!r} {_RESERVED[normal]}"
        if action_id in _WHILE_TYPING and key_to_character(normal) is not None:
            return f"{key.strip()!r} would be typed into the line"
    return None


def _clash(accepted: dict[str, str]) -> tuple[str, str, str, KeyContext] | None:
    """Return the last remapped id whose key another id has in the same context: (id, key, the other id, context)."""
    effective = {binding.id: binding_keys(binding, accepted) for binding in ALL if binding.id}
    for action_id in reversed(accepted):
        for other, keys in effective.items():
            contexts = CONTEXTS[action_id] & CONTEXTS[other]
            if (
                other != action_id
                and other not in _GIVES_WAY
                and contexts
                and (both := [key for key in effective[action_id] if key in keys])
            ):
                return action_id, both[0], other, min(contexts)
    return None


def _default(action_id: str) -> str:
    return repr(next(binding.key for binding in ALL if binding.id == action_id))


def _suggestion(action_id: str) -> str:
    from difflib import get_close_matches

    near = get_close_matches(action_id, CONTEXTS, 1)
    return f"; did you mean {near[0]!r}?" if near else ""
