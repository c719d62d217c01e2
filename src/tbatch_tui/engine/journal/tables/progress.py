"""How jobs went: a point for each time the status or progress of a job changed.

The values are loaded when the first point is read or written: the first frame needs none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tbatch_tui.engine.domain.job import ENDED, JobStatus

if TYPE_CHECKING:
    import sqlite3

    from tbatch_tui.engine.domain.record import JobRecord
    from tbatch_tui.engine.journal.database import Database
    from tbatch_tui.engine.progress.history import JobHistory, ProgressPoint, SimilarJobs

_THIN_EVERY = 16
"""Points that may come over the limit before they are thinned out again."""
_MAX_SIMILAR = 200


class ProgressTable:
    """The points of each record, and what similar jobs took."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def history(self, account_id: int, record: JobRecord) -> JobHistory:
        """Return how a job has gone so far, as it was seen, and what jobs like it took."""
        from tbatch_tui.engine.progress.history import JobHistory

        return JobHistory(self._points(account_id, record.key), self._similar_jobs(account_id, record))

    def add(self, account_id: int, key: str, at: float, status: str, progress: float, seen_at: float | None) -> None:
        """Store that the record has this status and progress from `at` on. Inside a transaction.

        Args:
            seen_at: When the status and progress before were last seen to hold; None if nobody was watching.
        """
        from tbatch_tui.engine.progress.history import MAX_POINTS, MAX_POINTS_ENDED, ProgressPoint, pause_before

        last = self._db.execute(
            "SELECT * FROM points WHERE account_id = ? AND key = ? ORDER BY number DESC LIMIT 1", (account_id, key)
        ).fetchone()
        number, pause = 0, 0.0
        if last is not None:
            before = _row_to_point(last)
            if (before.status, before.progress) == (status, progress):
                return  # another app on this folder has seen it, too
            number, pause = last["number"] + 1, pause_before(before, seen_at)
        known_at = seen_at if last is not None else None
        self._insert(account_id, key, number, ProgressPoint(at, status, progress, known_at, pause))
        if status in ENDED:
            self._thin(account_id, key, MAX_POINTS_ENDED)
        elif number >= MAX_POINTS and number % _THIN_EVERY == 0:
            self._thin(account_id, key, MAX_POINTS)

    def rename(self, account_id: int, old: str, new: str) -> None:
        """Put the points of a submission before those that the list brought for its job. Inside a transaction."""
        points = [*self._points(account_id, old), *self._points(account_id, new)]
        self._db.execute("DELETE FROM points WHERE account_id = ? AND key IN (?, ?)", (account_id, old, new))
        for number, point in enumerate(points):
            self._insert(account_id, new, number, point)

    def _points(self, account_id: int, key: str) -> tuple[ProgressPoint, ...]:
        rows = self._db.execute(
            "SELECT * FROM points WHERE account_id = ? AND key = ? ORDER BY number", (account_id, key)
        )
        return tuple(_row_to_point(row) for row in rows)

    def _similar_jobs(self, account_id: int, record: JobRecord) -> SimilarJobs | None:
        """Return what completed jobs like this one took.

        None while there is none, or while the job's model and endpoint are not known.
        """
        from tbatch_tui.engine.progress.history import SimilarJobs, median

        job = record.job
        if job is None or job.model is None or job.endpoint is None:
            return None
        rows = self._db.execute(
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
                "limit": _MAX_SIMILAR,
            },
        ).fetchall()
        if not rows:
            return None
        took = [row["took"] for row in rows]
        marks = ", ".join("?" * len(rows))
        pause = self._db.execute(
            f"SELECT max(pause) FROM points WHERE account_id = ? AND key IN ({marks})",
            (account_id, *(row["key"] for row in rows)),
        ).fetchone()[0]
        return SimilarJobs(len(took), median(took), min(took), max(took), pause or None)

    def _thin(self, account_id: int, key: str, limit: int) -> None:
        from tbatch_tui.engine.progress.history import thin

        points = self._points(account_id, key)
        if len(points) <= limit:
            return
        last = self._db.execute(
            "SELECT max(number) FROM points WHERE account_id = ? AND key = ?", (account_id, key)
        ).fetchone()
        self._db.execute("DELETE FROM points WHERE account_id = ? AND key = ?", (account_id, key))
        left = thin(points, limit)
        for number, point in enumerate(left, start=last[0] + 1 - len(left)):
            self._insert(account_id, key, number, point)

    def _insert(self, account_id: int, key: str, number: int, point: ProgressPoint) -> None:
        self._db.execute(
            "INSERT OR REPLACE INTO points (account_id, key, number, at, status, progress, known_at, pause) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (account_id, key, number, point.at, point.status, point.progress, point.known_at, point.pause),
        )


def _row_to_point(row: sqlite3.Row) -> ProgressPoint:
    from tbatch_tui.engine.progress.history import ProgressPoint

    return ProgressPoint(row["at"], row["status"], row["progress"], row["known_at"], row["pause"])
