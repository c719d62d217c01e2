"""The path that a text means, as it was typed or stands in a settings file."""

from __future__ import annotations

import os
from pathlib import Path


def path_of(text: str | Path) -> Path:
    """Return the path, a leading `~` expanded. Never raises.

    `~nobody`, where there is no such user, is the name of a file. A NUL, which no path can hold, becomes its picture.
    """
    return Path(os.path.expanduser(str(text).replace("\0", "\N{SYMBOL FOR NULL}")))  # noqa: PTH111 - does not raise
