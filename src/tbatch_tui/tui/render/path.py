"""Paths that fit on a line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tbatch_tui.text import format as fmt
from tbatch_tui.tui.sanitize import fit

if TYPE_CHECKING:
    from pathlib import Path

_LONGEST = 120
"""Cells of a path in a message; its end is what tells it apart."""


def shorten_path(path: Path, width: int = _LONGEST) -> str:
    """A path for a line: as `format.place` says it, its beginning cut if it is long."""
    return fit(fmt.short_path(path), width, keep="end").rstrip(" ")
