"""The groups of one account: files that were submitted as several jobs, and what is sent of them when."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tbatch_tui.engine.domain.submission import Pause

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from pathlib import Path

    from tbatch_tui.engine.domain.job import Job
    from tbatch_tui.engine.domain.record import JobRecord
    from tbatch_tui.engine.domain.submission import NewGroup, PartFile, SubmissionState
    from tbatch_tui.engine.journal.applied_list import AppliedList
    from tbatch_tui.engine.journal.journal import Journal
    from tbatch_tui.engine.journal.journal_thread import JournalThread
    from tbatch_tui.engine.journal.published import PublishedRecords
    from tbatch_tui.engine.journal.tables.groups import FindRoom
    from tbatch_tui.engine.options import EngineOptions


class GroupStore:
    """Reads and writes the groups of one account; `JobStore` has one, and all the rest of the history.

    Methods raise JournalError while the history cannot be used; those named "Durably" retry until they succeed.
    """

    def __init__(
        self, options: EngineOptions, thread: JournalThread, published: PublishedRecords, applied: AppliedList
    ) -> None:
        self._now = options.now
        self._output_dir = options.output_dir.absolute()
        self._thread = thread
        self._run = thread.run
        self._run_until_written = thread.run_until_written
        self._published = published
        self._applied = applied

    @property
    def _journal(self) -> Journal:
        return self._thread.journal

    async def add(
        self,
        group: NewGroup,
        parts: Sequence[PartFile],
        known_runs: Sequence[JobRecord] | None,
        fits: Callable[[Sequence[JobRecord]], bool] = lambda _: True,
    ) -> list[JobRecord]:
        """Save the intent to submit a file in these parts, all or none; with a `first`, only the first goes.

        Raises AlreadySubmittedError. `fits` is as in `GroupTable.add`.
        """
        for part in parts:
            await self._run(self._journal.recipes.inherit, group.sha256, part.sha256)
        records = await self._run(
            self._journal.groups.add,
            self._thread.account_id,
            group,
            parts,
            now=self._now(),
            known_runs=known_runs,
            output_dir=self._output_dir,
            fits=fits,
        )
        self._published.publish(records)
        return records

    async def add_runs(self, group: NewGroup, runs: Sequence[tuple[PartFile, Job]]) -> None:
        """Save that these jobs of the list ran the parts of a file, as if it was submitted here in these parts.

        Raises JobClaimedError.
        """
        records = await self._run(
            self._journal.groups.add_runs,
            self._thread.account_id,
            group,
            runs,
            now=self._now(),
            output_dir=self._output_dir,
        )
        self._applied.set(None)
        self._published.publish(records)

    async def parts(self, group_id: int, *, even_removed: bool = False) -> list[JobRecord]:
        """Return the records of a group's parts, in their order; `even_removed` with those taken out of the list."""
        return await self._run(self._journal.groups.parts, self._thread.account_id, group_id, even_removed=even_removed)

    async def paths(self) -> list[Path]:
        """Return the files of all parts, and those that they are parts of, of every account."""
        return await self._run(self._journal.groups.part_paths)

    async def runs_elsewhere(self, record: JobRecord) -> list[JobRecord]:
        """Return the runs of the bytes of a record in other submissions than those of its own file."""
        return await self._run(self._journal.submissions.runs_elsewhere, self._thread.account_id, record)

    async def send_again(
        self, paths: Mapping[str, Path], known_runs: Sequence[JobRecord], room: FindRoom
    ) -> list[JobRecord]:
        """Save the intent to submit again what was refused or stopped; return the records that changed.

        Of a group, what has no room yet waits for its turn.

        Raises AlreadySubmittedError.

        Args:
            paths: by key of the record, where its file is now.
            known_runs: runs in other submissions that the person knows of.
            room: which of them have room for their tokens.
        """
        sent = await self._run(
            self._journal.again.send,
            self._thread.account_id,
            paths,
            known_runs,
            self._now(),
            self._output_dir,
            room,
        )
        self._published.publish(sent)
        return sent

    async def with_copies(self) -> list[int]:
        """Return the ids of the groups with parts whose files may be removed once they have ended."""
        return await self._run(self._journal.groups.with_copies, self._thread.account_id)

    async def has_ended(self, group_id: int) -> bool:
        """Return whether no part of a group waits, is being submitted, or is a job that has not ended."""
        return await self._run(self._journal.groups.has_ended, self._thread.account_id, group_id)

    async def note_copies(self, group_id: int, copies: str, paths: Sequence[Path] = ()) -> list[Path] | None:
        """Save what becomes of the files of a group's parts; return which of `paths` may be removed now, None for none.

        See `GroupTable.note_copies`.
        """
        parts, free = await self._run(
            self._journal.groups.note_copies, self._thread.account_id, group_id, copies, paths
        )
        self._published.publish(parts)
        return free

    async def waiting_ids(self) -> set[int]:
        """Durably return the ids of the groups of which a part has not been sent yet."""
        return {*await self._run_until_written(self._journal.groups.waiting, self._thread.account_id)}

    async def waiting_parts(self) -> list[JobRecord]:
        """Durably return the records of all parts of the groups of which a part has not been sent yet."""
        account_id, records = self._thread.account_id, []
        for group_id in await self._run_until_written(self._journal.groups.waiting, account_id):
            records += await self._run_until_written(self._journal.groups.parts, account_id, group_id)
        return records

    async def allow_over_budget(self, group_id: int) -> None:
        """Save that what waits of a group may be sent above the budget."""
        await self._run(self._journal.groups.allow_over_budget, self._thread.account_id, group_id)

    async def release(
        self,
        group_id: int,
        state: SubmissionState,
        *,
        error: str | None,
        only: Sequence[SubmissionState],
        numbers: Collection[int] | None = None,
        pause: Pause = Pause.NONE,
    ) -> list[JobRecord]:
        """Durably put the parts of a group that are in one of the states `only` into `state`; return their records.

        `numbers` are the parts that are meant; None for all. Nothing is sent of a group that is held.
        """
        moved = await self._run_until_written(
            self._journal.groups.release,
            self._thread.account_id,
            group_id,
            state,
            self._now(),
            error=error,
            only=only,
            numbers=numbers,
            pause=pause,
        )
        self._published.publish(moved)
        return moved

    async def release_with_room(self, group_id: int, numbers: Collection[int], room: FindRoom) -> list[JobRecord]:
        """Durably let those of these waiting parts be sent that have room; return their records.

        See `GroupTable.release_with_room`.
        """
        moved, noted = await self._run_until_written(
            self._journal.groups.release_with_room, self._thread.account_id, group_id, numbers, self._now(), room
        )
        self._published.publish([*moved, *noted])
        return moved

    async def hold(self, group_id: int) -> list[JobRecord]:
        """Durably hold what has not been sent of a group; return the records of all parts. See `GroupTable.hold`."""
        parts = await self._run_until_written(self._journal.groups.hold, self._thread.account_id, group_id, self._now())
        self._published.publish(parts)
        return parts

    async def let_go(self, group_id: int) -> None:
        """Durably end the hold of a group, and what waited for the person. See `GroupTable.let_go`."""
        parts = await self._run_until_written(
            self._journal.groups.let_go, self._thread.account_id, group_id, self._now()
        )
        self._published.publish(parts)

    async def approve(self, group_id: int) -> list[JobRecord]:
        """Durably let all that waits of a group be sent, whatever came of the rest; return what waits.

        None if that was decided before.
        """
        parts = await self._run_until_written(
            self._journal.groups.approve, self._thread.account_id, group_id, self._now()
        )
        self._published.publish(parts)  # all of them: each has what was decided about its group
        return [part for part in parts if part.is_waiting]
