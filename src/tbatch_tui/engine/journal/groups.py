"""Groups: one input file as several submissions, committed together, and the rest of it held until it may go."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tbatch_tui.engine.domain.submission import PartFile, SubmissionState
from tbatch_tui.engine.journal import progress as points
from tbatch_tui.engine.journal.mapping import RECORD_SELECT, estimate_to_json, path_to_blob, row_to_record
from tbatch_tui.engine.journal.submissions import Submissions
from tbatch_tui.engine.progress.history import LOCAL

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tbatch_tui.engine.domain.record import JobRecord
    from tbatch_tui.engine.endpoint import Endpoint
    from tbatch_tui.engine.local_files.fingerprint import Fingerprint

_AT_REST = tuple(state for state in SubmissionState if state.is_waiting)


class GroupTable(Submissions):
    """Groups and what of them waits."""

    def add_group(
        self,
        account_id: int,
        parts: Sequence[PartFile],
        *,
        path: Path,
        fingerprint: Fingerprint,
        endpoint: Endpoint,
        label: str,
        requests: int,
        first: int,
        auto_continue: bool,
        now: float,
    ) -> list[JobRecord]:
        """Commit the intent to submit this file in parts: all of them, or none. With `first`, only the first goes."""
        with self._writing():
            cursor = self._db.execute(
                "INSERT INTO groups (account_id, path, size, sha256, requests, parts, first, goes_on, created_at) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    account_id,
                    path_to_blob(path),
                    fingerprint.size,
                    fingerprint.sha256,
                    requests,
                    len(parts),
                    first,
                    auto_continue,
                    now,
                ),
            )
            self._remember_path(path, now)
            return [
                self._intend(
                    account_id,
                    path=part.path,
                    size=part.size,
                    sha256=part.sha256,
                    endpoint=endpoint,
                    label=label,
                    requests=part.requests,
                    now=now,
                    state=SubmissionState.WAITING if first and number > 1 else SubmissionState.INTENT,
                    estimate=estimate_to_json(part.estimate),
                    parent=f"group:{cursor.lastrowid}",
                    group_id=cursor.lastrowid,
                    part=number,
                )
                for number, part in enumerate(parts, start=1)
            ]

    def parts(self, account_id: int, group_id: int) -> list[JobRecord]:
        """The records of a group's parts, in the order of the parts."""
        rows = self._db.execute(
            RECORD_SELECT + " WHERE r.account_id = ? AND s.group_id = ? AND r.removed_at IS NULL ORDER BY s.part",
            (account_id, group_id),
        )
        return [row_to_record(row) for row in rows]

    def waiting_groups(self, account_id: int) -> list[int]:
        """The groups of which a part has not been sent yet."""
        marks = ", ".join("?" * len(_AT_REST))
        rows = self._db.execute(
            f"SELECT DISTINCT group_id FROM submissions WHERE account_id = ? AND state IN ({marks})",
            (account_id, *_AT_REST),
        )
        return [row[0] for row in rows]

    def release_rest(
        self,
        account_id: int,
        group_id: int,
        state: SubmissionState,
        now: float,
        *,
        said: str | None = None,
        only: Sequence[SubmissionState] = _AT_REST,
    ) -> list[JobRecord]:
        """What of the group waits in one of the states `only` is in `state` from now on; the records that changed.

        Of two apps that decide at once, the second finds nothing left to decide.
        """
        with self._writing():
            moved = []
            for record in self.parts(account_id, group_id):
                submission = record.submission
                if submission is None or submission.state not in only:
                    continue
                self._write_submission(replace(submission, state=state, error=said, hint=None))
                points.add_point(self._db, account_id, record.key, now, LOCAL + state, 0.0, None)
                moved.append(self._reread(account_id, record.key))
            return moved
