"""The pace of a running job as text: its speed, its end, what similar jobs took, and what the documentation says.

Pure functions. A job is never called stuck: they report what was seen, and what usually helps.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tbatch_tui.engine.domain.job import JobStatus
from tbatch_tui.engine.progress.outlook import Outlook, compute_outlook, current_pause, speeds
from tbatch_tui.text import format as fmt
from tbatch_tui.tui.keys.hints import fill_keys
from tbatch_tui.tui.render.job import request_count, time_left

if TYPE_CHECKING:
    from tbatch_tui.engine.domain.record import JobRecord
    from tbatch_tui.engine.progress.history import JobHistory, SimilarJobs
    from tbatch_tui.tui.render.styled import StyledText

STALE = 900.0
"""Seconds without a list of jobs from the server after which no end is estimated."""
WINDOW, SUPPORT = 24 * 3_600.0, 72 * 3_600.0
"""Seconds until which a job should end, at best effort, and after which to ask support (API documentation)."""
FAR = 3 * 86_400.0
"""Seconds; an end that is further off gets no time."""
SPARK = 10
"""Bars of the sparkline."""
NO_ESTIMATE = "no estimate yet"
_QUIET = "$status-quiet"


def is_running(record: JobRecord) -> bool:
    """Return whether the job runs, and so has a pace."""
    return record.job is not None and record.job.status == JobStatus.IN_PROGRESS


def format_pace(record: JobRecord, history: JobHistory, seen_at: float | None, now: float) -> StyledText:
    """Return `▁▂▄▅▆▆▇▇▇  4,100/h · done about 14:51`, for the details below the list."""
    text = _pace(record, history, seen_at, now, SPARK)
    text.append((" · " if text else "", _QUIET))
    text.append((_pause(history, seen_at) or _end(record, history, seen_at, now), ""))
    if rule := _rule(record, now):
        text.append((f" · {rule[0]}", _QUIET))
    return text


def pace_facts(
    record: JobRecord, history: JobHistory, seen_at: float | None, now: float
) -> list[tuple[str, StyledText]]:
    """Return the pace at length, fact by fact, for the Job screen.

    Args:
        seen_at: When the server last listed its jobs; None before the first list.
    """
    if not is_running(record):
        return []
    facts: list[tuple[str, StyledText]] = []
    if pace := _pace(record, history, seen_at, now, 2 * SPARK):
        facts.append(("Pace", pace))
    similar = history.similar
    if standstill := _pause(history, seen_at):
        if similar is not None and similar.longest_pause is not None:
            standstill += f"; similar jobs paused up to {fmt.duration(similar.longest_pause)}"
        facts.append(("", [(standstill, "")]))
    deadline = record.job.deadline if record.job is not None else None
    until = f" · deadline {fmt.when(deadline, now)}" if deadline is not None and deadline > now else ""
    facts.append(("Estimate", [(_end(record, history, seen_at, now), ""), (until, _QUIET)]))
    if similar is not None:
        facts.append(("Similar", [(format_similar(similar), _QUIET)]))
    if rule := _rule(record, now):
        facts.append(("", [(fill_keys(rule[1]), _QUIET)]))
    elif _is_late(record, _outlook(history, seen_at, now)):
        facts.append(("", [("That is past 24 h. The 24 h are best effort: jobs may run longer.", _QUIET)]))
    return facts


def format_similar(similar: SimilarJobs) -> str:
    """Return `jobs took 31 m to 1 h 05 m (median 41 m, 5 jobs)`."""
    if similar.count == 1:
        return f"one job took {fmt.duration(similar.median)}"
    span = f"{fmt.duration(similar.shortest)} to {fmt.duration(similar.longest)}"
    return f"jobs took {span} (median {fmt.duration(similar.median)}, {similar.count:,} jobs)"


def _pace(record: JobRecord, history: JobHistory, seen_at: float | None, now: float, width: int) -> StyledText:
    if seen_at is None:
        return []
    rates = speeds(history.points, seen_at, width)
    expected = _outlook(history, seen_at, now)
    if expected is None or not rates:  # bars without a number would only look like something
        return []
    text: StyledText = [(fmt.sparkline(rates, width), "$status-active")]
    if expected.per_hour > 0:
        text.append((f"  {_speed(expected.per_hour, request_count(record))}", ""))
    return text


def _speed(per_hour: float, requests: int | None) -> str:
    if requests is None:
        return f"{per_hour:,.0f} %/h" if per_hour >= 10 else f"{per_hour:.1f} %/h"
    rows = per_hour / 100 * requests
    return f"{rows:,.0f}/h" if rows >= 1 else "under 1/h"


def _outlook(history: JobHistory, seen_at: float | None, now: float) -> Outlook | None:
    """Return the outlook, if the server answered lately."""
    if seen_at is None or now - seen_at > STALE:
        return None
    return compute_outlook(history.points, seen_at)


def _end(record: JobRecord, history: JobHistory, seen_at: float | None, now: float) -> str:
    if seen_at is None:
        return "no estimate until the server's list arrives"
    if now - seen_at > STALE:
        return f"no estimate: no contact with the server since {fmt.when(seen_at, now)}"
    expected = _outlook(history, seen_at, now)
    if expected is None:
        left = time_left(record, now)
        return f"about {fmt.duration(left)} left at the pace so far" if left else NO_ESTIMATE
    if expected.soonest is None or expected.latest is None:
        return "no estimate without progress"
    if expected.soonest - now > FAR:
        return "done in more than 3 days at this pace"
    soonest, latest = max(expected.soonest, now), max(expected.latest, now)
    if latest - now < 60:
        return "done in under a minute"
    if latest - soonest <= max(120.0, (latest - now) / 4):
        middle = (soonest + latest) / 2
        return f"done about {fmt.when(middle, now)}"
    if latest - now > FAR:
        return f"done after {fmt.when(soonest, now)}"
    return f"done between {fmt.when(soonest, now)} and {fmt.when(latest, now)}"


def _pause(history: JobHistory, seen_at: float | None) -> str:
    """Return `no progress for 2 h`, when that is long for this job; else an empty text."""
    seconds = current_pause(history.points, seen_at) if seen_at is not None else None
    return f"no progress for {fmt.duration(seconds)}" if seconds is not None else ""


def _rule(record: JobRecord, now: float) -> tuple[str, str] | None:
    """Return what the documentation says about a job of this age, short and in full."""
    job = record.job
    if job is None or job.created_at is None or now - job.created_at < WINDOW:
        return None
    if now - job.created_at < SUPPORT:
        ask = fmt.when(job.created_at + SUPPORT, now)
        return (
            "past 24 h, still running",
            f"Past 24 h and still running, which can happen. Contact Together's support after 72 h: {ask}.",
        )
    return (
        "past 72 h: you can contact support",
        "It has run for more than 72 h: contact Together's support with its id ({list.copy-id} copies it).",
    )


def _is_late(record: JobRecord, expected: Outlook | None) -> bool:
    deadline = record.job.deadline if record.job is not None else None
    if expected is None or expected.soonest is None or deadline is None:
        return False
    return expected.soonest > deadline
