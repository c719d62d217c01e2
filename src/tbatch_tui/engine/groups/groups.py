"""Submit one file as several jobs: because it is over the limits, or because a few requests go first.

The rest waits in the journal. When the first requests are back and counted it continues automatically, if that was
wanted and each of them has a whole answer; else it waits for the person to decide.
"""

from __future__ import annotations

import asyncio
import math
import shutil
from functools import cached_property
from itertools import accumulate
from typing import TYPE_CHECKING

from tbatch_tui.engine.domain.already_submitted import AlreadySubmittedError
from tbatch_tui.engine.domain.job import LocalStatus
from tbatch_tui.engine.domain.submission import NewGroup, PartFile, SubmissionState
from tbatch_tui.engine.events import Event, Notice, RecordsChanged
from tbatch_tui.engine.groups.part_folders import remove_orphans, writing_parts
from tbatch_tui.engine.groups.stages import format_outcome, is_answered_whole, next_step, number
from tbatch_tui.engine.pricing.over_budget import OverBudgetError
from tbatch_tui.engine.threads import run_cancellable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Sequence
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from tbatch_tui.engine.domain.check_report import CheckReport
    from tbatch_tui.engine.domain.record import JobRecord
    from tbatch_tui.engine.domain.submission import GroupFile
    from tbatch_tui.engine.endpoint import Endpoint
    from tbatch_tui.engine.groups.joined_input import JoinedInput
    from tbatch_tui.engine.groups.send_again import UnsentFiles
    from tbatch_tui.engine.journal.store import JobStore
    from tbatch_tui.engine.local_files.fingerprint import Fingerprint
    from tbatch_tui.engine.pricing.pricing import Pricing
    from tbatch_tui.engine.runtime.runtime import Runtime

_WAITING = (SubmissionState.WAITING,)
_WAITING_OR_READY = (SubmissionState.WAITING, SubmissionState.READY)
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
        self._emit = emit
        self._admit = admit
        self._prices = prices

    @property
    def _home(self) -> Path:
        """The folder in which each submit makes one for its parts."""
        return self._runtime.options.data_dir / "parts"

    @cached_property
    def _unsent(self) -> UnsentFiles:
        from tbatch_tui.engine.groups.send_again import UnsentFiles

        return UnsentFiles(self._store, self._runtime.inputs, self._home)

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
        share: float = 100.0,
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
            share: percent of the requests of a stage that need a whole answer for that.
            files: those that `path` was joined of, in their order: none of them may have run either.

        Returns:
            The key of the first part's record.
        """
        path = await self._admit(path)
        first = first if first < requests else 0
        async with writing_parts(self._home):
            group = NewGroup(
                path, fingerprint.size, fingerprint.sha256, endpoint, label, requests, first, auto_continue,
                name, tuple(accumulate(stages)), share, self._runtime.options.parts_at_once, files,
            )  # fmt: skip
            records = await self._write_and_save(group, fingerprint, known_runs, over_budget=over_budget)
        await self._runtime.resume_submissions()
        return records[0].key

    async def _write_and_save(
        self,
        group: NewGroup,
        fingerprint: Fingerprint,
        known_runs: Sequence[JobRecord] | None,
        *,
        over_budget: bool,
    ) -> list[JobRecord]:
        """Write the parts, and save the intent to run them. See `submit`."""
        parts = await self._write_parts(group, fingerprint)
        folder = parts[0].path.parent
        try:
            parts = [part._replace(estimate=await self._prices.estimate(part.path)) for part in parts]
        except BaseException:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
            raise
        bounds = [part.estimate.most for part in parts if part.estimate is not None and part.estimate.most is not None]
        most = math.fsum(bounds) if len(bounds) == len(parts) else None
        budget = self._prices.budget
        try:
            async with budget.admitting(lambda: budget.judge(most), over_budget=over_budget):
                return await self._store.groups.add(group, parts, known_runs)
        except (
            AlreadySubmittedError,
            OverBudgetError,
        ):  # after any other error they may have been committed all the same
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
            raise

    async def _write_parts(self, group: NewGroup, fingerprint: Fingerprint) -> list[PartFile]:
        """Write the parts in a thread, which stops when this is cancelled."""
        from tbatch_tui.engine.check.limits import FILE_MEGABYTES, MEGABYTE, REQUESTS_MAX
        from tbatch_tui.engine.groups.split import write_parts

        options = self._runtime.options
        return await run_cancellable(
            write_parts,
            group.path,
            self._home,
            fingerprint=fingerprint,
            requests=group.requests,
            first=group.first,
            files=[file.requests for file in group.files],
            requests_max=options.requests_per_job or REQUESTS_MAX,
            bytes_max=FILE_MEGABYTES * MEGABYTE,
        )

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

        Parts whose file in the data folder is gone are written anew from the unchanged original.

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
            sent = await self._unsent.send(records, known_runs)
        await self._runtime.resume_submissions()
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
            waiting = await self._store.groups.approve(record.group.id)
            await self._advance(record.group.id)
        return len(waiting)

    async def drop_rest(self, key: str) -> int:
        """Never submit the parts of a group that wait; return how many those are."""
        record = self._store.record(key)
        if record is None or record.group is None:
            return 0
        return len(await self._release(record.group.id, SubmissionState.STOPPED, error=DROPPED))

    async def hold(self, key: str) -> int:
        """Send nothing more of a group until `go_on`; return how many parts have not been sent.

        What is being uploaded here is stopped, and sent from its beginning afterwards; jobs that were created run on.
        """
        record = self._store.record(key)
        if record is None or record.group is None:
            return 0
        parts = await self._store.groups.hold(record.group.id, on=True)
        stopped = [number(part) for part in parts if await self._stop(part)]
        await self._release(record.group.id, SubmissionState.WAITING, only=(SubmissionState.STOPPED,), numbers=stopped)
        return sum(part.is_waiting for part in await self._store.groups.parts(record.group.id))

    async def _stop(self, part: JobRecord) -> bool:
        """Stop the upload of a part, if no create can have been sent for it."""
        submitter, submission = self._runtime.submitter, part.submission
        if submitter is None or submission is None or not part.is_being_submitted:
            return False
        return await submitter.stop(submission.id)

    async def go_on(self, key: str, *, over_budget: bool = False) -> int:
        """End the hold of a group, and submit what waited for the person; return how many parts have not been sent.

        Raises BatchError.
        """
        record = self._store.record(key)
        if record is None or record.group is None:
            return 0
        parts = await self._store.groups.parts(record.group.id)
        if any(part.status == LocalStatus.READY for part in parts):
            return await self.send_rest(key, over_budget=over_budget)
        waiting = [part for part in parts if part.is_waiting]
        if waiting and waiting[0].submission is not None:
            await self._admit(waiting[0].submission.path)
        await self._store.groups.hold(record.group.id, on=False)
        await self._advance(record.group.id)
        return len(waiting)

    async def _release(
        self,
        group_id: int,
        state: SubmissionState,
        *,
        error: str | None = None,
        only: tuple[SubmissionState, ...] = _WAITING_OR_READY,
        numbers: Collection[int] | None = None,
    ) -> list[JobRecord]:
        moved = await self._store.groups.release(group_id, state, error=error, only=only, numbers=numbers)
        if state is SubmissionState.INTENT:
            await self._runtime.resume_submissions()
        return moved

    # -- what was sent is back -----------------------------------------------------------------------

    def on_event(self, event: Event) -> None:
        """Decide what is sent next of a group when one of its parts has ended, or its results are counted."""
        if isinstance(event, RecordsChanged) and self._runtime.options.background_work:
            ended = [part for part in event.changed if part.group is not None and not part.is_waiting]
            for group_id in {part.group.id for part in ended if part.group is not None and not part.is_active}:
                self._runtime.spawn(self._advance(group_id))

    async def resume(self) -> None:
        """Do the same for groups whose parts ended while no app was open, or just before one was closed.

        Before that, remove what a killed app left of parts that never were submitted.
        """
        await remove_orphans(self._home, self._store.groups.paths)
        waiting = await self._store.groups.waiting_parts()
        for group_id in dict.fromkeys(part.group.id for part in waiting if part.group is not None):
            await self._advance(group_id)

    async def _advance(self, group_id: int) -> None:
        """Submit what may be sent now of the parts that wait, or let all of them wait for the person from now on."""
        parts = await self._store.groups.parts(group_id)
        if not parts or (group := parts[0].group) is None:
            return
        step = next_step(group, parts)
        rest = sum(part.requests or 0 for part in parts if part.is_waiting)
        if step.ask:
            outcome = format_outcome(*step.ask)
            if await self._release(group_id, SubmissionState.READY, error=outcome, only=_WAITING):
                hint = f"The other {rest:,} are on hold; none has been sent."
                title = f"{_stage_name(step.ask)}: {outcome[:1].lower()}{outcome[1:]}"
                self._emit(Notice(title, hint, "warning", parts[0].key))
        elif step.send:
            moved = await self._release(group_id, SubmissionState.INTENT, only=_WAITING, numbers=step.send)
            if moved and step.passed:
                outcome = "all ok" if all(map(is_answered_whole, step.passed)) else format_outcome(*step.passed)
                count = sum(part.requests or 0 for part in moved)
                hint = f"The other {count:,} are being submitted." if count == rest else f"The next {count:,} follow."
                self._emit(Notice(f"{_stage_name(step.passed)}: {outcome}", hint, key=parts[0].key))


def _stage_name(parts: Sequence[JobRecord]) -> str:
    """Return what the parts of a stage are called: `reviews · first 10`, `reviews · 1 to 2 of 24`."""
    first, group = parts[0], parts[0].group
    if len(parts) == 1 or group is None:
        return first.name
    return f"{first.name_of_file} · {number(first)} to {number(parts[-1])} of {group.parts}"
