"""What the server says of jobs, and what a person writes on them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tbatch_tui.engine.domain.job import ENDED, FileKind, Job
from tbatch_tui.engine.domain.transfer import Transfer, TransferState
from tbatch_tui.engine.journal import progress as points
from tbatch_tui.engine.journal.mapping import JOB_COLUMNS, RECORD_SELECT, job_values, row_to_record
from tbatch_tui.engine.journal.transfers import Transfers
from tbatch_tui.engine.progress.history import JobHistory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tbatch_tui.engine.domain.record import JobRecord


class Jobs(Transfers):
    """Jobs as the list tells them, and the labels, notes and names kept beside."""

    def apply_jobs(
        self,
        account_id: int,
        jobs: Iterable[Job],
        now: float,
        held: Callable[[Job], bool],
        seen_at: float | None = None,
    ) -> list[JobRecord]:
        """Take over what the server's list says; the records that are new or different, as they now stand.

        `seen_at` is when the list before it came: until then, what was written last was seen to hold.
        `held` names new jobs that may belong to a submission whose create has no answer yet: they are left out
        until that is settled, else the list would win the race for a job that is ours.
        A job that has ended does not run again: a list that says so was written before the last one.
        """
        known = self._known_jobs(account_id)
        fresh = [
            job
            for job in jobs
            if job != (was := known.get(job.id)) and not (held(job) if was is None else _is_behind(job, was))
        ]
        if not fresh:
            return []
        with self._writing():
            for job in fresh:
                self._write_job(account_id, job, now)
                self._note(account_id, known.get(job.id), job, now, seen_at)
            changed = self._records_of(account_id, [job.id for job in fresh])
            changed = [self._want_files(account_id, record, now) for record in changed]
            self._rerank(account_id, changed)
        known.update((job.id, job) for job in fresh)
        return changed

    def history(self, account_id: int, record: JobRecord) -> JobHistory:
        """How a job has gone so far, as it was seen, and what jobs like it took."""
        return JobHistory(
            points.points_of(self._db, account_id, record.key), points.similar_jobs(self._db, account_id, record)
        )

    def annotate(self, account_id: int, key: str, label: str, note: str) -> JobRecord | None:
        with self._writing():
            self._db.execute(
                "UPDATE records SET label = ?, note = ? WHERE account_id = ? AND key = ?",
                (label, note, account_id, key),
            )
        return self.record(account_id, key)

    def remove(self, account_id: int, keys: Iterable[str], now: float) -> list[str]:
        """Take records that are over out of the list; the keys of those that were.

        They are kept all the same: what was submitted is billed again if it is submitted again, and a job that the
        server lists once more is in the list once more, with its label and its files.
        """
        ended = ", ".join(f"'{status}'" for status in sorted(ENDED))
        removed = []
        with self._writing():
            for key in keys:
                found = self._db.execute(
                    "UPDATE records SET removed_at = ? WHERE account_id = ? AND key = ? AND removed_at IS NULL "
                    f"AND (status IN ({ended}) OR (status IS NULL AND submission_id IN "
                    "(SELECT id FROM submissions WHERE state IN ('rejected', 'stopped')))) "
                    "AND NOT EXISTS (SELECT 1 FROM transfers t WHERE t.account_id = records.account_id "
                    "AND t.job_id = records.key AND t.state IN ('wanted', 'failed'))",
                    (now, account_id, key),
                )
                removed += [key] * found.rowcount
        for key in removed:
            self._known_jobs(account_id).pop(key, None)
        return removed

    def name_inputs(self, account_id: int, names: dict[str, str]) -> list[JobRecord]:
        """Give jobs made elsewhere the name of the file they were made from; the records that changed."""
        keys = []
        with self._writing():
            for row in self._db.execute(
                "SELECT key, input_file_id FROM records WHERE account_id = ? AND input_name = '' "
                "AND input_file_id IS NOT NULL",
                (account_id,),
            ).fetchall():
                if name := names.get(row["input_file_id"]):
                    keys.append(row["key"])
                    self._db.execute(
                        "UPDATE records SET input_name = ? WHERE account_id = ? AND key = ?",
                        (name, account_id, row["key"]),
                    )
        return self._records_of(account_id, keys)

    def unnamed_inputs(self, account_id: int) -> set[str]:
        """Input file ids of jobs whose file's name is not known yet."""
        rows = self._db.execute(
            "SELECT DISTINCT input_file_id FROM records WHERE account_id = ? AND input_name = '' "
            "AND input_file_id IS NOT NULL",
            (account_id,),
        )
        return {row[0] for row in rows}

    def records_on_file(self, account_id: int, file_id: str) -> list[JobRecord]:
        """Records that name this file, and those of submissions that have no file yet."""
        rows = self._db.execute(
            RECORD_SELECT + " WHERE r.account_id = ? AND (? IN (r.input_file_id, r.output_file_id, r.error_file_id, "
            "s.file_id, o.file_id, e.file_id) OR (r.status IS NULL AND s.file_id IS NULL))",
            (account_id, file_id),
        )
        return [row_to_record(row) for row in rows]

    def _write_job(self, account_id: int, job: Job, now: float) -> None:
        assignments = ", ".join(f"{column} = excluded.{column}" for column in JOB_COLUMNS)
        marks = ", ".join("?" * (5 + len(JOB_COLUMNS)))
        self._db.execute(
            f"INSERT INTO records (account_id, key, rank, sort_at, first_seen_at, {', '.join(JOB_COLUMNS)}) "
            f"VALUES ({marks}) ON CONFLICT (account_id, key) DO UPDATE SET {assignments}, removed_at = NULL, "
            "sort_at = CASE WHEN excluded.created_at IS NULL THEN sort_at ELSE excluded.sort_at END",
            (account_id, job.id, "", job.created_at or now, now, *job_values(job)),
        )

    def _note(self, account_id: int, before: Job | None, job: Job, now: float, seen_at: float | None) -> None:
        """Keep a point of the job's history, if it is another one. A past that nobody watched has none."""
        if before is None and job.is_ended:
            return
        if before is None or (before.status, before.progress) != (job.status, job.progress):
            points.add_point(self._db, account_id, job.id, now, job.status, job.progress, seen_at)

    def _want_files(self, account_id: int, record: JobRecord, now: float) -> JobRecord:
        """A job submitted here has ended: its result files are to be fetched from now on."""
        job = record.job
        if record.submission is None or job is None or not job.is_ended:
            return record
        wanted = False
        for kind in FileKind:
            file_id = job.file_id(kind)
            here = record.output if kind is FileKind.OUTPUT else record.errors
            if file_id is not None and (here is None or here.file_id != file_id):
                self._write_transfer(account_id, job.id, Transfer(kind, file_id, TransferState.WANTED, updated_at=now))
                wanted = True
        return (self.record(account_id, job.id) or record) if wanted else record


def _is_behind(job: Job, known: Job) -> bool:
    return known.is_ended and not job.is_ended
