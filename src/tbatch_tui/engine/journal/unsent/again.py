"""Send once more what was refused or stopped."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tbatch_tui.engine.domain.already_submitted import AlreadySubmittedError
from tbatch_tui.engine.domain.submission import SUBMISSION_PREFIX, Pause, SubmissionState
from tbatch_tui.engine.journal.mapping import path_to_blob

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from pathlib import Path

    from tbatch_tui.engine.domain.record import JobRecord
    from tbatch_tui.engine.journal.database import Database
    from tbatch_tui.engine.journal.tables.groups import FindRoom, GroupTable
    from tbatch_tui.engine.journal.tables.progress import ProgressTable
    from tbatch_tui.engine.journal.tables.records import JobRecordTable
    from tbatch_tui.engine.journal.tables.submissions import SubmissionTable


class SendingAgain:
    """What was refused or stopped, and is wanted after all."""

    def __init__(
        self,
        db: Database,
        records: JobRecordTable,
        submissions: SubmissionTable,
        groups: GroupTable,
        progress: ProgressTable,
    ) -> None:
        self._db = db
        self._records = records
        self._submissions = submissions
        self._groups = groups
        self._progress = progress

    def send(
        self,
        account_id: int,
        paths: Mapping[str, Path],
        known: Sequence[JobRecord],
        now: float,
        output_dir: Path,
        room: FindRoom,
    ) -> list[JobRecord]:
        """Commit the intent to submit once more what was refused or stopped; return the records that changed.

        What is not in that state any more, or may have been created, stays as it is: of two apps that ask at once, the
        second has nothing left to send. Parts beyond those that may be out together, and those without room for their
        tokens, wait for their turn. Raises AlreadySubmittedError if the same bytes ran in another submission.

        Args:
            paths: By key of the record, where its file is now; all are of one file.
            known: Runs in other submissions that the person was shown.
            output_dir: Where their results are to go.
            room: As `release_with_room` takes it.
        """
        seen = {record.key for record in known}
        with self._db.transaction():
            found = [self._records.get(account_id, key, even_removed=True) for key in paths]
            unsent = [record for record in found if record is not None and record.can_send_again]
            for record in unsent:
                others = self._submissions.runs_elsewhere(account_id, record)
                if any(run.key not in seen for run in others):
                    file = record.group.path if record.group is not None else paths[record.key]
                    raise AlreadySubmittedError(file, others)
            go, reasons = self._turns(account_id, unsent, room)
            for record in unsent:
                submission = record.submission
                assert submission is not None
                state = SubmissionState.INTENT if submission.part in go else SubmissionState.WAITING
                why = reasons.get(submission.part)
                pause = Pause.TOKENS if why else Pause.NONE
                self._submissions.write(
                    replace(submission, state=state, file_id=None, known_ids=(), error=why, hint=None, pause=pause)
                )
                self._db.execute(
                    "UPDATE submissions SET path = ?, output_dir = ?, owner = NULL WHERE id = ?",
                    (path_to_blob(paths[record.key]), path_to_blob(output_dir), submission.id),
                )
                self._db.execute(
                    "UPDATE records SET removed_at = NULL WHERE account_id = ? AND key = ?", (account_id, record.key)
                )
                self._progress.add(account_id, record.key, now, SUBMISSION_PREFIX + state, 0.0, None)
            return [self._records.refresh(account_id, record.key) for record in unsent]

    def _turns(
        self, account_id: int, unsent: Sequence[JobRecord], room: FindRoom
    ) -> tuple[Collection[int], Mapping[int, str]]:
        """Return the numbers of those of these parts of a file that go now, and of others why they have no room."""
        numbers = [record.submission.part for record in unsent if record.submission is not None]
        group = unsent[0].group if unsent else None
        if group is None:  # a whole file: it is one job
            return numbers, {}
        parts = self._groups.parts(account_id, group.id, even_removed=True)
        if group.at_once:
            numbers = numbers[: max(0, group.at_once - sum(part.is_active for part in parts))]
        return room(parts, numbers, self._records.active(account_id))
