"""Several keys in one read, as a slow connection, a macro or a paste without brackets sends them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from textual._xterm_parser import XTermParser

if TYPE_CHECKING:
    from textual.app import App

ESCAPE = "\x1b[27u"
"""Escape as terminals with the Kitty keyboard protocol send it: nothing that follows belongs to it."""


def type_at_once(app: App[Any], text: str) -> None:
    """Send these characters to the app's driver as one read of the terminal, without waiting in between."""
    driver = app._driver
    assert driver is not None
    read_at = time.monotonic()
    for event in XTermParser().feed(text):
        event.time = read_at
        driver.process_message(event)
