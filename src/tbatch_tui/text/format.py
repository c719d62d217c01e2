"""Numbers, times and money as people read them.

Times are seconds since the epoch. Nothing reads a clock: `now` is passed in. What is not known is a dash.
"""

from __future__ import annotations

import math
import os
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING, Literal

from tbatch_tui.text.plural import plural as plural

if TYPE_CHECKING:
    from pathlib import PurePath

MISSING = "–"
"""In place of a value that is not known."""
MINUTE, HOUR, DAY = 60, 3_600, 86_400
"""Seconds."""
_THOUSAND, _CENT = 1000, 0.01
"""From these amounts on `money` shows no cents, and no hundredths of a cent."""
_FLOAT_ERROR = 1e-6
"""What a sum of floats may be over the amount that it stands for, in units of its last digit."""
_SIZES = ("B", "kB", "MB", "GB", "TB", "PB")
_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def size(number: float | None) -> str:
    """Return `24.1 MB`, in decimal units as Together counts them.

    No more than three digits stand before the point, except in the largest unit.
    """
    if number is None:
        return MISSING
    if number < 1000:
        return f"{int(number)} B"
    value = float(number)
    for unit in _SIZES:
        if value < 999.95 or unit == _SIZES[-1]:
            break
        value /= 1000
    return f"{value:.1f} {unit}" if value < 999.95 else f"{value:,.0f} {unit}"


def tokens(number: float) -> str:
    """Return `28.4 B`, `950 M`, `12.3 K` or `800`, as people say numbers of tokens."""
    value = float(number)
    for unit in ("", "K", "M", "B"):
        if value < 999.5 or unit == "B":
            break
        value /= 1000
    text = f"{value:,.1f}" if unit and value < 99.95 else f"{value:,.0f}"
    return f"{text.removesuffix('.0')} {unit}".rstrip()


def count(number: int | None) -> str:
    """Return `12,000`."""
    return MISSING if number is None else f"{number:,}"


def duration(seconds: float | None) -> str:
    """Return `0.4 s`, `4 s`, `41 m`, `1 h 05 m` or `2 d 3 h`: two units at most, and tenths below a second only."""
    if seconds is None:
        return MISSING
    seconds = max(0.0, seconds)
    if 0.05 <= seconds < 0.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < MINUTE:
        return f"{whole} s"
    if whole < HOUR:
        return f"{whole // MINUTE} m"
    if whole < DAY:
        return f"{whole // HOUR} h {whole % HOUR // MINUTE:02} m"
    return f"{whole // DAY} d {whole % DAY // HOUR} h"


def clock(seconds: float) -> str:
    """Return a place in a recording: `0:03`, `1:02:03`."""
    whole = int(min(seconds, 359_999))
    minutes = f"{whole // 60 % 60}:{whole % 60:02d}"
    return minutes if whole < 3_600 else f"{whole // 3_600}:{minutes:>05}"


def age(then: float | None, now: float) -> str:
    """Return how long ago it was, in one unit: `now`, `12 s ago`, `41 m ago`, `2 d ago`.

    A moment in the future is `now`: two clocks seldom agree.
    """
    if then is None:
        return MISSING
    passed = int(now - then)
    if passed < 1:
        return "now"
    for unit, seconds in (("y", 365 * DAY), ("mo", 30 * DAY), ("d", DAY), ("h", HOUR), ("m", MINUTE)):
        if passed >= seconds:
            return f"{passed // seconds} {unit} ago"
    return f"{passed} s ago"


def countdown(then: float | None, now: float) -> str:
    """Return the time left: `0:22`, `14:05`, `1:00:00`; never less than zero."""
    if then is None:
        return MISSING
    left = max(0, round(then - now))
    if left < HOUR:
        return f"{left // MINUTE}:{left % MINUTE:02}"
    return f"{left // HOUR}:{left % HOUR // MINUTE:02}:{left % MINUTE:02}"


def _local(then: float, tz: tzinfo | None) -> datetime | None:
    """Return the local time; None for a moment outside the calendar, as a server may send any number."""
    try:
        return datetime.fromtimestamp(then, tz) if tz is not None else datetime.fromtimestamp(then).astimezone()
    except (OverflowError, OSError, ValueError):
        return None


def absolute(then: float | None, tz: tzinfo | None = None) -> str:
    """Return `2026-03-05 14:02:11`, in the user's time zone unless one is given."""
    moment = None if then is None else _local(then, tz)
    return MISSING if moment is None else f"{moment:%Y-%m-%d %H:%M:%S}"


def date(then: float | None, tz: tzinfo | None = None) -> str:
    """Return `2026-03-05`, in the user's time zone unless one is given."""
    moment = None if then is None else _local(then, tz)
    return MISSING if moment is None else f"{moment:%Y-%m-%d}"


def when(then: float | None, now: float, tz: tzinfo | None = None) -> str:
    """Return a moment as precisely as its distance from now needs.

    `14:02`, `tomorrow 14:02`, `Tue 14:02`, `3 Mar 14:02`, `3 Mar 2025`.
    """
    moment, today = None if then is None else _local(then, tz), _local(now, tz)
    if moment is None or today is None:
        return MISSING
    clock = f"{moment:%H:%M}"
    days = moment.date().toordinal() - today.date().toordinal()
    if days == 0:
        return clock
    if abs(days) == 1:
        return f"{'tomorrow' if days > 0 else 'yesterday'} {clock}"
    if abs(days) < 7:
        return f"{_WEEKDAYS[moment.weekday()]} {clock}"
    date = f"{moment.day} {_MONTHS[moment.month - 1]}"
    return f"{date} {clock}" if moment.year == today.year else f"{date} {moment.year}"


def rate(bytes_per_second: float | None) -> str:
    """Return `3.1 MB/s`."""
    return MISSING if bytes_per_second is None else f"{size(bytes_per_second)}/s"


def percent(fraction: float | None) -> str:
    """Return `64 %`, rounded down, so that only a whole is 100 %."""
    if fraction is None or fraction != fraction:
        return MISSING
    return f"{int(min(1.0, max(0.0, fraction)) * 100 + 1e-9)} %"


def bar(fraction: float | None, width: int, *, filled: str = "━", half: str = "╸", empty: str = "─") -> str:
    """Return `━━━━━━━╸────`: exactly `width` cells, in steps of half a cell; full only when whole."""
    done, rest = bar_parts(fraction, width, filled=filled, half=half, empty=empty)
    return done + rest


def bar_parts(
    fraction: float | None, width: int, *, filled: str = "━", half: str = "╸", empty: str = "─"
) -> tuple[str, str]:
    """Return the two parts of a `bar`, what is done and what is left, to be coloured differently."""
    width = max(0, width)
    share = 0.0 if fraction is None or fraction != fraction else min(1.0, max(0.0, fraction))
    halves = int(share * width * 2 + 1e-9)
    done = filled * (halves // 2) + half * (halves % 2)
    return done, empty * (width - len(done))


def block_bar(fraction: float, width: int) -> str:
    """Return `██████▍`: as much of `width` cells as the share is, in eighths; at least one for something."""
    share = min(1.0, max(0.0, fraction)) if fraction == fraction else 0.0
    eighths = max(int(share * width * 8 + 0.5), 1 if share > 0 and width > 0 else 0)
    return "█" * (eighths // 8) + " ▏▎▍▌▋▊▉"[eighths % 8].strip()


def number(value: float | None) -> str:
    """Return a number with four significant digits at least: `1,204`, `49.82`, `0.001234`; whole ones in full."""
    if value is None:
        return MISSING
    if float(value).is_integer() and abs(value) < 1e15:
        return f"{int(value):,}"
    return f"{value:,.1f}" if 1000 <= abs(value) < 1e9 else f"{value:.4g}"


def share(part: int, whole: int) -> str:
    """Return `54.3 %`, a share with one digit."""
    return f"{part / whole:.1%}".replace("%", " %") if whole else MISSING


def sparkline(values: list[float] | tuple[float, ...], width: int) -> str:
    """Return `▁▂▄▅▆▇`: the last `width` values, relative to the largest of them.

    Even the largest leaves an eighth of its cell free, or a steady pace would be drawn as a solid block.
    """
    heights = [max(0.0, value) for value in values[-width:]] if width > 0 else []
    top = max(heights, default=0.0)
    return "".join("▁▂▃▄▅▆▇"[min(6, int(value / top * 7))] if top else "▁" for value in heights)


def money(usd: float | None) -> str:
    """Return `$0.41`, or with four digits under a cent (`$0.0031`) and with none from a thousand on (`$1,204`)."""
    if usd is None:
        return MISSING
    amount = abs(usd)
    sign = "-" if usd < 0 else ""
    if amount >= 1000:
        return f"{sign}${amount:,.0f}"
    if amount == 0 or round(amount, 4) >= _CENT:
        return f"{sign}${amount:.2f}"
    return f"{sign}${amount:.4f}" if amount >= 0.0001 else f"<{sign}$0.0001"


def money_part(usd: float, whole: float) -> tuple[str, str]:
    """Return a part of an amount and the amount, with four digits if they looked the same without being it."""
    part, total = money(usd), money(whole)
    if part == total and usd != whole and abs(whole) < _THOUSAND:
        return f"${usd:.4f}", f"${whole:.4f}"
    return part, total


def money_about(usd: float) -> str:
    """Return `about $0.41`, or `under $0.0001`."""
    amount = money(usd)
    return f"under {amount[1:]}" if amount.startswith("<") else f"about {amount}"


def money_bound(usd: float) -> str:
    """Return a bound: rounded up, and never as `<$0.0001`."""
    digits = 0 if usd >= _THOUSAND else 2 if usd >= _CENT else 4
    unit: float = 10**-digits
    return money(math.ceil(usd / unit - _FLOAT_ERROR) * unit)


def short_model(name: str | None) -> str:
    """Return `Llama-3.3-70B-Turbo` for `meta-llama/Llama-3.3-70B-Instruct-Turbo`.

    The organization and the word for an instruction-tuned model are left out, since most models have them.
    """
    if not name:
        return MISSING
    last = name.rstrip("/").rsplit("/", 1)[-1] or name
    for filler in ("-Instruct", "-instruct", "-Chat", "-chat"):
        shorter = last.replace(filler, "", 1)
        if shorter != last and len(shorter) >= 3:
            return shorter
    return last


def short_path(path: PurePath | str | None) -> str:
    """Return a path as a person would type it: relative below the working folder, `~/…` below the home folder."""
    if path is None:
        return MISSING
    text = str(path)
    try:
        here = os.getcwd()  # noqa: PTH109 - plain text
    except OSError:  # it has been deleted
        here = ""
    for folder, prefix in ((here, ""), (os.path.expanduser("~"), "~/")):  # noqa: PTH111 - plain text
        if len(folder) > 1 and text.startswith(folder + os.sep):
            return prefix + text[len(folder) + 1 :]
    return text


def cut(text: str, longest: int) -> str:
    """Return the text, or as much of it as fits into `longest` characters with a `…` at the end."""
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def join(*parts: str, by: Literal[" · ", ", "] = " · ") -> str:
    """Return `a · b · c`, without the empty parts."""
    return by.join(part for part in parts if part)
