"""The rows of the Jobs list: read as records, and what a person changes in them."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from tbatch_tui.engine.domain.job import ENDED
from tbatch_tui.engine.domain.record import Rank
from tbatch_tui.engine.journal.mapping import RECORD_SELECT, row_to_record

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tbatch_tui.engine.domain.record import JobRecord
    from tbatch_tui.engine.journal.database import Database

_LISTED = " WHERE r.account_id = ? AND r.removed_at IS NULL"
_MANY = 500
"""From so many records on, reading the whole list is faster than one query for each."""


class JobRecordTable:
    """Records by key: of the server's job, of our submission, or of both."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def all(self, account_id: int, limit: int = -1, *, even_removed: bool = False) -> list[JobRecord]:
        """Return the records in the order they are shown: active, then what needs a person, then by time."""
        where = " WHERE r.account_id = ?" if even_removed else _LISTED
        rows = self._db.execute(
            RECORD_SELECT + where + " ORDER BY r.rank, r.sort_at DESC, r.key LIMIT ?", (account_id, limit)
        )
        return [row_to_record(row) for row in rows]

    def active(self, account_id: int) -> list[JobRecord]:
        """Return the records that can still change by themselves: jobs that have not ended, and what is being sent."""
        ranks = (Rank.ACTIVE, Rank.ATTENTION)  # an uncertain submission needs a person, and may be a job all the same
        rows = self._db.execute(f"{RECORD_SELECT} WHERE r.account_id = ? AND r.rank IN (?, ?)", (account_id, *ranks))
        return [record for row in rows if (record := row_to_record(row)).is_active]

    def get(self, account_id: int, key: str, *, even_removed: bool = False) -> JobRecord | None:
        """Return one record; None if it is not in the list. `even_removed` finds it when it was taken out of it."""
        where = " WHERE r.account_id = ?" if even_removed else _LISTED
        row = self._db.execute(f"{RECORD_SELECT}{where} AND r.key = ?", (account_id, key)).fetchone()
        return row_to_record(row) if row is not None else None

    def get_many(self, account_id: int, keys: Sequence[str]) -> list[JobRecord]:
        """Return these records in the order of the keys, without those that are not in the list."""
        if len(keys) > _MANY:
            by_key = {record.key: record for record in self.all(account_id)}
            return [by_key[key] for key in keys if key in by_key]
        return [record for key in keys if (record := self.get(account_id, key)) is not None]

    def using_file(self, account_id: int, file_id: str) -> list[JobRecord]:
        """Return the records that name this file of the server, and those of submissions without a file yet."""
        rows = self._db.execute(
            RECORD_SELECT + " WHERE r.account_id = ? AND (? IN (r.input_file_id, r.output_file_id, r.error_file_id, "
            "s.file_id, o.file_id, e.file_id) OR (r.status IS NULL AND s.file_id IS NULL))",
            (account_id, file_id),
        )
        return [row_to_record(row) for row in rows]

    def annotate(self, account_id: int, key: str, label: str, note: str, now: float | None = None) -> JobRecord | None:
        """Store the label and note that a person gave a record at this time; None if there is no such record."""
        with self._db.transaction():
            self._db.execute(
                "UPDATE records SET label = ?, note = ?, annotated_at = ? WHERE account_id = ? AND key = ?",
                (label, note, now, account_id, key),
            )
        return self.get(account_id, key)

    def judge_by(self, account_id: int, key: str, schema: str) -> JobRecord | None:
        """Store the schema by which the answers of a job are judged; None if there is no such record."""
        with self._db.transaction():
            self._db.execute(
                "UPDATE records SET answer_schema = ? WHERE account_id = ? AND key = ?", (schema, account_id, key)
            )
        return self.get(account_id, key)

    def acknowledge(self, account_id: int, reasons: Mapping[str, str]) -> list[JobRecord]:
        """Store for which reason each record asks for no attention any more; an empty one takes that back.

        Args:
            reasons: By the key of the record.
        """
        with self._db.transaction():
            for key, reason in reasons.items():
                self._db.execute(
                    "UPDATE records SET acknowledged = ? WHERE account_id = ? AND key = ?", (reason, account_id, key)
                )
            records = self.get_many(account_id, list(reasons))
            self.store_ranks(account_id, records)
        return records

    def remove(self, account_id: int, keys: Iterable[str], now: float) -> list[str]:
        """Take finished records out of the list and return the keys of those that were.

        The rows stay in the database: bytes that were submitted are billed again if they are submitted again, and a
        job that the server lists once more comes back with its label and its files.
        """
        ended = ", ".join(f"'{status}'" for status in sorted(ENDED))
        removed = []
        with self._db.transaction():
            for key in keys:
                cursor = self._db.execute(
                    "UPDATE records SET removed_at = ? WHERE account_id = ? AND key = ? AND removed_at IS NULL "
                    f"AND (status IN ({ended}) OR (status IS NULL AND submission_id IN "
                    "(SELECT id FROM submissions WHERE state IN ('rejected', 'stopped')))) "
                    "AND NOT EXISTS (SELECT 1 FROM transfers t WHERE t.account_id = records.account_id "
                    "AND t.job_id = records.key AND t.state IN ('wanted', 'failed'))",
                    (now, account_id, key),
                )
                removed += [key] * cursor.rowcount
        for key in removed:
            self._db.known_jobs(account_id).pop(key, None)
        return removed

    def unnamed_inputs(self, account_id: int) -> set[str]:
        """Return the ids of input files whose name is not known yet."""
        rows = self._db.execute(
            "SELECT DISTINCT input_file_id FROM records WHERE account_id = ? AND input_name = '' "
            "AND input_file_id IS NOT NULL",
            (account_id,),
        )
        return {row[0] for row in rows}

    def name_inputs(self, account_id: int, names: dict[str, str]) -> list[JobRecord]:
        """Give jobs that were made elsewhere the name of their input file; return the records that changed.

        Args:
            names: File id to file name, as the server lists them.
        """
        keys = []
        with self._db.transaction():
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
        return self.get_many(account_id, keys)

    def refresh(self, account_id: int, key: str) -> JobRecord:
        """Read a record that was just changed, and store where it stands in the list. Inside a transaction."""
        record = self.get(account_id, key)
        if record is None:
            raise sqlite3.IntegrityError(f"record {key} is not there")
        self.store_ranks(account_id, [record])
        return record

    def store_ranks(self, account_id: int, records: Iterable[JobRecord]) -> None:
        """Store where these records stand in the list. Inside a transaction."""
        self._db.execute_many(
            "UPDATE records SET rank = ? WHERE account_id = ? AND key = ?",
            [(record.rank, account_id, record.key) for record in records],
        )
