"""Labels and notes of jobs, to be taken to another history: by the job's id and its account, without a key."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from tbatch_tui.engine.server_address import canonical_server

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tbatch_tui.engine.journal.database import Database

_SELECT = """
    SELECT r.key, a.id AS account_id, a.base_url, a.organization, a.project, r.note,
        COALESCE(NULLIF(r.label, ''), s.label, '') AS label,
        COALESCE(r.annotated_at, s.created_at, r.first_seen_at) AS changed_at
    FROM records r JOIN accounts a ON a.id = r.account_id LEFT JOIN submissions s ON s.id = r.submission_id
"""


class JobLabel(NamedTuple):
    """The label and the note of a job."""

    job: str
    server: str
    organization: str | None
    project: str | None
    label: str
    note: str
    changed_at: float
    """When they were written, in seconds since the epoch."""


class Taken(Enum):
    """What became of a label that was imported."""

    NEW = "new"
    """The job had neither label nor note here."""
    REPLACED = "replaced"
    """Those here were older."""
    SAME = "same"
    KEPT = "kept"
    """Those here are newer, and stay."""
    NO_JOB = "no job"
    """The job is not in this history."""


class ImportedLabel(NamedTuple):
    """A label that was imported, and what was there before."""

    given: JobLabel
    taken: Taken
    own: JobLabel | None = None


class LabelTable:
    """Labels and notes by job and account."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def all(self, account_id: int | None) -> list[JobLabel]:
        """Return the labels and notes of an account, the latest job's first; None for all accounts."""
        rows = self._db.execute(
            _SELECT + " WHERE COALESCE(r.account_id = ?, TRUE) AND r.removed_at IS NULL "
            "AND r.key NOT LIKE 'submission:%' AND (r.note <> '' OR r.label <> '' OR s.label <> '') "
            "ORDER BY r.sort_at DESC, r.key",
            (account_id,),
        )
        names = ("key", "base_url", "organization", "project", "label", "note", "changed_at")
        return [JobLabel(*(row[name] for name in names)) for row in rows]

    def take_over(self, labels: Iterable[JobLabel], *, force: bool = False) -> list[ImportedLabel]:
        """Take these over, all or none; what is newer here stays unless `force`."""
        with self._db.transaction():
            return [self._take_over(label, force) for label in labels]

    def _take_over(self, given: JobLabel, force: bool) -> ImportedLabel:
        server = canonical_server(given.server)
        rows = self._db.execute(
            _SELECT + " WHERE r.key = ? AND a.organization IS ? AND a.project IS ?",
            (given.job, given.organization, given.project),
        ).fetchall()
        row = next((row for row in rows if canonical_server(row["base_url"]) == server), None)
        if row is None:
            return ImportedLabel(given, Taken.NO_JOB)
        own = given._replace(label=row["label"], note=row["note"], changed_at=row["changed_at"])
        if (own.label, own.note) == (given.label, given.note):
            return ImportedLabel(given, Taken.SAME, own)
        is_empty = not own.label and not own.note
        if not is_empty and not force and own.changed_at >= given.changed_at:
            return ImportedLabel(given, Taken.KEPT, own)
        self._db.execute(
            "UPDATE records SET label = ?, note = ?, annotated_at = ? WHERE account_id = ? AND key = ?",
            (given.label, given.note, given.changed_at, row["account_id"], given.job),
        )
        return ImportedLabel(given, Taken.NEW if is_empty else Taken.REPLACED, own)
