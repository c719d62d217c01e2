"""Groups: one input file as several submissions, committed together, the rest of them waiting until it may go."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tbatch_tui.engine.domain.submission import SUBMISSION_PREFIX, NewGroup, PartFile, SubmissionState
from tbatch_tui.engine.journal.mapping import (
    RECORD_SELECT,
    blob_to_path,
    estimate_to_json,
    path_to_blob,
    row_to_record,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tbatch_tui.engine.domain.record import JobRecord
    from tbatch_tui.engine.journal.database import Database
    from tbatch_tui.engine.journal.tables.memory import MemoryTable
    from tbatch_tui.engine.journal.tables.progress import ProgressTable
    from tbatch_tui.engine.journal.tables.records import JobRecordTable
    from tbatch_tui.engine.journal.tables.submissions import SubmissionTable

_WAITING_STATES = tuple(state for state in SubmissionState if state.is_waiting)


class GroupTable:
    """Input files that were submitted as several jobs."""

    def __init__(
        self,
        db: Database,
        records: JobRecordTable,
        submissions: SubmissionTable,
        progress: ProgressTable,
        memory: MemoryTable,
    ) -> None:
        self._db = db
        self._records = records
        self._submissions = submissions
        self._progress = progress
        self._memory = memory

    def add(
        self,
        account_id: int,
        group: NewGroup,
        parts: Sequence[PartFile],
        *,
        now: float,
        known_runs: Sequence[JobRecord] | None = None,
        output_dir: Path | None = None,
    ) -> list[JobRecord]:
        """Commit the intent to submit this file in parts: all of them, or none.

        Raises AlreadySubmittedError as `SubmissionTable.require_known_runs` does.
        """
        path, endpoint = group.path, group.endpoint
        with self._db.transaction():
            self._submissions.require_known_runs(account_id, path, group.sha256, endpoint, known_runs)
            values = (account_id, path_to_blob(path), group.size, group.sha256, group.requests, len(parts), group.first)
            cursor = self._db.execute(
                "INSERT INTO groups (account_id, path, size, sha256, requests, parts, first, goes_on, created_at) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (*values, group.auto_continue, now),
            )
            self._memory.add_recent_file(path, now)
            return [
                self._submissions.insert(
                    account_id,
                    path=part.path,
                    size=part.size,
                    sha256=part.sha256,
                    endpoint=endpoint,
                    label=group.label,
                    requests=part.requests,
                    now=now,
                    state=SubmissionState.WAITING if group.first and number > 1 else SubmissionState.INTENT,
                    estimate=estimate_to_json(part.estimate),
                    parent=f"group:{cursor.lastrowid}",
                    group_id=cursor.lastrowid,
                    part=number,
                    output_dir=path_to_blob(output_dir) if output_dir is not None else None,
                )
                for number, part in enumerate(parts, start=1)
            ]

    def parts(self, account_id: int, group_id: int, *, even_removed: bool = False) -> list[JobRecord]:
        """Return the records of a group's parts, in their order; `even_removed` with those taken out of the list."""
        listed = "" if even_removed else " AND r.removed_at IS NULL"
        rows = self._db.execute(
            f"{RECORD_SELECT} WHERE r.account_id = ? AND s.group_id = ?{listed} ORDER BY s.part",
            (account_id, group_id),
        )
        return [row_to_record(row) for row in rows]

    def part_paths(self) -> list[Path]:
        """Return the files of all parts, of every account."""
        rows = self._db.execute("SELECT path FROM submissions WHERE group_id IS NOT NULL")
        return [path for row in rows if (path := blob_to_path(row[0])) is not None]

    def waiting(self, account_id: int) -> list[int]:
        """Return the ids of the groups with a part that has not been sent yet."""
        marks = ", ".join("?" * len(_WAITING_STATES))
        rows = self._db.execute(
            f"SELECT DISTINCT group_id FROM submissions WHERE account_id = ? AND state IN ({marks})",
            (account_id, *_WAITING_STATES),
        )
        return [row[0] for row in rows]

    def release(
        self,
        account_id: int,
        group_id: int,
        state: SubmissionState,
        now: float,
        *,
        error: str | None = None,
        only: Sequence[SubmissionState] = _WAITING_STATES,
    ) -> list[JobRecord]:
        """Move the waiting parts of a group to `state` and return the records that changed.

        Of two apps that decide at once, the second has nothing left to decide.

        Args:
            error: Why the parts are not sent, if they are not.
            only: The waiting states that are left; parts in another stay as they are.
        """
        with self._db.transaction():
            changed = []
            for record in self.parts(account_id, group_id):
                submission = record.submission
                if submission is None or submission.state not in only:
                    continue
                self._submissions.write(replace(submission, state=state, error=error, hint=None))
                self._progress.add(account_id, record.key, now, SUBMISSION_PREFIX + state, 0.0, None)
                changed.append(self._records.refresh(account_id, record.key))
            return changed
