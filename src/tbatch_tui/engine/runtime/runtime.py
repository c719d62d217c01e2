"""Runs the engine's background tasks: polling, uploads, downloads, counting."""

from __future__ import annotations

import asyncio
from functools import cached_property
from typing import TYPE_CHECKING

from tbatch_tui.engine.domain.account import ConnectionHealth, HealthState
from tbatch_tui.engine.errors import BatchError, ConnectionFailedError
from tbatch_tui.engine.events import ConnectionChanged, Event
from tbatch_tui.engine.results.counter import ResultCounter
from tbatch_tui.engine.runtime.account_check import AccountCheck
from tbatch_tui.engine.runtime.strays import StrayWarnings
from tbatch_tui.engine.runtime.tasks import EngineTasks
from tbatch_tui.engine.runtime.transfer_meter import TransferMeter

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tbatch_tui.engine.client.api import TogetherApi
    from tbatch_tui.engine.domain.catalogue import ModelInfo
    from tbatch_tui.engine.domain.job import Job
    from tbatch_tui.engine.domain.record import JobRecord
    from tbatch_tui.engine.download.downloader import Downloader
    from tbatch_tui.engine.download.result_paths import ResultPaths
    from tbatch_tui.engine.journal.store import JobStore
    from tbatch_tui.engine.local_files.input_state import InputWatcher
    from tbatch_tui.engine.options import EngineOptions
    from tbatch_tui.engine.polling.input_names import InputNames
    from tbatch_tui.engine.polling.poller import JobList, Poller
    from tbatch_tui.engine.results import ResultIndex
    from tbatch_tui.engine.runtime.lock_holder import LockQueue
    from tbatch_tui.engine.runtime.worker_lock import WorkerLock
    from tbatch_tui.engine.server_files.cleanup import ServerFiles
    from tbatch_tui.engine.submit.submitter import Submitter

_JOURNAL_CHECKED_EVERY = 1.0
"""Seconds between two looks at whether another app wrote the history, or gave up the worker lock."""
_CREATE_ENDS_WITHIN = 10
"""Tenths of a second that a create may take before a process is suspended with the worker lock."""
_IDLE_FACTOR, _IDLE_LONGEST = 4.0, 120.0
"""How many times the poll interval it is while no job is active, and the seconds it is then at most."""


class Runtime:
    """The connection, and the tasks that live as long as the engine is open.

    `start` is called on the event loop. The attributes that need the connection are None until there is one.
    """

    def __init__(self, options: EngineOptions, store: JobStore, emit: Callable[[Event], object]) -> None:
        self.options = options
        self.health = ConnectionHealth()
        self.listed_at: float | None = None
        """When the last list came (wall time): what is known of the jobs was seen to hold until then."""
        self.account = AccountCheck(options, store)
        self.poller: Poller | None = None
        self.submitter: Submitter | None = None
        self.downloader: Downloader | None = None
        self._store = store
        self._emit = emit
        self._tasks = EngineTasks(emit, first_delay=options.first_retry_delay)
        self.spawn = self._tasks.spawn
        self.counter = ResultCounter(
            store,
            self.open_index,
            report=self._tasks.report,
            past_delay=options.first_retry_delay,
            attention_share=options.attention_share,
        )
        self._meter = TransferMeter(emit)
        self._api: TogetherApi | None = None
        self._lock: WorkerLock | None = None
        self._queue: LockQueue | None = None
        self._paths: ResultPaths | None = None
        self._input_names: InputNames | None = None
        self._server_files: ServerFiles | None = None
        self._listed: tuple[list[Job], frozenset[str]] | None = None
        """The last whole list, and the ids in it once somebody asked for them."""
        self._strays = StrayWarnings(emit)
        self._tried_to_connect = asyncio.Event()
        self._is_working = False
        """Whether this app has the worker lock, and so submits and downloads."""
        self._is_paused = False
        self._downloading: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to count results and, with a key, to connect; the rest follows from that."""
        self._tasks.supervise("counting results", self.counter.run)
        if not self.options.can_connect:
            if self.options.api_key is None:
                self.set_health(ConnectionHealth(HealthState.NO_KEY))
            return
        self._meter.bind()
        self.spawn(self._connect())

    async def stop(self) -> None:
        """End every task, close the connection, and release the worker lock."""
        await self._tasks.stop()
        if self.submitter is not None:
            await self.submitter.finish_commits()
        if self._api is not None:
            await self._api.close()
        if self._queue is not None:
            await self._queue.finish()
        if self._lock is not None:
            self._lock.release()

    async def pause(self) -> bool:
        """Stop submitting and downloading, and give the worker lock to whoever wants it; False during a create.

        For a process that is about to be suspended: with the lock, it would keep every other from working.
        """
        if self.submitter is None or self.downloader is None or self._lock is None or self._is_paused:
            return self._lock is None
        for _ in range(_CREATE_ENDS_WITHIN):
            if has_paused := await self.submitter.pause():
                break
            await asyncio.sleep(0.1)
        if not has_paused:
            return False
        self._is_paused, self._is_working = True, False
        if self._downloading is not None:
            self._downloading.cancel()
            await asyncio.wait([self._downloading])
        await self.downloader.pause()
        await self._store.data_version()  # after what is being written: stopped amid that, it would lock others out
        self._lock.release()
        return True

    def resume(self) -> None:
        """Work again after `pause`, as soon as the worker lock is free."""
        self._is_paused = False

    @property
    def api(self) -> TogetherApi:
        """The connection. Raises ConnectionFailedError before there is one."""
        if self._api is None:
            raise ConnectionFailedError(
                "There is no connection to Together yet", "Set TOGETHER_API_KEY, or wait a moment."
            )
        return self._api

    @property
    def server_files(self) -> ServerFiles:
        """The files on the server. Raises ConnectionFailedError before there is a connection."""
        if self._server_files is None:
            api, poller = self.api, self.poller
            from tbatch_tui.engine.server_files.cleanup import ServerFiles

            assert poller is not None
            self._server_files = ServerFiles(
                api,
                self._store,
                poller,
                self._emit,
                account_confirmed=self.account.confirmed,
                now=self.now,
                spawn=self.spawn,
                inputs=self.options.data_dir / "inputs",
                audio_store=self.options.audio_store,
                recount=self.counter.request,
            )
        return self._server_files

    @property
    def has_transfers(self) -> bool:
        """Whether a file is being uploaded or downloaded now."""
        is_uploading = self.submitter is not None and self.submitter.is_transferring
        return is_uploading or (self.downloader is not None and self.downloader.is_transferring)

    def now(self) -> float:
        """Return wall time, in seconds since the epoch."""
        return self.options.now()

    def set_health(self, health: ConnectionHealth, *, even_if_same: bool = False) -> None:
        """Announce how the connection is."""
        if health != self.health or even_if_same:
            self.health = health
            self._emit(ConnectionChanged(health))

    async def resume_submissions(self) -> None:
        """Work on the submissions that no task works on yet, if this app holds the worker lock."""
        if self.submitter is None or self._lock is None or not self._lock.is_ours:
            return
        await self.submitter.prepare()
        submissions = await self._store.submissions.open()
        if self._is_paused:
            return  # since then: they are another's to work on
        self.submitter.resume(submissions, self.spawn)
        if self.poller is not None:
            self.poller.hurry()

    async def connected(self) -> TogetherApi:
        """Return the connection, once it was tried to make one. Raises BatchError."""
        if self.options.can_connect:
            await self._tried_to_connect.wait()
        return self.api

    async def models(self) -> list[ModelInfo]:
        """Return the server's catalogue, once there is a connection. Raises BatchError."""
        return await (await self.connected()).models()

    async def next_list(self) -> JobList:
        """Return the next list of jobs that is asked for from now on; without a connection, wait for one.

        Raises ConnectionFailedError when there is no key to connect with.
        """
        if not self.options.can_connect:
            _ = self.api  # raises
        await self.account.confirmed.wait()
        assert self.poller is not None
        return await self.poller.next_list()

    def refresh_soon(self) -> None:
        """Ask for the list of jobs soon, if there is a connection: something has changed on the server."""
        if self.poller is not None:
            self.poller.refresh_soon()

    def listed_ids(self) -> frozenset[str] | None:
        """Return the ids of the server's last whole list; None before there was one."""
        if self.poller is None or (jobs := self.poller.last_list) is None:
            return None
        if self._listed is None or self._listed[0] is not jobs:
            self._listed = (jobs, frozenset(job.id for job in jobs))
        return self._listed[1]

    def open_index(self, record: JobRecord) -> ResultIndex:
        """Return the index over a job's files, to be built in a thread; one that was saved is not built again."""
        from tbatch_tui.engine.results import CachedIndex, IndexCache, sources_of

        return CachedIndex(sources_of(record), IndexCache(self.options.data_dir / "index"), record.key)

    @cached_property
    def inputs(self) -> InputWatcher:
        """What tells whether an input file is still what was submitted."""
        from tbatch_tui.engine.local_files.input_state import InputWatcher

        return InputWatcher()

    async def raw_job(self, job_id: str) -> str | None:
        """Return the job as the server wrote it in its last list. See `BatchEngine.raw_job`."""
        from tbatch_tui.engine.client.decode import raw_job  # msgspec is not for the first frame

        body = self.poller.body if self.poller is not None else None
        return await asyncio.to_thread(raw_job, body, job_id) if body is not None else None

    async def request_download(self, record: JobRecord | None) -> None:
        """Save that the files of a job are to be downloaded, and begin. See `BatchEngine.download`."""
        from tbatch_tui.engine.download.request import transfers_to_request

        transfers = transfers_to_request(record, self.options.output_dir.absolute(), self.now())
        assert record is not None
        _ = self.api  # raises without a connection
        for transfer in transfers:
            await self._store.save_transfer(record.key, transfer)
        if self.downloader is not None:
            self.downloader.wake(record.key)

    async def prefetch(self, limit: int, folder: Path) -> None:
        """Fetch the results of the latest `limit` jobs that have none here. See `BatchEngine.prefetch`."""
        from tbatch_tui.engine.download.prefetch import latest_without_results, prefetch

        await self.next_list()
        assert self._paths is not None
        for record in latest_without_results(await self._store.load(), limit):
            await prefetch(self.api, self._store, self._paths, record, folder, self.now)
            self.counter.request(record.key)

    # -- the connection ------------------------------------------------------------------------------

    async def _connect(self) -> None:
        """Load the SDK in a thread, poll, and once the key's account is known, submit and download."""
        try:
            self._api = await asyncio.to_thread(self._make_api)
        except BatchError as error:
            self.set_health(ConnectionHealth(HealthState.OFFLINE, self.now(), title=error.title, hint=error.hint))
            return
        finally:
            self._tried_to_connect.set()
        poller, downloader = self._make_workers(self._api)
        self._tasks.supervise("asking for the list of jobs", poller.run)
        await self.account.confirmed.wait()
        if not self.options.background_work:
            return
        from tbatch_tui.engine.runtime.worker_lock import WorkerLock

        self._lock = WorkerLock.of_account(self.options.data_dir, self._store.account_id)
        lock = self._lock
        self._tasks.supervise("watching the history", lambda: self._watch_journal(lock, downloader))

    def _make_api(self) -> TogetherApi:
        from tbatch_tui.engine.client.api import TogetherApi

        options = self.options
        assert options.api_key is not None
        return TogetherApi.connect(base_url=options.base_url, api_key=options.api_key, from_login=options.login)

    def _make_workers(self, api: TogetherApi) -> tuple[Poller, Downloader]:
        """Make everything that needs the connection; all of it exists when this returns."""
        from tbatch_tui.engine.download.downloader import Downloader
        from tbatch_tui.engine.download.result_paths import ResultPaths
        from tbatch_tui.engine.polling.input_names import InputNames
        from tbatch_tui.engine.polling.poller import Poller
        from tbatch_tui.engine.submit.submitter import Submitter

        options, store, emit, now = self.options, self._store, self._emit, self.now
        self._input_names = InputNames(store, api.file_names, 2 * options.poll_interval)
        self._paths = ResultPaths(store, options.output_dir, self._input_names.ask)
        self.poller = Poller(
            api.list_jobs,
            self._take_over_list,
            self.set_health,
            self._interval,
            now=now,
            first_retry_delay=options.first_retry_delay,
            seed=options.seed,
        )
        self.downloader = Downloader(
            api,
            store,
            self._paths,
            emit,
            on_progress=self._meter.download,
            on_downloaded=self.counter.request,
            now=now,
            first_retry_delay=options.first_retry_delay,
        )
        self.submitter = Submitter(
            api,
            store,
            self.poller,
            emit,
            options,
            on_upload=self._meter.upload,
            on_created=self.downloader.wake,
        )
        return self.poller, self.downloader

    async def _watch_journal(self, lock: WorkerLock, downloader: Downloader) -> None:
        """Take the worker lock when it is free, and show what another app on this data folder writes."""
        from tbatch_tui.engine.runtime.lock_holder import LockQueue

        tasks = self._tasks
        queue = self._queue = self._queue or LockQueue(lock, self._emit)
        # After an error it is run again: then what there is to submit is taken up as if another app had written it.
        version = await self._store.data_version() if not self._is_working else None
        while True:
            if not lock.is_ours and not self._is_paused and await queue.try_acquire(lambda: self._is_paused):
                if not self._is_working:
                    self._is_working = True
                    self.counter.recount_past()
                    self._downloading = tasks.supervise(
                        "downloading results", lambda: downloader.run(tasks.spawn_download)
                    )
                if self.submitter is not None:
                    self.submitter.forget_lost()
                await self.resume_submissions()
            if lock.is_ours:
                lock.note.touch()
            else:
                queue.look(self._store.records, asyncio.get_running_loop().time())
            await asyncio.sleep(_JOURNAL_CHECKED_EVERY)
            new_version = await self._store.data_version()
            if new_version != version:
                version = new_version
                await self._store.reload_from_disk()
                await self.resume_submissions()
                downloader.wake()
            elif self.submitter is not None and self.submitter.pop_overdue():
                await self.resume_submissions()

    # -- the list of jobs ----------------------------------------------------------------------------

    async def _take_over_list(self, answer: JobList) -> None:
        assert self.submitter is not None and self.downloader is not None and self._input_names is not None
        if not self.account.confirmed.is_set():
            await self.account.confirm(self.api)
            self.set_health(self.health, even_if_same=True)  # the account's title is shown with it
        seen_at, self.listed_at = self.listed_at, self.now()
        changed = await self._store.apply_list(answer.jobs, answer.asked_at, self.submitter.might_be_ours, seen_at)
        if changed:
            self.downloader.wake()
        if await self.submitter.read_repeated():
            records = [*changed, *(record for record in self._store.records if record.is_active)]
            self._strays.look(records, self.submitter.might_be_stray)
        if any(record.submission is None and not record.input_name for record in changed):
            self.spawn(self._input_names.ask_soon())

    def _interval(self) -> float:
        """Return the seconds to the next list: few while a create is looked up, many while nothing can change."""
        options = self.options
        if self.submitter is not None and self.submitter.is_looking_up:
            return min(options.lookup_interval, options.poll_interval)
        if any(record.is_active or record.is_awaiting_file_ids for record in self._store.records):
            return options.poll_interval
        return max(options.poll_interval, min(_IDLE_LONGEST, options.poll_interval * _IDLE_FACTOR))
