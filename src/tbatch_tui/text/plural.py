"""A count with its noun."""

from __future__ import annotations


def plural(number: int, noun: str, nouns: str | None = None) -> str:
    """Return `1 line`, `2,000 lines`; `nouns` where the plural is not made by an s."""
    return f"{number:,} {noun if number == 1 else nouns or noun + 's'}"
