"""Everything the engine does, behind one async context: submit, watch, collect, cancel, and the history.

    async with Controller(Options(data_dir=..., output_dir=..., api_key=...), print) as engine:
        key = await engine.submit(Path("requests.jsonl"), Endpoint.CHAT, requests=120)
        record = await engine.wait_until(key, lambda r: r.output is not None and r.output.state == "fetched")

Events are given to the second argument on the loop's thread. Jobs go on, and files are fetched, as long as the
context is open; what is not finished when it closes is taken up when it is opened again.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, ParamSpec, Self, TypeVar

from tbatch_tui.engine.endpoint import Endpoint
from tbatch_tui.engine.errors import BatchError, KeyRefused, LostAnswer, Offline, Refused
from tbatch_tui.engine.events import Collected, Event, HealthChanged, Notice, RecordsChanged
from tbatch_tui.engine.fingerprint import Fingerprint, fingerprint
from tbatch_tui.engine.journal import Journal
from tbatch_tui.engine.journal.journal import submission_key
from tbatch_tui.engine.meter import Meter
from tbatch_tui.engine.model import (
    Account,
    FileKind,
    Health,
    HealthState,
    Job,
    JobRecord,
    Submission,
    SubmissionState,
    Transfer,
    TransferState,
)
from tbatch_tui.engine.names import result_name, stem_of
from tbatch_tui.engine.options import Options

if TYPE_CHECKING:
    from tbatch_tui.engine.api import TogetherApi
    from tbatch_tui.engine.collect import Collector
    from tbatch_tui.engine.lease import Lease
    from tbatch_tui.engine.poller import JobList, Poller
    from tbatch_tui.engine.submit import Submitter, Verdict

P = ParamSpec("P")
T = TypeVar("T")

_JOURNAL_WATCHED_EVERY = 1.0
_IDLE_FACTOR, _IDLE_LONGEST = 4.0, 120.0
_WHOAMI_TRIES = 3
STOPPED = "Something in the engine stopped"


class Controller:
    """Owns the journal, the connection and every task. One for an app; several apps may share a data folder."""

    def __init__(self, options: Options, emit: Callable[[Event], object]) -> None:
        self.options = options
        self.health = Health()
        self.account: Account | None = None
        self._emit = emit
        self._records: dict[str, JobRecord] = {}
        self._journal: Journal | None = None
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="journal")
        self._tasks: set[asyncio.Task[Any]] = set()
        self._changed = asyncio.Condition()
        self._meter = Meter(emit)
        self._lease: Lease | None = None
        self._api: TogetherApi | None = None
        self._poller: Poller | None = None
        self._submitter: Submitter | None = None
        self._collector: Collector | None = None
        self._applied: list[Job] | None = None
        self._touched: dict[str, float] = {}
        """Jobs that an answer has changed, and when: a list asked for before that is older news of them."""
        self._confirmed = asyncio.Event()

    # -- opening and closing -------------------------------------------------------------------------

    def first_page(self, limit: int) -> list[JobRecord]:
        """Open the history and read its first records, on this thread: the one thing done before the first frame.

        Raises FileTrouble when the data folder cannot be used.
        """
        journal = self._open_journal()
        assert self.account is not None
        return journal.records(self.account.id, limit)

    def served_at(self, base_url: str) -> None:
        """Say where the server is, when that was not known at first (the demo's). Before the context is entered."""
        self.options = replace(self.options, base_url=base_url)

    async def __aenter__(self) -> Self:
        self._meter.bind()
        if self._journal is None:
            await self._run(self._open_journal)
        if self.journal.damaged is not None:
            self._emit(
                Notice(
                    "The history was damaged and has been set aside",
                    f"It is kept as {self.journal.damaged}. Jobs come back from the server; labels do not.",
                    "warning",
                )
            )
        if self.options.api_key is None:
            self._set_health(Health(HealthState.NO_KEY))
        else:
            self._spawn(self._connect())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        while tasks := set(self._tasks):
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
            await asyncio.sleep(0)  # their callbacks take them out of the set
        if self._api is not None:
            await self._api.close()
        if self._lease is not None:
            self._lease.give_back()
        if self._journal is not None:
            await self._run(self._journal.close)
        self._thread.shutdown(wait=True)

    @property
    def journal(self) -> Journal:
        assert self._journal is not None, "the controller is not open"
        return self._journal

    @property
    def api(self) -> TogetherApi:
        assert self._api is not None, "not connected"
        return self._api

    @property
    def has_transfers(self) -> bool:
        """Whether bytes are going up or down now: leaving would cut them off (they begin again next time)."""
        uploading = self._submitter is not None and self._submitter.is_transferring
        return uploading or (self._collector is not None and bool(self._collector.under_way))

    # -- what a person can ask -----------------------------------------------------------------------

    async def records(self) -> list[JobRecord]:
        """The whole history of the account, in the order it is shown."""
        found = await self._run(self.journal.records, self._account_id)
        self._records = {record.key: record for record in found}
        return found

    def record(self, key: str) -> JobRecord | None:
        """A record as last shown, also by the key it had before it took its job's id."""
        return self._records.get(key) or self._renamed(key)

    async def fingerprint(self, path: Path) -> Fingerprint:
        """Size and SHA-256 of a file, read in a thread. Raises FileTrouble."""
        return await fingerprint(path)

    async def earlier_runs(self, sha256: str, endpoint: Endpoint) -> list[JobRecord]:
        """What these exact bytes became before: submitting them again is billed again."""
        return await self._run(self.journal.earlier_runs, self._account_id, sha256, endpoint)

    async def submit(
        self, path: Path, endpoint: Endpoint, *, requests: int, label: str = "", print_: Fingerprint | None = None
    ) -> str:
        """Commit the intent to run this file; upload and create follow by themselves. The record's key.

        `print_` is the file as it was checked: if it is not that any more, nothing is sent. Raises FileTrouble.
        """
        if self.health.state is HealthState.KEY_REFUSED:
            raise KeyRefused(self.health.title, f"Nothing was submitted. {self.health.hint}")
        path = path.absolute()  # noqa: ASYNC240 - asks for the working folder only
        found = print_ or await fingerprint(path)
        record = await self._run(
            self.journal.add_submission,
            self._account_id,
            path=path,
            size=found.size,
            sha256=found.sha256,
            endpoint=endpoint,
            label=label,
            requests=requests,
            now=self.now(),
        )
        self._show([record])
        await self._take_up()
        return record.key

    async def stop_submission(self, key: str) -> bool:
        """Stop a submission while that is certain to leave no job behind; False if it is too late."""
        record = self._records.get(key)
        if record is None or record.submission is None or self._submitter is None:
            return False
        return self._submitter.stop(record.submission.id)

    def settle(self, key: str, verdict: Verdict) -> bool:
        """The person's word on an uncertain submission; False if it is not being looked up here."""
        record = self._records.get(key)
        if record is None or record.submission is None or self._submitter is None:
            return False
        return self._submitter.decide(record.submission.id, verdict)

    async def cancel(self, job_id: str) -> None:
        """Ask the server to cancel, once. An end it had already reached is no error. Raises BatchError."""
        self._need_connection()
        try:
            job = await self.api.cancel(job_id)
        except Refused as error:
            if error.status != 409:
                raise
            self._emit(Notice("The job had ended already", error.title, key=job_id))
            job = None
        except LostAnswer as error:
            raise LostAnswer(
                "Whether the job was cancelled is not known yet", f"{error.title}. The list will show it; c asks again."
            ) from error
        if job is not None:
            self._touched[job.id] = asyncio.get_running_loop().time()
            self._show(await self._run(self.journal.apply_jobs, self._account_id, [job], self.now(), _none_held))
        if self._poller is not None:
            self._poller.refresh()

    async def fetch(self, key: str) -> None:
        """Fetch the output and error file of an ended job (again). Raises BatchError when there is nothing to."""
        record = self._records.get(key)
        job = record.job if record is not None else None
        if record is None or job is None:
            raise BatchError("There is no job yet whose results could be fetched")
        kinds = [kind for kind in FileKind if job.file_id(kind) is not None]
        if not kinds:
            raise BatchError(
                "This job has no result files" + ("" if job.is_ended else " yet"),
                "They are there when it has ended." if not job.is_ended else job.error or "",
            )
        self._need_connection()
        for kind in kinds:
            here = record.output if kind is FileKind.OUTPUT else record.errors
            file_id = job.file_id(kind)
            assert file_id is not None
            wanted = replace(here, state=TransferState.WANTED, message=None) if here else None
            await self.put(job.id, wanted or Transfer(kind, file_id, TransferState.WANTED, updated_at=self.now()))
        if self._collector is not None:
            self._collector.look(job.id)

    async def annotate(self, key: str, label: str, note: str) -> None:
        """Keep a label and a note for a record, on this machine only."""
        record = await self._run(self.journal.annotate, self._account_id, key, label, note)
        if record is not None:
            self._show([record])

    def refresh(self) -> bool:
        """Ask for the list now; False within 2 s of the last time, or without a connection."""
        return self._poller is not None and self._poller.refresh()

    async def recents(self, limit: int = 10) -> list[Path]:
        """Input files submitted lately, newest first."""
        return await self._run(self.journal.recents, limit)

    async def remember(self, name: str, value: str) -> None:
        """Keep a small choice of the person's (a filter, a sort, a theme)."""
        await self._run(self.journal.remember, name, value)

    async def recall(self, name: str) -> str | None:
        return await self._run(self.journal.recall, name)

    async def wait_until(self, key: str, holds: Callable[[JobRecord], bool]) -> JobRecord:
        """For scripts: wait until the record is as asked for. Follows it when it takes its job's id."""
        async with self._changed:
            while True:
                record = self.record(key)
                if record is not None and holds(record):
                    return record
                await self._changed.wait()

    # -- Desk: what a submission asks ----------------------------------------------------------------

    def now(self) -> float:
        return self.options.now()

    async def write(self, submission: Submission) -> None:
        self._show([await self._run(self.journal.update_submission, self._account_id, submission)])
        if self._poller is not None and submission.state is SubmissionState.UNCERTAIN:
            self._poller.hurry()
        self._applied = None

    async def attach(self, submission: Submission, job: Job) -> None:
        self._touched[job.id] = asyncio.get_running_loop().time()
        record = await self._run(self.journal.attach_job, self._account_id, submission, job, self.now())
        self._applied = None
        self._show([record], renamed=((submission_key(submission.id), job.id),))
        if self._poller is not None:
            self._poller.hurry()
        if self._collector is not None:
            self._collector.look()

    async def jobs_on(self, submission: Submission) -> set[str]:
        assert submission.file_id is not None
        found = await self._run(self.journal.jobs_on_file, self._account_id, submission.file_id, submission.endpoint)
        return set(found)

    async def claimed(self) -> set[str]:
        return await self._run(self.journal.claimed_jobs, self._account_id)

    async def next_list(self) -> JobList:
        assert self._poller is not None
        return await self._poller.next_list()

    def upload_moved(self, key: str, done: int, total: int, ended: bool) -> None:
        self._meter.moved((key, True, None), done, total, ended)

    def tell(self, title: str, hint: str, severity: str, key: str) -> None:
        self._emit(Notice(title, hint, severity, key))

    # -- Store: what collecting asks -----------------------------------------------------------------

    async def wanted(self) -> list[tuple[str, Transfer]]:
        states = (TransferState.WANTED, TransferState.FAILED)
        return [
            found for state in states for found in await self._run(self.journal.transfers_in, self._account_id, state)
        ]

    async def final_path(self, job_id: str, kind: FileKind) -> Path:
        record = await self._run(self.journal.record, self._account_id, job_id)
        stem = record.submission.path.stem if record is not None and record.submission is not None else ""
        if record is not None and not stem:
            if not record.input_name:
                await self._name_inputs()
                record = await self._run(self.journal.record, self._account_id, job_id) or record
            stem = stem_of(record.input_name)
        folder = self.options.output_dir.absolute()
        path = folder / result_name(stem, job_id, kind)
        owner = await self._run(self.journal.path_owner, path)
        return path if owner in (None, job_id) else folder / result_name(stem, job_id, kind, whole_id=True)

    async def put(self, job_id: str, transfer: Transfer) -> JobRecord | None:
        record = await self._run(self.journal.put_transfer, self._account_id, job_id, transfer)
        if record is not None:
            self._show([record])
        return record

    def download_moved(self, job_id: str, kind: FileKind, done: int, total: int | None, ended: bool) -> None:
        self._meter.moved((job_id, False, kind), done, total, ended)

    def collected(self, record: JobRecord, beside: Path | None) -> None:
        self._emit(Collected(record))
        if beside is not None:
            self._emit(
                Notice("Another file had the result's name", f"It was not overwritten: it is {beside} now.", "warning")
            )

    # -- tasks ---------------------------------------------------------------------------------------

    async def _connect(self) -> None:
        """Load the SDK in a thread, find out whose key it is, then poll, submit and collect."""
        self._api = await asyncio.to_thread(self._make_api)
        from tbatch_tui.engine.collect import Collector
        from tbatch_tui.engine.lease import Lease
        from tbatch_tui.engine.poller import Poller
        from tbatch_tui.engine.submit import Submitter

        self._submitter = Submitter(self, looked_up_for=self.options.looked_up_for, first_wait=self.options.first_wait)
        self._collector = Collector(self, first_wait=self.options.first_wait)
        self._poller = Poller(
            self.api.list_jobs,
            self._list_arrived,
            self._set_health,
            self._interval,
            now=self.now,
            first_wait=self.options.first_wait,
            seed=self.options.seed,
        )
        self._spawn(self._poller.run())
        await self._confirmed.wait()
        self._lease = Lease(self.options.data_dir / f"work-{self._account_id}.lock")
        self._spawn(self._watch_journal())

    def _make_api(self) -> TogetherApi:
        from tbatch_tui.engine.api import TogetherApi

        assert self.options.api_key is not None
        return TogetherApi.connect(base_url=self.options.base_url, api_key=self.options.api_key)

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
            except LostAnswer:
                await asyncio.sleep(0.5 * 2**number)
            except BatchError:
                break
        before = self._account_id
        self.account = await self._run(
            self.journal.account_of_key,
            self._server,
            self.options.key_tail,
            organization,
            project,
            title,
            self.now(),
        )
        if self.account.id != before:
            await self._reload()
        self._confirmed.set()
        self._set_health(self.health, even_if_same=True)  # the account's title is shown with it

    async def _watch_journal(self) -> None:
        """Take the lease when it is free; see what another app on this data folder has written."""
        assert self._lease is not None and self._collector is not None
        version = await self._run(self.journal.data_version)
        collecting = False
        while True:
            if not collecting and await asyncio.to_thread(self._lease.try_take):
                collecting = True
                self._spawn(self._collector.run(self._spawn))
                await self._take_up()
            await asyncio.sleep(_JOURNAL_WATCHED_EVERY)
            now_version = await self._run(self.journal.data_version)
            if now_version != version:
                version = now_version
                await self._run(self.journal.forget_cache)
                await self._reload()
                await self._take_up()
                self._collector.look()

    async def _take_up(self) -> None:
        if self._submitter is None or self._lease is None or not self._lease.is_ours:
            return
        self._submitter.take_up(await self._run(self.journal.open_submissions, self._account_id), self._spawn)
        if self._poller is not None:
            self._poller.hurry()

    async def _list_arrived(self, answer: JobList) -> None:
        assert self._submitter is not None
        if not self._confirmed.is_set():
            await self._confirm_account()
        jobs = [job for job in answer.jobs if self._touched.get(job.id, 0.0) <= answer.asked_at]
        if answer.jobs is self._applied and len(jobs) == len(answer.jobs):
            return
        changed = await self._run(
            self.journal.apply_jobs, self._account_id, jobs, self.now(), self._submitter.may_be_ours
        )
        self._applied = answer.jobs if len(jobs) == len(answer.jobs) else None
        self._show(changed)
        if changed and self._collector is not None:
            self._collector.look()
        if any(record.submission is None and not record.input_name for record in changed):
            self._spawn(self._name_inputs())

    async def _name_inputs(self) -> None:
        """Jobs made elsewhere are called by the file they were made from: one list of files, not one call a job."""
        unnamed = await self._run(self.journal.unnamed_inputs, self._account_id)
        if not unnamed:
            return
        try:
            names = await self.api.file_names()
        except BatchError:
            return  # they stay named by their id
        self._show(await self._run(self.journal.name_inputs, self._account_id, names))

    def _interval(self) -> float:
        if self._submitter is not None and self._submitter.looking_up:
            return min(self.options.look_up_every, self.options.poll_interval)
        if any(record.is_active for record in self._records.values()):
            return self.options.poll_interval
        return max(self.options.poll_interval, min(_IDLE_LONGEST, self.options.poll_interval * _IDLE_FACTOR))

    # -- showing -------------------------------------------------------------------------------------

    async def _reload(self) -> None:
        """Another account, or another app's writing: announce what is different from what was shown."""
        before = self._records
        records = await self.records()
        changed = tuple(record for record in records if before.get(record.key) != record)
        gone = tuple(key for key in before if key not in self._records)
        if changed or gone:
            self._emit(RecordsChanged(changed, removed=gone))
            await self._notify_waiters()

    def _show(self, changed: list[JobRecord], renamed: tuple[tuple[str, str], ...] = ()) -> None:
        for old, _ in renamed:
            self._records.pop(old, None)
        fresh = tuple(record for record in changed if self._records.get(record.key) != record)
        self._records.update((record.key, record) for record in fresh)
        if fresh or renamed:
            self._emit(RecordsChanged(fresh, renamed=renamed))
            self._spawn(self._notify_waiters())

    async def _notify_waiters(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    def _renamed(self, key: str) -> JobRecord | None:
        kind, _, number = key.partition(":")
        if kind != "submission" or not number.isdecimal():
            return None
        return next((r for r in self._records.values() if r.submission and r.submission.id == int(number)), None)

    def _set_health(self, health: Health, *, even_if_same: bool = False) -> None:
        if health != self.health or even_if_same:
            self.health = health
            self._emit(HealthChanged(health))

    # -- small parts ---------------------------------------------------------------------------------

    @property
    def _account_id(self) -> int:
        assert self.account is not None
        return self.account.id

    @property
    def _server(self) -> str:
        return self.options.server_name or self.options.base_url or "together"

    def _open_journal(self) -> Journal:
        if self._journal is None:
            self._journal = Journal(self.options.data_dir / "history.db")
            self.account = self._journal.account_at_start(self._server, self.options.key_tail, self.now())
        return self._journal

    def _need_connection(self) -> None:
        if self._api is None:
            raise Offline("There is no connection to Together yet", "Set TOGETHER_API_KEY, or wait a moment.")

    async def _run(self, work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run on the journal's thread, in order."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, lambda: work(*args, **kwargs))

    def _spawn(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if task.cancelled():
            return
        with contextlib.suppress(asyncio.CancelledError):
            if (error := task.exception()) is not None:
                said = str(error) if isinstance(error, BatchError) else f"{type(error).__name__}: {error}"
                self._emit(Notice(STOPPED, f"{said}. Start tbatch-tui again.", "error"))


def _none_held(_: Job) -> bool:
    return False
