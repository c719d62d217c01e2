"""Whatever is stored comes back: each field of a submission, a job, its counts, its files, its group and its cost."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING

from tbatch_tui.engine.domain.cost import Estimate
from tbatch_tui.engine.domain.counts import JobCounts, ModelUsage
from tbatch_tui.engine.domain.job import FileKind, Job
from tbatch_tui.engine.domain.submission import (
    FileSlice,
    Gate,
    JobGroup,
    NewGroup,
    PartFile,
    Pause,
    Submission,
    SubmissionState,
)
from tbatch_tui.engine.domain.transfer import Transfer, TransferState
from tbatch_tui.engine.domain.tried import TriedRequest
from tbatch_tui.engine.endpoint import Endpoint
from tests.engine.journal.test_journal import NOW, account, job, journal, nothing_reserved

if TYPE_CHECKING:
    from tbatch_tui.engine.journal.journal import Journal

__all__ = ["account", "journal"]  # fixtures

JOB = Job(
    "job-0001",
    "COMPLETED",
    progress=99.5,
    model="a model",
    endpoint=Endpoint.CHAT,
    input_file_id="in-1",
    file_size=70,
    created_at=NOW + 1,
    completed_at=NOW + 2,
    deadline=NOW + 3,
    output_file_id="out-1",
    error_file_id="err-1",
    error="said",
)
ESTIMATE = Estimate(1.0, 2.0, 3, 4, 5, 0.5, ("m", "n"), (50.0, 10.0), True, NOW, 6.0, True, 7.0, 8)
ODD = Path("/in/\udcff odd\nname.jsonl")


def assert_nothing_is_a_default(value: object) -> None:
    """Make sure that a test which compares these values would notice each field that is lost."""
    if isinstance(value, ModelUsage):
        assert all(getattr(value, name) != default for name, default in value._field_defaults.items())
        return
    for field in fields(value):  # type: ignore[arg-type]
        assert getattr(value, field.name) != field.default, field.name


def test_a_submission_comes_back_with_all_that_is_known_of_it(journal: Journal, account: int) -> None:
    [first, _] = add_group(journal, account)
    known = replace(
        first,
        state=SubmissionState.UNCERTAIN,
        file_id="file-1",
        known_ids=("a", "b"),
        job_id="job-x",
        error="an error",
        hint="a hint",
        warning="a warning",
        uncertain_since=NOW + 1,
        create_sent_at=NOW + 2,
        create_sent_server_at=NOW + 3,
        repeated_at=NOW + 4,
        redirected_to="https://elsewhere",
        pause=Pause.TOKENS,
    )
    assert_nothing_is_a_default(known)
    record = journal.submissions.update(account, known)
    assert record.submission == known == journal.submissions.get(first.id)
    assert [r.submission for r in journal.records.all(account)][-1] == known
    assert journal.submissions.get(99) is None


GATES = (Gate(90.0, most_cost=0.25), Gate(asks=True), Gate(is_within_bound=True))


def add_group(journal: Journal, account: int) -> list[Submission]:
    group = NewGroup(
        ODD, 60, "f" * 64, Endpoint.TRANSCRIPTION, "label", 6, 0, auto_continue=True, name="a name",
        stages=(1, 2), gates=GATES, at_once=3,
    )  # fmt: skip
    slices = (FileSlice(ODD, 3, 10, 3),)
    parts = [
        PartFile(Path(f"/in/{number}.jsonl"), number, f"{number}" * 64, number, ESTIMATE, slices) for number in (1, 2)
    ]
    records = journal.groups.add(account, group, parts, now=NOW, output_dir=Path("/out"))
    return [record.submission for record in records if record.submission is not None]


def test_a_group_comes_back_with_what_was_asked_of_it_and_decided(journal: Journal, account: int) -> None:
    add_group(journal, account)
    journal.groups.hold(account, 1, NOW)
    [record, _] = journal.groups.parts(account, 1)
    expected = JobGroup(1, ODD, 60, "f" * 64, 6, 2, 0, True, "a name", True, (1, 2), GATES, 3, 0)
    assert record.group == expected
    assert record.submission is not None and record.submission.parent == expected.key == "group:1"
    journal.groups.approve(account, 1, NOW)
    [record, _] = journal.groups.parts(account, 1)
    assert record.group == replace(expected, is_held=False, approved=1_000_000)


def test_the_one_share_of_an_earlier_version_is_the_gate_of_all_stages(journal: Journal, account: int) -> None:
    add_group(journal, account)
    journal.database.execute("UPDATE groups SET share = 90, gates = ''")
    [record, _] = journal.groups.parts(account, 1)
    assert record.group is not None and record.group.gates == (Gate(90.0),)


def test_a_job_comes_back_as_the_server_listed_it(journal: Journal, account: int) -> None:
    assert_nothing_is_a_default(JOB)
    [record] = journal.jobs.apply(account, [JOB], NOW + 9, nothing_reserved)
    journal.database.forget_cache()
    assert record.job == JOB == journal.records.all(account)[0].job == journal.database.known_jobs(account)[JOB.id]
    assert (record.first_seen_at, record.created_at, record.submission, record.group) == (NOW + 9, NOW + 1, None, None)
    bare = Job("job-0002", "NEW")
    [record] = journal.jobs.apply(account, [bare], NOW + 9, nothing_reserved)
    assert record.job == bare and record.created_at == NOW + 9
    optional = [field.name for field in fields(JOB) if field.default is None]
    changed = replace(JOB, **dict.fromkeys(optional))  # type: ignore[arg-type]
    assert [r.job for r in journal.jobs.apply(account, [changed], NOW + 10, nothing_reserved)] == [changed]


def test_the_files_and_counts_of_a_job_come_back(journal: Journal, account: int) -> None:
    journal.jobs.apply(account, [JOB], NOW, nothing_reserved)
    files = [
        Transfer(kind, kind.name, TransferState.FETCHED, ODD, 1, 2, "a" * 64, '"etag"', 3, 4, "no", NOW + at, Path("/"))
        for at, kind in enumerate(FileKind)
    ]  # fmt: skip
    usage = (ModelUsage("m", 1, 2, 3, 4, 5, 6.5, 7, 8), ModelUsage("n", 9))
    counts = JobCounts(10, 6, 1, 3, 2, 4, 5, 6, False, 7, usage, "stamps", 12.5)
    for value in (*files, usage[0], counts):
        assert_nothing_is_a_default(value)
    for transfer in files:
        journal.transfers.save(account, JOB.id, transfer)
    assert journal.counts.save(account, JOB.id, counts) == journal.records.get(account, JOB.id)
    record = journal.records.get(account, JOB.id)
    assert record is not None and (record.output, record.errors, record.counts) == (*files, counts)
    assert [transfer for _, transfer in journal.transfers.in_states(account, TransferState.FETCHED)] == files
    assert journal.counts.save(account, "nobody", counts) is None


def test_what_another_version_wrote_otherwise_is_counted_and_estimated_again(journal: Journal, account: int) -> None:
    [first, _] = add_group(journal, account)
    assert first.estimate == ESTIMATE
    journal.jobs.apply(account, [JOB], NOW, nothing_reserved)
    counts = JobCounts(1, 1, 0, 0, stamps="s")
    for text in ("no json", "[[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]]", "7", "[7]"):
        journal.counts.save(account, JOB.id, counts)
        journal.database.execute("UPDATE tallies SET spent = ?", (text,))
        record = journal.records.get(account, JOB.id)
        assert record is not None and record.counts is None
    for text in ("no json", "[]", "7", "{}", '{"own": true, "new": 1}'):
        journal.database.execute("UPDATE submissions SET estimate = ?", (text,))
        found = journal.submissions.get(first.id)
        assert found is not None and found.estimate is None
    # An estimate of a version with fewer fields is one.
    journal.database.execute('UPDATE submissions SET estimate = \'{"own": true, "input": 2.5}\'')
    found = journal.submissions.get(first.id)
    assert found is not None and found.estimate == Estimate(input=2.5, is_custom=True)


def test_what_is_known_of_a_part_is_trusted_only_as_it_was_written(journal: Journal, account: int) -> None:
    journal.jobs.apply(account, [JOB], NOW, nothing_reserved)
    wanted = Transfer(FileKind.OUTPUT, "out-1", TransferState.WANTED)
    for text, synced, inode in (
        ('"e"\n5\n6', 5, 6),
        ('"e"\n5', 0, None),
        ('"e"\n5\nx', 0, None),
        ('"e"\nx\n6', 0, None),
    ):
        journal.transfers.save(account, JOB.id, wanted)
        journal.database.execute("UPDATE transfers SET etag = ?", (text,))
        [(_, found)] = journal.transfers.in_states(account, TransferState.WANTED)
        assert found == replace(wanted, etag='"e"', synced=synced, part_inode=inode)


def test_a_try_comes_back_with_what_became_of_it(journal: Journal, account: int) -> None:
    sent = TriedRequest("print", Endpoint.CHAT, "{}", NOW, "m", "c-1", ODD, 7, most=0.5)
    sent = replace(sent, id=journal.tries.add(account, sent))
    assert journal.tries.of_line(account, "print", 9) == [sent]
    ended = replace(
        sent, outcome="ok", answer="yes", response="{...}", reason="why", prompt_tokens=1, completion_tokens=2,
        audio_seconds=3.5, seconds=4.5, cost=0.25,
    )  # fmt: skip
    assert_nothing_is_a_default(ended)
    journal.tries.finish(ended)
    assert journal.tries.between(account, NOW, NOW + 1) == [ended] and journal.tries.between(account, 0, NOW) == []
    [cost] = journal.tries.costs_of_all(account)
    assert cost == ("m", Endpoint.CHAT, NOW, 0.25, 0.5) and journal.tries.costs_of_all(account + 1) == []
    without = replace(sent, path=None, id=journal.tries.add(account, replace(sent, path=None)))
    assert journal.tries.of_line(account, "print", 9) == [without, ended]


def test_a_name_that_is_no_unicode_is_shown_as_text(journal: Journal, account: int) -> None:
    record = journal.submissions.add(
        account, path=ODD, size=1, sha256="0" * 64, endpoint=Endpoint.CHAT, label="", requests=1, now=NOW
    )
    assert record.input_name == "\ufffd odd\nname.jsonl"
    assert record.submission is not None and record.submission.path == ODD and record.submission.output_dir is None
    attached = journal.submissions.attach_job(account, record.submission, job(1, "FAILED"), NOW)
    assert attached.input_name == record.input_name
