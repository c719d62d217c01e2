"""Where each result file stands, and what came of the requests once it is here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tbatch_tui.engine.journal.database import Database
from tbatch_tui.engine.journal.mapping import TALLY_COLUMNS, blob_to_path, counts_values, path_to_blob, row_to_transfer
from tbatch_tui.engine.local_files.filenames import input_stem

if TYPE_CHECKING:
    from pathlib import Path

    from tbatch_tui.engine.domain.counts import JobCounts
    from tbatch_tui.engine.domain.record import JobRecord
    from tbatch_tui.engine.domain.transfer import Transfer, TransferState


class Transfers(Database):
    """Result files and tallies."""

    def save_transfer(self, account_id: int, job_id: str, transfer: Transfer) -> JobRecord | None:
        """Commit where a result file stands; None if the job is not in the history."""
        with self._writing():
            self._write_transfer(account_id, job_id, transfer)
            if self.record(account_id, job_id) is None:
                return None
            return self._reread(account_id, job_id)

    def transfers_in(self, account_id: int, *states: TransferState) -> list[tuple[str, Transfer]]:
        """Job id and transfer of every result file that stands in one of these states, oldest first."""
        rows = self._db.execute(
            f"SELECT * FROM transfers WHERE account_id = ? AND state IN ({', '.join('?' * len(states))}) "
            "ORDER BY updated_at",
            (account_id, *states),
        )
        return [(row["job_id"], found) for row in rows if (found := row_to_transfer(row)) is not None]

    def path_is_free(self, path: Path, job_id: str, stem: str) -> bool:
        """Whether a result file of this job may be called `path`: it has the name, or no other job could want it.

        Another wants it when its id begins alike and the stem of its input file is the same.
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

    def downloaded_jobs(self, account_id: int) -> list[str]:
        """Ids of the jobs of which a result file is here, the newest first."""
        rows = self._db.execute(
            "SELECT DISTINCT r.key, r.sort_at FROM transfers t JOIN records r "
            "ON r.account_id = t.account_id AND r.key = t.job_id "
            "WHERE t.account_id = ? AND t.state = 'fetched' ORDER BY r.sort_at DESC",
            (account_id,),
        )
        return [row[0] for row in rows]

    def save_counts(self, account_id: int, job_id: str, tally: JobCounts) -> JobRecord | None:
        """Keep what came of a job's requests; None if the job is not in the history."""
        with self._writing():
            if self.record(account_id, job_id) is None:
                return None
            marks = ", ".join("?" * len(TALLY_COLUMNS))
            self._db.execute(
                f"INSERT OR REPLACE INTO tallies (account_id, job_id, {', '.join(TALLY_COLUMNS)}) "
                f"VALUES (?, ?, {marks})",
                (account_id, job_id, *counts_values(tally)),
            )
            return self._reread(account_id, job_id)

    def _write_transfer(self, account_id: int, job_id: str, transfer: Transfer) -> None:
        self._db.execute(
            "INSERT OR REPLACE INTO transfers (account_id, job_id, kind, file_id, state, path, size, rows, sha256, "
            "etag, message, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                account_id,
                job_id,
                transfer.kind,
                transfer.file_id,
                transfer.state,
                path_to_blob(transfer.path) if transfer.path is not None else None,
                transfer.size,
                transfer.rows,
                transfer.sha256,
                transfer.etag,
                transfer.message,
                transfer.updated_at,
            ),
        )
