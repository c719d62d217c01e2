"""Groups: one input file as several submissions, committed together, the rest of them waiting until it may go."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tbatch_tui.engine.domain.job import ENDED
from tbatch_tui.engine.domain.submission import (
    GROUP_KEYS,
    REMOVED,
    SUBMISSION_PREFIX,
    NewGroup,
    PartFile,
    Pause,
    SubmissionState,
    format_slices,
)
from tbatch_tui.engine.journal.mapping import (
    RECORD_SELECT,
    blob_to_path,
    estimate_to_json,
    path_to_blob,
    row_to_record,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from pathlib import Path

    from tbatch_tui.engine.domain.job import Job
    from tbatch_tui.engine.domain.record import JobRecord
    from tbatch_tui.engine.journal.database import Database
    from tbatch_tui.engine.journal.tables.memory import MemoryTable
    from tbatch_tui.engine.journal.tables.progress import ProgressTable
    from tbatch_tui.engine.journal.tables.records import JobRecordTable
    from tbatch_tui.engine.journal.tables.submissions import SubmissionTable

    FindRoom = Callable[
        [Sequence[JobRecord], Collection[int], Sequence[JobRecord]], tuple[Collection[int], Mapping[int, str]]
    ]

_WAITING_STATES = tuple(state for state in SubmissionState if state.is_waiting)
_UNSENT = (SubmissionState.INTENT, SubmissionState.UPLOADED)
_ALL_STAGES = 1_000_000
"""More stages than any group has."""


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
        fits: Callable[[Sequence[JobRecord]], bool] = lambda _: True,
    ) -> list[JobRecord]:
        """Commit the intent to submit this file in parts: all of them, or none.

        Raises AlreadySubmittedError as `SubmissionTable.require_known_runs` does.

        Args:
            fits: Whether the tokens of all parts may be enqueued beside these records, which have not ended.
        """
        path, endpoint = group.path, group.endpoint
        with self._db.transaction():
            group = group._replace(has_room=fits(self._records.active(account_id)))
            for source, sha256 in ((path, group.sha256), *((file.path, file.sha256) for file in group.files)):
                self._submissions.require_known_runs(account_id, source, sha256, endpoint, known_runs)
            group_id = self._insert(account_id, group, len(parts), now)
            for number, (file, bounds) in enumerate(zip(group.files, _parts_by_file(group, parts), strict=True), 1):
                stored = (path_to_blob(file.path), file.size, file.sha256, file.requests, *bounds)
                self._db.execute("INSERT INTO group_files VALUES (?, ?, ?, ?, ?, ?, ?, ?)", (group_id, number, *stored))
            for source in [file.path for file in group.files] or [path]:
                self._memory.add_recent_file(source, now)
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
                    state=SubmissionState.INTENT if group.is_sent_at_once(number) else SubmissionState.WAITING,
                    estimate=estimate_to_json(part.estimate),
                    slices=format_slices(part.slices),
                    parent=f"{GROUP_KEYS}{group_id}",
                    group_id=group_id,
                    part=number,
                    output_dir=path_to_blob(output_dir) if output_dir is not None else None,
                )
                for number, part in enumerate(parts, start=1)
            ]

    def add_runs(
        self,
        account_id: int,
        group: NewGroup,
        runs: Sequence[tuple[PartFile, Job]],
        *,
        now: float,
        output_dir: Path | None = None,
    ) -> list[JobRecord]:
        """Commit that these jobs of the list ran the parts of a file, as if it was submitted here in these parts.

        Raises JobClaimedError.
        """
        with self._db.transaction():
            group_id = self._insert(account_id, group, len(runs), now)
            return [
                self._submissions.insert_run(
                    account_id,
                    job,
                    now,
                    path=part.path,
                    size=part.size,
                    sha256=part.sha256,
                    requests=part.requests,
                    parent=f"{GROUP_KEYS}{group_id}",
                    group_id=group_id,
                    part=number,
                    output_dir=path_to_blob(output_dir) if output_dir is not None else None,
                )
                for number, (part, job) in enumerate(runs, start=1)
            ]

    def _insert(self, account_id: int, group: NewGroup, parts: int, now: float) -> int:
        """Add a group of so many parts and return its id. Inside a transaction."""
        values = (account_id, path_to_blob(group.path), group.size, group.sha256, group.requests, parts, group.first)
        stages, gates = (" ".join(map(str, each)) for each in (group.stages, group.gates))
        cursor = self._db.execute(
            "INSERT INTO groups (account_id, path, size, sha256, requests, parts, first, goes_on, created_at, "
            "name, stages, gates, at_once, over_budget) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (*values, group.auto_continue, now, group.name, stages, gates, group.at_once, group.over_budget),
        )
        assert cursor.lastrowid is not None
        return cursor.lastrowid

    def parts(self, account_id: int, group_id: int, *, even_removed: bool = False) -> list[JobRecord]:
        """Return the records of a group's parts, in their order; `even_removed` with those taken out of the list."""
        listed = "" if even_removed else " AND r.removed_at IS NULL"
        rows = self._db.execute(
            f"{RECORD_SELECT} WHERE r.account_id = ? AND s.group_id = ?{listed} ORDER BY s.part",
            (account_id, group_id),
        )
        return [row_to_record(row) for row in rows]

    def part_paths(self) -> list[Path]:
        """Return the files of all parts, and those that they are parts of, of every account."""
        rows = self._db.execute("SELECT path FROM submissions WHERE group_id IS NOT NULL UNION SELECT path FROM groups")
        return [path for row in rows if (path := blob_to_path(row[0])) is not None]

    def with_copies(self, account_id: int) -> list[int]:
        """Return the ids of the groups with parts whose files may be removed, as it is known where their bytes are."""
        rows = self._db.execute(
            "SELECT id FROM groups g WHERE account_id = ? AND copies <> ? AND EXISTS "
            "(SELECT 1 FROM submissions s WHERE s.group_id = g.id AND s.slices <> '')",
            (account_id, REMOVED),
        )
        return [row[0] for row in rows]

    def has_ended(self, account_id: int, group_id: int) -> bool:
        """Return whether no part of a group waits, is being submitted, or is a job that has not ended."""
        marks = ", ".join("?" * len(ENDED))
        unsent = "s.job_id IS NULL AND s.state IN ('rejected', 'stopped') AND s.create_sent_at IS NULL"
        ended = (
            "EXISTS (SELECT 1 FROM records r WHERE r.account_id = s.account_id AND r.key = s.job_id"
            f" AND r.status IN ({marks}))"
        )
        found = self._db.execute(
            f"SELECT 1 FROM submissions s WHERE s.account_id = ? AND s.group_id = ? AND NOT ({unsent} OR {ended})",
            (account_id, group_id, *ENDED),
        )
        return found.fetchone() is None

    def note_copies(
        self, account_id: int, group_id: int, copies: str, paths: Sequence[Path] = ()
    ) -> tuple[list[JobRecord], list[Path] | None]:
        """Commit what becomes of the files of a group's parts.

        Args:
            account_id: The account.
            group_id: The group.
            copies: See `JobGroup.copies`.
            paths: Files that are about to be removed. Then nothing is committed if a part has not ended.

        Returns:
            The records of its parts, and which of the files no other submission names; None if nothing was committed.
        """
        with self._db.transaction():
            if paths and not self.has_ended(account_id, group_id):
                return [], None
            free = [path for path in paths if not self._is_named_elsewhere(group_id, path)]
            self._db.execute(
                "UPDATE groups SET copies = ? WHERE account_id = ? AND id = ?", (copies, account_id, group_id)
            )
            return self.parts(account_id, group_id), free

    def _is_named_elsewhere(self, group_id: int, path: Path) -> bool:
        """Return whether another submission has this file as its input, or as that of its group."""
        found = self._db.execute(
            "SELECT 1 FROM submissions WHERE path = ?1 AND group_id IS NOT ?2 UNION ALL "
            "SELECT 1 FROM groups WHERE path = ?1 UNION ALL SELECT 1 FROM group_files WHERE path = ?1",
            (path_to_blob(path), group_id),
        )
        return found.fetchone() is not None

    def waiting(self, account_id: int) -> list[int]:
        """Return the ids of the groups with a part that has not been sent yet."""
        marks = ", ".join("?" * len(_WAITING_STATES))
        rows = self._db.execute(
            f"SELECT DISTINCT group_id FROM submissions WHERE account_id = ? AND state IN ({marks})",
            (account_id, *_WAITING_STATES),
        )
        return [row[0] for row in rows]

    def hold(self, account_id: int, group_id: int, now: float) -> list[JobRecord]:
        """Commit that nothing more of a group is sent, and return the records of its parts.

        Parts on their way for which no create can have been sent wait again, whichever app works on them: it cannot
        save their next step any more. Where every part was sent, nothing is held.
        """
        with self._db.transaction():
            self._move(account_id, group_id, SubmissionState.WAITING, now, error=None, only=_UNSENT)
            if any(part.is_waiting for part in self.parts(account_id, group_id)):
                self._set_held(account_id, group_id, on=True)
            return self.parts(account_id, group_id)

    def let_go(self, account_id: int, group_id: int, now: float) -> list[JobRecord]:
        """Commit that a group is held no more, and that what waited for the person waits for its turn.

        Return the records of its parts.
        """
        with self._db.transaction():
            ready, waiting = (SubmissionState.READY,), SubmissionState.WAITING
            self._move(account_id, group_id, waiting, now, error=None, only=ready)
            self._set_held(account_id, group_id, on=False)
            return self.parts(account_id, group_id)

    def _set_held(self, account_id: int, group_id: int, *, on: bool) -> None:
        self._db.execute("UPDATE groups SET held = ? WHERE account_id = ? AND id = ?", (on, account_id, group_id))

    def allow_over_budget(self, account_id: int, group_id: int) -> None:
        """Commit that what waits of a group may be sent above the budget."""
        with self._db.transaction():
            self._db.execute(
                "UPDATE groups SET over_budget = 1 WHERE account_id = ? AND id = ?", (account_id, group_id)
            )

    def approve(self, account_id: int, group_id: int, now: float) -> list[JobRecord]:
        """Commit that the person wants all that waits of a group to be sent; return the records of its parts.

        None if that was decided before: of two apps that decide at once, the second has nothing left to decide.
        """
        with self._db.transaction():
            decided = self._db.execute(
                "UPDATE groups SET held = 0, approved = ?1 WHERE account_id = ?2 AND id = ?3 "
                "AND (held = 1 OR approved < ?1)",
                (_ALL_STAGES, account_id, group_id),
            )
            if not decided.rowcount:
                return []
            ready, waiting = (SubmissionState.READY,), SubmissionState.WAITING
            self._move(account_id, group_id, waiting, now, error=None, only=ready)
            return self.parts(account_id, group_id)

    def release(
        self,
        account_id: int,
        group_id: int,
        state: SubmissionState,
        now: float,
        *,
        error: str | None = None,
        pause: Pause = Pause.NONE,
        only: Sequence[SubmissionState] = _WAITING_STATES,
        numbers: Collection[int] | None = None,
    ) -> list[JobRecord]:
        """Move parts of a group that have not been sent to `state`, and return the records that changed.

        Of two apps that decide at once, the second has nothing left to decide. While the group is held, nothing is
        sent.

        Args:
            error: Why the parts are not sent, if they are not.
            pause: The same as data.
            only: The states that are left; parts in another stay as they are.
            numbers: The parts that are meant; None for all.
        """
        with self._db.transaction():
            held = self._db.execute(
                "SELECT 1 FROM groups WHERE account_id = ? AND id = ? AND held = 1", (account_id, group_id)
            ).fetchone()
            if state is SubmissionState.INTENT and held is not None:
                return []
            return self._move(account_id, group_id, state, now, error=error, only=only, numbers=numbers, pause=pause)

    def release_with_room(
        self,
        account_id: int,
        group_id: int,
        numbers: Collection[int],
        now: float,
        room: FindRoom,
    ) -> tuple[list[JobRecord], list[JobRecord]]:
        """Let those of these waiting parts be sent that have room, and store of the others why they wait.

        In one transaction, so that two apps that look at once do not fill the same room. While the group is held,
        nothing changes.

        Args:
            numbers: The parts that are to be sent.
            room: Takes all parts, these numbers, and the records that have not ended; returns the numbers of the parts
                that have room, and of others why they wait.

        Returns:
            The records that are sent now, and those whose reason has changed.
        """
        with self._db.transaction():
            parts = self.parts(account_id, group_id)
            if not parts or parts[0].group is None or parts[0].group.is_held:
                return [], []
            waiting = [part for part in parts if part.submission and part.submission.state is SubmissionState.WAITING]
            wanted = [part.submission.part for part in waiting if part.submission and part.submission.part in numbers]
            go, reasons = room(parts, wanted, self._records.active(account_id))
            state, only = SubmissionState.INTENT, (SubmissionState.WAITING,)
            moved = self._move(account_id, group_id, state, now, error=None, only=only, numbers=go)
            noted = []
            for part in waiting:
                submission = part.submission
                assert submission is not None
                why = reasons.get(submission.part)
                pause = Pause.TOKENS if why else Pause.NONE
                if submission.part not in go and (submission.error, submission.pause) != (why, pause):
                    self._submissions.write(replace(submission, error=why, pause=pause))
                    noted.append(self._records.refresh(account_id, part.key))
            return moved, noted

    def _move(
        self,
        account_id: int,
        group_id: int,
        state: SubmissionState,
        now: float,
        *,
        error: str | None,
        only: Sequence[SubmissionState],
        numbers: Collection[int] | None = None,
        pause: Pause = Pause.NONE,
    ) -> list[JobRecord]:
        changed = []
        for record in self.parts(account_id, group_id):
            submission = record.submission
            if submission is None or submission.state not in only or submission.may_have_been_created:
                continue
            if numbers is not None and submission.part not in numbers:
                continue
            moved = replace(submission, state=state, file_id=None, known_ids=(), error=error, hint=None, pause=pause)
            self._submissions.write(moved)
            self._progress.add(account_id, record.key, now, SUBMISSION_PREFIX + state, 0.0, None)
            changed.append(self._records.refresh(account_id, record.key))
        return changed


def _parts_by_file(group: NewGroup, parts: Sequence[PartFile]) -> list[tuple[int, int]]:
    """Return for each file of a group the numbers of the first and last part that have lines of it."""
    if group.first:  # taken from all over them
        return [(1, len(parts))] * len(group.files)
    found, number = [], 0
    for file in group.files:
        first, left = number + 1, file.requests
        while left > 0:
            left -= parts[number].requests
            number += 1
        found.append((first, number))
    return found
