"""The order of names in which people number files: `shard-2` before `shard-10`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_DIGITS = re.compile("([0-9]+)")


def natural_key(text: str) -> list[str | int]:
    """Return what to sort a name by: numbers in it count as numbers, whatever their number of digits."""
    return [int(part) if number % 2 else part for number, part in enumerate(_DIGITS.split(text.casefold()))]


def path_key(path: Path) -> tuple[list[str | int], list[str | int], str]:
    """Return what to sort a path by: its folder and then its name, both so; what is equal then, by its letters."""
    return natural_key(str(path.parent)), natural_key(path.name), str(path)
