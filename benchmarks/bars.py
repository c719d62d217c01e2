"""Print measurements beside their bars. A missed bar is marked, and remembered for the exit code."""

from __future__ import annotations

_missed_lines: list[str] = []


def print_bar(line: str, is_met: bool) -> None:
    """Print a measurement, marked if it misses its bar."""
    print(line if is_met else f"{line}   << MISSED")
    if not is_met:
        _missed_lines.append(line)


def exit_code() -> int:
    """Return 1 if any bar was missed, else 0."""
    return 1 if _missed_lines else 0
