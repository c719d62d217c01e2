"""Submit one file as several jobs: because it is over the limits, or because a few requests go first.

The rest waits in the journal. When the first requests are back and counted it continues automatically, if that was
wanted and each of them has a whole answer; else it waits for the person to decide.
"""

from __future__ import annotations

import asyncio
import math
import shutil
from functools import cached_property
from typing import TYPE_CHECKING

from tbatch_tui.engine.domain.already_submitted import AlreadySubmittedError
from tbatch_tui.engine.domain.job import JobStatus
from tbatch_tui.engine.domain.submission import NewGroup, PartFile, SubmissionState
from tbatch_tui.engine.events import Event, Notice, RecordsChanged
from tbatch_tui.engine.groups.part_folders import remove_orphans, writing_parts
from tbatch_tui.engine.pricing.over_budget import OverBudgetError
from tbatch_tui.engine.threads import run_cancellable
from tbatch_tui.text.plural import plural

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from pathlib import Path

    from tbatch_tui.engine.domain.record import JobRecord
    from tbatch_tui.engine.endpoint import Endpoint
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

        Returns:
            The key of the first part's record.
        """
        path = await self._admit(path)
        first = first if first < requests else 0
        async with writing_parts(self._home):
            group = NewGroup(
                path, fingerprint.size, fingerprint.sha256, endpoint, label, requests, first, auto_continue
            )
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
        parts = await self._write_parts(group.path, fingerprint, group.requests, group.first)
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
                return await self._store.add_group(group, parts, known_runs)
        except (
            AlreadySubmittedError,
            OverBudgetError,
        ):  # after any other error they may have been committed all the same
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
            raise

    async def _write_parts(self, path: Path, fingerprint: Fingerprint, requests: int, first: int) -> list[PartFile]:
        """Write the parts in a thread, which stops when this is cancelled."""
        from tbatch_tui.engine.check.limits import FILE_MEGABYTES, MEGABYTE, REQUESTS_MAX
        from tbatch_tui.engine.groups.split import write_parts

        options = self._runtime.options
        return await run_cancellable(
            write_parts,
            path,
            self._home,
            fingerprint=fingerprint,
            requests=requests,
            first=first,
            requests_max=options.requests_per_job or REQUESTS_MAX,
            bytes_max=FILE_MEGABYTES * MEGABYTE,
        )

    async def parts(self, key: str) -> list[JobRecord]:
        """Return the records of all parts of the file that this one is a part of; none if it is not a part."""
        record = self._store.record(key)
        if record is None or record.group is None:
            return []
        return await self._store.parts(record.group.id)

    async def unsent(self, key: str) -> list[JobRecord]:
        """Return what `send_unsent` would send: the parts of the same file, or the file, refused or stopped."""
        record = self._store.record(key)
        return await self._unsent.find(record) if record is not None else []

    async def unsent_of(self, runs: Sequence[JobRecord]) -> list[JobRecord]:
        """Return what was not sent of a file that ran in part; none if one of its runs was of all of it.

        Args:
            runs: as `BatchEngine.earlier_runs` returns them.
        """
        unsent: list[JobRecord] = []
        for run in runs:
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
        return await self._store.runs_elsewhere(record) if record is not None else []

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
        """Submit the parts of a group that wait; return how many jobs that makes.

        Raises BatchError as a submit does; the first requests say what the rest may cost.
        """
        record = self._store.record(key)
        if record is None or record.group is None or record.submission is None:
            return 0
        await self._admit(record.submission.path)
        parts = await self.parts(key)
        rest = [part for part in parts if part.is_waiting]
        budget = self._prices.budget
        async with budget.admitting(lambda: budget.judge_parts(parts, rest), over_budget=over_budget):
            return len(await self._release(record.group.id, SubmissionState.INTENT))

    async def drop_rest(self, key: str) -> int:
        """Never submit the parts of a group that wait; return how many those are."""
        record = self._store.record(key)
        if record is None or record.group is None:
            return 0
        return len(await self._release(record.group.id, SubmissionState.STOPPED, error=DROPPED))

    async def _release(
        self,
        group_id: int,
        state: SubmissionState,
        *,
        error: str | None = None,
        only: tuple[SubmissionState, ...] = _WAITING_OR_READY,
    ) -> list[JobRecord]:
        moved = await self._store.release_rest(group_id, state, error=error, only=only)
        if state is SubmissionState.INTENT:
            await self._runtime.resume_submissions()
        return moved

    # -- the first requests are back -----------------------------------------------------------------

    def on_event(self, event: Event) -> None:
        """Decide about the rest of a group when its first part has ended and is counted."""
        if isinstance(event, RecordsChanged) and self._runtime.options.background_work:
            for record in event.changed:
                if is_first_part(record) and is_counted(record):
                    self._runtime.spawn(self._decide_rest(record))

    async def resume(self) -> None:
        """Do the same for groups whose first part ended while no app was open, or just before one was closed.

        Before that, remove what a killed app left of parts that never were submitted.
        """
        await remove_orphans(self._home, self._store.part_paths)
        for record in await self._store.parts_of_waiting_groups():
            if is_first_part(record) and is_counted(record):
                await self._decide_rest(record)

    async def _decide_rest(self, record: JobRecord) -> None:
        """Submit the rest, or let it wait for the person from now on."""
        group = record.group
        assert group is not None
        rest = group.requests - group.first
        if group.auto_continue and is_answered_whole(record):
            if await self._release(group.id, SubmissionState.INTENT, only=_WAITING):
                hint = f"The other {rest:,} are being submitted."
                self._emit(Notice(f"{record.name}: all ok", hint, key=record.key))
            return
        outcome = format_outcome(record)
        if await self._release(group.id, SubmissionState.READY, error=outcome, only=_WAITING):
            hint = f"The other {rest:,} are on hold; none has been sent."
            self._emit(Notice(f"{record.name}: {outcome[:1].lower()}{outcome[1:]}", hint, "warning", record.key))


def is_first_part(record: JobRecord) -> bool:
    """Return whether this is the part of its group that the others wait for."""
    part = record.submission.part if record.submission is not None else 0
    return record.group is not None and bool(record.group.first) and part == 1


def is_counted(record: JobRecord) -> bool:
    """Return whether nothing more comes of a job, and its results, if it has any, are counted."""
    return record.is_finished and (record.counts is not None or not record.has_results_here)


def is_answered_whole(record: JobRecord) -> bool:
    """Return whether each request of a job has an answer, and a whole one."""
    counts = record.counts
    if counts is None or record.status != JobStatus.COMPLETED:
        return False
    return counts.ok == counts.requests and counts.is_accounted


def format_outcome(record: JobRecord) -> str:
    """Return `8 ok, 1 cut short, 1 error`; for a job without results, what became of it."""
    counts = record.counts
    if counts is None:
        return f"{record.status_words}, without an answer"
    words = [f"{counts.ok:,} ok", f"{counts.cut_short:,} cut short" if counts.cut_short else ""]
    words += [f"{counts.invalid:,} invalid" if counts.invalid else ""]
    words += [plural(counts.errors, "error") if counts.errors else ""]
    words += [f"{counts.missing:,} missing" if counts.missing else ""]
    return ", ".join(filter(None, words))
