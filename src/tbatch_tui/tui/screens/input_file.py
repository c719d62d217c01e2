"""Fetch the input file of a job that was submitted elsewhere, for the screens that offer it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tbatch_tui.engine.errors import BatchError
from tbatch_tui.tui.sanitize import line

if TYPE_CHECKING:
    from tbatch_tui.engine.engine import BatchEngine
    from tbatch_tui.tui.bridge import Bridge

INPUT_IS_KNOWN = "Its input file is known: it was submitted from here"


async def fetch_input(engine: BatchEngine, bridge: Bridge, key: str) -> bool:
    """Download the input file of a job and tell what came of it. Return whether it is here."""
    bridge.notify("Downloading the input file …")
    try:
        path = await engine.files.fetch_input(key)
    except BatchError as error:
        bridge.report(error)
        return False
    bridge.notify("The input file is here", f"{line(path.name)}: its questions join the answers.")
    return True
