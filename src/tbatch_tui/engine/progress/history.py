"""How a job has gone so far: its progress over time, and what similar jobs took.

There is a point only where the status or the progress changed, so the time between two points is how long nothing
moved. `pause` stores that where it was really watched, also when points are left out.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tbatch_tui.engine.domain.job import JobStatus

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_POINTS = 240
"""Points of a job that goes on."""
MAX_POINTS_ENDED = 40
"""Points of a job that has ended: enough to draw its chart."""


@dataclass(frozen=True, slots=True)
class ProgressPoint:
    """A change of a job: from `at` on it was seen with this status and this progress (0-100)."""

    at: float
    status: str
    progress: float = 0.0
    known_at: float | None = None
    """When the state before was last seen; None when nobody was watching."""
    pause: float = 0.0
    """Seconds for which a running job was watched before this without any progress."""


@dataclass(frozen=True, slots=True)
class SimilarJobs:
    """How long similar jobs took, in seconds.

    Similar: completed, of the same account, endpoint and model, and between half and twice as large.
    """

    count: int
    median: float
    shortest: float
    longest: float
    longest_pause: float | None = None
    """The longest time that one of them was seen without progress; None if none was watched."""


@dataclass(frozen=True, slots=True)
class JobHistory:
    """How a job went, and what similar jobs took."""

    points: tuple[ProgressPoint, ...] = ()
    similar: SimilarJobs | None = None

    def first(self, status: str) -> ProgressPoint | None:
        """Return the first point with this status; None if there is none."""
        return next((point for point in self.points if point.status == status), None)


def thin(points: Sequence[ProgressPoint], limit: int) -> list[ProgressPoint]:
    """Return at most `limit` of the points. The longest pause stays the longest.

    The first and the last stay, those that begin a status, and the newest `limit / 4`. Of the rest every other one
    goes, again and again until they are few enough.

    Args:
        limit: Four or more.
    """
    left = list(points)
    spares_statuses = True
    while len(left) > limit:
        recent = len(left) - limit // 4
        thinned: list[ProgressPoint] = []
        pause, drop = 0.0, False
        for index, point in enumerate(left):
            is_edge = index in (0, len(left) - 1)
            is_new_status = index > 0 and point.status != left[index - 1].status
            if is_edge or ((is_new_status or index >= recent) and spares_statuses) or not drop:
                thinned.append(replace(point, pause=pause) if pause > point.pause else point)
                pause, drop = 0.0, True
            else:
                pause, drop = max(pause, point.pause), False
        spares_statuses = spares_statuses and len(thinned) < len(left)  # a server whose status changes at every poll
        left = thinned
    return left


def median(values: Sequence[float]) -> float:
    """Return the median. The import of `statistics` would cost the first frame 8 ms."""
    ordered = sorted(values)
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


def pause_before(last: ProgressPoint, seen_at: float | None) -> float:
    """Return how long a running job was watched without progress, now that there is some.

    Args:
        seen_at: When it was last seen as it was at `last`; None if nobody was watching.
    """
    if seen_at is None or last.status != JobStatus.IN_PROGRESS:
        return 0.0
    return max(0.0, seen_at - last.at)
