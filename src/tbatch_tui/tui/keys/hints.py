"""Keys in words: a text names an action, `{job.cancel}`, and what is shown is the key that the person has for it."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from textual.keys import format_key

from tbatch_tui.tui.keys import bindings as keys
from tbatch_tui.tui.keys.keymap import keys_of
from tbatch_tui.tui.textual_private import current_app

if TYPE_CHECKING:
    from textual.binding import Binding

_NAMED = re.compile(r"\{([a-z]+\.[a-z-]+)\}")


def shown_key(binding: Binding) -> str:
    """The first key of an action, as it is shown to the person whose app this is; without an app, the default."""
    app = current_app()
    key = keys_of(binding, getattr(app, "custom_keys", None))[0]
    return format_key(key) if app is None else app.get_key_display(replace(binding, key=key))


def fill_keys(text: str) -> str:
    """The text with a key in the place of each action that it names by its id; anything else in braces stays."""
    return _NAMED.sub(_key, text) if "{" in text else text


def _key(found: re.Match[str]) -> str:
    binding = next((one for one in keys.ALL if one.id == found[1]), None)
    return shown_key(binding) if binding is not None else found[0]
