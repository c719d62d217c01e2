"""Keys in texts: a text names an action, `{job.cancel}`, and the user reads the key that they have mapped to it."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from textual.keys import format_key

from tbatch_tui.tui.keys import bindings as keys
from tbatch_tui.tui.keys.keymap import binding_keys
from tbatch_tui.tui.textual_private import current_app

if TYPE_CHECKING:
    from textual.binding import Binding

_ACTION = re.compile(r"\{([a-z]+\.[a-z-]+)(?::[a-z]+)?\}")


def key_display(binding: Binding) -> str:
    """Return the first key of an action as the running app displays it; without an app, the default key."""
    app = current_app()
    key = binding_keys(binding, getattr(app, "custom_keys", None))[0]
    return format_key(key) if app is None else app.get_key_display(replace(binding, key=key))


def fill_keys(text: str) -> str:
    """Replace each `{action.id}` in the text by its key. Anything else in braces stays as it is."""
    return _ACTION.sub(_replacement, text) if "{" in text else text


def _replacement(match: re.Match[str]) -> str:
    binding = next((binding for binding in keys.ALL if binding.id == match[1]), None)
    return key_display(binding) if binding is not None else match[0]
