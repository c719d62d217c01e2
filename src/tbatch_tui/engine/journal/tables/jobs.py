"""Jobs as the server lists them, merged into the records."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tbatch_tui.engine.domain.job import ENDED, FileKind, Job
from tbatch_tui.engine.domain.transfer import Transfer, TransferState
from tbatch_tui.engine.journal.mapping import JOB_COLUMNS, job_values

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tbatch_tui.engine.domain.record import JobRecord
    from tbatch_tui.engine.endpoint import Endpoint
    from tbatch_tui.engine.journal.database import Database
    from tbatch_tui.engine.journal.tables.progress import ProgressTable
    from tbatch_tui.engine.journal.tables.records import JobRecordTable
    from tbatch_tui.engine.journal.tables.transfers import TransferTable


_GONE_AFTER = 4 * 86_400.0
"""Seconds after which a job has ended, whatever was last seen of it: 72 hours at most, and a day of grace."""


class JobTable:
    """The server's part of each record."""

    def __init__(
        self, db: Database, records: JobRecordTable, transfers: TransferTable, progress: ProgressTable
    ) -> None:
        self._db = db
        self._records = records
        self._transfers = transfers
        self._progress = progress

    def apply(
        self,
        account_id: int,
        jobs: Iterable[Job],
        now: float,
        is_reserved: Callable[[Job], bool],
        seen_at: float | None = None,
    ) -> list[JobRecord]:
        """Store the jobs of a list that are new or different, and return their records.

        A job that has ended does not run again: a list that says so was written before the last one.

        Args:
            is_reserved: Whether a new job may belong to a submission whose create has no answer yet. Such a job is
                left out until that is resolved, else the list would win the race for a job that is ours.
            seen_at: When the list before this one came: until then, what was written last was seen to hold.
        """
        known = self._db.known_jobs(account_id)
        fresh = [
            job
            for job in jobs
            if job != (was := known.get(job.id)) and not (is_reserved(job) if was is None else _is_behind(job, was))
        ]
        if not fresh:
            return []
        with self._db.transaction():
            for job in fresh:
                self.write(account_id, job, now)
                self._add_point(account_id, known.get(job.id), job, now, seen_at)
            records = self._records.get_many(account_id, [job.id for job in fresh])
            records = [self.request_files(account_id, record, now) for record in records]
            self._records.store_ranks(account_id, records)
        known.update((job.id, job) for job in fresh)
        return records

    def ids_on_file(self, account_id: int, file_id: str, endpoint: Endpoint) -> list[str]:
        """Return the ids of the jobs known for this input file and endpoint."""
        rows = self._db.execute(
            "SELECT key FROM records WHERE account_id = ? AND input_file_id = ? AND (endpoint IS NULL OR endpoint = ?)",
            (account_id, file_id, endpoint),
        )
        return [row[0] for row in rows]

    def unended_ids(self, account_id: int, now: float) -> set[str]:
        """Return the ids of the jobs that had not ended when they were last seen, and are not too old for that."""
        marks = ", ".join("?" * len(ENDED))
        rows = self._db.execute(
            f"SELECT key FROM records WHERE account_id = ? AND status NOT IN ({marks}) AND removed_at IS NULL "
            "AND created_at > ?",
            (account_id, *ENDED, now - _GONE_AFTER),
        )
        return {row[0] for row in rows}

    def write(self, account_id: int, job: Job, now: float) -> None:
        """Store a job in its record, which is made if there is none. Inside a transaction."""
        assignments = ", ".join(f"{column} = excluded.{column}" for column in JOB_COLUMNS)
        marks = ", ".join("?" * (5 + len(JOB_COLUMNS)))
        self._db.execute(
            f"INSERT INTO records (account_id, key, rank, sort_at, first_seen_at, {', '.join(JOB_COLUMNS)}) "
            f"VALUES ({marks}) ON CONFLICT (account_id, key) DO UPDATE SET {assignments}, removed_at = NULL, "
            "sort_at = CASE WHEN excluded.created_at IS NULL THEN sort_at ELSE excluded.sort_at END",
            (account_id, job.id, "", job.created_at or now, now, *job_values(job)),
        )

    def request_files(self, account_id: int, record: JobRecord, now: float) -> JobRecord:
        """Mark the result files of an ended job as wanted if it was submitted here. Inside a transaction."""
        job = record.job
        if record.submission is None or job is None or not job.is_ended:
            return record
        is_changed = False
        for kind in FileKind:
            file_id = job.file_id(kind)
            transfer = record.output if kind is FileKind.OUTPUT else record.errors
            if file_id is not None and (transfer is None or transfer.file_id != file_id):
                folder = record.submission.output_dir
                known = transfer or Transfer(kind, file_id, TransferState.WANTED, updated_at=now, folder=folder)
                self._transfers.write(account_id, job.id, known.wanted(file_id))
                is_changed = True
        return (self._records.get(account_id, job.id) or record) if is_changed else record

    def _add_point(self, account_id: int, before: Job | None, job: Job, now: float, seen_at: float | None) -> None:
        if before is None and job.is_ended:
            return  # nobody watched it
        if before is None or (before.status, before.progress) != (job.status, job.progress):
            self._progress.add(account_id, job.id, now, job.status, job.progress, seen_at)


def _is_behind(job: Job, known: Job) -> bool:
    return known.is_ended and not job.is_ended
