"""The SQLite file of the history: its connection, its transactions, and the jobs as they were last written."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from tbatch_tui.engine.errors import JournalError
from tbatch_tui.engine.journal.mapping import row_to_job
from tbatch_tui.engine.journal.migrations import open_database, suspicion_marker

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from tbatch_tui.engine.domain.job import Job


class AccountMovedError(Exception):
    """Raised by a transaction of an account that another process has merged into another one: nothing was written."""


class Database:
    """One open history file. The tables are given it; only they write SQL."""

    def __init__(self, path: Path) -> None:
        """Open the file, and migrate it if it is of an earlier version.

        Raises:
            LocalFileError: The folder cannot be written, or the file is of a newer version of the app.
        """
        self.path = path
        self.connection, self.damaged = open_database(path)
        """`damaged` is where a damaged file was moved to; None if there was none."""
        self.account_id: int | None = None
        """The account in use, which every transaction makes sure of; None for a journal that is of no account."""
        self._known_jobs: dict[int, dict[str, Job]] = {}

    def close(self) -> None:
        """Close the connection."""
        self.connection.close()

    def execute(self, sql: str, parameters: Sequence[Any] | Mapping[str, Any] = ()) -> sqlite3.Cursor:
        """Run one statement."""
        return self.connection.execute(sql, parameters)

    def execute_many(self, sql: str, parameters: Iterable[Sequence[Any]]) -> None:
        """Run one statement for each set of parameters."""
        self.connection.executemany(sql, parameters)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Write all of the block or nothing of it, also when the disk is full at its very end.

        Raises AccountMovedError, before the block, if the account in use has been merged into another one.
        """
        self.execute("BEGIN IMMEDIATE")
        try:
            if self.moved_to() is not None:
                raise AccountMovedError
            yield
            self.execute("COMMIT")
        except BaseException:
            self.forget_cache()
            if self.connection.in_transaction:  # SQLite ends it by itself for some errors
                self.execute("ROLLBACK")
            raise

    @contextmanager
    def translate_errors(self) -> Iterator[None]:
        """Raise JournalError for what SQLite raises in the block.

        Damage leaves a marker, so that the next start reads the whole file.
        """
        try:
            yield
        except (sqlite3.IntegrityError, sqlite3.ProgrammingError):
            raise  # our own mistake, not the disk's
        except sqlite3.OperationalError as error:
            self.forget_cache()
            raise JournalError(
                f"The history {self.path} cannot be used: {error}",
                "Nothing already written is lost. It continues automatically when the disk is writable again.",
            ) from error
        except sqlite3.DatabaseError as error:
            self.forget_cache()
            with suppress(OSError):
                suspicion_marker(self.path).touch(mode=0o600)
            raise JournalError(
                f"The history {self.path} is damaged: {error}",
                "Start tbatch-tui again: it is set aside and built anew from the server's list.",
            ) from error

    def moved_to(self) -> int | None:
        """Return the account that the one in use has been merged into; None if it has not."""
        row = self.execute("SELECT account_id FROM merged_accounts WHERE id = ?", (self.account_id,)).fetchone()
        return int(row[0]) if row is not None else None

    def written_at(self) -> float | None:
        """Return when the file was last written, in seconds since the epoch; None if that cannot be told."""
        times = []
        for name in (self.path, self.path.with_name(f"{self.path.name}-wal")):
            with suppress(OSError):
                times.append(name.stat().st_mtime)
        return max(times, default=None)

    def data_version(self) -> int:
        """Return a number that changes when another process has written to the file."""
        return int(self.execute("PRAGMA data_version").fetchone()[0])

    def known_jobs(self, account_id: int) -> dict[str, Job]:
        """Return the jobs of an account as they were last written, by id. The caller keeps it up to date.

        A new list is compared with it: most ticks change nothing, and then nothing is read from the disk.
        """
        if account_id not in self._known_jobs:
            rows = self.execute("SELECT * FROM records WHERE account_id = ? AND removed_at IS NULL", (account_id,))
            self._known_jobs[account_id] = {row["key"]: job for row in rows if (job := row_to_job(row)) is not None}
        return self._known_jobs[account_id]

    def forget_cache(self) -> None:
        """Read the known jobs from the disk again: another process may have written."""
        self._known_jobs.clear()
