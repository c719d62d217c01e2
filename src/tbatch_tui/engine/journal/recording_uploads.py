"""The recordings that were uploaded to a store from this machine: only these may be deleted there again."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tbatch_tui.engine.journal.database import Database


class RecordingUploads:
    """Addresses of objects that were not there before, by the server of their store. They belong to no account."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def add(self, endpoint: str, address: str, size: int, now: float) -> None:
        """Remember that an object of this size was made at `s3://bucket/key`; empty `endpoint` for Amazon's server."""
        with self._db.transaction():
            self._db.execute(
                "INSERT OR REPLACE INTO recording_uploads (endpoint, address, size, uploaded_at) VALUES (?, ?, ?, ?)",
                (endpoint, address, size, now),
            )

    def sizes(self, endpoint: str, store: str) -> dict[str, int]:
        """Return the size in bytes of each object that was made in a store, `s3://bucket/prefix`, by its address."""
        rows = self._db.execute(
            "SELECT address, size FROM recording_uploads WHERE endpoint = ? AND address >= ? AND address < ?",
            (endpoint, f"{store}/", f"{store}0"),  # a zero follows a slash
        )
        return {str(row["address"]): int(row["size"]) for row in rows}

    def forget(self, endpoint: str, addresses: Iterable[str]) -> None:
        """Forget objects that were deleted."""
        with self._db.transaction():
            for address in addresses:
                self._db.execute(
                    "DELETE FROM recording_uploads WHERE endpoint = ? AND address = ?", (endpoint, address)
                )
