"""Requests that were tried at once: written before they are sent, and again with what became of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tbatch_tui.engine.domain.tried import TriedRequest, TryCost
from tbatch_tui.engine.journal.mapping import blob_to_path, path_to_blob

if TYPE_CHECKING:
    import sqlite3

    from tbatch_tui.engine.journal.database import Database

_COLUMNS = (
    "fingerprint",
    "endpoint",
    "request",
    "sent_at",
    "model",
    "custom_id",
    "line",
    "outcome",
    "answer",
    "response",
    "reason",
    "prompt_tokens",
    "completion_tokens",
    "audio_seconds",
    "seconds",
    "cost",
    "most",
)


class TryTable:
    """The tries of all accounts."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def add(self, account_id: int, tried: TriedRequest) -> int:
        """Write a try that is about to be sent; return its number."""
        names = ("account_id", "path", *_COLUMNS)
        path = path_to_blob(tried.path) if tried.path is not None else None
        with self._db.transaction():
            cursor = self._db.execute(
                f"INSERT INTO tries ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})",
                (account_id, path, *_values(tried)),
            )
        assert cursor.lastrowid is not None
        return cursor.lastrowid

    def finish(self, tried: TriedRequest) -> None:
        """Write what became of a try."""
        with self._db.transaction():
            assignments = ", ".join(f"{name} = ?" for name in _COLUMNS)
            self._db.execute(f"UPDATE tries SET {assignments} WHERE id = ?", (*_values(tried), tried.id))

    def remove(self, number: int) -> None:
        """Forget a try that was certainly not sent."""
        with self._db.transaction():
            self._db.execute("DELETE FROM tries WHERE id = ?", (number,))

    def of_line(self, account_id: int, fingerprint: str, limit: int) -> list[TriedRequest]:
        """Return the tries of a line, the latest first."""
        rows = self._db.execute(
            "SELECT * FROM tries WHERE account_id = ? AND fingerprint = ? ORDER BY id DESC LIMIT ?",
            (account_id, fingerprint, limit),
        )
        return [_row_to_tried(row) for row in rows]

    def between(self, account_id: int, since: float, until: float) -> list[TriedRequest]:
        """Return the tries that were sent in a span of time, the oldest first."""
        rows = self._db.execute(
            "SELECT * FROM tries WHERE account_id = ? AND sent_at >= ? AND sent_at < ? ORDER BY id",
            (account_id, since, until),
        )
        return [_row_to_tried(row) for row in rows]

    def costs(self, account_id: int, since: float, until: float) -> list[tuple[float | None, float | None]]:
        """Return the cost of each of these tries, and the most that it may be, in dollars."""
        rows = self._db.execute(
            "SELECT cost, most FROM tries WHERE account_id = ? AND sent_at >= ? AND sent_at < ?",
            (account_id, since, until),
        )
        return [(row["cost"], row["most"]) for row in rows]

    def costs_of_all(self, account_id: int) -> list[TryCost]:
        """Return what each try of the account cost, the oldest first."""
        rows = self._db.execute(
            "SELECT model, endpoint, sent_at, cost, most FROM tries WHERE account_id = ? ORDER BY id", (account_id,)
        )
        return [TryCost(*row) for row in rows]


def _values(tried: TriedRequest) -> tuple[object, ...]:
    return tuple(getattr(tried, name) for name in _COLUMNS)


def _row_to_tried(row: sqlite3.Row) -> TriedRequest:
    path = blob_to_path(row["path"]) if row["path"] is not None else None
    return TriedRequest(**{name: row[name] for name in _COLUMNS}, path=path, id=row["id"])
