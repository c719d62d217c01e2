"""A history that was copied: what it has not sent waits for the person, as the other copy may send it too."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tbatch_tui.engine.domain.submission import SUBMISSION_PREFIX, Pause, SubmissionState
from tbatch_tui.engine.journal.mapping import blob_to_path, path_to_blob, submission_key
from tbatch_tui.engine.local_files.folder_place import FolderPlace
from tbatch_tui.engine.next_step import NextStep
from tbatch_tui.text import format as fmt

if TYPE_CHECKING:
    from tbatch_tui.engine.domain.record import JobRecord
    from tbatch_tui.engine.domain.submission import Submission
    from tbatch_tui.engine.journal.database import Database
    from tbatch_tui.engine.journal.tables.progress import ProgressTable
    from tbatch_tui.engine.journal.tables.records import JobRecordTable
    from tbatch_tui.engine.journal.tables.submissions import SubmissionTable

_PLACE = "place of the history"
_UNSENT = (SubmissionState.INTENT, SubmissionState.UPLOADED, SubmissionState.WAITING, SubmissionState.READY)
_MAYBE_OUT = (SubmissionState.CREATING, SubmissionState.UNCERTAIN)
_NOT_AGAIN = f"The list is searched for its job, but it isn't created again before you say so: {NextStep.SETTLE}."


class Copied(NamedTuple):
    """What follows from a history being a copy."""

    words: str
    """From where and when it was copied, in a sentence."""
    held: int
    """How many submissions that were not sent wait for the person."""
    searched: int
    """How many are looked for in the list, and not created again."""
    records: dict[int, list[JobRecord]]
    """Those that changed, by account."""


class CopiedHistory:
    """Where the history is, and what waits for the person since it was copied there."""

    def __init__(
        self, db: Database, records: JobRecordTable, submissions: SubmissionTable, progress: ProgressTable
    ) -> None:
        self._db = db
        self._records = records
        self._submissions = submissions
        self._progress = progress

    def has_place(self) -> bool:
        """Return whether it was noted where the history is."""
        return self._db.execute("SELECT 1 FROM remembered WHERE name = ?", (_PLACE,)).fetchone() is not None

    def look(self, here: FolderPlace, now: float, *, notes: bool) -> Copied | None:
        """Commit where the history is; if that is a copy, have what it has not sent wait for the person, in one step.

        A create that may be out is looked for as ever, and not sent again. None if it is where it was.

        Args:
            here: Where it is.
            now: Seconds since the epoch.
            notes: Whether the place is stored also where the history is no copy.
        """
        before = self._noted()
        if before == here or (not notes and before is not None and not here.is_copied_from(before)):
            return None
        with self._db.transaction():
            before = self._noted()
            self._db.execute("INSERT OR REPLACE INTO remembered VALUES (?, ?)", (_PLACE, here.to_json()))
            if before is None:
                return None
            if before.path != here.path:
                self._move_parts(Path(before.path), Path(here.path))
            if not here.is_copied_from(before):
                return None
            words = f"This history was copied or restored on {fmt.absolute(here.changed)[:16]}, from {before.words}"
            changed: dict[int, list[JobRecord]] = {}
            held = searched = 0
            for account_id, key in self._unfinished():
                record = self._records.get(account_id, key)
                assert record is not None and record.submission is not None
                moved = _wait(record.submission, words)
                held, searched = held + moved.state.is_waiting, searched + moved.state.is_uncertain
                self._submissions.write(moved)
                self._db.execute("UPDATE submissions SET owner = NULL WHERE id = ?", (moved.id,))
                self._progress.add(account_id, key, now, SUBMISSION_PREFIX + moved.state, 0.0, None)
                changed.setdefault(account_id, []).append(self._records.refresh(account_id, key))
            return Copied(words, held, searched, changed)

    def _noted(self) -> FolderPlace | None:
        row = self._db.execute("SELECT value FROM remembered WHERE name = ?", (_PLACE,)).fetchone()
        return FolderPlace.from_json(row[0]) if row is not None else None

    def _move_parts(self, before: Path, here: Path) -> None:
        """Store where the files of parts that have no job are now, in the folder that came here from `before`."""
        rows = self._db.execute("SELECT id, path FROM submissions WHERE group_id IS NOT NULL AND job_id IS NULL")
        for number, stored in rows.fetchall():
            path = blob_to_path(stored)
            if path is not None and path.is_relative_to(before):
                moved = path_to_blob(here / path.relative_to(before))
                self._db.execute("UPDATE submissions SET path = ? WHERE id = ?", (moved, number))

    def _unfinished(self) -> list[tuple[int, str]]:
        """Return account and key of what has no job and may still get one, of all accounts."""
        states = (*_UNSENT, *_MAYBE_OUT)
        marks = ", ".join("?" * len(states))
        rows = self._db.execute(
            "SELECT r.account_id, r.key FROM records r JOIN submissions s ON s.id = r.submission_id "
            f"WHERE r.removed_at IS NULL AND s.job_id IS NULL AND s.state IN ({marks}) ORDER BY s.id",
            states,
        )
        return [(row[0], row[1]) for row in rows]

    def release(
        self, account_id: int, submission_id: int, state: SubmissionState, now: float, error: str | None
    ) -> JobRecord | None:
        """Commit what becomes of a whole file that waits, and return its record; None if that was decided before."""
        with self._db.transaction():
            submission = self._submissions.get(submission_id)
            if submission is None or not submission.state.is_waiting or submission.may_have_been_created:
                return None
            key = submission_key(submission_id)
            self._submissions.write(replace(submission, state=state, error=error, hint=None, pause=Pause.NONE))
            self._progress.add(account_id, key, now, SUBMISSION_PREFIX + state, 0.0, None)
            return self._records.refresh(account_id, key)


def _wait(submission: Submission, words: str) -> Submission:
    """Return a submission as it is in a copy of the history."""
    if submission.may_have_been_created:
        return replace(submission, state=SubmissionState.HELD, error=words, hint=_NOT_AGAIN)
    return replace(
        submission, state=SubmissionState.READY, file_id=None, known_ids=(), error=words, hint=None, pause=Pause.COPIED
    )
