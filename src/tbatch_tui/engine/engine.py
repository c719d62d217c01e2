"""The engine: everything that a person or a script can ask of Together's Batch API.

    async with BatchEngine(EngineOptions(data_dir=..., output_dir=..., api_key=...)) as engine:
        job = await engine.wait(await engine.submit("requests.jsonl"))
        for row in engine.results(job):
            print(row.custom_id, row.outcome.words, row.preview)

Jobs are polled, and result files downloaded, as long as the engine is open. What is not finished when it closes is
resumed when it is opened again.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Self

from tbatch_tui.engine.domain.record import JobRecord
from tbatch_tui.engine.events import Event, damaged_history
from tbatch_tui.engine.journal.removal import removal_blocker
from tbatch_tui.engine.journal.store import JobStore
from tbatch_tui.engine.on_demand import OnDemand
from tbatch_tui.engine.pricing.pricing import Pricing
from tbatch_tui.engine.runtime.runtime import Runtime

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from types import TracebackType

    from tbatch_tui.engine.domain.account import Account, ConnectionHealth
    from tbatch_tui.engine.domain.cost import Estimate
    from tbatch_tui.engine.domain.job import Job
    from tbatch_tui.engine.domain.record import FamilyMember
    from tbatch_tui.engine.domain.submission import Submission
    from tbatch_tui.engine.endpoint import Endpoint
    from tbatch_tui.engine.local_files.fingerprint import Fingerprint
    from tbatch_tui.engine.local_files.input_state import InputState
    from tbatch_tui.engine.options import EngineOptions
    from tbatch_tui.engine.progress.history import JobHistory
    from tbatch_tui.engine.results import ResultIndex
    from tbatch_tui.engine.runtime.event_log import EventLog
    from tbatch_tui.engine.server_files.cleanup import ServerFiles
    from tbatch_tui.engine.submit.lookup import LookupDecision


class BatchEngine(OnDemand):
    """The engine of one data folder. Several apps may share a folder: one of them submits and downloads.

    Methods that take a record also take its key: the job's id, or the key that `submit_checked` returned.
    """

    def __init__(self, options: EngineOptions, on_event: Callable[[Event], object] | None = None) -> None:
        """Make an engine that is not open yet. `on_event` is called with every event, on the event loop's thread."""
        self._on_event = on_event
        self._log: EventLog | None = None
        store = JobStore(options, self._emit)
        runtime = Runtime(options, store, self._emit)
        super().__init__(store, runtime, self._emit, self._admit)
        self.prices = Pricing(options, store, runtime.models, runtime.spawn)
        """The catalogue, the prices in force, and estimates."""

    def first_page(self, limit: int) -> list[JobRecord]:
        """Open the history and return its first records, on this thread: all that is done before the first frame.

        Raises LocalFileError when the data folder cannot be used.
        """
        return self._store.first_records(limit)

    def first_memory(self, name: str) -> str | None:
        """Return what `recall` does, on this thread and before the engine is open. Raises LocalFileError."""
        return self._store.first_memory(name)

    def set_base_url(self, base_url: str) -> None:
        """Set the server's address, where it was not known before (the demo's). Before the engine is opened."""
        self._runtime.options = replace(self._runtime.options, base_url=base_url)

    async def open(self) -> Self:
        """Open the history and begin to connect. Raises LocalFileError when the data folder cannot be used."""
        await self._store.open()
        await self._store.place.look(notes=self.options.background_work)
        from tbatch_tui.engine.runtime.data_folder import open_folder

        self._log, notices = await asyncio.to_thread(open_folder, self.options.data_dir)
        if self._store.damaged is not None:
            notices.append(damaged_history(self._store.damaged))
        for notice in notices:
            self._emit(notice)
        self._runtime.start()
        if self.options.background_work:
            self._runtime.spawn(self.groups.resume())
        return self

    async def aclose(self) -> None:
        """End every task, close the connection and the history. Transfers under way are resumed the next time."""
        await self._runtime.stop()
        if self._log is not None:
            await asyncio.to_thread(self._log.close)
        await self._store.close()

    async def __aenter__(self) -> Self:
        return await self.open()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def pause(self) -> bool:
        """Give the work to other processes before this one is suspended; False, and not done, during a create."""
        return await self._runtime.pause()

    def resume(self) -> None:
        """Work again after `pause`, as soon as no other process does."""
        self._runtime.resume()

    def _emit(self, event: Event) -> None:
        if self._log is not None:
            self._log.record(event)
        if self._on_event is not None:
            self._on_event(event)
        self.groups.on_event(event)

    # -- state ---------------------------------------------------------------------------------------

    @property
    def options(self) -> EngineOptions:
        """The options as of now."""
        return self._runtime.options

    @property
    def health(self) -> ConnectionHealth:
        """How the connection is."""
        return self._runtime.health

    @property
    def account(self) -> Account:
        """The account whose history is in use."""
        return self._store.account

    @property
    def has_transfers(self) -> bool:
        """Whether a file is being uploaded or downloaded: closing interrupts that, and it is resumed the next time."""
        return self._runtime.has_transfers

    @property
    def listed_at(self) -> float | None:
        """When the server's list of jobs last came (seconds since the epoch); None before it has."""
        return self._runtime.listed_at

    @property
    def files(self) -> ServerFiles:
        """The account's files on the server. Raises ConnectionFailedError before there is a connection."""
        return self._runtime.server_files

    async def written_at(self) -> float | None:
        """Return when the history was last written, by any app; None if that cannot be told."""
        return await self._store.written_at()

    def now(self) -> float:
        """Return wall time, in seconds since the epoch."""
        return self.options.now()

    def refresh(self) -> bool:
        """Ask for the list of jobs now; False within 2 s of the last time, or without a connection."""
        return self._runtime.poller is not None and self._runtime.poller.refresh()

    async def records(self) -> list[JobRecord]:
        """Return the whole history of the account, in the order of the Jobs list."""
        return await self._store.load()

    def record(self, key: str) -> JobRecord | None:
        """Return a record as last announced, also by the key it had before it took its job's id."""
        return self._store.record(key)

    async def wait_until(self, key: str, predicate: Callable[[JobRecord], bool]) -> JobRecord:
        """Wait until the predicate holds for a record, which is followed when it takes its job's id."""
        return await self._store.wait_until(key, predicate)

    async def wait(self, record: JobRecord | str, watch: Callable[[JobRecord], object] = lambda _: None) -> JobRecord:
        """Wait until a job has ended and its result files are on disk (`record.paths`), or gone from the server.

        A create request whose answer is lost is looked up meanwhile. Raises BatchError if the submission made no job.

        Args:
            watch: called with the record whenever it changes; an error that it raises ends the wait.
        """
        from tbatch_tui.engine.runtime.waiting import wait_for_results

        return await wait_for_results(_key_of(record), self._store, self._runtime.next_list, watch)

    async def history(self, key: str) -> JobHistory:
        """Return how a job has gone so far, as it was seen, and what jobs like it took."""
        from tbatch_tui.engine.progress.history import JobHistory

        record = self.record(key)
        return await self._store.history(record) if record is not None else JobHistory()

    async def raw_job(self, job_id: str) -> str | None:
        """Return the job as the server wrote it in its last list; None if there was no list, or it is not in it."""
        return await self._runtime.raw_job(job_id)

    async def input_state(self, submission: Submission) -> InputState:
        """Return whether the input file is there, and still what was submitted. Cancelling this stops the reading."""
        known = submission.size, submission.sha256, submission.slices
        return await self._runtime.inputs.state_of(submission.path, *known)

    async def annotate(self, record: JobRecord | str, label: str, note: str) -> None:
        """Save a label and a note for a record, on this machine only."""
        await self._store.annotate(_key_of(record), label, note)

    async def judge_by(self, record: JobRecord | str, schema: str) -> None:
        """Judge answers to requests that ask for nothing in particular by a JSON Schema, as JSON; empty for none."""
        await self._store.judge_by(_key_of(record), schema)
        self.recount(_key_of(record))

    async def acknowledge(self, keys: Iterable[str], *, undo: bool = False) -> int:
        """Let records ask for no attention, until there is another reason, or ask again; return how many changed."""
        return await self._store.acknowledge(keys, undo=undo)

    def removal_blocker(self, key: str) -> str:
        """Return why a record cannot be taken out of the list; empty when it can."""
        record = self.record(key)
        return removal_blocker(record, self._runtime.listed_ids()) if record is not None else ""

    async def remove(self, records: JobRecord | str | Iterable[JobRecord | str]) -> int:
        """Take those of these records out of the list that may go; return how many did. Files on disk stay."""
        if isinstance(records, JobRecord | str):
            records = [records]
        keys = [_key_of(record) for record in records]
        return await self._store.remove([key for key in keys if not self.removal_blocker(key)])

    async def fingerprint(self, path: Path) -> Fingerprint:
        """Return size and SHA-256 of a file, read in a thread. Raises LocalFileError."""
        from tbatch_tui.engine.local_files.fingerprint import fingerprint_file

        return await fingerprint_file(path)

    async def earlier_runs(self, sha256: str, endpoint: Endpoint) -> list[JobRecord]:
        """Return what these exact bytes became before: submitting them again is billed again."""
        return await self._store.earlier_runs(sha256, endpoint)

    async def submit(
        self,
        path: str | Path,
        endpoint: Endpoint | None = None,
        *,
        label: str = "",
        check: bool = True,
        again: bool = False,
        over_budget: bool = False,
    ) -> JobRecord:
        """Check a file, create its job exactly once, and return its record as soon as the server has the job.

        A create request whose answer is lost is looked up meanwhile, which takes half a minute or more. Raises
        InvalidInputError, TooLargeError, AlreadySubmittedError, OverBudgetError, LocalFileError, AuthenticationError,
        and BatchError if no job was made.

        Args:
            endpoint: what the requests are for; None finds it out from the lines.
            check: False submits a file with faulty lines all the same.
            again: True submits bytes that were submitted before once more; they are billed once more.
            over_budget: True submits it also if that is above `options.budget`.
        """
        from tbatch_tui.engine.runtime.waiting import require_job
        from tbatch_tui.engine.submit.checked_input import check_input

        path = await self._admit(Path(path))
        report, endpoint, fingerprint = await check_input(
            path, endpoint, reject_errors=check, store=self.options.store_address
        )
        runs = None if again else ()
        key = await self.submit_checked(
            path, endpoint, requests=report.requests, label=label, fingerprint=fingerprint, known_runs=runs,
            over_budget=over_budget,
        )  # fmt: skip
        record = await self.wait_until(key, lambda record: record.job is not None or record.is_finished)
        return require_job(record)

    async def submit_checked(
        self,
        path: Path,
        endpoint: Endpoint,
        *,
        requests: int | None = None,
        label: str = "",
        fingerprint: Fingerprint | None = None,
        estimate: Estimate | None = None,
        known_runs: Sequence[JobRecord] | None = None,
        over_budget: bool = False,
    ) -> str:
        """Save the intent to run a file that has been checked, and return the key of its record.

        Upload and create follow in the background. Raises LocalFileError, OverBudgetError, and AuthenticationError
        without a key or while the server refuses it.

        Args:
            requests: how many the file has; counted if not given.
            fingerprint: of the file as it was checked. If the file is not that any more, nothing is sent.
            estimate: saved with the submission, to be compared with what it cost.
            known_runs: earlier runs that the person knows of: any other raises AlreadySubmittedError. None: not looked.
        """
        from tbatch_tui.engine.submit.admission import count_requests

        path = await self._admit(path)
        fingerprint = fingerprint or await self.fingerprint(path)
        if requests is None:
            requests = await asyncio.to_thread(count_requests, path)
        budget = self.prices.budget
        if estimate is None and budget.is_set:
            estimate = await self.prices.estimate(path)
        most = estimate.most if estimate is not None else None
        async with budget.admitting(lambda: budget.judge(most), over_budget=over_budget):
            record = await self._store.submissions.add(
                path, fingerprint, endpoint, known_runs, label=label, requests=requests, estimate=estimate
            )
        await self._runtime.resume_submissions()
        return record.key

    async def _admit(self, path: Path) -> Path:
        """Return the file's absolute path, if it can be submitted now. Raises BatchError."""
        from tbatch_tui.engine.submit.admission import require_submittable

        require_submittable(path, self.health, has_key=self.options.api_key is not None)
        await self._runtime.account.require_account()
        await self._store.place.confirm()
        return path.absolute()  # noqa: ASYNC240 - asks for the working folder only

    def candidates(self, key: str) -> tuple[Job, ...] | None:
        """Return the jobs that an uncertain submission could be; None if it is not being looked up here."""
        record, submitter = self.record(key), self._runtime.submitter
        if record is None or record.submission is None or submitter is None:
            return None
        return submitter.candidates(record.submission.id)

    async def decide(self, key: str, decision: LookupDecision) -> bool:
        """Commit and carry out a decision about an uncertain submission; False if there is nothing to decide here."""
        record, submitter = self.record(key), self._runtime.submitter
        if record is None or record.submission is None or submitter is None:
            return False
        return await submitter.decide(record.submission.id, decision)

    async def family(self, key: str) -> list[FamilyMember]:
        """Return the original that a job is a retry of, and all its retries, the original first."""
        return await self._store.family(key)

    async def cancel(self, record: JobRecord | str) -> bool:
        """Ask the server once to cancel a job, or stop a submission without one. False if it had ended already.

        Raises BatchError, also when a create may already have been sent for the submission.
        """
        from tbatch_tui.engine.runtime.cancel import cancel_job, stop_submission

        key = _key_of(record)
        latest = self.record(key) or await self._store.read_record(key)  # it may have become a job meanwhile
        if latest is not None and latest.job is None:
            return await stop_submission(latest, self._runtime.submitter)
        return await cancel_job(latest.key if latest is not None else key, self._runtime, self._store)

    async def download(self, record: JobRecord | str) -> None:
        """Download the files of an ended job (again), in the background. Raises BatchError where that cannot be."""
        await self._runtime.request_download(self.record(_key_of(record)))

    def stop_download(self, key: str) -> bool:
        """Stop the downloads of a job under way; `download` resumes them. False if there are none."""
        record, downloader = self.record(key), self._runtime.downloader
        return record is not None and downloader is not None and downloader.stop(record.key)

    async def prefetch(self, limit: int, folder: Path) -> None:
        """Fetch results of the latest few jobs into a folder of its own, for the demo. Raises BatchError."""
        await self._runtime.prefetch(limit, folder)

    def results(self, record: JobRecord) -> ResultIndex:
        """Return the index over a job's files, to be built in a thread; one that was saved is not built again."""
        return self._runtime.open_index(record)

    def recount(self, key: str) -> None:
        """Count the results of a job again, if its files are not those that were counted: see `record.counts`."""
        if (record := self.record(key)) is not None:
            self._runtime.counter.request(record.key)

    async def recents(self, limit: int = 10) -> list[Path]:
        """Return the input files that were submitted lately, newest first."""
        return await self._store.recents(limit)

    async def remember(self, name: str, value: str) -> None:
        """Save a small choice of the person's (a filter, a sort, a theme)."""
        await self._store.remember(name, value)

    async def recall(self, name: str) -> str | None:
        """Return what `remember` saved under this name."""
        return await self._store.recall(name)


def _key_of(record: JobRecord | str) -> str:
    return record if isinstance(record, str) else record.key
