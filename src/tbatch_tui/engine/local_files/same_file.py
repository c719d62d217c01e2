"""Whether two paths lead to one file."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def is_same_file(first: Path, second: Path) -> bool:
    """Return whether both are there and one file, by whatever names; False where that cannot be seen."""
    try:
        return os.path.samefile(first, second)
    except OSError:
        return False
