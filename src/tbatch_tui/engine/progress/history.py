"""How a job has gone so far: when its progress was what, and what jobs like it took. Values, and what is left out.

A point is kept only when the status or the progress has become another, so the time between two points says how
long nothing moved; `pause` keeps that where it was really watched, also when points are thinned out.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tbatch_tui.engine.domain.job import JobStatus

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_POINTS = 240
"""Points kept of a job that goes on."""
MAX_POINTS_ENDED = 40
"""Points kept of one that has ended: enough to draw its course."""
SUBMISSION_PREFIX = "submission "
"""Before the state of a submission, where a point tells of that rather than of the server's job."""


@dataclass(frozen=True, slots=True)
class ProgressPoint:
    """From `at` on, as far as it was seen, the job had this status and this progress (0-100)."""

    at: float
    status: str
    progress: float = 0.0
    known_at: float | None = None
    """When the point before was last seen to hold; None when nobody was watching."""
    pause: float = 0.0
    """Seconds for which a running job was watched without moving before this."""


@dataclass(frozen=True, slots=True)
class SimilarJobs:
    """What jobs like this one took: completed, of the same account, endpoint and model, and half to twice as big."""

    count: int
    median: float
    shortest: float
    longest: float
    longest_pause: float | None = None
    """The longest that one of them was seen without progress; None if none was watched."""


@dataclass(frozen=True, slots=True)
class JobHistory:
    """What is known of a job beside how it stands."""

    points: tuple[ProgressPoint, ...] = ()
    similar: SimilarJobs | None = None

    def first(self, status: str) -> ProgressPoint | None:
        """The first point with this status."""
        return next((point for point in self.points if point.status == status), None)


def thin(points: Sequence[ProgressPoint], limit: int) -> list[ProgressPoint]:
    """At most `limit` (four or more) of the points: the first, the last, what began a status, and of the rest every
    other one, the oldest first, until they are few enough. The longest pause stays the longest.
    """
    kept = list(points)
    spare_statuses = True
    while len(kept) > limit:
        recent = len(kept) - limit // 4
        found: list[ProgressPoint] = []
        carried, drop = 0.0, False
        for index, point in enumerate(kept):
            is_edge = index in (0, len(kept) - 1)
            begins = index > 0 and point.status != kept[index - 1].status
            if is_edge or (begins and spare_statuses) or (index >= recent and spare_statuses) or not drop:
                found.append(replace(point, pause=max(point.pause, carried)) if carried > point.pause else point)
                carried, drop = 0.0, True
            else:
                carried, drop = max(carried, point.pause), False
        spare_statuses = spare_statuses and len(found) < len(kept)  # a server that changes its mind at every look
        kept = found
    return kept


def median(values: Sequence[float]) -> float:
    """The median. `statistics` would cost the first frame 8 ms of import."""
    ordered = sorted(values)
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


def pause_before(last: ProgressPoint, seen_at: float | None) -> float:
    """How long a running job was watched without moving, when it has moved now; `seen_at` was the look before."""
    if seen_at is None or last.status != JobStatus.IN_PROGRESS:
        return 0.0
    return max(0.0, seen_at - last.at)
