"""Result files: which are wanted, which are on disk, and under which name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tbatch_tui.engine.journal.mapping import (
    TRANSFER_COLUMNS,
    blob_to_path,
    path_to_blob,
    row_to_transfer,
    transfer_values,
)
from tbatch_tui.engine.local_files.filenames import input_stem

if TYPE_CHECKING:
    from pathlib import Path

    from tbatch_tui.engine.domain.record import JobRecord
    from tbatch_tui.engine.domain.transfer import Transfer, TransferState
    from tbatch_tui.engine.journal.database import Database
    from tbatch_tui.engine.journal.tables.records import JobRecordTable


class TransferTable:
    """The state of each result file."""

    def __init__(self, db: Database, records: JobRecordTable) -> None:
        self._db = db
        self._records = records

    def save(self, account_id: int, job_id: str, transfer: Transfer) -> JobRecord | None:
        """Store the state of a result file and return the job's record; None if the job is not in the list."""
        with self._db.transaction():
            self.write(account_id, job_id, transfer)
            if self._records.get(account_id, job_id) is None:
                return None
            return self._records.refresh(account_id, job_id)

    def write(self, account_id: int, job_id: str, transfer: Transfer) -> None:
        """Store the state of a result file. Inside a transaction."""
        marks = ", ".join("?" * (2 + len(TRANSFER_COLUMNS)))
        self._db.execute(
            f"INSERT OR REPLACE INTO transfers (account_id, job_id, {', '.join(TRANSFER_COLUMNS)}) VALUES ({marks})",
            (account_id, job_id, *transfer_values(transfer)),
        )

    def in_states(self, account_id: int, *states: TransferState) -> list[tuple[str, Transfer]]:
        """Return job id and transfer of every result file in one of these states, oldest first."""
        rows = self._db.execute(
            f"SELECT * FROM transfers WHERE account_id = ? AND state IN ({', '.join('?' * len(states))}) "
            "ORDER BY updated_at",
            (account_id, *states),
        )
        return [(row["job_id"], transfer) for row in rows if (transfer := row_to_transfer(row)) is not None]

    def downloaded_job_ids(self, account_id: int) -> list[str]:
        """Return the ids of the jobs with a result file on disk, newest first."""
        rows = self._db.execute(
            "SELECT DISTINCT r.key, r.sort_at FROM transfers t JOIN records r "
            "ON r.account_id = t.account_id AND r.key = t.job_id "
            "WHERE t.account_id = ? AND t.state = 'fetched' ORDER BY r.sort_at DESC",
            (account_id,),
        )
        return [row[0] for row in rows]

    def is_path_free(self, path: Path, job_id: str, stem: str) -> bool:
        """Return whether a result file of this job may be called `path`.

        It may when it is called so already, or when no other job could want the name: one whose id begins with the
        same 8 characters and whose input file has the same stem.
        """
        owners = self._db.execute("SELECT job_id FROM transfers WHERE path = ?", (path_to_blob(path),)).fetchall()
        if owners:
            return any(row[0] == job_id for row in owners)
        others = self._db.execute(
            "SELECT s.path, r.input_name FROM records r LEFT JOIN submissions s ON s.id = r.submission_id "
            "WHERE substr(r.key, 1, 8) = ? AND r.key != ?",
            (job_id[:8], job_id),
        )
        return all(input_stem(blob_to_path(row[0]), row[1]) != stem for row in others)
