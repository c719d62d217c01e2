"""The engine at work: connects, polls, submits and collects, as tasks that live as long as the controller is open.

`Work` is the desk that a submission asks things of, and the store that collecting asks things of.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

from tbatch_tui.engine.domain.account import ConnectionHealth, HealthState
from tbatch_tui.engine.domain.transfer import Transfer, TransferState
from tbatch_tui.engine.errors import BatchError, ConnectionFailedError, OutcomeUnknownError, RateLimitError
from tbatch_tui.engine.events import ConnectionChanged, Event, Notice, ResultsDownloaded
from tbatch_tui.engine.journal.mapping import submission_key
from tbatch_tui.engine.local_files.filenames import input_stem, result_name
from tbatch_tui.engine.next_step import NextStep
from tbatch_tui.engine.redaction import redact
from tbatch_tui.engine.results.counter import ResultCounter
from tbatch_tui.engine.runtime.transfer_meter import TransferMeter

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence
    from pathlib import Path

    from tbatch_tui.engine.client.api import TogetherApi
    from tbatch_tui.engine.domain.catalogue import ModelInfo
    from tbatch_tui.engine.domain.counts import JobCounts
    from tbatch_tui.engine.domain.job import FileKind, Job
    from tbatch_tui.engine.domain.record import JobRecord
    from tbatch_tui.engine.domain.submission import Submission
    from tbatch_tui.engine.download.downloader import Downloader
    from tbatch_tui.engine.journal.store import JobStore
    from tbatch_tui.engine.options import EngineOptions
    from tbatch_tui.engine.polling.input_names import InputNames
    from tbatch_tui.engine.polling.poller import JobList, Poller
    from tbatch_tui.engine.results import ResultIndex
    from tbatch_tui.engine.runtime.worker_lock import WorkerLock
    from tbatch_tui.engine.submit.submitter import Submitter

_JOURNAL_WATCHED_EVERY = 1.0
_IDLE_FACTOR, _IDLE_LONGEST = 4.0, 120.0
_WHOAMI_TRIES = 3
_WHOSE_WAIT = 10.0
STOPPED = "Something in the engine stopped"


class Runtime:
    """Everything that moves by itself. `start` is called on the loop, `stop` ends every task."""

    def __init__(self, options: EngineOptions, book: JobStore, emit: Callable[[Event], object]) -> None:
        self.options = options
        self.health = ConnectionHealth()
        self.submitter: Submitter | None = None
        self.collector: Downloader | None = None
        self.poller: Poller | None = None
        self.reckoner = ResultCounter(self, first_wait=options.first_wait)
        self._book = book
        self._emit = emit
        self._meter = TransferMeter(emit)
        self._api: TogetherApi | None = None
        self._lease: WorkerLock | None = None
        self._tasks: set[asyncio.Task[Any]] = set()
        self._applied: list[Job] | None = None
        """The list that was taken over last; nothing is to be done when it comes again."""
        self._listed: tuple[list[Job], frozenset[str]] | None = None
        """The last whole list, and the ids in it once somebody asked for them."""
        self._touched: dict[str, float] = {}
        """Jobs that an answer has changed, and when: a list asked for before that is older news of them."""
        self.listed_at: float | None = None
        """When the last list came (wall time): until then, what is known of the jobs was seen to hold."""
        self._naming: InputNames | None = None
        self._strays: set[str] = set()
        """Jobs that were told of as perhaps made by a create whose answer was lost."""
        self._tried_to_connect = asyncio.Event()
        self.confirmed = asyncio.Event()
        """Set when it is known whose key it is."""

    def start(self) -> None:
        """Begin to count what is here and, with a key, to connect; the rest follows from that."""
        self.spawn(self.reckoner.run())
        if self.options.api_key is None:
            self.set_health(ConnectionHealth(HealthState.NO_KEY))
            return
        self._meter.bind()
        self.spawn(self._connect())

    async def stop(self) -> None:
        """End every task and let go of the connection and the lease."""
        while tasks := set(self._tasks):
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
            await asyncio.sleep(0)  # their callbacks take them out of the set
        if self._api is not None:
            await self._api.close()
        if self._lease is not None:
            self._lease.release()

    @property
    def api(self) -> TogetherApi:
        """The connection. Raises ConnectionFailedError before there is one."""
        if self._api is None:
            raise ConnectionFailedError(
                "There is no connection to Together yet", "Set TOGETHER_API_KEY, or wait a moment."
            )
        return self._api

    @property
    def has_transfers(self) -> bool:
        """Whether bytes are going up or down now."""
        uploading = self.submitter is not None and self.submitter.is_transferring
        return uploading or (self.collector is not None and bool(self.collector.under_way))

    def set_health(self, health: ConnectionHealth, *, even_if_same: bool = False) -> None:
        """Say how the connection is."""
        if health != self.health or even_if_same:
            self.health = health
            self._emit(ConnectionChanged(health))

    async def must_know_whose(self) -> None:
        """Raises BatchError while the history shown may be another account's: an intent there would run on its key."""
        if self.confirmed.is_set() or await self._book.knows_key():
            return
        try:
            async with asyncio.timeout(_WHOSE_WAIT):
                await self.confirmed.wait()
        except TimeoutError:
            raise BatchError(
                "It is not known yet whose account this key is for",
                "Nothing was submitted. It is asked when the server answers; submit again then.",
            ) from None

    async def take_up(self) -> None:
        """Begin the submissions that nobody works yet, if that is ours to do."""
        if self.submitter is None or self._lease is None or not self._lease.is_ours:
            return
        found = await self._book.run_until_written(self._book.journal.submissions.open, self._book.account_id)
        self.submitter.take_up(found, self.spawn)
        if self.poller is not None:
            self.poller.hurry()

    async def apply(self, jobs: list[Job]) -> None:
        """Take over jobs that an answer other than the list has told of."""
        now = asyncio.get_running_loop().time()
        self._touched.update((job.id, now) for job in jobs)
        self._book.publish(
            await self._book.run_until_written(
                self._book.journal.jobs.apply,
                self._book.account_id,
                jobs,
                self.now(),
                lambda _: False,
                self.listed_at,
            )
        )

    async def models(self) -> list[ModelInfo]:
        """The server's catalogue, once there is a connection. Raises BatchError."""
        if self.options.api_key is not None:
            await self._tried_to_connect.wait()
        return await self.api.models()

    def listed(self) -> frozenset[str] | None:
        """The ids of the server's last whole list; None before there was one."""
        if self.poller is None or (jobs := self.poller.last_list) is None:
            return None
        if self._listed is None or self._listed[0] is not jobs:
            self._listed = (jobs, frozenset(job.id for job in jobs))
        return self._listed[1]

    # -- Desk: what a submission asks ----------------------------------------------------------------

    def now(self) -> float:
        return self.options.now()

    async def write(self, submission: Submission) -> None:
        written = await self._book.run_until_written(
            self._book.journal.submissions.update, self._book.account_id, submission, self.now()
        )
        self._book.publish([written])
        self._applied = None

    async def attach(self, submission: Submission, job: Job) -> None:
        self._touched[job.id] = asyncio.get_running_loop().time()
        made = await self._book.run_until_written(
            self._book.journal.submissions.attach_job, self._book.account_id, submission, job, self.now()
        )
        self._applied = None
        self._book.publish([made], renamed=((submission_key(submission.id), job.id),))
        if self.poller is not None:
            self.poller.hurry()
        if self.collector is not None:
            self.collector.wake()

    async def jobs_on(self, submission: Submission) -> set[str]:
        assert submission.file_id is not None
        journal = self._book.journal
        return set(
            await self._book.run_until_written(
                journal.jobs.ids_on_file, self._book.account_id, submission.file_id, submission.endpoint
            )
        )

    async def claimed(self) -> set[str]:
        return await self._book.run_until_written(self._book.journal.submissions.claimed_job_ids, self._book.account_id)

    async def next_list(self) -> JobList:
        assert self.poller is not None
        return await self.poller.next_list()

    def hurry(self) -> None:
        assert self.poller is not None
        self.poller.hurry()

    def upload_moved(self, key: str, done: int, total: int, ended: bool) -> None:
        self._meter.update((key, True, None), done, total, ended)

    def tell(self, title: str, hint: str, severity: str, key: str) -> None:
        self._emit(Notice(title, hint, severity, key))

    # -- Store: what collecting asks -----------------------------------------------------------------

    async def wanted(self) -> list[tuple[str, Transfer]]:
        journal, account_id = self._book.journal, self._book.account_id
        # In one read: between two, a download could end, and be begun again by what the first had seen.
        return await self._book.run_until_written(
            journal.transfers.in_states, account_id, TransferState.WANTED, TransferState.FAILED
        )

    async def final_path(self, job_id: str, kind: FileKind, folder: Path | None = None) -> Path:
        journal, account_id = self._book.journal, self._book.account_id
        record = await self._book.run_until_written(journal.records.get, account_id, job_id)
        if record is not None and record.submission is None and not record.input_name:
            if self._naming is not None:
                await self._naming.ask()
            record = await self._book.run_until_written(journal.records.get, account_id, job_id) or record
        source = record.submission.path if record is not None and record.submission is not None else None
        stem = input_stem(source, record.input_name if record is not None else "")
        folder = (folder or self.options.output_dir).absolute()
        path = folder / result_name(stem, job_id, kind)
        free = await self._book.run_until_written(journal.transfers.is_path_free, path, job_id, stem)
        return path if free else folder / result_name(stem, job_id, kind, whole_id=True)

    async def put(self, job_id: str, transfer: Transfer) -> JobRecord | None:
        record = await self._book.run_until_written(
            self._book.journal.transfers.save, self._book.account_id, job_id, transfer
        )
        if record is not None:
            self._book.publish([record])
        return record

    def download_moved(self, job_id: str, kind: FileKind, done: int, total: int | None, ended: bool) -> None:
        self._meter.update((job_id, False, kind), done, total, ended)

    def collected(self, record: JobRecord) -> None:
        self.reckoner.request(record.key)
        self._emit(ResultsDownloaded(record))

    def put_beside(self, path: Path) -> None:
        self._emit(
            Notice("Another file had the result's name", f"It was not overwritten: it is {path} now.", "warning")
        )

    # -- Store: what counting asks -------------------------------------------------------------------

    async def fetched_jobs(self) -> list[str]:
        return await self._book.run_until_written(
            self._book.journal.transfers.downloaded_job_ids, self._book.account_id
        )

    async def records_of(self, job_ids: Sequence[str]) -> list[JobRecord]:
        return await self._book.run_until_written(self._book.journal.records.get_many, self._book.account_id, job_ids)

    def index_of(self, record: JobRecord) -> ResultIndex:
        from tbatch_tui.engine.results import CachedIndex, IndexCache, sources_of

        return CachedIndex(sources_of(record), IndexCache(self.options.data_dir / "index"), record.key)

    async def put_tally(self, job_id: str, tally: JobCounts) -> None:
        record = await self._book.run_until_written(
            self._book.journal.counts.save, self._book.account_id, job_id, tally
        )
        if record is not None:
            self._book.publish([record])

    # -- tasks ---------------------------------------------------------------------------------------

    async def _connect(self) -> None:
        """Load the SDK in a thread, poll, and when it is known whose key it is, submit and collect."""
        try:
            self._api = await asyncio.to_thread(self._make_api)
        except BatchError as error:
            self.set_health(ConnectionHealth(HealthState.OFFLINE, self.now(), title=error.title, hint=error.hint))
            return
        finally:
            self._tried_to_connect.set()
        from tbatch_tui.engine.download.downloader import Downloader
        from tbatch_tui.engine.polling.input_names import InputNames
        from tbatch_tui.engine.polling.poller import Poller
        from tbatch_tui.engine.submit.submitter import Submitter

        options = self.options
        self.submitter = Submitter(self, looked_up_for=options.looked_up_for, first_wait=options.first_wait)
        self.collector = Downloader(self, first_wait=options.first_wait)
        self.poller = Poller(
            self.api.list_jobs,
            self._list_arrived,
            self.set_health,
            self._interval,
            now=self.now,
            first_wait=options.first_wait,
            seed=options.seed,
        )
        self._naming = InputNames(self._book, self._api.file_names, 2 * options.poll_interval)
        self.spawn(self.poller.run())
        await self.confirmed.wait()
        if not options.background_work:
            return
        self._lease = self._lease_of(self._book.account_id)
        self.spawn(self._watch_journal(self._lease, self.collector))

    def _make_api(self) -> TogetherApi:
        from tbatch_tui.engine.client.api import TogetherApi

        assert self.options.api_key is not None
        options = self.options
        return TogetherApi.connect(base_url=options.base_url, api_key=self.options.api_key, from_login=options.login)

    def _lease_of(self, account_id: int) -> WorkerLock:
        from tbatch_tui.engine.runtime.worker_lock import WorkerLock

        return WorkerLock(self.options.data_dir / f"work-{account_id}.lock")

    def _is_free(self, account_id: int) -> bool:
        """Whether no app is at work on this account; asked within the transaction that would end it."""
        lease = self._lease_of(account_id)
        try:
            return lease.try_acquire()
        finally:
            lease.release()

    async def _confirm_account(self) -> None:
        """Ask whose key it is, once a list has shown that the server takes it: two accounts' histories stay apart.

        A server that cannot say is taken by the key's tail alone.
        """
        organization: str | None = None
        project: str | None = None
        title = ""
        for number in range(_WHOAMI_TRIES):
            try:
                organization, project, title = await self.api.account()
                break
            except (OutcomeUnknownError, ConnectionFailedError, RateLimitError):
                await asyncio.sleep(self.options.first_wait * 2**number / 4)
            except BatchError:
                break
        await self._book.switch_account(organization, project, title, self._is_free)
        self.confirmed.set()
        self.set_health(self.health, even_if_same=True)  # the account's title is shown with it

    async def _watch_journal(self, lease: WorkerLock, collector: Downloader) -> None:
        """Take the lease when it is free; see what another app on this data folder has written."""
        journal = self._book.journal
        version = await self._book.run_until_written(journal.database.data_version)
        collecting = False
        while True:
            if not collecting and await asyncio.to_thread(lease.try_acquire):
                collecting = True
                self.reckoner.recount_past()
                self.spawn(collector.run(self.spawn))
                await self.take_up()
            await asyncio.sleep(_JOURNAL_WATCHED_EVERY)
            now_version = await self._book.run_until_written(journal.database.data_version)
            if now_version != version:
                version = now_version
                await self._book.run_until_written(journal.database.forget_cache)
                await self._book.reload()
                await self.take_up()
                collector.wake()

    async def _list_arrived(self, answer: JobList) -> None:
        assert self.submitter is not None
        if not self.confirmed.is_set():
            await self._confirm_account()
        seen_at, self.listed_at = self.listed_at, self.now()
        jobs = [job for job in answer.jobs if self._touched.get(job.id, 0.0) <= answer.asked_at]
        is_whole = len(jobs) == len(answer.jobs)
        if answer.jobs is self._applied and is_whole:
            return
        changed = await self._book.run_until_written(
            self._book.journal.jobs.apply,
            self._book.account_id,
            jobs,
            self.now(),
            self.submitter.might_be_ours,
            seen_at,
        )
        self._applied = answer.jobs if is_whole else None
        self._book.publish(changed)
        if changed and self.collector is not None:
            self.collector.wake()
        self._tell_of_strays(changed)
        if self._naming is not None and any(r.submission is None and not r.input_name for r in changed):
            self.spawn(self._naming.soon())

    def _tell_of_strays(self, changed: list[JobRecord]) -> None:
        """A create that was lost, looked for and sent again may have made a job after all, later than promised."""
        assert self.submitter is not None
        for record in changed:
            job = record.job
            if record.submission is not None or job is None or job.id in self._strays:
                continue
            if self.submitter.might_be_stray(job):
                self._strays.add(job.id)
                self.tell(
                    f"Job {job.id[:8]} has shown up late, of a file that was submitted here",
                    "If you did not make it elsewhere, the server made it of a create whose answer was lost. "
                    f"It would be billed beside the other: {NextStep.CANCEL} cancels it.",
                    "warning",
                    job.id,
                )

    def _interval(self) -> float:
        """Seconds to the next list: short while a create is looked up, long while nothing can change."""
        options = self.options
        if self.submitter is not None and self.submitter.is_looking_up:
            return min(options.look_up_every, options.poll_interval)
        if any(record.is_active or record.is_awaiting_file_ids for record in self._book.records):
            return options.poll_interval
        return max(options.poll_interval, min(_IDLE_LONGEST, options.poll_interval * _IDLE_FACTOR))

    def spawn(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Run as a task that ends with the controller; if it dies, the person hears of it."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            said = redact(str(error) if isinstance(error, BatchError) else f"{type(error).__name__}: {error}")
            logging.getLogger(__name__).error(STOPPED, exc_info=error)
            self._emit(Notice(STOPPED, f"{said}. Start tbatch-tui again.", "error"))
