"""The store: what it announces of what it writes, and what it leaves alone."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from tbatch_tui.engine.domain.counts import JobCounts
from tbatch_tui.engine.domain.record import FamilyMember, JobRecord, Rank
from tbatch_tui.engine.domain.submission import NewGroup, PartFile, Submission, SubmissionState
from tbatch_tui.engine.domain.transfer import TransferState
from tbatch_tui.engine.domain.tried import TriedRequest, TrySpending
from tbatch_tui.engine.endpoint import Endpoint
from tbatch_tui.engine.errors import JournalError
from tbatch_tui.engine.events import Event, JobsEnded, Notice, RecordsChanged
from tbatch_tui.engine.journal import journal_thread
from tbatch_tui.engine.journal.journal import Journal
from tbatch_tui.engine.journal.store import JobStore
from tbatch_tui.engine.local_files.fingerprint import Fingerprint
from tbatch_tui.engine.options import EngineOptions
from tests.conftest import until
from tests.engine.journal.test_journal import NOW, job, nothing_reserved

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tbatch_tui.engine.domain.job import Job

SERVER = "https://server.example"


@pytest.fixture
def events() -> list[Event]:
    return []


@pytest.fixture
async def store(tmp_path: Path, events: list[Event]) -> AsyncIterator[JobStore]:
    options = EngineOptions(
        tmp_path / "data", tmp_path / "out", api_key="key-of-org-2222", base_url=SERVER, now=lambda: NOW
    )
    opened = JobStore(options, events.append)
    await opened.open()
    yield opened
    await opened.close()


async def list_jobs(store: JobStore, *jobs: Job) -> list[JobRecord]:
    return await store.apply_list(list(jobs), asyncio.get_running_loop().time(), nothing_reserved, None)


async def submit(store: JobStore, path: Path, sha256: str = "0" * 64) -> Submission:
    record = await store.submissions.add(
        path, Fingerprint(10, sha256, 1), Endpoint.CHAT, None, label="", requests=3, estimate=None
    )
    assert record.submission is not None
    return record.submission


async def run(store: JobStore, path: Path, number: int, sha256: str = "0" * 64, **more: str) -> JobRecord:
    """Submit a file, which becomes a job that has ended, and return its record."""
    await store.submissions.attach_job(await submit(store, path, sha256), job(number, **more), None)
    record = store.record(job(number).id)
    assert record is not None
    return record


def announced(events: list[Event]) -> list[tuple[list[str], tuple[str, ...]]]:
    """Take out the events: the keys that changed, and those that were removed."""
    changes = [event for event in events if isinstance(event, RecordsChanged)]
    events.clear()
    return [([record.key for record in event.changed], event.removed) for event in changes]


async def test_a_list_is_announced_once_and_again_only_where_it_changed(store: JobStore, events: list[Event]) -> None:
    jobs = [job(1, "IN_PROGRESS"), job(2)]
    assert [record.key for record in await list_jobs(store, *jobs)] == ["job-0001", "job-0002"]
    assert announced(events) == [(["job-0001", "job-0002"], ())]
    assert await list_jobs(store, *jobs) == [] and not events
    await list_jobs(store, job(1), job(2))
    [changed, ended] = events
    assert isinstance(changed, RecordsChanged) and isinstance(ended, JobsEnded)
    assert [r.key for r in changed.changed] == [r.key for r in ended.records] == ["job-0001"]
    assert {record.key: record.status for record in store.records} == dict.fromkeys(
        ("job-0001", "job-0002"), "COMPLETED"
    )


async def test_an_answer_is_newer_than_a_list_that_was_asked_for_before_it(store: JobStore) -> None:
    now = asyncio.get_running_loop().time()
    old = [job(1, "IN_PROGRESS"), job(2, "IN_PROGRESS")]
    await store.apply_answer(job(1, "CANCELING"), None)
    changed = await store.apply_list(old, now - 1, nothing_reserved, None)
    assert [record.key for record in changed] == ["job-0002"]
    # It was not taken over whole: the same list, asked for after the answer, is looked at again.
    changed = await store.apply_list(old, now + 3_600, nothing_reserved, None)
    assert [(record.key, record.status) for record in changed] == [("job-0001", "IN_PROGRESS")]
    assert await store.apply_list(old, now + 3_600, nothing_reserved, None) == []


async def test_a_job_that_may_be_ours_is_left_out_until_that_is_known(store: JobStore, tmp_path: Path) -> None:
    submission = await submit(store, tmp_path / "in.jsonl")
    jobs, later = [job(1)], asyncio.get_running_loop().time() + 3_600
    assert await store.apply_list(jobs, later, lambda _: True, None) == []
    assert await store.submissions.claim(submission.id) == submission
    await store.submissions.save(replace(submission, state=SubmissionState.REJECTED), [SubmissionState.INTENT])
    assert [record.key for record in await store.apply_list(jobs, later, nothing_reserved, None)] == ["job-0001"]


async def test_only_what_asks_for_attention_can_be_acknowledged_and_that_is_taken_back(
    store: JobStore, events: list[Event]
) -> None:
    await list_jobs(store, job(1, "FAILED"), job(2, "FAILED"), job(3), job(4, "IN_PROGRESS"))
    keys = [job(number).id for number in (1, 3, 4)]
    events.clear()
    assert await store.acknowledge([*keys, "nobody"], undo=False) == 1
    assert announced(events) == [(["job-0001"], ())]
    assert {record.key: record.rank for record in store.records} == {
        "job-0001": Rank.DONE,
        "job-0002": Rank.ATTENTION,
        "job-0003": Rank.DONE,
        "job-0004": Rank.ACTIVE,
    }
    assert await store.acknowledge(keys, undo=False) == 0 and not events
    assert await store.acknowledge([*keys, job(2).id], undo=True) == 1
    first = store.record("job-0001")
    assert first is not None and (first.rank, first.acknowledged) == (Rank.ATTENTION, "")


async def test_what_a_person_writes_is_saved_and_announced(store: JobStore, events: list[Event]) -> None:
    await list_jobs(store, job(1), job(2))
    events.clear()
    await store.annotate("job-0001", "march", "mine")
    await store.judge_by("job-0001", '{"type": "object"}')
    await store.annotate("nobody", "march", "mine")
    await store.judge_by("nobody", "{}")
    assert announced(events) == [(["job-0001"], ()), (["job-0001"], ())]
    record = store.record("job-0001")
    assert record is not None
    assert (record.label, record.note, record.answer_schema) == ("march", "mine", '{"type": "object"}')
    assert await store.records_of(["job-0002", "nobody", "job-0001"]) == [store.record("job-0002"), record]
    assert await store.read_record("job-0001") == record and await store.read_record("nobody") is None
    assert await store.remove(["job-0001", "nobody"]) == 1
    assert announced(events) == [([], ("job-0001",))] and store.record("job-0001") is None
    assert await store.remove(["job-0001"]) == 0 and not events


async def test_what_another_app_wrote_is_announced_where_it_is_different(store: JobStore, events: list[Event]) -> None:
    await list_jobs(store, job(1), job(2), job(3, "IN_PROGRESS"))
    before = await store.data_version()
    events.clear()
    with closing(Journal(store._thread.journal.database.path)) as other:
        other.records.annotate(1, "job-0001", "theirs", "")
        other.records.remove(1, ["job-0002"], NOW)
        other.jobs.apply(1, [job(3)], NOW, nothing_reserved)
    assert await store.data_version() != before
    await store.reload_from_disk()
    assert [event.records[0].key for event in events if isinstance(event, JobsEnded)] == ["job-0003"]
    [(changed, removed)] = announced(events)
    assert (sorted(changed), removed) == (["job-0001", "job-0003"], ("job-0002",))
    assert {record.key: record.label for record in store.records} == {"job-0001": "theirs", "job-0003": ""}
    # What the other app has written is not written over by a list that shows it as this one knew it.
    assert await list_jobs(store, job(1), job(3)) == []


async def test_records_of_opened_files_are_found_and_in_no_list(store: JobStore, events: list[Event]) -> None:
    record = JobRecord("file:1", input_name="out.jsonl")
    store.opened.put(record)
    assert store.record("file:1") == record and list(store.records) == []
    assert await store.family("file:1") == [FamilyMember(record, 1)]
    await store.judge_by("file:1", "{}")
    assert store.record("file:1") == replace(record, answer_schema="{}")
    assert not events and store.record("file:2") is None and await store.family("file:2") == []
    await list_jobs(store, job(1))
    assert [(member.record.key, member.generation) for member in await store.family(job(1).id)] == [("job-0001", 1)]


async def test_a_list_that_shows_a_new_job_as_its_create_did_says_nothing_new(
    store: JobStore, tmp_path: Path, events: list[Event]
) -> None:
    await list_jobs(store, job(1))
    submission = await submit(store, tmp_path / "in.jsonl")
    await store.submissions.attach_job(submission, job(2, "VALIDATING"), None)
    events.clear()
    later = asyncio.get_running_loop().time() + 1
    assert await store.apply_list([job(1), job(2, "VALIDATING")], later, nothing_reserved, None) == [] and not events


async def test_a_waiter_follows_a_submission_that_takes_its_jobs_id(store: JobStore, tmp_path: Path) -> None:
    submission = await submit(store, tmp_path / "in.jsonl")
    key = f"submission:{submission.id}"
    waiting = asyncio.create_task(store.wait_until(key, lambda record: record.job is not None))
    await asyncio.sleep(0)
    await store.submissions.attach_job(submission, job(1), None)
    record = await waiting
    assert record.key == job(1).id and store.record(key) == record
    assert store.record("submission:99") is None and store.record("submission:x") is None


async def test_files_are_wanted_until_they_are_saved_and_names_belong_to_one_job(
    store: JobStore, tmp_path: Path, events: list[Event]
) -> None:
    path = tmp_path / "in.jsonl"
    first = await run(store, path, 1, output_file_id="out-1", error_file_id="err-1")
    pending = await store.pending_transfers()
    assert {(key, transfer.file_id) for key, transfer in pending} == {(first.key, "out-1"), (first.key, "err-1")}
    assert first.output is not None and first.errors is not None and first.output.folder == tmp_path / "out"
    events.clear()
    name = tmp_path / "out" / "in-job.output.jsonl"
    done = replace(first.output, state=TransferState.FETCHED, path=name, rows=2)
    assert await store.save_transfer(first.key, done) == store.record(first.key)
    assert announced(events) == [([first.key], ())]
    assert await store.save_transfer("nobody", done) is None and not events
    failed = replace(first.errors, state=TransferState.FAILED, message="no")
    await store.save_transfer(first.key, failed)
    assert await store.pending_transfers() == [(first.key, failed)]
    assert await store.downloaded_jobs() == [first.key]
    assert await store.path_is_free(name, first.key, "in") and not await store.path_is_free(name, "job-0002", "in")
    other = tmp_path / "out" / "other.output.jsonl"
    assert await store.path_is_free(other, first.key, "in")
    await list_jobs(store, replace(job(1), id="job-0001-b"))  # begins with the same 8 characters
    assert await store.path_is_free(other, first.key, "in"), "its input has another name"
    assert not await store.path_is_free(other, "job-0001-b", "in") and await store.path_is_free(other, "job-0002", "in")
    assert await store.path_is_free(other, "job-0001-b", "else")


async def test_counts_are_saved_for_jobs_of_the_history_only(store: JobStore, events: list[Event]) -> None:
    await list_jobs(store, job(1))
    events.clear()
    counts = JobCounts(requests=3, answered=2, errors=1, missing=0, stamps="1")
    await store.save_counts(job(1).id, counts)
    await store.save_counts("nobody", counts)
    record = store.record(job(1).id)
    assert record is not None and (record.counts, record.rank) == (counts, Rank.ATTENTION)
    assert announced(events) == [([job(1).id], ())]


async def test_inputs_are_named_and_announced(store: JobStore, events: list[Event]) -> None:
    await list_jobs(store, job(1), job(2))
    events.clear()
    assert await store.unnamed_inputs() == {"file-1", "file-2"}
    await store.name_inputs({"file-2": "b.jsonl"})
    assert announced(events) == [(["job-0002"], ())] and await store.unnamed_inputs() == {"file-1"}
    assert [record.key for record in await store.records_on_file("file-2")] == ["job-0002"]


async def test_the_same_bytes_and_where_they_went_are_known(store: JobStore, tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    first = await run(store, path, 1)
    second = await submit(store, tmp_path / "copy.jsonl")
    other = await submit(store, tmp_path / "other.jsonl", "1" * 64)
    runs = await store.earlier_runs("0" * 64, Endpoint.CHAT)
    assert {record.key for record in runs} == {first.key, f"submission:{second.id}"}
    assert await store.earlier_runs("0" * 64, Endpoint.TRANSCRIPTION) == []
    assert set(await store.recents(9)) == {path, other.path, second.path} and len(await store.recents(2)) == 2
    assert second.output_dir == tmp_path / "out"
    assert await store.submissions.claimed_jobs() == {first.key}
    assert [each.id for each in await store.submissions.open()] == [second.id, other.id]
    await store.submissions.claim(second.id)
    uploaded = replace(second, state=SubmissionState.UPLOADED, file_id="file-1")
    await store.submissions.save(uploaded, [SubmissionState.INTENT])
    assert await store.submissions.jobs_on(uploaded) == {first.key}
    assert await store.submissions.jobs_on(replace(uploaded, file_id="file-2")) == set()
    assert await store.submissions.repeated() == []
    again = replace(uploaded, create_sent_at=NOW, repeated_at=NOW + 1)
    await store.submissions.save(again, [SubmissionState.UPLOADED])
    assert await store.submissions.repeated() == [again]
    await list_jobs(store, job(5, "IN_PROGRESS"), job(-400_000, "IN_PROGRESS"), job(6))
    assert await store.submissions.unended_jobs() == {"job-0005"}, "the older one must have ended"


async def test_a_job_of_the_list_becomes_one_that_was_submitted_here(
    store: JobStore, tmp_path: Path, events: list[Event]
) -> None:
    await list_jobs(store, job(1, endpoint=Endpoint.CHAT, output_file_id="out-1"))
    await store.annotate(job(1).id, "march", "mine")
    events.clear()
    made = job(1, endpoint=Endpoint.CHAT, output_file_id="out-1")
    await store.submissions.add_run(made, tmp_path / "in.jsonl", Fingerprint(10, "0" * 64, 1), 7)
    assert announced(events) == [([job(1).id], ())]
    record = store.record(job(1).id)
    assert record is not None and record.submission is not None
    assert (record.label, record.note, record.requests, record.name) == ("march", "mine", 7, "march")
    assert (record.submission.file_id, record.submission.sha256, record.submission.created_at) == (
        "file-1",
        "0" * 64,
        NOW + 1,
    )
    assert [(key, transfer.folder) for key, transfer in await store.pending_transfers()] == [
        (job(1).id, tmp_path / "out")
    ]


async def test_what_a_retry_belongs_to_and_was_made_by_is_known_by_its_bytes(store: JobStore, tmp_path: Path) -> None:
    path, retry = tmp_path / "in.jsonl", tmp_path / "in.retry1.jsonl"
    first = await run(store, path, 1, "a" * 64)
    await store.note_recipe("a" * 64, "recipe", tmp_path / "r.toml")
    await store.add_retry(retry, "b" * 64, first.key)
    found = await store.recipe("b" * 64)
    assert found is not None and (found.text, found.path) == ("recipe", tmp_path / "r.toml")
    assert await store.inherit_recipe("b" * 64, "c" * 64) and not await store.inherit_recipe("x", "y")
    assert set(await store.recipe_texts()) == {"a" * 64, "b" * 64, "c" * 64} and await store.recipe("x") is None
    assert await store.retry_paths(tmp_path / "any") == {path, retry}
    assert await store.retry_paths(tmp_path / "below" / "any") == set()
    again = await run(store, retry, 2, "b" * 64)
    assert [member.record.key for member in await store.family(first.key)] == [first.key, again.key]
    assert (await store.ledger.read()).retries == {again.key}
    await store.remove([again.key])
    assert {record.key for record in (await store.ledger.read()).records} == {first.key, again.key}


async def test_small_values_are_remembered_for_all_accounts(store: JobStore) -> None:
    assert await store.recall("theme") is None
    await store.remember("theme", "dark")
    await store.remember("theme", "light")
    assert await store.recall("theme") == "light" == store.first_memory("theme")


def tried(line: str, sent_at: float, cost: float | None, most: float | None) -> TriedRequest:
    return TriedRequest(line, Endpoint.CHAT, "{}", sent_at, cost=cost, most=most)


async def test_tries_are_known_by_line_and_by_time_and_summed_as_far_as_they_are_known(store: JobStore) -> None:
    given = [
        tried("a", NOW, 0.5, 1.0),
        tried("a", NOW + 1, None, 2.0),
        tried("b", NOW + 2, 0.25, None),
        tried("a", NOW + 3, None, None),
    ]
    added = [await store.tries.add(each) for each in given]
    assert [each.id for each in added] == [1, 2, 3, 4] and await store.tries.tries_since(NOW) == added
    assert await store.tries.of_line("a", 2) == [added[3], added[1]]
    assert await store.tries.tries_since(NOW + 1, NOW + 3) == added[1:3]
    assert await store.tries.spent_since(NOW, NOW + 3) == TrySpending(0.75, 3, 1, 2.0)
    assert await store.tries.spent_since(NOW + 1) == TrySpending(0.25, 3, 2, None), "one of them has no bound"
    assert await store.tries.spent_since(NOW + 9) == TrySpending(0.0, 0, 0, 0.0)
    whole = replace(added[1], outcome="ok", answer="yes", response="{}", prompt_tokens=3, seconds=0.5, cost=1.5)
    await store.tries.finish(whole)
    await store.tries.remove(added[0])
    assert await store.tries.of_line("a", 9) == [added[3], whole]
    assert [cost.usd for cost in (await store.ledger.read()).tries] == [1.5, 0.25, None]


async def test_the_person_is_told_once_that_nothing_can_be_written_and_once_that_it_can(
    store: JobStore, events: list[Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []

    async def wait(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 7:
            other.execute("ROLLBACK")

    loop = SimpleNamespace(get_running_loop=asyncio.get_running_loop, sleep=wait)
    monkeypatch.setattr(journal_thread, "asyncio", loop)
    database = store._thread.journal.database
    database.execute("PRAGMA busy_timeout = 1")
    with closing(sqlite3.connect(database.path, isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN IMMEDIATE")
        await store.apply_answer(job(1), None)
        assert waits == [0.5, 1, 2, 4, 8, 15, 15]
        refused, changed, mended = events
        assert isinstance(refused, Notice) and isinstance(changed, Notice) and isinstance(mended, RecordsChanged)
        assert refused.severity == "error" and "database is locked" in refused.title and refused.hint
        assert changed == Notice("The history can be written again", "Everything continues.")
        await store.apply_answer(job(2), None)
    assert len(events) == 4 and len(waits) == 7


async def test_reading_says_nothing_about_whether_the_history_can_be_written(
    store: JobStore, events: list[Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_thread, "_FIRST_WAIT", 0.01)
    database = store._thread.journal.database
    database.execute("PRAGMA busy_timeout = 1")
    with closing(sqlite3.connect(database.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        writing = asyncio.create_task(store.apply_answer(job(1), None))
        await until(lambda: events)
        assert await store.pending_transfers() == [] and len(events) == 1
        with pytest.raises(JournalError, match="database is locked"):
            await store.annotate("job-0001", "", "")
        other.execute("ROLLBACK")
        await writing
    assert [event.title for event in events if isinstance(event, Notice)][1:] == ["The history can be written again"]


async def test_a_merge_keeps_what_was_known_of_the_bare_key(tmp_path: Path, store: JobStore) -> None:
    """What was submitted, wanted, counted, tried and retried before the server said whose key it is."""
    with closing(Journal(store._thread.journal.database.path)) as other:
        named = other.accounts.confirm(SERVER, "1111", "org-1", None, "Acme", NOW).id
        other.jobs.apply(named, [job(1), job(9)], NOW, nothing_reserved)
    bare = store.account_id
    retry = tmp_path / "in.retry1.jsonl"
    first = await run(store, tmp_path / "in.jsonl", 1, "a" * 64, output_file_id="out-1")
    await store.add_retry(retry, "b" * 64, first.key)
    await store.save_counts(first.key, JobCounts(requests=3, answered=3, errors=0, missing=0, stamps="1"))
    await store.tries.add(tried("a", NOW, 0.5, 1.0))
    group = NewGroup(tmp_path / "big.jsonl", 2, "2" * 64, Endpoint.CHAT, "", 2, first=1, auto_continue=False)
    parts = [PartFile(tmp_path / f"{number}.jsonl", 1, str(number) * 64, 1) for number in (3, 4)]
    await store.groups.add(group, parts, None)
    before = {record.key: record for record in store.records}
    assert len(before) == 3
    await store.switch_account("org-1", None, "Acme", lambda _: True)
    assert store.account_id == named != bare and store.account.title == "Acme" and await store.knows_key()
    after = {record.key: record for record in store.records}
    assert after.keys() == {*before, "job-0009"} and {key: after[key] for key in before} == before
    assert [key for key, _ in await store.pending_transfers()] == [first.key]
    assert (await store.tries.spent_since(NOW)).usd == 0.5
    assert [record.submission.part for record in await store.groups.waiting_parts() if record.submission] == [1, 2]
    again = await submit(store, retry, "b" * 64)
    assert again.parent == first.key, "the file is known as a retry of that job"
    assert [member.generation for member in await store.family(first.key)] == [1, 2]
    assert (await store.history(first)).points


async def test_recordings_may_be_read_by_the_audio_jobs_of_all_accounts(store: JobStore) -> None:
    audio, other = (endpoint for endpoint in Endpoint if endpoint.is_audio)
    await list_jobs(store, job(1, endpoint=audio), job(2, endpoint=Endpoint.CHAT), job(3, endpoint=other))
    await store.switch_account("org-1", None, "", lambda _: True)
    with closing(Journal(store._thread.journal.database.path)) as elsewhere:
        account = elsewhere.accounts.confirm("https://y", "1111", "org-2", None, "", NOW).id
        elsewhere.jobs.apply(account, [job(4, endpoint=audio)], NOW, nothing_reserved)
    families = await store.recordings.families()
    assert sorted([member.record.key for member in family] for family in families) == [
        ["job-0001"],
        ["job-0003"],
        ["job-0004"],
    ]


async def test_uploads_to_a_store_are_known_by_its_server_and_prefix_until_they_are_deleted(store: JobStore) -> None:
    noted = store._thread.journal.recording_uploads
    own = [("", f"s3://b/{name}") for name in ("in/1", "in/2", "into/3")]
    for endpoint, address in (*own, ("https://e", "s3://b/in/1")):
        noted.add(endpoint, address, len(endpoint) + 1, NOW)
    assert await store.recordings.sizes("", "s3://b/in") == {"s3://b/in/1": 1, "s3://b/in/2": 1}
    assert await store.recordings.sizes("https://e", "s3://b/in") == {"s3://b/in/1": 10}
    await store.recordings.forget("", iter(["s3://b/in/1", "s3://b/in/9"]))
    assert await store.recordings.sizes("", "s3://b/in") == {"s3://b/in/2": 1}
    assert await store.recordings.sizes("https://e", "s3://b/in") == {"s3://b/in/1": 10}
