"""The counts of downloaded jobs. The database calls the table `tallies`, as version 0.1.0 did."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tbatch_tui.engine.journal.mapping import COUNTS_COLUMNS, counts_values

if TYPE_CHECKING:
    from tbatch_tui.engine.domain.counts import JobCounts
    from tbatch_tui.engine.domain.record import JobRecord
    from tbatch_tui.engine.journal.database import Database
    from tbatch_tui.engine.journal.tables.records import JobRecordTable


class CountsTable:
    """How many requests of each downloaded job were answered, failed or are missing."""

    def __init__(self, db: Database, records: JobRecordTable) -> None:
        self._db = db
        self._records = records

    def save(self, account_id: int, job_id: str, counts: JobCounts) -> JobRecord | None:
        """Store the counts of a job and return its record; None if the job is not in the history."""
        with self._db.transaction():
            if self._records.get(account_id, job_id) is None:
                return None
            marks = ", ".join("?" * len(COUNTS_COLUMNS))
            self._db.execute(
                f"INSERT OR REPLACE INTO tallies (account_id, job_id, {', '.join(COUNTS_COLUMNS)}) "
                f"VALUES (?, ?, {marks})",
                (account_id, job_id, *counts_values(counts)),
            )
            return self._records.refresh(account_id, job_id)
