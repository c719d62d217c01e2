"""Submissions, from the intent to the job they become."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from tbatch_tui.engine.domain.already_submitted import AlreadySubmittedError
from tbatch_tui.engine.domain.submission import SUBMISSION_PREFIX, Submission, SubmissionState
from tbatch_tui.engine.journal.mapping import (
    MAY_RUN,
    RAN_IN_GROUP,
    RECORD_SELECT,
    estimate_to_json,
    path_to_blob,
    row_to_record,
    row_to_submission,
    submission_key,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tbatch_tui.engine.domain.cost import Estimate
    from tbatch_tui.engine.domain.job import Job
    from tbatch_tui.engine.domain.record import JobRecord
    from tbatch_tui.engine.endpoint import Endpoint
    from tbatch_tui.engine.journal.database import Database
    from tbatch_tui.engine.journal.tables.accounts import AccountTable
    from tbatch_tui.engine.journal.tables.jobs import JobTable
    from tbatch_tui.engine.journal.tables.lineage import LineageTable
    from tbatch_tui.engine.journal.tables.memory import MemoryTable
    from tbatch_tui.engine.journal.tables.progress import ProgressTable
    from tbatch_tui.engine.journal.tables.records import JobRecordTable


class SubmissionLostError(Exception):
    """A step was not saved: another app works on the submission now, or it has come further there."""


class JobClaimedError(Exception):
    """A step was not saved: another submission has become that job."""


class Held(NamedTuple):
    """How a submission has to be in the history for its next step to be saved: as its worker left it."""

    owner: str
    """The app that began to work on it last."""
    states: tuple[SubmissionState, ...]
    """The states that it may be in."""


class SubmissionTable:
    """What was submitted here, and how far each submission has come."""

    def __init__(
        self,
        db: Database,
        records: JobRecordTable,
        jobs: JobTable,
        progress: ProgressTable,
        lineage: LineageTable,
        memory: MemoryTable,
        accounts: AccountTable,
    ) -> None:
        self._db = db
        self._records = records
        self._jobs = jobs
        self._progress = progress
        self._lineage = lineage
        self._memory = memory
        self._accounts = accounts

    def add(
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
        known_runs: Sequence[JobRecord] | None = None,
        output_dir: Path | None = None,
    ) -> JobRecord:
        """Commit the intent to submit this file, before the first byte is sent.

        Raises AlreadySubmittedError as `require_known_runs` does.
        """
        with self._db.transaction():
            self.require_known_runs(account_id, path, sha256, endpoint, known_runs)
            self._memory.add_recent_file(path, now)
            return self.insert(
                account_id,
                path=path,
                size=size,
                sha256=sha256,
                endpoint=endpoint,
                label=label,
                requests=requests,
                now=now,
                estimate=estimate_to_json(estimate),
                parent=self._lineage.parent_of(account_id, path, sha256),
                output_dir=path_to_blob(output_dir) if output_dir is not None else None,
            )

    def insert(
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
        """Add a submission and its record. Inside a transaction.

        Args:
            columns: Other columns of the submission, by name, as they are stored.
        """
        values = {
            "account_id": account_id,
            "path": path_to_blob(path),
            "label": label,
            "requests": requests,
            "created_at": now,
            "state": state,
            **columns,
        }
        cursor = self._db.execute(
            f"INSERT INTO submissions ({', '.join(values)}) VALUES ({', '.join('?' * len(values))})",
            tuple(values.values()),
        )
        assert cursor.lastrowid is not None
        key = submission_key(cursor.lastrowid)
        self._db.execute(
            "INSERT INTO records (account_id, key, rank, sort_at, label, input_name, requests, submission_id, "
            "first_seen_at) VALUES (?, ?, '', ?, ?, ?, ?, ?, ?)",
            (account_id, key, now, label, _displayable_name(path), requests, cursor.lastrowid, now),
        )
        self._progress.add(account_id, key, now, SUBMISSION_PREFIX + state, 0.0, None)
        return self._records.refresh(account_id, key)

    def get(self, submission_id: int) -> Submission | None:
        """Return one submission; None if there is none of this id."""
        row = self._db.execute("SELECT * FROM submissions WHERE id = ?", (submission_id,)).fetchone()
        return row_to_submission(row) if row is not None else None

    def open(self, account_id: int) -> list[Submission]:
        """Return the submissions with work left to do now, oldest first."""
        states = [state for state in SubmissionState if state.is_open and not state.is_waiting]
        rows = self._db.execute(
            f"SELECT * FROM submissions WHERE account_id = ? AND state IN ({_marks(states)}) ORDER BY id",
            (account_id, *states),
        )
        return [row_to_submission(row) for row in rows]

    def repeated(self, account_id: int) -> list[Submission]:
        """Return the submissions whose create was sent again while an earlier one may have been carried out."""
        rows = self._db.execute(
            "SELECT * FROM submissions WHERE account_id = ? AND repeated_at IS NOT NULL ORDER BY id", (account_id,)
        )
        return [row_to_submission(row) for row in rows]

    def claim(self, submission_id: int, owner: str, *, only_unsent: bool = False) -> Submission | None:
        """Commit that `owner` works on a submission from now on, and return it as it is then.

        Whoever worked on it before cannot save a step any more, and so sends nothing. None if there is no work left.

        Args:
            only_unsent: Leave it alone if a create may have been sent for it.
        """
        if only_unsent:
            states = [SubmissionState.INTENT, SubmissionState.UPLOADED]
        else:
            states = [state for state in SubmissionState if state.is_open and not state.is_waiting]
        unsent = " AND create_sent_at IS NULL" if only_unsent else ""
        with self._db.transaction():
            claimed = self._db.execute(
                f"UPDATE submissions SET owner = ? WHERE id = ? AND state IN ({_marks(states)}){unsent}",
                (owner, submission_id, *states),
            )
            return self.get(submission_id) if claimed.rowcount else None

    def owner(self, submission_id: int) -> str | None:
        """Return the app that began to work on a submission last; None if none has."""
        row = self._db.execute("SELECT owner FROM submissions WHERE id = ?", (submission_id,)).fetchone()
        return row[0] if row is not None else None

    def update(
        self, account_id: int, submission: Submission, now: float | None = None, held: Held | None = None
    ) -> JobRecord:
        """Commit a step of a submission that has no job yet. With `now`, the step is part of the job's history.

        A first create of a part is not begun while its group is on hold: then the part waits again. Raises
        SubmissionLostError if the submission is not as `held` says.
        """
        key = submission_key(submission.id)
        with self._db.transaction():
            is_first = submission.state is SubmissionState.CREATING and submission.repeated_at is None
            if is_first and self._is_on_hold(submission.id):
                submission = replace(
                    submission, state=SubmissionState.WAITING, file_id=None, known_ids=(), create_sent_at=None,
                    create_sent_server_at=None,
                )  # fmt: skip
            self.write(submission, held)
            if now is not None:
                self._progress.add(account_id, key, now, SUBMISSION_PREFIX + submission.state, 0.0, None)
            return self._records.refresh(account_id, key)

    def _is_on_hold(self, submission_id: int) -> bool:
        row = self._db.execute(
            "SELECT 1 FROM submissions s JOIN groups g ON g.id = s.group_id WHERE s.id = ? AND g.held = 1",
            (submission_id,),
        )
        return row.fetchone() is not None

    def attach_job(
        self, account_id: int, submission: Submission, job: Job, now: float, held: Held | None = None
    ) -> JobRecord:
        """Commit that a submission has become `job`. Its record takes the job's id as key.

        A record that the list brought for the same job gives way to it, but a person's note on it stays. Raises
        JobClaimedError if another submission has become the job, and SubmissionLostError if this one has become
        another, or is not as `held` says.

        Args:
            held: None when the server named the job in its answer to the create: that is so whoever works on the
                submission now.
        """
        with self._db.transaction():
            return self._attach_job(account_id, submission, job, now, held)

    def add_run(self, account_id: int, job: Job, now: float, **columns: Any) -> JobRecord:
        """Commit that a job of the list was made of a file here. See `insert_run`."""
        with self._db.transaction():
            return self.insert_run(account_id, job, now, **columns)

    def insert_run(self, account_id: int, job: Job, now: float, **columns: Any) -> JobRecord:
        """Write a job of the list as if it was submitted here. Inside a transaction. Raises JobClaimedError.

        Args:
            columns: Of the submission, as `insert` takes them; `path` and `requests` are among them.
        """
        label = listed.label if (listed := self._records.get(account_id, job.id)) is not None else ""
        added = self.insert(account_id, label=label, now=job.created_at or now, endpoint=job.endpoint, **columns)
        assert added.submission is not None
        return self._attach_job(account_id, replace(added.submission, file_id=job.input_file_id), job, now)

    def _attach_job(
        self, account_id: int, submission: Submission, job: Job, now: float, held: Held | None = None
    ) -> JobRecord:
        created = replace(
            submission, state=SubmissionState.CREATED, job_id=job.id, error=None, hint=None, uncertain_since=None
        )
        old_key = submission_key(submission.id)
        latest = self.get(submission.id)
        if latest is not None and latest.job_id == job.id:
            return self._records.refresh(account_id, job.id)  # another app has found it meanwhile
        if job.id in self.claimed_job_ids(account_id):
            raise JobClaimedError
        if latest is None or latest.job_id is not None:
            raise SubmissionLostError
        self.write(created, held)
        listed = self._records.get(account_id, job.id)
        self._db.execute("DELETE FROM records WHERE account_id = ? AND key = ?", (account_id, job.id))
        self._db.execute(
            "UPDATE records SET key = ?, note = CASE note WHEN '' THEN ? ELSE note END "
            "WHERE account_id = ? AND key = ?",
            (job.id, listed.note if listed else "", account_id, old_key),
        )
        self._jobs.write(account_id, job, now)
        self._progress.rename(account_id, old_key, job.id)
        self._progress.add(account_id, job.id, now, job.status, job.progress, None)
        record = self._jobs.request_files(account_id, self._records.refresh(account_id, job.id), now)
        self._records.store_ranks(account_id, [record])
        self._db.known_jobs(account_id)[job.id] = job
        return record

    def claimed_job_ids(self, account_id: int) -> set[str]:
        """Return the ids of the jobs that submissions have become, in every account of this organisation."""
        accounts = self._accounts.siblings(account_id)
        rows = self._db.execute(
            f"SELECT job_id FROM submissions WHERE account_id IN ({_marks(accounts)}) AND job_id IS NOT NULL", accounts
        )
        return {row[0] for row in rows}

    def earlier_runs(self, account_id: int, sha256: str, endpoint: Endpoint) -> list[JobRecord]:
        """Return the records of submissions of these exact bytes that became a job or still may, newest first.

        Of bytes that were submitted as several jobs, or with other files as a group, the first of those jobs: they ran
        if any part of them did. Those
        of every account of this organisation and project are among them.
        """
        accounts = ", ".join(map(str, self._accounts.siblings(account_id)))
        rows = self._db.execute(
            f"{RECORD_SELECT} WHERE r.account_id IN ({accounts}) AND s.endpoint = :endpoint AND {MAY_RUN.format('s')}"
            f" AND (s.sha256 = :sha256 OR {RAN_IN_GROUP}) ORDER BY s.created_at DESC",
            {"endpoint": endpoint, "sha256": sha256},
        )
        return [row_to_record(row) for row in rows]

    def require_known_runs(
        self, account_id: int, path: Path, sha256: str, endpoint: Endpoint, known: Sequence[JobRecord] | None
    ) -> None:
        """Raise AlreadySubmittedError if these bytes ran before. Inside the transaction that commits them.

        Looked up before it, two apps could each find nothing, and then both submit the same bytes.

        Args:
            known: The earlier runs that the person was shown, and wants another of; None to ask for nothing.
        """
        if known is None:
            return
        seen = {record.submission.id for record in known if record.submission is not None}
        earlier = self.earlier_runs(account_id, sha256, endpoint)
        if any(record.submission is not None and record.submission.id not in seen for record in earlier):
            raise AlreadySubmittedError(path, earlier)

    def runs_elsewhere(self, account_id: int, record: JobRecord) -> list[JobRecord]:
        """Return the earlier runs of what a record would send, but for those of the same file in the same parts."""
        submission, group = record.submission, record.group
        if submission is None:
            return []
        hashes = {submission.sha256, group.sha256 if group is not None else submission.sha256}
        runs = [run for sha256 in hashes for run in self.earlier_runs(account_id, sha256, submission.endpoint)]
        return [
            run
            for run in runs
            if run.key != record.key and (group is None or run.group is None or run.group.id != group.id)
        ]

    def write(self, submission: Submission, held: Held | None = None) -> None:
        """Store what can change of a submission. Inside a transaction.

        Raises SubmissionLostError if it is not as `held` says; one that was saved before and whose answer the disk
        lost may be in its new state already.
        """
        states = (*held.states, submission.state) if held is not None else ()
        guard = f" AND owner = ? AND state IN ({_marks(states)})" if held is not None else ""
        written = self._db.execute(
            "UPDATE submissions SET state = ?, file_id = ?, known_ids = ?, job_id = ?, error = ?, hint = ?, "
            "warning = ?, uncertain_since = ?, create_sent_at = ?, create_sent_server_at = ?, repeated_at = ?, "
            f"redirected_to = ?, pause = ? WHERE id = ?{guard}",
            (
                submission.state,
                submission.file_id,
                "\n".join(submission.known_ids),
                submission.job_id,
                submission.error,
                submission.hint,
                submission.warning,
                submission.uncertain_since,
                submission.create_sent_at,
                submission.create_sent_server_at,
                submission.repeated_at,
                submission.redirected_to,
                submission.pause,
                submission.id,
                *((held.owner, *states) if held is not None else ()),
            ),
        )
        if held is not None and written.rowcount != 1:
            raise SubmissionLostError


def _marks(values: Sequence[object]) -> str:
    return ", ".join("?" * len(values))


def _displayable_name(path: Path) -> str:
    """Return the file's name as text that SQLite accepts: undecodable bytes become U+FFFD."""
    return path.name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
