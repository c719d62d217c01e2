"""How fast a job goes and when it may be done, from its points. Pure: the caller has the clock.

Only what was seen counts: without enough points there is no outlook, a pause is measured up to the last poll only, and
no fixed time makes a job a stuck one.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from tbatch_tui.engine.domain.job import ENDED, JobStatus
from tbatch_tui.engine.progress.history import ProgressPoint, median

if TYPE_CHECKING:
    from collections.abc import Sequence

HOUR = 3_600.0
_MIN_POINTS, _MIN_GAIN, _MIN_SECONDS = 3, 2.0, 60.0
"""Points, percent and seconds that an outlook needs at least."""
_RECENT_SECONDS = 600.0
"""Seconds that count as recent; of a long run, its last third."""
_LONG_PAUSE, _UNUSUAL_FACTOR = 900.0, 3.0
"""A pause counts from so many seconds on, if it is so many times the usual one."""

Course = list[tuple[float, float]]
"""Times, and the progress at each. The times never fall."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """The recent pace of a job, and when it would be done: at that pace, and at its pace over all."""

    per_hour: float
    """Percent per hour."""
    soonest: float | None = None
    """Seconds since the epoch; None when there is no progress."""
    latest: float | None = None


def course(points: Sequence[ProgressPoint]) -> Course:
    """Return the running part of a history: from the first time it was seen in progress until it ended."""
    run: Course = []
    for point in points:
        if not run and point.status != JobStatus.IN_PROGRESS and not point.progress:
            continue
        at = max(point.at, run[-1][0]) if run else point.at  # the clock of this machine may have been set back
        run.append((at, min(100.0, max(0.0, point.progress))))
        if point.status in ENDED:
            break
    return run


def progress_at(run: Sequence[tuple[float, float]], at: float) -> float:
    """Return the progress at a moment, on the straight line between two points; outside of them, as at the edge."""
    index = bisect_right(run, at, key=lambda point: point[0])
    if index == 0:
        return run[0][1]
    if index == len(run):
        return run[-1][1]
    (before, low), (after, high) = run[index - 1], run[index]
    return low + (high - low) * (at - before) / (after - before)


def compute_outlook(points: Sequence[ProgressPoint], seen_at: float) -> Outlook | None:
    """Return the outlook of a running job; None if there are too few points.

    Args:
        seen_at: When it was last seen as it is at the last point.
    """
    run = _since_last_fall(course(points))
    if len(run) < _MIN_POINTS:
        return None
    (start, first), (moved, last) = run[0], run[-1]
    now = max(moved, seen_at)
    gained, passed = last - first, now - start
    if gained < _MIN_GAIN or passed < _MIN_SECONDS or last >= 100:
        return None
    window = min(passed, max(_RECENT_SECONDS, passed / 3))
    recent_pace = (last - progress_at(run, now - window)) / window
    if recent_pace <= 0:
        return Outlook(0.0)
    ends = sorted(now + (100 - last) / pace for pace in (recent_pace, gained / passed))
    return Outlook(recent_pace * HOUR, *ends)


def speeds(points: Sequence[ProgressPoint], seen_at: float, limit: int) -> list[float]:
    """Return the percent per hour in up to `limit` equal parts of the run.

    Empty while the parts would be shorter than the usual time between two changes.
    """
    run = course(points)
    if len(run) < _MIN_POINTS + 1:
        return []
    start, moved = run[0][0], run[-1][0]
    usual = _usual_gap(run)
    end = seen_at if seen_at - moved > 2 * usual else moved
    if end <= start or usual <= 0:
        return []
    count = min(limit, int((end - start) / usual))
    if count < 2:
        return []
    width = (end - start) / count
    edges = [progress_at(run, start + width * number) for number in range(count + 1)]
    return [max(0.0, after - before) / width * HOUR for before, after in pairwise(edges)]


def current_pause(points: Sequence[ProgressPoint], seen_at: float) -> float | None:
    """Return the seconds that a running job has been seen without progress, if that is long for it; else None."""
    if not points or points[-1].status != JobStatus.IN_PROGRESS:
        return None
    run = course(points)
    seconds = seen_at - _last_move(run)
    usual = _usual_gap(run)
    return seconds if seconds >= _LONG_PAUSE and seconds > _UNUSUAL_FACTOR * usual else None


def _last_move(run: Course) -> float:
    """Return when the progress last changed."""
    moved, last = run[0][0], run[0][1]
    for at, progress in run[1:]:
        if progress != last:
            moved, last = at, progress
    return moved


def _usual_gap(run: Course) -> float:
    """Return the median of the seconds between two changes; 0 without changes."""
    gaps = [after - before for (before, _), (after, _) in pairwise(run) if after > before]
    return median(gaps) if gaps else 0.0


def _since_last_fall(run: Course) -> Course:
    """Return the part since the progress last fell: when the server starts over, what was before means nothing."""
    start = 0
    for index in range(1, len(run)):
        if run[index][1] < run[index - 1][1]:
            start = index
    return run[start:]
