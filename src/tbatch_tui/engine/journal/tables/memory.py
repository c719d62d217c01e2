"""Small things that are remembered beside the jobs: values of the app by name, and input files used lately."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tbatch_tui.engine.journal.mapping import blob_to_path, path_to_blob

if TYPE_CHECKING:
    from pathlib import Path

    from tbatch_tui.engine.journal.database import Database


class MemoryTable:
    """What is remembered for no account in particular."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def remember(self, name: str, value: str) -> None:
        """Store a value under a name, in place of what was there."""
        with self._db.transaction():
            self._db.execute("INSERT OR REPLACE INTO remembered VALUES (?, ?)", (name, value))

    def recall(self, name: str) -> str | None:
        """Return what was remembered under this name; None for nothing."""
        row = self._db.execute("SELECT value FROM remembered WHERE name = ?", (name,)).fetchone()
        return str(row[0]) if row is not None else None

    def add_recent_file(self, path: Path, now: float) -> None:
        """Remember that this input file was used. Inside a transaction."""
        self._db.execute("INSERT OR REPLACE INTO recents VALUES (?, ?)", (path_to_blob(path), now))

    def recent_files(self, limit: int) -> list[Path]:
        """Return the input files used lately, newest first."""
        rows = self._db.execute("SELECT path FROM recents ORDER BY used_at DESC LIMIT ?", (limit,))
        return [path for row in rows if (path := blob_to_path(row[0])) is not None]
