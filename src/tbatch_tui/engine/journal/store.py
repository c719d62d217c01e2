"""The history of one account at a time: reads it, writes it, and announces what was written.

`JobStore` is the only one that calls the journal. Every write that returns records publishes them.
"""

from __future__ import annotations

from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING

from tbatch_tui.engine.domain.transfer import TransferState
from tbatch_tui.engine.errors import JournalError
from tbatch_tui.engine.journal.applied_list import AppliedList
from tbatch_tui.engine.journal.journal_thread import JournalThread
from tbatch_tui.engine.journal.published import PublishedRecords
from tbatch_tui.engine.journal.stores.group_store import GroupStore
from tbatch_tui.engine.journal.stores.submission_store import SubmissionStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from tbatch_tui.engine.domain.account import Account
    from tbatch_tui.engine.domain.counts import JobCounts
    from tbatch_tui.engine.domain.job import Job
    from tbatch_tui.engine.domain.record import FamilyMember, JobRecord
    from tbatch_tui.engine.domain.transfer import Transfer
    from tbatch_tui.engine.endpoint import Endpoint
    from tbatch_tui.engine.events import Event
    from tbatch_tui.engine.journal.journal import Journal
    from tbatch_tui.engine.journal.journal_thread import AccountId
    from tbatch_tui.engine.journal.stores.ledger_store import LedgerStore
    from tbatch_tui.engine.journal.stores.place_store import PlaceStore
    from tbatch_tui.engine.journal.stores.recording_store import RecordingStore
    from tbatch_tui.engine.journal.stores.try_store import TryStore
    from tbatch_tui.engine.journal.tables.recipes import NotedRecipe
    from tbatch_tui.engine.options import EngineOptions
    from tbatch_tui.engine.progress.history import JobHistory


class JobStore:
    """Reads and writes the history of one account, and announces the records that changed.

    Methods raise JournalError while the history cannot be used; those named "Durably" retry until they succeed.
    """

    def __init__(self, options: EngineOptions, emit: Callable[[Event], object]) -> None:
        self._now = options.now
        self._output_dir = options.output_dir.absolute()
        self._thread = JournalThread(options, emit)
        self._run = self._thread.run
        self._run_until_written = self._thread.run_until_written
        self._published = PublishedRecords(emit)
        self._applied = AppliedList()
        self.opened = self._published.opened
        self.submissions = SubmissionStore(options, self._thread, self._published, self._applied)
        self.groups = GroupStore(options, self._thread, self._published, self._applied)
        self._emit = emit

    # What is not for the first frame is loaded when it is asked for.

    @cached_property
    def place(self) -> PlaceStore:
        """Where the history is."""
        from tbatch_tui.engine.journal.stores.place_store import PlaceStore

        return PlaceStore(self._thread, self._published, self._emit, self._now)

    @cached_property
    def tries(self) -> TryStore:
        """Requests that were asked at once."""
        from tbatch_tui.engine.journal.stores.try_store import TryStore

        return TryStore(self._thread)

    @cached_property
    def ledger(self) -> LedgerStore:
        """What all jobs and tries cost."""
        from tbatch_tui.engine.journal.stores.ledger_store import LedgerStore

        return LedgerStore(self._thread)

    @cached_property
    def recordings(self) -> RecordingStore:
        """The recordings that were uploaded to a store, and the jobs that read them."""
        from tbatch_tui.engine.journal.stores.recording_store import RecordingStore

        return RecordingStore(self._thread)

    # -- opening, closing, and the account -----------------------------------------------------------

    async def open(self) -> None:
        """Open the history, if it is not open yet. Raises LocalFileError."""
        await self._run(self._thread.open)
        with suppress(JournalError):  # a history that is locked can be read all the same
            await self._run(self._journal.accounts.quieten, self.account_id, self._now())

    async def close(self) -> None:
        """Close the history."""
        await self._thread.close()

    def first_records(self, limit: int) -> list[JobRecord]:
        """Open the history and return its first records, on the calling thread. Raises LocalFileError."""
        self._thread.open()
        return self._journal.records.all(self.account_id, limit)

    def first_memory(self, name: str) -> str | None:
        """Open the history and return what `remember` saved, on the calling thread. Raises LocalFileError."""
        self._thread.open()
        return self._journal.memory.recall(name)

    @property
    def damaged(self) -> Path | None:
        """Where the history was set aside that was damaged when this one was opened."""
        return self._journal.database.damaged

    async def written_at(self) -> float | None:
        """Return when the history was last written, in seconds since the epoch; None if that cannot be told."""
        return await self._run(self._journal.database.written_at)

    @property
    def account_id(self) -> AccountId:
        """The journal's number of the account."""
        return self._thread.account_id

    @property
    def _journal(self) -> Journal:
        return self._thread.journal

    @property
    def account(self) -> Account:
        """The account whose history this is."""
        return self._thread.account

    async def knows_key(self) -> bool:
        """Return whether the key was seen with this account before."""
        return await self._thread.knows_key()

    async def switch_account(
        self, organization: str | None, project: str | None, title: str, is_free: Callable[[int], bool]
    ) -> None:
        """Durably go over to the history of the account that the server named for the key; None when it could not say.

        `is_free`, whether no app is at work on an account, is called inside the transaction.
        """
        before = self.account_id
        await self._thread.switch_account(organization, project, title, is_free)
        if self.account_id != before:
            await self.reload()

    # -- records -------------------------------------------------------------------------------------

    @property
    def records(self) -> Iterable[JobRecord]:
        """The records as last announced, in no order."""
        return self._published.by_key.values()

    def record(self, key: str) -> JobRecord | None:
        """Return a record as last announced, also by the key it had before it took its job's id."""
        return self._published.get(key)

    async def wait_until(self, key: str, predicate: Callable[[JobRecord], bool]) -> JobRecord:
        """Wait until the predicate holds for a record, which is followed when it takes its job's id."""
        return await self._published.wait_until(key, predicate)

    async def load(self) -> list[JobRecord]:
        """Return the whole history of the account, in the order of the Jobs list, and take it for what is announced."""
        records = await self.read_records()
        self._published.replace(records)
        return records

    async def reload(self) -> None:
        """Durably read the history again and announce what is different: for what others wrote, or another account."""
        before = self._published.by_key
        records = await self._run_until_written(self._journal.records.all, self.account_id)
        self._published.replace(records)
        # Compared on the journal's thread: for 10,000 records that takes longer than a screen may stand still.
        changed = await self._run(lambda: tuple(record for record in records if before.get(record.key) != record))
        self._published.publish_difference(changed, before)

    async def read_records(self) -> list[JobRecord]:
        """Return the whole history of the account, in the order of the Jobs list."""
        return await self._run(self._journal.records.all, self.account_id)

    async def read_record(self, key: str) -> JobRecord | None:
        """Durably return a record as the journal has it now."""
        return await self._run_until_written(self._journal.records.get, self.account_id, key)

    async def records_of(self, keys: Sequence[str]) -> list[JobRecord]:
        """Durably return these records as the journal has them now, without those that it does not have."""
        return await self._run_until_written(self._journal.records.get_many, self.account_id, keys)

    async def records_on_file(self, file_id: str) -> list[JobRecord]:
        """Return the records that name this file of the server, and those of submissions that have no file yet."""
        return await self._run(self._journal.records.using_file, self.account_id, file_id)

    async def history(self, record: JobRecord) -> JobHistory:
        """Return how a job has gone so far, and what jobs like it took."""
        return await self._run(self._journal.progress.history, self.account_id, record)

    async def earlier_runs(self, sha256: str, endpoint: Endpoint) -> list[JobRecord]:
        """Return the records of submissions of these exact bytes that became a job or still may, newest first."""
        return await self._run(self._journal.submissions.earlier_runs, self.account_id, sha256, endpoint)

    async def family(self, key: str) -> list[FamilyMember]:
        """Return the original that a job is a retry of, and all its retries, the original first."""
        return self.opened.family(key) or await self._run(self._journal.lineage.family, self.account_id, key)

    async def annotate(self, key: str, label: str, note: str) -> None:
        """Save a person's label and note for a record."""
        record = await self._run(self._journal.records.annotate, self.account_id, key, label, note, self._now())
        if record is not None:
            self._published.publish([record])

    async def judge_by(self, key: str, schema: str) -> None:
        """Save the schema by which the answers of a job are judged, where their requests ask for nothing."""
        if self.opened.judge_by(key, schema):
            return
        record = await self._run(self._journal.records.judge_by, self.account_id, key, schema)
        if record is not None:
            self._published.publish([record])

    async def acknowledge(self, keys: Iterable[str], *, undo: bool) -> int:
        """Save that these records ask for no attention, or that they do again; return how many changed.

        What needs a decision, or asks for nothing, is left as it is.
        """
        records = [record for key in keys if (record := self.record(key)) is not None]
        reasons = {
            record.key: "" if undo else str(record.attention or "")
            for record in records
            if record.can_acknowledge and record.is_acknowledged is undo
        }
        self._published.publish(await self._run(self._journal.records.acknowledge, self.account_id, reasons))
        return len(reasons)

    async def remove(self, keys: Iterable[str]) -> int:
        """Take records that are over out of the list, and return how many there were."""
        removed = await self._run(self._journal.records.remove, self.account_id, keys, self._now())
        self._published.publish_removed(removed)
        return len(removed)

    async def add_retry(self, path: Path, sha256: str, parent: str) -> None:
        """Save that this file is a retry of the job `parent`."""
        await self._run(self._journal.lineage.add_retry, self.account_id, path, sha256, parent)
        await self._run(self._journal.recipes.inherit_from_job, self.account_id, parent, sha256)

    async def retry_paths(self, input_path: Path) -> set[Path]:
        """Return the files in the folder of an input file that were written as a retry or submitted."""
        return await self._run(self._journal.lineage.retry_paths, input_path)

    async def data_version(self) -> int:
        """Durably return a number that changes when another process writes the history."""
        return await self._run_until_written(self._journal.database.data_version)

    async def reload_from_disk(self) -> None:
        """Durably read again what another process wrote, and announce what is different."""
        await self._run_until_written(self._journal.database.forget_cache)
        await self.reload()

    # -- jobs ----------------------------------------------------------------------------------------

    async def apply_list(
        self, jobs: list[Job], asked_at: float, reserved: Callable[[Job], bool], seen_at: float | None
    ) -> list[JobRecord]:
        """Durably take over the server's list; return the records that are new or different.

        Jobs that an answer has changed since the list was asked for are left as they are.

        Args:
            jobs: the list. The same object again means that nothing changed.
            asked_at: when the list was asked for, by the event loop's clock.
            reserved: whether a job new in the list may belong to a submission whose create has no answer yet. It is
                left out until that is known, else the list would win the race for a job that is ours.
            seen_at: when the list before this one came (wall time): what it showed was seen to hold until then.
        """
        fresh = self._applied.without_older_news(jobs, asked_at)
        is_whole = len(fresh) == len(jobs)
        if self._applied.is_applied(jobs) and is_whole:
            return []
        changed = await self._run_until_written(
            self._journal.jobs.apply, self.account_id, fresh, self._now(), reserved, seen_at
        )
        self._applied.set(jobs if is_whole else None)
        await self._published.publish_many(changed)
        return changed

    async def apply_answer(self, job: Job, seen_at: float | None) -> None:
        """Durably take over a job from an answer other than the list. `seen_at` is as in `apply_list`."""
        self._applied.note_answer(job.id)
        changed = await self._run_until_written(
            self._journal.jobs.apply, self.account_id, [job], self._now(), lambda _: False, seen_at
        )
        self._published.publish(changed)

    async def unnamed_inputs(self) -> set[str]:
        """Durably return the ids of the input files whose name is not known."""
        return await self._run_until_written(self._journal.records.unnamed_inputs, self.account_id)

    async def name_inputs(self, names: dict[str, str]) -> None:
        """Durably save the names of input files, by id."""
        named = await self._run_until_written(self._journal.records.name_inputs, self.account_id, names)
        await self._published.publish_many(named)

    # -- result files --------------------------------------------------------------------------------

    async def pending_transfers(self) -> list[tuple[str, Transfer]]:
        """Durably return job id and transfer of every result file that is still to be downloaded, oldest first."""
        # In one read: between two, a download could end, and be begun again because of what the first one returned.
        return await self._run_until_written(
            self._journal.transfers.in_states, self.account_id, TransferState.WANTED, TransferState.FAILED
        )

    async def save_transfer(self, job_id: str, transfer: Transfer) -> JobRecord | None:
        """Durably save where a result file stands. None if the job is not in the history."""
        record = await self._run_until_written(self._journal.transfers.save, self.account_id, job_id, transfer)
        if record is not None:
            self._published.publish([record])
        return record

    async def path_is_free(self, path: Path, job_id: str, stem: str) -> bool:
        """Durably return whether a result file of this job may have this path: no other job has it or could want it."""
        return await self._run_until_written(self._journal.transfers.is_path_free, path, job_id, stem)

    async def downloaded_jobs(self) -> list[str]:
        """Durably return the ids of the jobs that have a result file on disk, newest first."""
        return await self._run_until_written(self._journal.transfers.downloaded_job_ids, self.account_id)

    async def save_counts(self, job_id: str, counts: JobCounts) -> None:
        """Durably save what came of a job's requests."""
        record = await self._run_until_written(self._journal.counts.save, self.account_id, job_id, counts)
        if record is not None:
            self._published.publish([record])

    # -- recipes -------------------------------------------------------------------------------------

    async def note_recipe(self, sha256: str, text: str, path: Path) -> None:
        """Save that the bytes with this hash were made by a recipe, and the path of the recipe's file."""
        await self._run(self._journal.recipes.note, sha256, text, path)

    async def inherit_recipe(self, parent_sha256: str, sha256: str) -> bool:
        """Save that bytes were made of others, and have their recipe; False if those have none."""
        return await self._run(self._journal.recipes.inherit, parent_sha256, sha256)

    async def recipe(self, sha256: str) -> NotedRecipe | None:
        """Return the recipe by which bytes were made; None if none is known."""
        return await self._run(self._journal.recipes.get, sha256)

    async def recipe_texts(self) -> dict[str, str]:
        """Return the recipes of all input files, by the SHA-256 of these."""
        return await self._run(self._journal.recipes.texts)

    # -- small memories ------------------------------------------------------------------------------

    async def recents(self, limit: int) -> list[Path]:
        """Return the input files that were submitted lately, newest first."""
        return await self._run(self._journal.memory.recent_files, limit)

    async def remember(self, name: str, value: str) -> None:
        """Save a small value under a name, for all accounts."""
        await self._run(self._journal.memory.remember, name, value)

    async def recall(self, name: str) -> str | None:
        """Return what `remember` saved under this name."""
        return await self._run(self._journal.memory.recall, name)
