"""Everything the engine does, behind one async context: submit, watch, collect, cancel, and the history.

    async with BatchEngine(Options(data_dir=..., output_dir=..., api_key=...), print) as engine:
        key = await engine.submit(Path("requests.jsonl"), Endpoint.CHAT)
        paths = (await engine.wait(key)).paths

Events are given to the second argument on the loop's thread. Jobs go on, and files are fetched, as long as the
context is open; what is not finished when it closes is taken up when it is opened again.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Self

from tbatch_tui.engine.domain.account import Account, ConnectionHealth, HealthState
from tbatch_tui.engine.domain.job import FileKind, Job
from tbatch_tui.engine.domain.transfer import Transfer, TransferState
from tbatch_tui.engine.errors import (
    AuthenticationError,
    BatchError,
    LocalFileError,
    OutcomeUnknownError,
    RequestRejectedError,
)
from tbatch_tui.engine.events import Event, Notice
from tbatch_tui.engine.groups.groups import JobGroups
from tbatch_tui.engine.journal.removal import removal_blocker
from tbatch_tui.engine.journal.store import JobStore
from tbatch_tui.engine.local_files.fingerprint import Fingerprint, fingerprint_file
from tbatch_tui.engine.local_files.input_state import InputState, InputWatcher
from tbatch_tui.engine.next_step import NextStep
from tbatch_tui.engine.progress.history import JobHistory
from tbatch_tui.engine.runtime.runtime import Runtime
from tbatch_tui.engine.threads import run_cancellable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path
    from types import TracebackType

    from tbatch_tui.engine.domain.catalogue import Catalogue
    from tbatch_tui.engine.domain.cost import Estimate
    from tbatch_tui.engine.domain.record import FamilyMember, JobRecord
    from tbatch_tui.engine.domain.server_file import DeleteResult, ServerFile
    from tbatch_tui.engine.domain.submission import Submission
    from tbatch_tui.engine.endpoint import Endpoint
    from tbatch_tui.engine.options import EngineOptions
    from tbatch_tui.engine.pricing.catalogue_cache import CatalogueCache
    from tbatch_tui.engine.pricing.prices import PriceList
    from tbatch_tui.engine.results import ResultIndex
    from tbatch_tui.engine.runtime.event_log import EventLog
    from tbatch_tui.engine.server_files.cleanup import ServerFiles
    from tbatch_tui.engine.submit.lookup import LookupDecision


_LISTS_FOR_FILES = 3
"""Lists in which a completed job may go without naming a result file, before a script is told that there is none."""


class BatchEngine:
    """What a person, or a script, can ask of the engine. Several may share a data folder: one of them works."""

    def __init__(self, options: EngineOptions, emit: Callable[[Event], object]) -> None:
        self._log: EventLog | None = None
        self._listener = emit
        self._book = JobStore(options, self._emit)
        self._work = Runtime(options, self._book, self._emit)
        self._catalogue: CatalogueCache | None = None
        self._inputs = InputWatcher()
        self._janitor: ServerFiles | None = None
        self.groups = JobGroups(self._work, self._book, self._emit, self._admit, self.estimate)
        """Files that go as several jobs."""

    # -- opening and closing -------------------------------------------------------------------------

    def first_page(self, limit: int) -> list[JobRecord]:
        """Open the history and read its first records, on this thread: the one thing done before the first frame.

        Raises LocalFileError when the data folder cannot be used.
        """
        return self._book.open().records.all(self._book.account_id, limit)

    def first_memory(self, name: str) -> str | None:
        """As `recall`, on this thread and before the first frame. Raises LocalFileError."""
        return self._book.open().memory.recall(name)

    def served_at(self, base_url: str) -> None:
        """Say where the server is, when that was not known at first (the demo's). Before the context is entered."""
        self._work.options = replace(self._work.options, base_url=base_url)

    async def __aenter__(self) -> Self:
        journal = await self._book.run(self._book.open)
        from tbatch_tui.engine.runtime.event_log import EventLog

        self._log = EventLog(self.options.data_dir)
        await self._book.run(self._log.open)
        if journal.database.damaged is not None:
            self._emit(
                Notice(
                    "The history was damaged and has been set aside",
                    f"It is kept as {journal.database.damaged}. Jobs come back from the server; labels do not.",
                    "warning",
                )
            )
        self._work.start()
        if self.options.background_work:
            self._work.spawn(self.groups.look_back())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._work.stop()
        if self._log is not None:
            await asyncio.to_thread(self._log.close)
        await self._book.close()

    def _emit(self, event: Event) -> None:
        if self._log is not None:
            self._log.record(event)
        self._listener(event)
        self.groups.heard(event)

    # -- how things stand ----------------------------------------------------------------------------

    @property
    def options(self) -> EngineOptions:
        return self._work.options

    @property
    def health(self) -> ConnectionHealth:
        """How the connection is."""
        return self._work.health

    @property
    def account(self) -> Account:
        """Whose history is shown."""
        return self._book.account

    @property
    def has_transfers(self) -> bool:
        """Whether bytes are going up or down now: leaving would cut them off (they begin again next time)."""
        return self._work.has_transfers

    def now(self) -> float:
        """Wall time, seconds since the epoch."""
        return self.options.now()

    async def records(self) -> list[JobRecord]:
        """The whole history of the account, in the order it is shown."""
        return await self._book.load()

    def record(self, key: str) -> JobRecord | None:
        """A record as last announced, also by the key it had before it took its job's id."""
        return self._book.record(key)

    async def wait_until(self, key: str, holds: Callable[[JobRecord], bool]) -> JobRecord:
        """For scripts: wait until the record is as asked for. Follows it when it takes its job's id."""
        return await self._book.wait_until(key, holds)

    async def wait(self, key: str, watch: Callable[[JobRecord], object] = lambda _: None) -> JobRecord:
        """For scripts: wait until the job has ended and its result files are here (`record.paths`), or gone for good.

        A create whose answer is lost is looked up meanwhile. Raises BatchError if no job came of the submission.
        `watch` is called with the record whenever something has changed; an error that it raises ends the wait.
        """

        def is_finished(record: JobRecord) -> bool:
            watch(record)
            return record.is_finished

        record = await self.wait_until(key, lambda r: is_finished(r) or r.is_awaiting_file_ids)
        for _ in range(_LISTS_FOR_FILES):
            if not record.is_awaiting_file_ids:
                break
            await self._work.confirmed.wait()  # before, there is no list to wait for
            await self._work.next_list()
            record = self.record(key) or record
        if not record.is_awaiting_file_ids:
            record = await self.wait_until(key, is_finished)
        if record.job is None and record.submission is not None:
            raise BatchError(record.submission.error or "No job was made", record.submission.hint or "")
        return record

    @property
    def listed_at(self) -> float | None:
        """When the server's list last came: how fresh what is known of the jobs is."""
        return self._work.listed_at

    async def history(self, key: str) -> JobHistory:
        """How a job has gone so far, as it was seen, and what jobs like it took."""
        record = self.record(key)
        if record is None:
            return JobHistory()
        return await self._book.run(self._book.journal.progress.history, self._book.account_id, record)

    async def raw_job(self, job_id: str) -> str | None:
        """The job as the server wrote it in its last list; None while there is none, or it is not in there."""
        from tbatch_tui.engine.client.decode import raw_job  # msgspec is not for the first frame

        body = self._work.poller.body if self._work.poller is not None else None
        return await asyncio.to_thread(raw_job, body, job_id) if body is not None else None

    async def input_state(self, submission: Submission) -> InputState:
        """Whether the input file is there, and still what was submitted. Cancelling this stops the reading."""
        return await self._inputs.state_of(submission.path, submission.size, submission.sha256)

    async def recents(self, limit: int = 10) -> list[Path]:
        """Input files submitted lately, newest first."""
        return await self._book.run(self._book.journal.memory.recent_files, limit)

    async def catalogue(self) -> Catalogue:
        """The models and their prices, with the date of that; the last known while the server cannot be asked.

        Fetched when first asked for, then at most once a day. Raises nothing: empty when nothing is known.
        """
        if self._catalogue is None:
            from tbatch_tui.engine.pricing.catalogue_cache import CatalogueCache

            self._catalogue = CatalogueCache(self.options, self._book, self._work.models, self._work.spawn)
        return await self._catalogue.get()

    # -- submitting ----------------------------------------------------------------------------------

    async def fingerprint(self, path: Path) -> Fingerprint:
        """Size and SHA-256 of a file, read in a thread. Raises LocalFileError."""
        return await fingerprint_file(path)

    async def earlier_runs(self, sha256: str, endpoint: Endpoint) -> list[JobRecord]:
        """What these exact bytes became before: submitting them again is billed again."""
        return await self._book.run(
            self._book.journal.submissions.earlier_runs, self._book.account_id, sha256, endpoint
        )

    async def price_list(self) -> PriceList:
        """The prices in force: the person's own, else the catalogue's, less what is taken off for a batch."""
        from tbatch_tui.engine.pricing.prices import PriceList

        return PriceList(await self.catalogue(), self.options.prices, self.options.discounts)

    async def estimate(self, path: Path) -> Estimate:
        """What a file may cost, read in a thread. Raises LocalFileError."""
        from tbatch_tui.engine.pricing.demand import demand_of
        from tbatch_tui.engine.pricing.prices import estimate

        return estimate(await run_cancellable(demand_of, path), await self.price_list())

    async def submit(
        self,
        path: Path,
        endpoint: Endpoint,
        *,
        requests: int | None = None,
        label: str = "",
        fingerprint: Fingerprint | None = None,
        estimate: Estimate | None = None,
    ) -> str:
        """Commit the intent to run this file; upload and create follow by themselves. The record's key.

        `requests` are counted if not given. `fingerprint` is the file as it was checked: if it is not that any more,
        nothing is sent. `estimate` is kept, to be compared with what it came to. Raises LocalFileError, and
        AuthenticationError while the server refuses the key.
        """
        path = await self._admit(path)
        found = fingerprint or await fingerprint_file(path)
        if requests is None:
            requests = await asyncio.to_thread(_lines_of, path)
        record = await self._book.run(
            self._book.journal.submissions.add,
            self._book.account_id,
            path=path,
            size=found.size,
            sha256=found.sha256,
            endpoint=endpoint,
            label=label,
            requests=requests,
            now=self.now(),
            estimate=estimate,
        )
        self._book.publish([record])
        await self._work.take_up()
        return record.key

    async def _admit(self, path: Path) -> Path:
        """The file's whole path, if it can be submitted now. Raises BatchError."""
        if self.health.state is HealthState.KEY_REFUSED:
            raise AuthenticationError(self.health.title, f"Nothing was submitted. {self.health.hint}")
        if self.options.api_key is None:
            raise AuthenticationError(
                "There is no API key", "Nothing was submitted. Set TOGETHER_API_KEY and start again."
            )
        if path.suffix != ".jsonl":
            raise LocalFileError(
                f"{path.name} cannot be uploaded: Together takes only names that end in .jsonl",
                "Nothing was submitted. Rename it, and check it again.",
            )
        try:
            path.name.encode()
        except UnicodeEncodeError:
            raise LocalFileError(
                f"{path.name} cannot be uploaded: its name is not UTF-8, and no request can carry it",
                "Nothing was submitted. Rename it, and check it again.",
            ) from None
        await self._work.must_know_whose()
        return path.absolute()  # noqa: ASYNC240 - asks for the working folder only

    async def stop_submission(self, key: str) -> bool:
        """Stop a submission while that is certain to leave no job behind; False if it is too late."""
        record, submitter = self.record(key), self._work.submitter
        if record is None or record.submission is None or submitter is None:
            return False
        return submitter.stop(record.submission.id)

    def candidates(self, key: str) -> tuple[Job, ...] | None:
        """The jobs that an uncertain submission could be, for the person to choose; None if it is not looked up here.

        It is not while another app on this data folder is at work, nor before there is a connection.
        """
        record, submitter = self.record(key), self._work.submitter
        if record is None or record.submission is None or submitter is None:
            return None
        return submitter.candidates(record.submission.id)

    def decide(self, key: str, verdict: LookupDecision) -> bool:
        """The person's word on an uncertain submission; False if it is not looked up here, or not as they saw it."""
        record, submitter = self.record(key), self._work.submitter
        if record is None or record.submission is None or submitter is None:
            return False
        return submitter.decide(record.submission.id, verdict)

    # -- jobs ----------------------------------------------------------------------------------------

    async def cancel(self, job_id: str) -> bool:
        """Ask the server to cancel, once. False if the job had ended already, which is no error. Raises BatchError."""
        try:
            job = await self._work.api.cancel(job_id)
        except RequestRejectedError as error:
            if error.status != 409:
                raise
            self._ask_soon()
            return False
        except OutcomeUnknownError as error:
            self._ask_soon()
            raise OutcomeUnknownError(
                "Whether the job was cancelled is not known yet",
                f"{error.title}. The list will show it; {NextStep.CANCEL} asks again.",
            ) from error
        if job is not None:
            await self._work.apply([job])
        self._ask_soon()
        return True

    def removal_blocker(self, key: str) -> str:
        """Why a record cannot be taken out of the list; empty when it can."""
        record = self.record(key)
        return removal_blocker(record, self._work.listed()) if record is not None else ""

    async def remove(self, keys: Iterable[str]) -> int:
        """Take those of these records out of the list that may go; how many did. Files on disk stay."""
        free = [key for key in keys if not self.removal_blocker(key)]
        removed = await self._book.run(self._book.journal.records.remove, self._book.account_id, free, self.now())
        self._book.publish_removed(removed)
        return len(removed)

    async def fetch(self, key: str) -> None:
        """Fetch the output and error file of an ended job (again). Raises BatchError when there is nothing to."""
        record = self.record(key)
        job = record.job if record is not None else None
        if record is None or job is None:
            raise BatchError("There is no job yet whose results could be fetched", "They come when it has ended.")
        if not record.can_download:
            raise BatchError(
                "This job has no result files" + ("" if job.is_ended else " yet"),
                "They are there when it has ended." if not job.is_ended else job.error or "",
            )
        _ = self._work.api  # says so if there is no connection
        for kind in record.result_kinds:
            here = record.output if kind is FileKind.OUTPUT else record.errors
            file_id = job.file_id(kind)
            assert file_id is not None
            wanted = replace(here, state=TransferState.WANTED, message=None) if here else None
            await self._work.put(job.id, wanted or Transfer(kind, file_id, TransferState.WANTED, updated_at=self.now()))
        if self._work.collector is not None:
            self._work.collector.wake(job.id)

    async def prefetch(self, limit: int, folder: Path) -> None:
        """For the demo: fetch the results of the latest few jobs into a folder of its own, without a word.

        Waits for the first list. Nothing is shown as a transfer, nor asked about when leaving. Raises BatchError.
        """
        from tbatch_tui.engine.download.prefetch import prefetch

        await self._work.confirmed.wait()
        await self._work.next_list()
        unread = [record for record in await self.records() if record.is_finished and not record.transfers]
        unread = [record for record in unread if record.job is not None and record.job.output_file_id is not None]
        for record in sorted(unread, key=lambda record: record.created_at, reverse=True)[:limit]:
            await prefetch(self._work, record, folder)
            self._work.reckoner.request(record.key)

    def stop_fetching(self, key: str) -> bool:
        """Stop the downloads of this job under way; `fetch` goes on where they were. False if there are none."""
        record, collector = self.record(key), self._work.collector
        return record is not None and collector is not None and collector.stop(record.key)

    async def annotate(self, key: str, label: str, note: str) -> None:
        """Keep a label and a note for a record, on this machine only."""
        record = await self._book.run(self._book.journal.records.annotate, self._book.account_id, key, label, note)
        if record is not None:
            self._book.publish([record])

    async def add_retry(self, path: Path, parent: str) -> None:
        """Keep that this file is a retry of a job: what it becomes belongs to that job's family. Raises BatchError."""
        path = path.absolute()  # noqa: ASYNC240 - asks for the working folder only
        found = await fingerprint_file(path)
        await self._book.run(self._book.journal.lineage.add_retry, self._book.account_id, path, found.sha256, parent)

    async def family(self, key: str) -> list[FamilyMember]:
        """The original that a job is a retry of, and all its retries, the original first."""
        return await self._book.run(self._book.journal.lineage.family, self._book.account_id, key)

    def index_of(self, record: JobRecord) -> ResultIndex:
        """The index over a job's files, to be built in a thread: what was read once is there at once."""
        return self._work.index_of(record)

    def recount(self, key: str) -> None:
        """Count again what came of a job, if its files are others than those that were counted: see `record.tally`."""
        if (record := self.record(key)) is not None:
            self._work.reckoner.request(record.key)

    # -- files on the server -------------------------------------------------------------------------

    async def files(self) -> list[ServerFile]:
        """Every file of the account, newest first: what uses it, and whether it may be deleted. Raises BatchError."""
        return await self._janitor_here().files()

    async def delete_files(self, ids: Iterable[str]) -> DeleteResult:
        """Delete files that were listed, one request each, never the only copy of anything. Raises BatchError when it
        cannot be begun; what came of each file is in the result.
        """
        return await self._janitor_here().delete(ids)

    def _janitor_here(self) -> ServerFiles:
        if self._janitor is None:
            _ = self._work.api  # the SDK is loaded when there is a connection, and not before
            from tbatch_tui.engine.server_files.cleanup import ServerFiles

            self._janitor = ServerFiles(self._work, self._book, self._emit)
        return self._janitor

    def refresh(self) -> bool:
        """Ask for the list now; False within 2 s of the last time, or without a connection."""
        return self._work.poller is not None and self._work.poller.refresh()

    def _ask_soon(self) -> None:
        if self._work.poller is not None:
            self._work.poller.refresh_soon()

    # -- small memories ------------------------------------------------------------------------------

    async def remember(self, name: str, value: str) -> None:
        """Keep a small choice of the person's (a filter, a sort, a theme)."""
        await self._book.run(self._book.journal.memory.remember, name, value)

    async def recall(self, name: str) -> str | None:
        """What was kept under this name."""
        return await self._book.run(self._book.journal.memory.recall, name)


def _lines_of(path: Path) -> int:
    """How many lines of a file are not blank."""
    try:
        with path.open("rb") as file:
            return sum(not line.isspace() for line in file)
    except OSError as error:
        raise LocalFileError(f"{path} cannot be read: {error.strerror or error}", "Nothing was submitted.") from error
