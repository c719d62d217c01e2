"""The history's one SQLite file: opened, written in whole transactions, and the records read from it."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from tbatch_tui.engine.errors import JournalError
from tbatch_tui.engine.journal.mapping import RECORD_SELECT, row_to_job, row_to_record
from tbatch_tui.engine.journal.migrations import open_database, suspicion_marker

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from tbatch_tui.engine.domain.job import Job
    from tbatch_tui.engine.domain.record import JobRecord

_IN_ORDER = " ORDER BY r.rank, r.sort_at DESC, r.key"


class Database:
    """What every room of the journal stands on."""

    def __init__(self, path: Path) -> None:
        """Open, migrating if need be. Raises LocalFileError."""
        self.path = path
        self._db, self.damaged = open_database(path)
        self._jobs: dict[int, dict[str, Job]] = {}
        """Per account, the jobs as last written: what a new list is compared with."""

    def close(self) -> None:
        self._db.close()

    @contextmanager
    def translate_errors(self) -> Iterator[None]:
        """What SQLite raises inside comes out as JournalError; damage is noted, to be looked at at the next start."""
        try:
            yield
        except (sqlite3.IntegrityError, sqlite3.ProgrammingError):
            raise  # our own mistake, not the disk's
        except sqlite3.OperationalError as error:
            self._jobs.clear()
            raise JournalError(
                f"The history {self.path} cannot be used: {error}",
                "Nothing that was written is lost. It goes on by itself when the disk can be written again.",
            ) from error
        except sqlite3.DatabaseError as error:
            self._jobs.clear()
            with suppress(OSError):
                suspicion_marker(self.path).touch(mode=0o600)
            raise JournalError(
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

    def data_version(self) -> int:
        """Changes when another process has written to the file."""
        return int(self._db.execute("PRAGMA data_version").fetchone()[0])

    def forget_cache(self) -> None:
        """Another process wrote: compare the next list with what is on disk, not with what we wrote last."""
        self._jobs.clear()

    def records(self, account_id: int, limit: int = -1) -> list[JobRecord]:
        """Records in the order they are shown: active, then what needs a person, then by time."""
        rows = self._db.execute(
            RECORD_SELECT + " WHERE r.account_id = ? AND r.removed_at IS NULL" + _IN_ORDER + " LIMIT ?",
            (account_id, limit),
        )
        return [row_to_record(row) for row in rows]

    def record(self, account_id: int, key: str) -> JobRecord | None:
        row = self._db.execute(
            RECORD_SELECT + " WHERE r.account_id = ? AND r.key = ? AND r.removed_at IS NULL", (account_id, key)
        ).fetchone()
        return row_to_record(row) if row is not None else None

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

    def _known_jobs(self, account_id: int) -> dict[str, Job]:
        if account_id not in self._jobs:
            rows = self._db.execute("SELECT * FROM records WHERE account_id = ? AND removed_at IS NULL", (account_id,))
            self._jobs[account_id] = {row["key"]: job for row in rows if (job := row_to_job(row)) is not None}
        return self._jobs[account_id]
