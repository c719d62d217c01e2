"""What the rules of one line hand back: a rule, a place in the line, and a sentence."""

from __future__ import annotations

from typing import NamedTuple

Json = dict[str, object]
JsonPathPart = str | int
"""One key or index on the way to a place in a JSON value."""


class Finding(NamedTuple):
    """One fault of one line. Its column is worked out from `path` only when the fault is reported."""

    rule: str
    message: str
    path: tuple[JsonPathPart, ...] = ()
    """Where in the object: `("body", "messages", 0, "role")`."""
    column: int = 0
    """The column where it is known already; 0 where `path` tells it."""


def quoted(text: str, limit: int = 60) -> str:
    """A foreign string for a message: in quotes, cut where it gets long."""
    return f'"{text}"' if len(text) <= limit else f'"{text[:limit]}…"'


def join_names(words: tuple[str, ...]) -> str:
    """Words as a person lists them: "a, b or c"."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"
