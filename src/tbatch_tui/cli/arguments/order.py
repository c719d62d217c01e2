"""In which order `--help` lists the commands: that in which a batch needs them."""

from __future__ import annotations

_IN_ORDER = [
    "make",
    "edit",
    "check",
    "try",
    "submit",
    "watch",
    "ls",
    "get",
    "fetch",
    "results",
    "values",
    "compare",
    "export",
    "retry",
    "cancel",
    "models",
    "spend",
]


def rank_of(command: tuple[str, str]) -> int:
    """Return where a command, given with its help, stands in `--help`."""
    return _IN_ORDER.index(command[0]) if command[0] in _IN_ORDER else len(_IN_ORDER)
