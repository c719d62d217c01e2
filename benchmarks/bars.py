"""Says whether a bar was met, where it is printed, and remembers for the exit code that one was not."""

from __future__ import annotations

_missed: list[str] = []


def told(line: str, met: bool) -> None:
    """Print a measured line; one that misses its bar says so."""
    print(line if met else f"{line}   << MISSED")
    if not met:
        _missed.append(line)


def exit_code() -> int:
    """1 when a bar was missed since the start."""
    return 1 if _missed else 0
