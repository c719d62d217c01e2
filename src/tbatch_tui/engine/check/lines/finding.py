"""What the rules for one line return: a rule, a position in the line, and a message."""

from __future__ import annotations

from typing import NamedTuple

JsonObject = dict[str, object]
JsonPathPart = str | int
"""One key or index of the path to a place in a JSON value."""
JsonPath = tuple[JsonPathPart, ...]

FINDINGS_MAX = 10
"""So many findings of a rule are reported in one line: the others are counted in the message of the last."""


class Finding(NamedTuple):
    """One thing that is wrong in a line. Its column is computed from `path` only when it is reported."""

    rule: str
    message: str
    path: JsonPath = ()
    """Where in the object: `("body", "messages", 0, "role")`."""
    column: int = 0
    """The column, from 1, if it is known already; 0 if `path` gives it."""


def quoted(text: str, limit: int = 60) -> str:
    """Return a foreign string for a message: in quotes, cut to `limit` characters."""
    return f'"{text}"' if len(text) <= limit else f'"{text[:limit]}…"'


def join_names(names: tuple[str, ...]) -> str:
    """Return names as a sentence lists them: "a, b or c"."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"
