"""How many requests of an audio file get an answer without times: no subtitles can be made of those."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_ASKED = b'"verbose_json"'


def count_untimed(path: Path) -> int:
    """Return how many lines of an audio file do not ask for `verbose_json`. Reads the file. Raises OSError."""
    with path.open("rb") as file:
        return sum(1 for line in file if _ASKED not in line and not line.isspace())


def untimed_words(count: int) -> str:
    """Return what is said of so many requests, without a full stop; empty for none."""
    if not count:
        return ""
    asks = "request asks" if count == 1 else "requests ask"
    return f'{count:,} {asks} without response_format "verbose_json": no times in the answers, and no subtitles of them'
