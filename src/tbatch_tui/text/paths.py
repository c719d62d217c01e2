"""The path that a text means, and the folder in which a relative one begins."""

from __future__ import annotations

import os
from pathlib import Path


def path_of(text: str | Path) -> Path:
    """Return the path, a leading `~` expanded. Never raises.

    `~nobody`, where there is no such user, is the name of a file. A NUL, which no path can hold, becomes its picture.
    """
    return Path(os.path.expanduser(str(text).replace("\0", "\N{SYMBOL FOR NULL}")))  # noqa: PTH111 - does not raise


def working_folder() -> Path:
    """Return the folder in which relative paths begin; the home folder where it is gone. Never raises."""
    try:
        return Path.cwd()
    except OSError:
        return path_of("~")
