"""Submit one file as several jobs: because it is over the limits, or because a few requests go first.

The rest waits in the journal. When the first requests are back and counted it continues automatically, if that was
wanted and each of them has a whole answer; else it waits for the person to decide.
"""

from __future__ import annotations

from functools import cached_property
from itertools import accumulate
from typing import TYPE_CHECKING

from tbatch_tui.engine.domain.submission import NewGroup, PartFile, Pause, SubmissionState
from tbatch_tui.engine.events import Event, RecordsChanged
from tbatch_tui.engine.groups.part_folders import remove_orphans, writing_parts
from tbatch_tui.engine.groups.sending.advance import GroupAdvance
from tbatch_tui.engine.groups.stages import asks_because_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from tbatch_tui.engine.domain.check_report import CheckReport
    from tbatch_tui.engine.domain.record import JobRecord
    from tbatch_tui.engine.domain.submission import Gate, GroupFile
    from tbatch_tui.engine.endpoint import Endpoint
    from tbatch_tui.engine.groups.copies.part_copies import PartCopies
    from tbatch_tui.engine.groups.joined_input import JoinedInput
    from tbatch_tui.engine.groups.new_group import NewGroups
    from tbatch_tui.engine.groups.send_again import UnsentFiles
    from tbatch_tui.engine.journal.store import JobStore
    from tbatch_tui.engine.local_files.fingerprint import Fingerprint
    from tbatch_tui.engine.pricing.pricing import Pricing
    from tbatch_tui.engine.runtime.runtime import Runtime

_DROPPED_FILE = "Not sent: you discarded it"
DROPPED = "Not sent: you discarded the rest after the first requests"


class JobGroups:
    """Submits files as several jobs, and decides what becomes of the parts that wait."""

    def __init__(
        self,
        runtime: Runtime,
        store: JobStore,
        emit: Callable[[Event], object],
        admit: Callable[[Path], Awaitable[Path]],
        prices: Pricing,
    ) -> None:
        """Use the parts of an engine.

        Args:
            admit: returns the absolute path of a file; raises BatchError where nothing can be submitted now.
            prices: estimates what a file may cost, and holds the budget.
        """
        self._runtime = runtime
        self._store = store
        self._admit = admit
        self._prices = prices
        self._advance = GroupAdvance(runtime, store, emit, prices)

    @property
    def _home(self) -> Path:
        """The folder in which each submit makes one for its parts."""
        return self._runtime.options.data_dir / "parts"

    @cached_property
    def _new(self) -> NewGroups:
        from tbatch_tui.engine.groups.new_group import NewGroups

        return NewGroups(self._runtime.options, self._store, self._prices, self._home)

    @cached_property
    def _unsent(self) -> UnsentFiles:
        from tbatch_tui.engine.groups.send_again import UnsentFiles

        return UnsentFiles(self._store, self._runtime.inputs, self._home)

    @cached_property
    def _copies(self) -> PartCopies:
        from tbatch_tui.engine.groups.copies.part_copies import PartCopies

        return PartCopies(self._runtime, self._store, self._home)

    async def submit(
        self,
        path: Path,
        endpoint: Endpoint,
        *,
        requests: int,
        fingerprint: Fingerprint,
        label: str = "",
        first: int = 0,
        auto_continue: bool = False,
        known_runs: Sequence[JobRecord] | None = None,
        over_budget: bool = False,
        name: str = "",
        stages: Sequence[int] = (),
        gates: Sequence[Gate] = (),
        files: tuple[GroupFile, ...] = (),
    ) -> str:
        """Write the parts of a file, each under the API's limits, and save the intent to run them all.

        Raises BatchError as `BatchEngine.submit_checked` does, and when the parts cannot be written: then nothing is
        submitted.

        Args:
            requests: how many the file has.
            fingerprint: of the file as it was checked.
            first: how many requests go first, while the rest waits for them; 0 for none.
            auto_continue: whether the rest follows automatically once all of the first are answered; else it waits for
                `send_rest`.
            known_runs: as `BatchEngine.submit_checked` takes it.
            over_budget: likewise; all parts count together, also those that wait.
            name: what the group is called without a label; empty for the stem of the file.
            stages: how many parts each stage has but the last, which has the rest; with `auto_continue` each follows
                when the one before is good enough.
            gates: what the requests of each stage have to come to for that, the last for those after it too; without
                any, each needs a whole answer.
            files: those that `path` was joined of, in their order: none of them may have run either.

        Returns:
            The key of the first part's record.
        """
        path = await self._admit(path)
        first = first if first < requests else 0
        async with writing_parts(self._home):
            group = NewGroup(
                path, fingerprint.size, fingerprint.sha256, endpoint, label, requests, first, auto_continue,
                name, tuple(accumulate(stages)), tuple(gates), self._runtime.options.parts_at_once, files,
            )  # fmt: skip
            records = await self._new.add(group, fingerprint, known_runs, over_budget=over_budget)
        await self._runtime.resume_submissions()
        if all(record.is_waiting for record in records) and records[0].group is not None:
            await self._advance.advance(records[0].group.id)
        return records[0].key

    async def note_runs(self, path: Path, runs: Sequence[tuple[Path, int, JobRecord]]) -> None:
        """Save that jobs of the list ran the parts of a file, as if it had been submitted here in these parts.

        Raises LocalFileError and JournalError, and JobClaimedError if a submission has become one of the jobs.

        Args:
            path: the file, absolute.
            runs: in their order, the file of a part, likewise, how many requests it has, and the record of its job.
        """
        from tbatch_tui.engine.endpoint import Endpoint
        from tbatch_tui.engine.local_files.fingerprint import fingerprint_file

        parts = []
        for part, requests, record in runs:
            assert record.job is not None
            known = await fingerprint_file(part)
            parts.append((PartFile(part, known.size, known.sha256, requests), record.job))
        whole, endpoint = await fingerprint_file(path), Endpoint(parts[0][1].endpoint or "")
        requests = sum(part.requests for part, _ in parts)
        group = NewGroup(path, whole.size, whole.sha256, endpoint, "", requests, 0, False)
        await self._store.groups.add_runs(group, parts)

    async def parts(self, key: str) -> list[JobRecord]:
        """Return the records of all parts of the file that this one is a part of; none if it is not a part."""
        record = self._store.record(key)
        if record is None or record.group is None:
            return []
        return await self._store.groups.parts(record.group.id)

    async def unsent(self, key: str) -> list[JobRecord]:
        """Return what `send_unsent` would send: the parts of the same file, or the file, refused or stopped."""
        record = self._store.record(key)
        return await self._unsent.find(record) if record is not None else []

    def joined(self, reports: Sequence[CheckReport], name: str) -> AbstractAsyncContextManager[JoinedInput]:
        """Return what writes a file with the lines of several, to be submitted meanwhile. See `joined_input`."""
        from tbatch_tui.engine.groups.joined_input import joined_input

        return joined_input(reports, self._home, name, self._store.groups.paths)

    async def unsent_of(self, runs: Sequence[JobRecord], sha256: str) -> list[JobRecord]:
        """Return what was not sent of a file that ran in part; none if one of its runs was of all of it.

        Args:
            runs: as `BatchEngine.earlier_runs` returns them.
            sha256: of the file.
        """
        unsent: list[JobRecord] = []
        for run in runs:
            if run.group is not None and run.group.sha256 != sha256:
                return []  # it ran with other files, as one group: those are not meant
            if self._store.record(run.key) is None:
                continue  # of another account of this organisation
            parts = await self.unsent(run.key)
            if not parts:
                return []
            unsent = unsent or parts
        return unsent

    async def runs_elsewhere(self, key: str) -> list[JobRecord]:
        """Return other submissions of the same bytes that ran: sending what was not sent here is billed again."""
        record = self._store.record(key)
        return await self._store.groups.runs_elsewhere(record) if record is not None else []

    async def send_unsent(
        self, key: str, known_runs: Sequence[JobRecord] = (), *, over_budget: bool = False
    ) -> list[JobRecord]:
        """Submit once more what of a file was refused or stopped, and nothing of what ran or may have been created.

        Parts whose file in the data folder is gone are written anew from the unchanged original. Those that have no
        room beside what is out wait for it.

        Raises AuthenticationError and OverBudgetError as a submit does, LocalFileError when the bytes are not at hand
        any more, and AlreadySubmittedError if the same bytes ran in another submission that is not among `known_runs`.

        Returns:
            The records that are being submitted now; none if there was nothing to send.
        """
        records = await self.unsent(key)
        for record in records[:1]:
            assert record.submission is not None
            await self._admit(record.submission.path)
        if not records:
            return []
        parts = await self.parts(key) or records
        budget = self._prices.budget
        async with budget.admitting(lambda: budget.judge_parts(parts, records), over_budget=over_budget):
            sent = await self._unsent.send(records, known_runs, self._advance.room)
        await self._runtime.resume_submissions()
        if sent and sent[0].group is not None:  # what has no room follows
            await self._advance.advance(sent[0].group.id, is_admitted=True)
        return sent

    async def send_rest(self, key: str, *, over_budget: bool = False) -> int:
        """Submit the parts of a group that wait, whatever came of the others; return how many jobs that makes.

        Where only some may be out together, the others follow as those end. Raises BatchError as a submit does; what
        was sent before says what the rest may cost.
        """
        record = self._store.record(key)
        if record is None or record.group is None or record.submission is None:
            return 0
        await self._admit(record.submission.path)
        parts = await self.parts(key)
        rest = [part for part in parts if part.is_waiting]
        budget = self._prices.budget
        async with budget.admitting(lambda: budget.judge_parts(parts, rest), over_budget=over_budget):
            if over_budget:
                await self._store.groups.allow_over_budget(record.group.id)
            waiting = await self._store.groups.approve(record.group.id)
            await self._advance.advance(record.group.id, is_admitted=True)
        return len(waiting)

    async def remove_copies(self, key: str) -> int:
        """Remove the files of a group's parts if all has ended and is here; return how many.

        That is done in the background too: this is for whoever is about to close the engine. It reads the input file,
        and stays without effect if that has changed.
        """
        record = self._store.record(key)
        return await self._copies.remove_if_ended(record.group.id) if record is not None and record.group else 0

    async def drop_rest(self, key: str) -> int:
        """Never submit the parts of a group that wait, or a file that does; return how many those are."""
        record = self._store.record(key)
        if record is None or record.submission is None:
            return 0
        if record.group is None:
            return int(
                await self._store.place.release(record.submission.id, SubmissionState.STOPPED, _DROPPED_FILE)
                is not None
            )
        return len(await self._advance.release(record.group.id, SubmissionState.STOPPED, error=DROPPED))

    async def hold(self, key: str) -> int:
        """Send nothing more of a group until `go_on`; return how many parts have not been sent.

        What is being uploaded is stopped, and sent from its beginning afterwards; jobs that were created run on. None,
        and nothing is held, if every part was sent.
        """
        record = self._store.record(key)
        if record is None or record.group is None:
            return 0
        parts = await self._store.groups.hold(record.group.id)
        if self._runtime.submitter is not None:
            await self._runtime.submitter.let_go_waiting()
        return sum(part.is_waiting for part in parts)

    async def go_on(self, key: str, *, over_budget: bool = False) -> int:
        """End the hold of a group, and submit what waited for the person; return how many parts have not been sent.

        What was kept back for another reason than what came of the parts before it goes on stage by stage;
        `over_budget` lets all of it be above. A whole file that waits is sent. Raises BatchError.
        """
        record = self._store.record(key)
        if record is None:
            return 0
        if record.group is None:
            return await self._send_file(record, over_budget=over_budget)
        group_id, parts = record.group.id, await self._store.groups.parts(record.group.id)
        if asks_because_of(Pause.OUTCOME, parts):
            return await self.send_rest(key, over_budget=over_budget)
        waiting = [part for part in parts if part.is_waiting]
        if waiting and waiting[0].submission is not None:
            await self._admit(waiting[0].submission.path)
        budget = self._prices.budget
        async with budget.admitting(lambda: budget.judge_parts(parts, waiting), over_budget=over_budget):
            if over_budget:
                await self._store.groups.allow_over_budget(group_id)
            await self._store.groups.let_go(group_id)
            await self._advance.advance(group_id, is_admitted=True)
        return len(waiting)

    async def _send_file(self, record: JobRecord, *, over_budget: bool) -> int:
        """Submit a whole file that waits for the person; return 1, or 0 if that was decided before."""
        submission = record.submission
        if submission is None or not record.is_waiting:
            return 0
        await self._admit(submission.path)
        budget = self._prices.budget
        async with budget.admitting(lambda: budget.judge_parts([record], [record]), over_budget=over_budget):
            moved = await self._store.place.release(submission.id, SubmissionState.INTENT)
        await self._runtime.resume_submissions()
        return int(moved is not None)

    # -- what was sent is back -----------------------------------------------------------------------

    def on_event(self, event: Event) -> None:
        """Decide what is sent next of a group when one of its parts has ended, or its results are counted."""
        if isinstance(event, RecordsChanged) and self._runtime.options.background_work:
            ended = [record for record in event.changed if not record.is_waiting and not record.is_active]
            groups = {record.group.id for record in ended if record.group is not None}
            if ended:  # what any of them had enqueued is free
                groups |= self._advance.without_room
            for group_id in groups:
                self._advance.soon(group_id)
            for group_id in {record.group.id for record in ended if record.group is not None and record.is_finished}:
                self._copies.soon(group_id)

    async def resume(self) -> None:
        """Do the same for groups whose parts ended while no app was open, or just before one was closed.

        Before that, remove what a killed app left of parts that never were submitted.
        """
        await remove_orphans(self._home, self._store.groups.paths)
        waiting = await self._store.groups.waiting_parts()
        for group_id in dict.fromkeys(part.group.id for part in waiting if part.group is not None):
            await self._advance.advance(group_id)
        await self._copies.resume()
