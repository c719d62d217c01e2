"""Files that were submitted as several jobs: what is sent when, what is held, and which bytes ran."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tbatch_tui.engine.domain.already_submitted import AlreadySubmittedError
from tbatch_tui.engine.domain.submission import GroupFile, NewGroup, PartFile, SubmissionState
from tbatch_tui.engine.endpoint import Endpoint
from tbatch_tui.engine.journal.tables.submissions import JobClaimedError, SubmissionLostError
from tbatch_tui.engine.local_files.fingerprint import Fingerprint
from tests.engine.journal.test_journal import NOW, all_have_room, job
from tests.engine.journal.test_store import announced, events, list_jobs, run, store, submit

if TYPE_CHECKING:
    from tbatch_tui.engine.domain.record import JobRecord
    from tbatch_tui.engine.events import Event
    from tbatch_tui.engine.journal.store import JobStore

__all__ = ["events", "store"]  # fixtures
WHOLE = Path("/in/all.jsonl")
PARTS = tuple(PartFile(Path(f"/in/part{number}.jsonl"), number, f"{number}" * 64, 1) for number in (1, 2, 3, 4))
INTENT, WAITING, READY = SubmissionState.INTENT, SubmissionState.WAITING, SubmissionState.READY
STOPPED = SubmissionState.STOPPED


def group(**more: Any) -> NewGroup:
    return NewGroup(WHOLE, 60, "f" * 64, Endpoint.CHAT, "all", 4, **{"first": 0, "auto_continue": False} | more)


async def states(store: JobStore, group_id: int = 1) -> list[SubmissionState]:
    return [record.submission.state for record in await store.groups.parts(group_id) if record.submission]


def keys(records: list[JobRecord]) -> list[str]:
    return [record.key for record in records]


@pytest.mark.parametrize(
    ("more", "sent"), [({}, 4), ({"first": 1}, 1), ({"stages": (2, 3)}, 2), ({"stages": (3,), "at_once": 2}, 2)]
)
async def test_what_goes_at_once_and_what_waits(store: JobStore, more: dict[str, Any], sent: int) -> None:
    added = await store.groups.add(group(**more), PARTS, None)
    assert await states(store) == [INTENT] * sent + [WAITING] * (4 - sent)
    assert keys(await store.groups.waiting_parts()) == (keys(added) if sent < 4 else [])
    assert [each.part for each in await store.submissions.open()] == list(range(1, sent + 1))


async def test_parts_are_released_by_state_and_number_and_by_nobody_while_held(
    store: JobStore, events: list[Event]
) -> None:
    added = keys(await store.groups.add(group(first=1), PARTS, None))
    other = keys(await store.groups.add(group(first=1), PARTS, None))
    events.clear()
    held = await store.groups.hold(1)
    assert keys(held) == added and all(record.group and record.group.is_held for record in held)
    assert await states(store) == [WAITING] * 4, "also what was on its way, and for which no create was sent"
    assert announced(events) == [(added, ())]
    assert await store.groups.release(1, INTENT, error=None, only=(WAITING,)) == [] and not events
    ready = await store.groups.release(1, READY, error=None, only=(WAITING,), numbers=(2, 4))
    assert keys(ready) == [added[1], added[3]] and announced(events) == [([added[1], added[3]], ())]
    assert await states(store) == [WAITING, READY, WAITING, READY]
    await store.groups.let_go(1)
    assert await states(store) == [WAITING] * 4 and announced(events)[-1] == (added, ())
    freed = await store.groups.release(1, INTENT, error=None, only=(WAITING,), numbers=(1, 2, 4))
    assert keys(freed) == [added[0], added[1], added[3]]
    assert not any(record.group and record.group.is_held for record in freed)
    stopped = await store.groups.release(1, STOPPED, error="not wanted", only=(WAITING,))
    assert [(r.key, r.submission.error) for r in stopped if r.submission] == [(added[2], "not wanted")]
    assert await states(store) == [INTENT, INTENT, STOPPED, INTENT]
    assert (
        await states(store, 2) == [INTENT, WAITING, WAITING, WAITING]
        and keys(await store.groups.waiting_parts()) == other
    )
    points = (await store.history(stopped[0])).points
    assert [(point.at, point.status) for point in points] == [
        (NOW, "submission waiting"),
        (NOW, "submission stopped"),
    ]


async def test_a_create_that_was_refused_is_not_repeated_while_its_group_is_on_hold(store: JobStore) -> None:
    """It was on its way when the person paused the group, and the server asked for patience."""
    await store.groups.add(group(), PARTS, None)
    part = await store.submissions.claim(1)
    assert part is not None
    sent = replace(part, state=SubmissionState.CREATING, create_sent_at=NOW, file_id="file-1")
    await store.submissions.save(sent, [INTENT])
    assert await states(store) == [SubmissionState.CREATING, INTENT, INTENT, INTENT]
    await store.groups.hold(1)
    refused = replace(sent, state=SubmissionState.UPLOADED, create_sent_at=None)
    await store.submissions.save(refused, [SubmissionState.CREATING])
    with pytest.raises(SubmissionLostError):
        await store.submissions.save(sent, [SubmissionState.UPLOADED])
    assert await states(store) == [WAITING] * 4
    [first, *_] = await store.groups.parts(1)
    assert not first.submission or not first.submission.may_have_been_created
    assert store.record(first.key) == first, "that is announced"


async def test_nothing_is_held_where_every_part_was_sent(store: JobStore) -> None:
    await store.groups.add(group(), PARTS, None)
    for part in await store.groups.parts(1):
        assert part.submission is not None
        sent = replace(part.submission, state=SubmissionState.CREATING, create_sent_at=NOW)
        store._thread.journal.submissions.update(store.account_id, sent)
    parts = await store.groups.hold(1)
    assert not any(part.is_waiting or (part.group and part.group.is_held) for part in parts)


async def test_a_part_whose_create_may_be_out_is_not_moved(store: JobStore) -> None:
    await store.groups.add(group(first=1), PARTS, None)
    journal = store._thread.journal
    [_, second, *_] = await store.groups.parts(1)
    assert second.submission is not None
    journal.submissions.update(store.account_id, replace(second.submission, create_sent_at=NOW))
    moved = await store.groups.release(1, STOPPED, error="no", only=(WAITING,))
    assert [record.submission.part for record in moved if record.submission] == [3, 4]


async def test_the_person_lets_all_that_waits_be_sent_once(store: JobStore) -> None:
    added = keys(await store.groups.add(group(stages=(1, 2)), PARTS, None))
    await store.groups.hold(1)
    await store.groups.release(1, READY, error=None, only=(WAITING,), numbers=(2,))
    waiting = await store.groups.approve(1)
    assert keys(waiting) == added and await states(store) == [WAITING] * 4
    assert all(record.group and not record.group.is_held and record.group.approved > 3 for record in waiting)
    assert await store.groups.approve(1) == [], "there is nothing left to decide"
    await store.groups.hold(1)
    assert keys(await store.groups.approve(1)) == added
    assert await store.groups.approve(9) == []


async def test_jobs_of_the_list_become_the_parts_of_a_file(store: JobStore, events: list[Event]) -> None:
    jobs = [job(number, endpoint=Endpoint.CHAT) for number in (1, 2)]
    await list_jobs(store, *jobs)
    await store.annotate(jobs[0].id, "march", "")
    events.clear()
    await store.groups.add_runs(group(), list(zip(PARTS, jobs, strict=False)))
    assert announced(events) == [(["job-0001", "job-0002"], ())]
    records = await store.groups.parts(1)
    assert [(record.key, record.label, record.part_words) for record in records] == [
        ("job-0001", "march", "1 of 2"),
        ("job-0002", "", "2 of 2"),
    ]
    submissions = [record.submission for record in records if record.submission is not None]
    for submission, part, each in zip(submissions, PARTS, jobs, strict=False):
        assert (submission.path, submission.sha256, submission.size) == (part.path, part.sha256, part.size)
        assert (submission.parent, submission.file_id, submission.job_id) == ("group:1", each.input_file_id, each.id)
        assert submission.output_dir == store.submissions._output_dir
    assert keys(await store.earlier_runs("f" * 64, Endpoint.CHAT)) == ["job-0001"], "of the whole file, the first part"
    with pytest.raises(JobClaimedError):
        await store.groups.add_runs(group(), [(PARTS[2], jobs[1])])
    assert await store.groups.parts(2) == [], "all or none"


async def test_bytes_that_ran_are_asked_about_wherever_they_are(store: JobStore, tmp_path: Path) -> None:
    await run(store, tmp_path / "in.jsonl", 1, "f" * 64)
    runs = await store.earlier_runs("f" * 64, Endpoint.CHAT)
    with pytest.raises(AlreadySubmittedError) as error:
        await store.groups.add(group(), PARTS, [])
    assert error.value.path == WHOLE and error.value.earlier == tuple(runs)
    assert await store.groups.parts(1) == [], "nothing was saved"
    assert len(await store.groups.add(group(), PARTS, runs)) == 4
    with pytest.raises(AlreadySubmittedError):
        await submit_knowing(store, tmp_path / "b.jsonl", "1" * 64, [])
    await submit_knowing(store, tmp_path / "b.jsonl", "1" * 64, [], Endpoint.TRANSCRIPTION)
    seen = await store.earlier_runs("1" * 64, Endpoint.CHAT)
    assert len(seen) == 1, "the part"
    await submit_knowing(store, tmp_path / "b.jsonl", "1" * 64, seen)


async def submit_knowing(
    store: JobStore, path: Path, sha256: str, known: list[JobRecord], endpoint: Endpoint = Endpoint.CHAT
) -> None:
    await store.submissions.add(path, Fingerprint(1, sha256, 1), endpoint, known, label="", requests=1, estimate=None)


async def test_each_file_of_a_joined_group_ran_if_a_part_with_its_lines_did(store: JobStore) -> None:
    files = tuple(GroupFile(Path(f"/in/{name}.jsonl"), 1, name * 64, 2) for name in "ab")
    added = await store.groups.add(group(files=files), PARTS, None)
    assert set(await store.recents(9)) == {file.path for file in files}
    assert keys(await store.earlier_runs("a" * 64, Endpoint.CHAT)) == keys(added)[:1]
    assert keys(await store.earlier_runs("b" * 64, Endpoint.CHAT)) == keys(added)[2:3]
    for name in "ab":
        with pytest.raises(AlreadySubmittedError):
            await submit_knowing(store, Path("/in/x"), name * 64, [])
    # Sent at first are requests from all over the files.
    mixed = tuple(file._replace(sha256=file.sha256[0].upper() * 64) for file in files)
    first = await store.groups.add(group(files=mixed, first=1), PARTS, None)
    for name in "AB":
        assert keys(await store.earlier_runs(name * 64, Endpoint.CHAT)) == keys(first)[:1]


async def test_what_is_sent_again_is_asked_about_where_the_same_bytes_ran_elsewhere(
    store: JobStore, events: list[Event]
) -> None:
    added = await store.groups.add(group(first=1), PARTS, None)
    stopped = keys(await store.groups.release(1, STOPPED, error="no", only=(WAITING,)))
    paths = {key: Path(f"/again/{number}") for number, key in enumerate(stopped)}
    elsewhere = await run(store, Path("/in/copy.jsonl"), 1, "3" * 64)
    [third] = [record for record in await store.groups.parts(1) if record.key == stopped[1]]
    assert await store.groups.runs_elsewhere(third) == [elsewhere], "its own group does not count"
    with pytest.raises(AlreadySubmittedError) as error:
        await store.groups.send_again(paths, [], all_have_room)
    assert error.value.path == WHOLE and await states(store) == [INTENT, STOPPED, STOPPED, STOPPED], "all or none"
    events.clear()
    sent = await store.groups.send_again(paths, [elsewhere], all_have_room)
    assert keys(sent) == stopped and announced(events)[0][0] == stopped
    assert [record.submission.path for record in sent if record.submission] == list(paths.values())
    assert added[0].key not in stopped
    assert await store.groups.paths() and set(await store.groups.paths()) == {WHOLE, PARTS[0].path, *paths.values()}


async def test_a_recipe_goes_to_the_parts(store: JobStore) -> None:
    await store.note_recipe("f" * 64, "recipe", Path("/r.toml"))
    await store.groups.add(group(), PARTS, None)
    assert set(await store.recipe_texts()) == {"f" * 64, *(part.sha256 for part in PARTS)}


async def test_a_retry_of_a_group_is_one_whose_file_is_a_retry(store: JobStore, tmp_path: Path) -> None:
    """The parts of any other file ask nothing again, though each has the group for its parent."""
    first = await run(store, tmp_path / "in.jsonl", 1)
    await store.add_retry(WHOLE, "f" * 64, first.key)
    retries = keys(await store.groups.add(group(), PARTS[:2], None))
    other = group()._replace(path=Path("/in/other.jsonl"), sha256="e" * 64)
    await store.groups.add(other, PARTS[2:], None)
    assert (await store.ledger.read()).retries == set(retries)


async def test_a_job_is_attached_by_the_app_that_works_on_the_submission(store: JobStore, tmp_path: Path) -> None:
    submission = await submit(store, tmp_path / "in.jsonl")
    with pytest.raises(SubmissionLostError):
        await store.submissions.attach_job(submission, job(1), [INTENT])
    assert await store.submissions.claim(submission.id) == submission
    with pytest.raises(SubmissionLostError):
        await store.submissions.attach_job(submission, job(1), [SubmissionState.UPLOADED])
    await store.submissions.attach_job(submission, job(1), [INTENT])
    assert store.record(job(1).id) is not None
    assert await store.submissions.claim(submission.id) is None
