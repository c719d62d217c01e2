"""Groups: a file over the limits as several jobs, and a few requests that go ahead of the rest.

The rest waits in the journal. When the first requests are back and counted it goes on by itself, if that was wanted and
each of them is answered whole; else it waits for the person's word.
"""

from __future__ import annotations

import asyncio
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

from tbatch_tui.engine.domain.job import JobStatus
from tbatch_tui.engine.domain.submission import PartFile, SubmissionState
from tbatch_tui.engine.events import Event, Notice, RecordsChanged
from tbatch_tui.engine.threads import run_cancellable
from tbatch_tui.text.plural import plural

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from tbatch_tui.engine.domain.cost import Estimate
    from tbatch_tui.engine.domain.record import JobRecord
    from tbatch_tui.engine.endpoint import Endpoint
    from tbatch_tui.engine.journal.store import JobStore
    from tbatch_tui.engine.local_files.fingerprint import Fingerprint
    from tbatch_tui.engine.runtime.runtime import Runtime

_WAITING = (SubmissionState.WAITING,)
DROPPED = "Not sent: you decided so when the first requests were back"


class JobGroups:
    """What can be done with files that go as several jobs."""

    def __init__(
        self,
        work: Runtime,
        book: JobStore,
        emit: Callable[[Event], object],
        admit: Callable[[Path], Awaitable[Path]],
        estimate: Callable[[Path], Awaitable[Estimate]],
    ) -> None:
        """`admit` raises BatchError where nothing can be submitted now; `estimate` says what a file may cost."""
        self._work = work
        self._book = book
        self._emit = emit
        self._admit = admit
        self._estimate = estimate

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
    ) -> str:
        """Write the parts, and commit the intent to run them all; the key of the first one's record.

        Every part is under the API's limits. With `first`, so many requests go ahead, and the rest waits for them: with
        `auto_continue` until they are all answered, else for `send_rest`. Raises BatchError as `BatchEngine.submit`
        does, and when the parts cannot be written: then nothing is submitted.
        """
        path = await self._admit(path)
        first = first if first < requests else 0
        parts = await self._written(path, fingerprint, requests, first)
        folder = parts[0].path.parent
        try:
            parts = [replace(part, estimate=await self._estimate(part.path)) for part in parts]
        except BaseException:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
            raise
        records = await self._book.run(
            self._book.journal.groups.add,
            self._book.account_id,
            parts,
            path=path,
            fingerprint=fingerprint,
            endpoint=endpoint,
            label=label,
            requests=requests,
            first=first,
            auto_continue=auto_continue,
            now=self._work.now(),
        )
        self._book.publish(records)
        await self._work.take_up()
        return records[0].key

    async def _written(self, path: Path, fingerprint: Fingerprint, requests: int, first: int) -> list[PartFile]:
        """Write the parts in a thread, which stops when this is cancelled."""
        from tbatch_tui.engine.check.limits import FILE_MEGABYTES, MEGABYTE, REQUESTS_MAX
        from tbatch_tui.engine.groups.split import write_parts

        return await run_cancellable(
            write_parts,
            path,
            self._work.options.data_dir / "parts",
            fingerprint=fingerprint,
            requests=requests,
            first=first,
            requests_max=self._work.options.requests_a_job or REQUESTS_MAX,
            bytes_max=FILE_MEGABYTES * MEGABYTE,
        )

    async def parts(self, key: str) -> list[JobRecord]:
        """The records of all the parts of the file that this one is a part of; none if it is not a part."""
        record = self._book.record(key)
        if record is None or record.group is None:
            return []
        return await self._book.run(self._book.journal.groups.parts, self._book.account_id, record.group.id)

    async def send_rest(self, key: str) -> int:
        """Send what of the group has not been sent; how many jobs that makes. Raises BatchError."""
        record = self._book.record(key)
        if record is None or record.group is None or record.submission is None:
            return 0
        await self._admit(record.submission.path)
        return len(await self._move(record.group.id, SubmissionState.INTENT))

    async def drop_rest(self, key: str) -> int:
        """Do not send what of the group has not been sent; how many jobs are not made by that."""
        record = self._book.record(key)
        if record is None or record.group is None:
            return 0
        return len(await self._move(record.group.id, SubmissionState.STOPPED, said=DROPPED))

    async def _move(
        self,
        group_id: int,
        state: SubmissionState,
        *,
        said: str | None = None,
        only: tuple[SubmissionState, ...] = (SubmissionState.WAITING, SubmissionState.READY),
    ) -> list[JobRecord]:
        moved = await self._book.run_until_written(
            self._book.journal.groups.release,
            self._book.account_id,
            group_id,
            state,
            self._work.now(),
            error=said,
            only=only,
        )
        self._book.publish(moved)
        if state is SubmissionState.INTENT:
            await self._work.take_up()
        return moved

    # -- the first requests are back -----------------------------------------------------------------

    def heard(self, event: Event) -> None:
        """Look whether the first part of a group has come to its end."""
        if isinstance(event, RecordsChanged) and self._work.options.background_work:
            for record in event.changed:
                if went_ahead(record) and is_judged(record):
                    self._work.spawn(self._judge(record))

    async def look_back(self) -> None:
        """The same for those that came to their end while no app was open, or just before one was closed."""
        journal, account_id = self._book.journal, self._book.account_id
        for group_id in await self._book.run_until_written(journal.groups.waiting, account_id):
            for record in await self._book.run_until_written(journal.groups.parts, account_id, group_id):
                if went_ahead(record) and is_judged(record):
                    await self._judge(record)

    async def _judge(self, record: JobRecord) -> None:
        """The rest goes on, or waits for the person from now on."""
        group = record.group
        assert group is not None
        rest = group.requests - group.first
        if group.auto_continue and is_good(record):
            if await self._move(group.id, SubmissionState.INTENT, only=_WAITING):
                hint = f"The other {rest:,} are being submitted."
                self._emit(Notice(f"{record.name}: all answered", hint, key=record.key))
            return
        said = what_came(record)
        if await self._move(group.id, SubmissionState.READY, said=said, only=_WAITING):
            hint = f"The other {rest:,} wait for your word; nothing of them was sent."
            self._emit(Notice(f"{record.name}: {said[:1].lower()}{said[1:]}", hint, "warning", record.key))


def went_ahead(record: JobRecord) -> bool:
    """Whether this is the part of its group that the others wait for."""
    return record.group is not None and bool(record.group.first) and _part(record) == 1


def _part(record: JobRecord) -> int:
    return record.submission.part if record.submission is not None else 0


def is_judged(record: JobRecord) -> bool:
    """Whether no more comes of it, and what came is counted."""
    return record.is_finished and record.is_counted


def is_good(record: JobRecord) -> bool:
    """Whether each request has its answer, a whole one."""
    tally = record.counts
    if tally is None or record.status != JobStatus.COMPLETED:
        return False
    return tally.answered == tally.requests and not tally.cut_short and tally.is_accounted


def what_came(record: JobRecord) -> str:
    """`9 answered, 1 error, 2 cut short`; of a job that brought nothing, what became of it."""
    tally = record.counts
    if tally is None:
        return f"{record.status_words}, without an answer"
    errors = plural(tally.errors, "error")
    told = [f"{tally.answered:,} answered", errors if tally.errors else ""]
    told += [f"{tally.missing:,} missing" if tally.missing else ""]
    told += [f"{tally.cut_short:,} cut short" if tally.cut_short else ""]
    return ", ".join(filter(None, told))
