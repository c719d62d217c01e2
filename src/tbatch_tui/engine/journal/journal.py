"""Every read and write of the history. Synchronous, for one thread at a time: the controller gives it its own.

Each public method is one transaction. Methods that change a record return it as it now stands.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from tbatch_tui.engine.endpoint import Endpoint
from tbatch_tui.engine.errors import JournalTrouble
from tbatch_tui.engine.history import LOCAL, History
from tbatch_tui.engine.journal import accounts, lineage, points
from tbatch_tui.engine.journal.rows import (
    JOB_COLUMNS,
    RECORD_SELECT,
    TALLY_COLUMNS,
    blob_to_path,
    estimate_text,
    job_of,
    job_values,
    path_to_blob,
    record_of,
    submission_key,
    submission_of,
    tally_values,
    transfer_of,
)
from tbatch_tui.engine.journal.schema import open_database, suspicion
from tbatch_tui.engine.model import (
    ENDED,
    Account,
    Estimate,
    FileKind,
    Job,
    JobRecord,
    Kin,
    Submission,
    SubmissionState,
    Tally,
    Transfer,
    TransferState,
)
from tbatch_tui.engine.names import input_stem

_IN_ORDER = " ORDER BY r.rank, r.sort_at DESC, r.key"


class Journal:
    """The history in one SQLite file."""

    def __init__(self, path: Path) -> None:
        """Open, migrating if need be. Raises FileTrouble."""
        self.path = path
        self._db, self.damaged = open_database(path)
        self._jobs: dict[int, dict[str, Job]] = {}
        """Per account, the jobs as last written: what a new list is compared with."""

    def close(self) -> None:
        self._db.close()

    @contextmanager
    def trouble(self) -> Iterator[None]:
        """What SQLite raises inside comes out as JournalTrouble; damage is noted, to be looked at at the next start."""
        try:
            yield
        except (sqlite3.IntegrityError, sqlite3.ProgrammingError):
            raise  # our own mistake, not the disk's
        except sqlite3.OperationalError as error:
            self._jobs.clear()
            raise JournalTrouble(
                f"The history {self.path} cannot be used: {error}",
                "Nothing that was written is lost. It goes on by itself when the disk can be written again.",
            ) from error
        except sqlite3.DatabaseError as error:
            self._jobs.clear()
            with suppress(OSError):
                suspicion(self.path).touch(mode=0o600)
            raise JournalTrouble(
                f"The history {self.path} is damaged: {error}",
                "Start tbatch-tui again: it is set aside and built anew from the server's list.",
            ) from error

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """One transaction: whole, or as if it had never begun, also when the disk is full at its very end."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            self._jobs.clear()
            if self._db.in_transaction:  # SQLite ends it by itself for some errors
                self._db.execute("ROLLBACK")
            raise

    # -- accounts ------------------------------------------------------------------------------------

    def account_at_start(self, base_url: str, key_tail: str, now: float) -> Account:
        with self._writing():
            return accounts.account_at_start(self._db, base_url, key_tail, now)

    def account_of_key(
        self,
        base_url: str,
        key_tail: str,
        organization: str | None,
        project: str | None,
        title: str,
        now: float,
        is_free: Callable[[int], bool] = lambda _: True,
    ) -> Account:
        """The account of this key. `is_free` says of an account whether no other app is at work on it."""
        with self._writing():
            self._jobs.clear()
            return accounts.account_of_key(self._db, base_url, key_tail, organization, project, title, now, is_free)

    def knows_key(self, account_id: int, base_url: str, key_tail: str) -> bool:
        """Whether this key was seen with this account, rather than the account being the last one used here."""
        row = self._db.execute(
            "SELECT 1 FROM account_keys WHERE base_url = ? AND key_tail = ? AND account_id = ?",
            (base_url, key_tail, account_id),
        ).fetchone()
        return row is not None

    # -- records -------------------------------------------------------------------------------------

    def records(self, account_id: int, limit: int = -1) -> list[JobRecord]:
        """Records in the order they are shown: active, then what needs a person, then by time."""
        rows = self._db.execute(
            RECORD_SELECT + " WHERE r.account_id = ? AND r.removed_at IS NULL" + _IN_ORDER + " LIMIT ?",
            (account_id, limit),
        )
        return [record_of(row) for row in rows]

    def record(self, account_id: int, key: str) -> JobRecord | None:
        row = self._db.execute(
            RECORD_SELECT + " WHERE r.account_id = ? AND r.key = ? AND r.removed_at IS NULL", (account_id, key)
        ).fetchone()
        return record_of(row) if row is not None else None

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

    def history(self, account_id: int, record: JobRecord) -> History:
        """How a job has gone so far, as it was seen, and what jobs like it took."""
        return History(points.of(self._db, account_id, record.key), points.similar(self._db, account_id, record))

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

    # -- submissions ---------------------------------------------------------------------------------

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
            cursor = self._db.execute(
                "INSERT INTO submissions (account_id, path, size, sha256, endpoint, label, requests, created_at, "
                "state, estimate, parent) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    account_id,
                    path_to_blob(path),
                    size,
                    sha256,
                    endpoint,
                    label,
                    requests,
                    now,
                    SubmissionState.INTENT,
                    estimate_text(estimate),
                    lineage.parent_of(self._db, account_id, path, sha256),
                ),
            )
            assert cursor.lastrowid is not None
            key = submission_key(cursor.lastrowid)
            self._db.execute(
                "INSERT INTO records (account_id, key, rank, sort_at, label, input_name, requests, submission_id, "
                "first_seen_at) VALUES (?, ?, '', ?, ?, ?, ?, ?, ?)",
                (account_id, key, now, label, _shown_name(path), requests, cursor.lastrowid, now),
            )
            self._db.execute("INSERT OR REPLACE INTO recents VALUES (?, ?)", (path_to_blob(path), now))
            points.note(self._db, account_id, key, now, LOCAL + SubmissionState.INTENT, 0.0, None)
            return self._reread(account_id, key)

    def submission(self, submission_id: int) -> Submission | None:
        row = self._db.execute("SELECT * FROM submissions WHERE id = ?", (submission_id,)).fetchone()
        return submission_of(row) if row is not None else None

    def open_submissions(self, account_id: int) -> list[Submission]:
        """Submissions with work left to do, oldest first."""
        states = [state for state in SubmissionState if state.is_open]
        marks = ", ".join("?" * len(states))
        rows = self._db.execute(
            f"SELECT * FROM submissions WHERE account_id = ? AND state IN ({marks}) ORDER BY id",
            (account_id, *states),
        )
        return [submission_of(row) for row in rows]

    def update_submission(self, account_id: int, submission: Submission, now: float | None = None) -> JobRecord:
        """Commit a step of a submission that has no job yet; with `now`, also when it was made."""
        key = submission_key(submission.id)
        with self._writing():
            self._write_submission(submission)
            if now is not None:
                points.note(self._db, account_id, key, now, LOCAL + submission.state, 0.0, None)
            return self._reread(account_id, key)

    def attach_job(self, account_id: int, submission: Submission, job: Job, now: float) -> JobRecord:
        """Commit that `job` is what the submission became. Its record takes the job's id as key.

        A row that the list brought for the same job gives way to it, but what a person wrote there stays.
        """
        made = replace(
            submission,
            state=SubmissionState.CREATED,
            job_id=job.id,
            error=None,
            hint=None,
            uncertain_since=None,
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
            points.rename(self._db, account_id, submission_key(submission.id), job.id)
            points.note(self._db, account_id, job.id, now, job.status, job.progress, None)
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

    def records_on_file(self, account_id: int, file_id: str) -> list[JobRecord]:
        """Records that name this file, and those of submissions that have no file yet."""
        rows = self._db.execute(
            RECORD_SELECT + " WHERE r.account_id = ? AND (? IN (r.input_file_id, r.output_file_id, r.error_file_id, "
            "s.file_id, o.file_id, e.file_id) OR (r.status IS NULL AND s.file_id IS NULL))",
            (account_id, file_id),
        )
        return [record_of(row) for row in rows]

    def claimed_jobs(self, account_id: int) -> set[str]:
        """Ids of the jobs that a submission of this journal already became."""
        rows = self._db.execute(
            "SELECT job_id FROM submissions WHERE account_id = ? AND job_id IS NOT NULL", (account_id,)
        )
        return {row[0] for row in rows}

    def earlier_runs(self, account_id: int, sha256: str, endpoint: Endpoint) -> list[JobRecord]:
        """Records of submissions of these exact bytes that became a job or still may, newest first."""
        rows = self._db.execute(
            RECORD_SELECT
            + " WHERE r.account_id = ? AND s.sha256 = ? AND s.endpoint = ? AND s.state NOT IN ('rejected', 'stopped')"
            + " ORDER BY s.created_at DESC",
            (account_id, sha256, endpoint),
        )
        return [record_of(row) for row in rows]

    # -- transfers -----------------------------------------------------------------------------------

    def put_transfer(self, account_id: int, job_id: str, transfer: Transfer) -> JobRecord | None:
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
        return [(row["job_id"], found) for row in rows if (found := transfer_of(row)) is not None]

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

    # -- tallies -------------------------------------------------------------------------------------

    def put_tally(self, account_id: int, job_id: str, tally: Tally) -> JobRecord | None:
        """Keep what came of a job's requests; None if the job is not in the history."""
        with self._writing():
            if self.record(account_id, job_id) is None:
                return None
            marks = ", ".join("?" * len(TALLY_COLUMNS))
            self._db.execute(
                f"INSERT OR REPLACE INTO tallies (account_id, job_id, {', '.join(TALLY_COLUMNS)}) "
                f"VALUES (?, ?, {marks})",
                (account_id, job_id, *tally_values(tally)),
            )
            return self._reread(account_id, job_id)

    def fetched_jobs(self, account_id: int) -> list[str]:
        """Ids of the jobs of which a result file is here, the newest first."""
        rows = self._db.execute(
            "SELECT DISTINCT r.key, r.sort_at FROM transfers t JOIN records r "
            "ON r.account_id = t.account_id AND r.key = t.job_id "
            "WHERE t.account_id = ? AND t.state = 'fetched' ORDER BY r.sort_at DESC",
            (account_id,),
        )
        return [row[0] for row in rows]

    # -- lineage -------------------------------------------------------------------------------------

    def add_retry(self, account_id: int, path: Path, sha256: str, parent: str) -> None:
        """Keep that this file asks once more what the job `parent` asked, whenever it is submitted."""
        with self._writing():
            lineage.add_retry(self._db, account_id, path, sha256, parent)

    def family(self, account_id: int, key: str) -> list[Kin]:
        """The original that a job is a retry of, and all its retries, the oldest first; none if it is not known."""
        generations = lineage.generations(self._db, account_id, key)
        found = self.records_of(account_id, list(generations))
        kin = [Kin(record, generations[record.key]) for record in found]
        return sorted(kin, key=lambda one: (one.generation != 1, one.record.created_at))

    # -- small memories ------------------------------------------------------------------------------

    def recents(self, limit: int) -> list[Path]:
        """Input files used lately, newest first."""
        rows = self._db.execute("SELECT path FROM recents ORDER BY used_at DESC LIMIT ?", (limit,))
        return [path for row in rows if (path := blob_to_path(row[0])) is not None]

    def remember(self, name: str, value: str) -> None:
        with self._writing():
            self._db.execute("INSERT OR REPLACE INTO remembered VALUES (?, ?)", (name, value))

    def recall(self, name: str) -> str | None:
        row = self._db.execute("SELECT value FROM remembered WHERE name = ?", (name,)).fetchone()
        return str(row[0]) if row is not None else None

    def data_version(self) -> int:
        """Changes when another process has written to the file."""
        return int(self._db.execute("PRAGMA data_version").fetchone()[0])

    def forget_cache(self) -> None:
        """Another process wrote: compare the next list with what is on disk, not with what we wrote last."""
        self._jobs.clear()

    # -- inside a transaction ------------------------------------------------------------------------

    def _known_jobs(self, account_id: int) -> dict[str, Job]:
        if account_id not in self._jobs:
            rows = self._db.execute("SELECT * FROM records WHERE account_id = ? AND removed_at IS NULL", (account_id,))
            self._jobs[account_id] = {row["key"]: job for row in rows if (job := job_of(row)) is not None}
        return self._jobs[account_id]

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
            points.note(self._db, account_id, job.id, now, job.status, job.progress, seen_at)

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

    def records_of(self, account_id: int, keys: Sequence[str]) -> list[JobRecord]:
        """These records, in this order; what is not there is left out."""
        return [record for key in keys if (record := self.record(account_id, key)) is not None]

    def _records_of(self, account_id: int, keys: Sequence[str]) -> list[JobRecord]:
        if len(keys) > 500:
            wanted = set(keys)
            return [record for record in self.records(account_id) if record.key in wanted]
        return [record for key in keys if (record := self.record(account_id, key)) is not None]

    def _rerank(self, account_id: int, records: Iterable[JobRecord]) -> None:
        self._db.executemany(
            "UPDATE records SET rank = ? WHERE account_id = ? AND key = ?",
            [(record.rank, account_id, record.key) for record in records],
        )

    def _reread(self, account_id: int, key: str) -> JobRecord:
        record = self.record(account_id, key)
        if record is None:
            raise sqlite3.IntegrityError(f"record {key} is not there")
        self._rerank(account_id, [record])
        return record


def _shown_name(path: Path) -> str:
    """The file's name as text that SQLite takes: undecodable bytes become U+FFFD."""
    return path.name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _is_behind(job: Job, known: Job) -> bool:
    return known.is_ended and not job.is_ended
