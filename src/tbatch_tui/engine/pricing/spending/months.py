"""Calendar months in UTC, in which money is counted. Pure."""

from __future__ import annotations

from datetime import UTC, datetime


def month_of(then: float) -> str:
    """Return the month of a moment (seconds since the epoch): `2026-11`. Empty for one outside the calendar."""
    return day_of(then)[:7]


def day_of(then: float) -> str:
    """Return the day of a moment in UTC: `2026-11-28`. Empty for one outside the calendar, as a server may send any."""
    try:
        return datetime.fromtimestamp(then, UTC).strftime("%Y-%m-%d")
    except (OverflowError, OSError, ValueError):
        return ""


def is_month(text: str) -> bool:
    """Return whether a text names a month: `2026-11`."""
    try:
        return datetime.strptime(text, "%Y-%m").replace(tzinfo=UTC).strftime("%Y-%m") == text
    except ValueError:
        return False


def month_start(month: str) -> float:
    """Return when a month begins, in seconds since the epoch."""
    return datetime.strptime(month, "%Y-%m").replace(tzinfo=UTC).timestamp()


def next_month(month: str) -> str:
    """Return the month after this one."""
    year, number = int(month[:4]), int(month[5:])
    return f"{year + number // 12:04}-{number % 12 + 1:02}"


def month_words(month: str) -> str:
    """Return `November 2026`."""
    return datetime.strptime(month, "%Y-%m").replace(tzinfo=UTC).strftime("%B %Y")
