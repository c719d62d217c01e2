"""URLs with a signature that runs out: when that is, and whether the job may still read them then.

Known are the signatures of Amazon S3 and what follows it, Google Cloud Storage, Azure, and CloudFront.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tbatch_tui.engine.check.lines.finding import Finding, JsonPath

if TYPE_CHECKING:
    from collections.abc import Iterator

HOUR = 3_600
NEEDED = 24 * HOUR
"""Seconds in which the job has its deadline: until then it may read a URL."""
ADVISED = 72 * HOUR
"""Seconds for which a job may really run before support is asked."""

_SIGNS = ("-Expires=", "se=", "Expires=", "-expires=", "expires=")
"""One of these is in each URL that says when it runs out."""
_EPOCH_MIN, _EPOCH_MAX = 10**8, 10**11
"""Seconds since the epoch from 1973 to 5138: another number is no time."""


class Expiry(NamedTuple):
    """When a URL runs out: at a time, or so many seconds after it was signed, which it does not say when that was."""

    at: float | None
    lifetime: float | None = None


def may_expire(url: str) -> bool:
    """Whether a URL may say when it runs out; `expiry_of` tells."""
    return "?" in url and any(sign in url for sign in _SIGNS)


def expiry_of(url: str) -> Expiry | None:
    """Return when a URL runs out; None if it does not say that."""
    query = url.partition("?")[2].partition("#")[0]
    values = {}
    for item in query.split("&"):
        name, _, value = item.partition("=")
        values[name.lower()] = value
    for vendor in ("x-amz", "x-goog"):
        if (seconds := _number(values.get(f"{vendor}-expires"))) is not None:
            signed = _time(values.get(f"{vendor}-date", ""))
            return Expiry(None if signed is None else signed + seconds, seconds)
    if "se" in values and (at := _time(values["se"])) is not None:
        return Expiry(at)
    at = _number(values.get("expires"))
    return Expiry(at) if at is not None and _EPOCH_MIN < at < _EPOCH_MAX else None


def _number(text: str | None) -> float | None:
    return float(text) if text is not None and text.isascii() and text.isdigit() and len(text) < 15 else None


def _time(text: str) -> float | None:
    """Return a time in UTC as these signatures write it, `20260131T090000Z` or `2026-01-31T09:00:00Z`, in seconds."""
    from calendar import timegm  # most files have no such URL

    for escape, sign in (("%3A", ":"), ("%3a", ":"), ("%2B", "+")):
        text = text.replace(escape, sign)
    date, _, clock = text.replace("-", "").replace(":", "").partition("T")
    clock = clock.partition("+")[0].rstrip("Z").partition(".")[0]
    if len(date) != 8 or len(clock) not in (0, 4, 6) or not (date + clock).isdecimal() or not (date + clock).isascii():
        return None
    hour, minute, second = (int(clock[at : at + 2] or 0) for at in (0, 2, 4))
    try:
        return float(timegm((int(date[:4]), int(date[4:6]), int(date[6:]), hour, minute, second)))
    except (ValueError, OverflowError):
        return None


def expiry_findings(url: str, where: str, path: JsonPath, now: float) -> Iterator[Finding]:
    """Yield the finding of a URL that runs out before the job may have read it.

    Args:
        where: The URL's place, as messages name it.
        now: Seconds since the epoch.
    """
    expiry = expiry_of(url) if may_expire(url) else None
    if expiry is None:
        return
    if expiry.at is not None:
        left = expiry.at - now
        message = f"{where} runs out in {_hours(left)}" if left > 0 else f"{where} ran out {_hours(-left)} ago"
    else:
        left = expiry.lifetime or 0.0
        message = f"{where} runs out {_hours(left)} after it was signed"
    if left < NEEDED:
        yield Finding("url-expires-within-24h", f"{message}; the job may read it for 24 hours", path)
    elif left < ADVISED:
        yield Finding("url-expires-within-72h", f"{message}; a job may run for up to 72 hours", path)


def is_long_lived(url: str, now: float) -> bool:
    """Whether a URL does not run out while a job may read it."""
    if not may_expire(url) or (expiry := expiry_of(url)) is None:
        return True
    left = expiry.at - now if expiry.at is not None else expiry.lifetime or 0.0
    return left >= ADVISED


def _hours(seconds: float) -> str:
    """Return a length of time in the largest unit that fits it."""
    for unit, name in ((24 * HOUR, "day"), (HOUR, "hour"), (60, "minute")):
        if seconds >= unit:
            number = int(seconds // unit)
            return f"{number:,} {name}{'s' if number > 1 else ''}"
    return "less than a minute"
