"""Submissions, from the intent to the job they become, and what each is a retry of."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tbatch_tui.engine.domain.record import FamilyMember, JobRecord
from tbatch_tui.engine.domain.submission import Submission, SubmissionState
from tbatch_tui.engine.journal import lineage
from tbatch_tui.engine.journal import progress as points
from tbatch_tui.engine.journal.jobs import Jobs
from tbatch_tui.engine.journal.mapping import (
    RECORD_SELECT,
    estimate_to_json,
    path_to_blob,
    row_to_record,
    row_to_submission,
    submission_key,
)
from tbatch_tui.engine.progress.history import LOCAL

if TYPE_CHECKING:
    from pathlib import Path

    from tbatch_tui.engine.domain.cost import Estimate
    from tbatch_tui.engine.domain.job import Job
    from tbatch_tui.engine.endpoint import Endpoint


class Submissions(Jobs):
    """Submissions and lineage."""

    def add_submission(
        self,
        account_id: int,
        *,
        path: Path,
        size: int,
        sha256: str,
        endpoint: Endpoint,
        label: str,
        requests: int,
        now: float,
        estimate: Estimate | None = None,
    ) -> JobRecord:
        """Commit the intent to submit this file, before the first byte goes out."""
        with self._writing():
            self._remember_path(path, now)
            return self._intend(
                account_id,
                path=path,
                size=size,
                sha256=sha256,
                endpoint=endpoint,
                label=label,
                requests=requests,
                now=now,
                estimate=estimate_to_json(estimate),
                parent=lineage.parent_of(self._db, account_id, path, sha256),
            )

    def _intend(
        self,
        account_id: int,
        *,
        path: Path,
        label: str,
        requests: int,
        now: float,
        state: SubmissionState = SubmissionState.INTENT,
        **columns: object,
    ) -> JobRecord:
        """A submission and the record of it. Inside a transaction."""
        kept = {
            "account_id": account_id,
            "path": path_to_blob(path),
            "label": label,
            "requests": requests,
            "created_at": now,
            "state": state,
            **columns,
        }
        cursor = self._db.execute(
            f"INSERT INTO submissions ({', '.join(kept)}) VALUES ({', '.join('?' * len(kept))})", tuple(kept.values())
        )
        assert cursor.lastrowid is not None
        key = submission_key(cursor.lastrowid)
        self._db.execute(
            "INSERT INTO records (account_id, key, rank, sort_at, label, input_name, requests, submission_id, "
            "first_seen_at) VALUES (?, ?, '', ?, ?, ?, ?, ?, ?)",
            (account_id, key, now, label, _shown_name(path), requests, cursor.lastrowid, now),
        )
        points.add_point(self._db, account_id, key, now, LOCAL + state, 0.0, None)
        return self._reread(account_id, key)

    def _remember_path(self, path: Path, now: float) -> None:
        self._db.execute("INSERT OR REPLACE INTO recents VALUES (?, ?)", (path_to_blob(path), now))

    def submission(self, submission_id: int) -> Submission | None:
        row = self._db.execute("SELECT * FROM submissions WHERE id = ?", (submission_id,)).fetchone()
        return row_to_submission(row) if row is not None else None

    def open_submissions(self, account_id: int) -> list[Submission]:
        """Submissions with work left to do now, oldest first."""
        states = [state for state in SubmissionState if state.is_open and not state.is_waiting]
        marks = ", ".join("?" * len(states))
        rows = self._db.execute(
            f"SELECT * FROM submissions WHERE account_id = ? AND state IN ({marks}) ORDER BY id", (account_id, *states)
        )
        return [row_to_submission(row) for row in rows]

    def update_submission(self, account_id: int, submission: Submission, now: float | None = None) -> JobRecord:
        """Commit a step of a submission that has no job yet; with `now`, also when it was made."""
        key = submission_key(submission.id)
        with self._writing():
            self._write_submission(submission)
            if now is not None:
                points.add_point(self._db, account_id, key, now, LOCAL + submission.state, 0.0, None)
            return self._reread(account_id, key)

    def attach_job(self, account_id: int, submission: Submission, job: Job, now: float) -> JobRecord:
        """Commit that `job` is what the submission became. Its record takes the job's id as key.

        A row that the list brought for the same job gives way to it, but what a person wrote there stays.
        """
        made = replace(
            submission, state=SubmissionState.CREATED, job_id=job.id, error=None, hint=None, uncertain_since=None
        )
        with self._writing():
            self._write_submission(made)
            theirs = self.record(account_id, job.id)
            self._db.execute("DELETE FROM records WHERE account_id = ? AND key = ?", (account_id, job.id))
            self._db.execute(
                "UPDATE records SET key = ?, note = CASE note WHEN '' THEN ? ELSE note END "
                "WHERE account_id = ? AND key = ?",
                (job.id, theirs.note if theirs else "", account_id, submission_key(submission.id)),
            )
            self._write_job(account_id, job, now)
            points.rename_points(self._db, account_id, submission_key(submission.id), job.id)
            points.add_point(self._db, account_id, job.id, now, job.status, job.progress, None)
            record = self._want_files(account_id, self._reread(account_id, job.id), now)
            self._rerank(account_id, [record])
        self._known_jobs(account_id)[job.id] = job
        return record

    def jobs_on_file(self, account_id: int, file_id: str, endpoint: Endpoint) -> list[str]:
        """Ids of the jobs known for this input file and endpoint."""
        rows = self._db.execute(
            "SELECT key FROM records WHERE account_id = ? AND input_file_id = ? AND (endpoint IS NULL OR endpoint = ?)",
            (account_id, file_id, endpoint),
        )
        return [row[0] for row in rows]

    def claimed_jobs(self, account_id: int) -> set[str]:
        """Ids of the jobs that a submission of this journal already became."""
        rows = self._db.execute(
            "SELECT job_id FROM submissions WHERE account_id = ? AND job_id IS NOT NULL", (account_id,)
        )
        return {row[0] for row in rows}

    def earlier_runs(self, account_id: int, sha256: str, endpoint: Endpoint) -> list[JobRecord]:
        """Records of submissions of these exact bytes that became a job or still may, newest first.

        Of bytes that went as several jobs, the first of those.
        """
        rows = self._db.execute(
            RECORD_SELECT
            + " WHERE r.account_id = ? AND (s.sha256 = ? OR (g.sha256 = ? AND s.part = 1)) AND s.endpoint = ?"
            + " AND s.state NOT IN ('rejected', 'stopped') ORDER BY s.created_at DESC",
            (account_id, sha256, sha256, endpoint),
        )
        return [row_to_record(row) for row in rows]

    def _write_submission(self, submission: Submission) -> None:
        self._db.execute(
            "UPDATE submissions SET state = ?, file_id = ?, known_ids = ?, job_id = ?, error = ?, hint = ?, "
            "warning = ?, uncertain_since = ? WHERE id = ?",
            (
                submission.state,
                submission.file_id,
                "\n".join(submission.known_ids),
                submission.job_id,
                submission.error,
                submission.hint,
                submission.warning,
                submission.uncertain_since,
                submission.id,
            ),
        )

    def add_retry(self, account_id: int, path: Path, sha256: str, parent: str) -> None:
        """Keep that this file asks once more what the job `parent` asked, whenever it is submitted."""
        with self._writing():
            lineage.add_retry(self._db, account_id, path, sha256, parent)

    def family(self, account_id: int, key: str) -> list[FamilyMember]:
        """The original that a job is a retry of, and all its retries, the oldest first; none if it is not known."""
        generations = lineage.generations(self._db, account_id, key)
        found = self.records_of(account_id, list(generations))
        kin = [FamilyMember(record, generations[record.key]) for record in found]
        return sorted(kin, key=lambda one: (one.generation != 1, one.record.created_at))


def _shown_name(path: Path) -> str:
    """The file's name as text that SQLite takes: undecodable bytes become U+FFFD."""
    return path.name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
