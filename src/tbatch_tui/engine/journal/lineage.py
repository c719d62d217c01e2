"""Lineage: which job a file is a retry of, and the family that a job belongs to.

A retry file is remembered when it is written, by its path and its bytes: it may be submitted at once, next week, or
from the command line.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tbatch_tui.engine.journal.mapping import path_to_blob, submission_key

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path


def add_retry(db: sqlite3.Connection, account_id: int, path: Path, sha256: str, parent: str) -> None:
    db.execute(
        "INSERT OR REPLACE INTO retries (account_id, path, sha256, parent) VALUES (?, ?, ?, ?)",
        (account_id, path_to_blob(path), sha256, parent),
    )


def parent_of(db: sqlite3.Connection, account_id: int, path: Path, sha256: str) -> str | None:
    """The job of which this file is a retry: by its path, even if it was edited since; moved, by its bytes.

    A retry of every line has the bytes of the original: that one, submitted again, is not a retry.
    """
    rows = db.execute(
        "SELECT r.parent, s.path AS asked FROM retries r "
        "LEFT JOIN submissions s ON s.account_id = r.account_id AND s.job_id = r.parent "
        "WHERE r.account_id = ? AND (r.path = ? OR r.sha256 = ?) ORDER BY r.path = ? DESC",
        (account_id, path_to_blob(path), sha256, path_to_blob(path)),
    )
    return next((row["parent"] for row in rows if row["asked"] != path_to_blob(path)), None)


def generations(db: sqlite3.Connection, account_id: int, key: str) -> dict[str, int]:
    """The keys of the whole family of a job, and the generation of each: 1 for the original."""
    found = {_original(db, account_id, key): 1}
    young = list(found)
    while young:
        parent = young.pop()
        rows = db.execute(
            "SELECT id, job_id FROM submissions WHERE account_id = ? AND parent = ?", (account_id, parent)
        )
        for row in rows.fetchall():
            child = row["job_id"] or submission_key(row["id"])
            if child not in found:
                found[child] = found[parent] + 1
                young.append(child)
    return found


def _original(db: sqlite3.Connection, account_id: int, key: str) -> str:
    """Where the line of parents ends."""
    kind, _, number = key.partition(":")
    column, value = ("id", number) if kind == "submission" else ("job_id", key)
    seen = {key}
    while True:
        row = db.execute(
            f"SELECT parent FROM submissions WHERE account_id = ? AND {column} = ?", (account_id, value)
        ).fetchone()
        if row is None or row["parent"] is None or row["parent"] in seen:
            return key
        key = value = row["parent"]
        column = "job_id"
        seen.add(key)
