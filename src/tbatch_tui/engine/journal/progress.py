"""The history of polls: a point for each time a job's status or progress became another. Inside a transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tbatch_tui.engine.domain.job import ENDED, JobStatus
from tbatch_tui.engine.progress.history import (
    KEPT,
    KEPT_OF_ENDED,
    ProgressPoint,
    SimilarJobs,
    median,
    pause_before,
    thin,
)

if TYPE_CHECKING:
    import sqlite3

    from tbatch_tui.engine.domain.record import JobRecord

_LOOKED_AFTER_EVERY = 16
"""Points that may come over the limit before they are counted again."""
_SIMILAR_AT_MOST = 200


def add_point(
    db: sqlite3.Connection, account_id: int, key: str, at: float, status: str, progress: float, seen_at: float | None
) -> None:
    """Keep that it is so from now on, unless that is known. `seen_at`: when what was before was last seen."""
    last = db.execute(
        "SELECT * FROM points WHERE account_id = ? AND key = ? ORDER BY number DESC LIMIT 1", (account_id, key)
    ).fetchone()
    number, pause = 0, 0.0
    if last is not None:
        before = _point(last)
        if (before.status, before.progress) == (status, progress):
            return  # another app on this folder has seen it, too
        number, pause = last["number"] + 1, pause_before(before, seen_at)
    _insert(
        db, account_id, key, number, ProgressPoint(at, status, progress, seen_at if last is not None else None, pause)
    )
    if status in ENDED:
        _thin(db, account_id, key, KEPT_OF_ENDED)
    elif number >= KEPT and number % _LOOKED_AFTER_EVERY == 0:
        _thin(db, account_id, key, KEPT)


def points_of(db: sqlite3.Connection, account_id: int, key: str) -> tuple[ProgressPoint, ...]:
    """The points of a record, oldest first."""
    rows = db.execute("SELECT * FROM points WHERE account_id = ? AND key = ? ORDER BY number", (account_id, key))
    return tuple(_point(row) for row in rows)


def rename_points(db: sqlite3.Connection, account_id: int, old: str, new: str) -> None:
    """A submission has become a job: its points come before what the list has told of that."""
    points = [*points_of(db, account_id, old), *points_of(db, account_id, new)]
    db.execute("DELETE FROM points WHERE account_id = ? AND key IN (?, ?)", (account_id, old, new))
    for number, point in enumerate(points):
        _insert(db, account_id, new, number, point)


def similar_jobs(db: sqlite3.Connection, account_id: int, record: JobRecord) -> SimilarJobs | None:
    """What completed jobs like this one took; None while there is none, or it is not known what is like it."""
    job = record.job
    if job is None or job.model is None or job.endpoint is None:
        return None
    rows = db.execute(
        "SELECT key, completed_at - created_at AS took FROM records WHERE account_id = :account AND key != :key "
        "AND status = :completed AND model = :model AND endpoint = :endpoint AND completed_at > created_at "
        "AND CASE WHEN :requests IS NOT NULL AND requests IS NOT NULL "
        "THEN requests BETWEEN :requests / 2.0 AND :requests * 2.0 "
        "ELSE file_size BETWEEN :size / 2.0 AND :size * 2.0 END ORDER BY sort_at DESC LIMIT :limit",
        {
            "account": account_id,
            "key": record.key,
            "completed": JobStatus.COMPLETED,
            "model": job.model,
            "endpoint": job.endpoint,
            "requests": record.requests,
            "size": job.file_size,
            "limit": _SIMILAR_AT_MOST,
        },
    ).fetchall()
    if not rows:
        return None
    took = [row["took"] for row in rows]
    marks = ", ".join("?" * len(rows))
    pause = db.execute(
        f"SELECT max(pause) FROM points WHERE account_id = ? AND key IN ({marks})",
        (account_id, *(row["key"] for row in rows)),
    ).fetchone()[0]
    return SimilarJobs(len(took), median(took), min(took), max(took), pause or None)


def _thin(db: sqlite3.Connection, account_id: int, key: str, limit: int) -> None:
    points = points_of(db, account_id, key)
    if len(points) <= limit:
        return
    last = db.execute("SELECT max(number) FROM points WHERE account_id = ? AND key = ?", (account_id, key)).fetchone()
    db.execute("DELETE FROM points WHERE account_id = ? AND key = ?", (account_id, key))
    kept = thin(points, limit)
    for number, point in enumerate(kept, start=last[0] + 1 - len(kept)):
        _insert(db, account_id, key, number, point)


def _insert(db: sqlite3.Connection, account_id: int, key: str, number: int, point: ProgressPoint) -> None:
    db.execute(
        "INSERT OR REPLACE INTO points (account_id, key, number, at, status, progress, known_at, pause) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (account_id, key, number, point.at, point.status, point.progress, point.known_at, point.pause),
    )


def _point(row: sqlite3.Row) -> ProgressPoint:
    return ProgressPoint(row["at"], row["status"], row["progress"], row["known_at"], row["pause"])
