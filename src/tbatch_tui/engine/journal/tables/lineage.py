"""Lineage: which job a file is a retry of, and the family that a job belongs to.

A retry file is stored when it is written, by its path and its bytes: it may be submitted at once, next week, or
from the command line.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tbatch_tui.engine.domain.record import FamilyMember
from tbatch_tui.engine.journal.mapping import blob_to_path, path_to_blob, submission_key

if TYPE_CHECKING:
    from pathlib import Path

    from tbatch_tui.engine.journal.database import Database
    from tbatch_tui.engine.journal.tables.records import JobRecordTable


class LineageTable:
    """Retry files, and the jobs that came from them."""

    def __init__(self, db: Database, records: JobRecordTable) -> None:
        self._db = db
        self._records = records

    def add_retry(self, account_id: int, path: Path, sha256: str, parent: str) -> None:
        """Remember that this file repeats requests of the job `parent`, whenever it is submitted."""
        with self._db.transaction():
            self._db.execute(
                "INSERT OR REPLACE INTO retries (account_id, path, sha256, parent) VALUES (?, ?, ?, ?)",
                (account_id, path_to_blob(path), sha256, parent),
            )

    def retry_paths(self, input_path: Path) -> set[Path]:
        """Return the files in the folder of `input_path` that were written as a retry or submitted, by any account."""
        folder = path_to_blob(input_path.parent / "x")[:-1]
        rows = self._db.execute(
            "SELECT path FROM retries WHERE substr(path, 1, ?1) = ?2 "
            "UNION SELECT path FROM submissions WHERE substr(path, 1, ?1) = ?2",
            (len(folder), folder),
        )
        return {path for row in rows if (path := blob_to_path(row["path"])) is not None}

    def parent_of(self, account_id: int, path: Path, sha256: str) -> str | None:
        """Return the job that this file is a retry of; None if it is of none.

        The path decides, even if the file was edited since; a file that was moved is known by its bytes. A retry of
        every line has the bytes of the original: the original, submitted again, is not a retry.
        """
        rows = self._db.execute(
            "SELECT r.parent, s.path AS asked FROM retries r "
            "LEFT JOIN submissions s ON s.account_id = r.account_id AND s.job_id = r.parent "
            "WHERE r.account_id = ? AND (r.path = ? OR r.sha256 = ?) ORDER BY r.path = ? DESC",
            (account_id, path_to_blob(path), sha256, path_to_blob(path)),
        )
        return next((row["parent"] for row in rows if row["asked"] != path_to_blob(path)), None)

    def retry_keys(self, account_id: int) -> frozenset[str]:
        """Return the keys of all submissions that ask requests again: of a job, or as parts of a file of retries."""
        rows = self._db.execute(
            "SELECT s.id, s.job_id, s.group_id, g.path, g.sha256 FROM submissions s "
            "LEFT JOIN groups g ON g.id = s.group_id WHERE s.account_id = ? AND s.parent IS NOT NULL",
            (account_id,),
        ).fetchall()
        groups = {
            row["group_id"]: self.parent_of(account_id, path, row["sha256"]) is not None
            for row in {row["group_id"]: row for row in rows if row["group_id"] is not None}.values()
            if (path := blob_to_path(row["path"])) is not None
        }
        return frozenset(
            row["job_id"] or submission_key(row["id"]) for row in rows if groups.get(row["group_id"], True)
        )

    def family(self, account_id: int, key: str) -> list[FamilyMember]:
        """Return the original that a job is a retry of and all its retries, oldest first; empty if it is not known."""
        generations = self._generations(account_id, key)
        records = self._records.get_many(account_id, list(generations))
        members = [FamilyMember(record, generations[record.key]) for record in records]
        return sorted(members, key=lambda member: (member.generation != 1, member.record.created_at))

    def _generations(self, account_id: int, key: str) -> dict[str, int]:
        """Return the keys of the whole family of a job, and the generation of each: 1 for the original."""
        generations = {self._original(account_id, key): 1}
        parents = list(generations)
        while parents:
            parent = parents.pop()
            rows = self._db.execute(
                "SELECT id, job_id FROM submissions WHERE account_id = ? AND parent = ?", (account_id, parent)
            )
            for row in rows.fetchall():
                child = row["job_id"] or submission_key(row["id"])
                if child not in generations:
                    generations[child] = generations[parent] + 1
                    parents.append(child)
        return generations

    def _original(self, account_id: int, key: str) -> str:
        """Return the key where the line of parents ends."""
        kind, _, number = key.partition(":")
        column, value = ("id", number) if kind == "submission" else ("job_id", key)
        seen = {key}
        while True:
            row = self._db.execute(
                f"SELECT parent FROM submissions WHERE account_id = ? AND {column} = ?", (account_id, value)
            ).fetchone()
            if row is None or row["parent"] is None or row["parent"] in seen:
                return key
            key = value = row["parent"]
            column = "job_id"
            seen.add(key)
