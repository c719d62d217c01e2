"""Rights of files made from a person's files: whoever may not read the source may not read the copy."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from pathlib import Path

PRIVATE = 0o600
"""Only for the owner."""
_ANYBODY = 0o666


def rights_of(*sources: Path | None) -> int:
    """Return the rights that all these files have in common; a file that is gone may have been private. For a thread.

    Those that are None are passed over. The owner may always read and write.
    """
    rights = _ANYBODY
    for source in sources:
        if source is None:
            continue
        try:
            rights &= source.stat().st_mode
        except OSError:
            return PRIVATE
    return rights | PRIVATE


def create_file(path: Path, rights: int) -> BinaryIO:
    """Make a new file that never had more than these rights, and open it for writing. Raises FileExistsError."""
    return open(path, "xb", opener=lambda name, flags: os.open(name, flags, rights))
