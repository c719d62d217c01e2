"""Paths that fit on a line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tbatch_tui.text import format as fmt
from tbatch_tui.tui.sanitize import fit

if TYPE_CHECKING:
    from pathlib import Path

_MAX_WIDTH = 120
"""Cells of a path in a message. A path is cut at its start, because its end is what tells it apart."""


def shorten_path(path: Path, width: int = _MAX_WIDTH) -> str:
    """Return a path as `format.place` writes it, cut at its start to `width` cells."""
    return fit(fmt.short_path(path), width, keep="end").rstrip(" ")
