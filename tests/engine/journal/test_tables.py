"""The tables of the journal that tests of the engine use in passing: groups, recipes, names of inputs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from tbatch_tui.engine.domain.submission import NewGroup, PartFile, SubmissionState
from tbatch_tui.engine.endpoint import Endpoint
from tbatch_tui.engine.journal.tables.recipes import NotedRecipe
from tests.engine.journal.test_journal import NOW, account, all_have_room, job, journal, nothing_reserved, submit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tbatch_tui.engine.domain.record import JobRecord
    from tbatch_tui.engine.journal.journal import Journal

__all__ = ["account", "journal"]  # fixtures
PARTS = tuple(PartFile(Path(f"/in/part{number}.jsonl"), 10 * number, f"{number}" * 64, number) for number in (1, 2, 3))


def add_group(journal: Journal, account: int, first: int = 1) -> list[str]:
    group = NewGroup(Path("/in/all.jsonl"), 60, "f" * 64, Endpoint.CHAT, "all", 6, first=first, auto_continue=False)
    return [record.key for record in journal.groups.add(account, group, PARTS, now=NOW, output_dir=Path("/out"))]


def states(journal: Journal, account: int, group: int = 1) -> list[SubmissionState]:
    return [record.submission.state for record in journal.groups.parts(account, group) if record.submission]


def test_all_parts_of_a_file_are_saved_and_the_rest_waits(journal: Journal, account: int) -> None:
    keys = add_group(journal, account)
    records = journal.groups.parts(account, 1)
    assert [record.key for record in records] == keys
    for number, (record, part) in enumerate(zip(records, PARTS, strict=True), start=1):
        submission = record.submission
        assert submission is not None and (submission.part, submission.parent) == (number, "group:1")
        assert (submission.path, submission.size, submission.sha256) == (part.path, part.size, part.sha256)
        assert (submission.label, submission.requests, submission.endpoint) == ("all", number, Endpoint.CHAT)
        assert submission.output_dir == Path("/out")
    assert states(journal, account) == [SubmissionState.INTENT, SubmissionState.WAITING, SubmissionState.WAITING]
    assert journal.groups.waiting(account) == [1] and journal.groups.waiting(account + 1) == []
    assert sorted(journal.groups.part_paths()) == [Path("/in/all.jsonl"), *(part.path for part in PARTS)]
    assert journal.groups.parts(account + 1, 1) == journal.groups.parts(account, 2) == []
    add_group(journal, account, first=0)
    assert set(states(journal, account, 2)) == {SubmissionState.INTENT}
    assert journal.groups.waiting(account) == [1]


def test_what_waits_is_released_once(journal: Journal, account: int) -> None:
    keys = add_group(journal, account)
    released = journal.groups.release(account, 1, SubmissionState.READY, NOW + 1)
    assert [record.key for record in released] == keys[1:]
    assert all(record.submission and record.submission.state is SubmissionState.READY for record in released)
    assert states(journal, account) == [SubmissionState.INTENT, SubmissionState.READY, SubmissionState.READY]
    only = (SubmissionState.WAITING,)
    assert journal.groups.release(account, 1, SubmissionState.INTENT, NOW + 2, only=only) == []
    stopped = journal.groups.release(account, 1, SubmissionState.STOPPED, NOW + 3, error="not wanted")
    assert [(r.submission.error, r.submission.hint) for r in stopped if r.submission] == [("not wanted", None)] * 2
    assert journal.groups.release(account, 1, SubmissionState.INTENT, NOW + 4) == []
    assert journal.groups.waiting(account) == []


def test_of_two_files_at_once_the_second_sees_what_the_first_has_enqueued(journal: Journal, account: int) -> None:
    """Looked at before it is committed, two apps would fill the same room."""
    seen: list[int] = []

    def fits(out: Sequence[JobRecord]) -> bool:
        seen.append(len(out))
        return not out

    group = NewGroup(Path("/in/all.jsonl"), 60, "f" * 64, Endpoint.CHAT, "", 6, 0, auto_continue=True)
    for _ in range(2):
        journal.groups.add(account, group, PARTS, now=NOW, fits=fits)
    assert seen == [0, len(PARTS)]
    assert set(states(journal, account)) == {SubmissionState.INTENT}
    assert set(states(journal, account, 2)) == {SubmissionState.WAITING}


def test_parts_that_were_taken_out_of_the_list_are_still_parts(journal: Journal, account: int) -> None:
    keys = add_group(journal, account)
    journal.groups.release(account, 1, SubmissionState.STOPPED, NOW)
    assert journal.records.remove(account, keys[1:], NOW + 1) == keys[1:]
    assert [record.key for record in journal.groups.parts(account, 1)] == keys[:1]
    assert [record.key for record in journal.groups.parts(account, 1, even_removed=True)] == keys


def test_what_was_stopped_is_sent_again_once_and_is_in_the_list_again(journal: Journal, account: int) -> None:
    keys = add_group(journal, account)
    journal.groups.release(account, 1, SubmissionState.STOPPED, NOW, error="not wanted")
    journal.records.remove(account, keys[1:], NOW + 1)
    second = journal.submissions.get(2)
    assert second is not None
    tried = replace(second, file_id="file-old", known_ids=("a", "b"), hint="why")  # of the file that it had then
    journal.submissions.write(tried)
    paths = {key: Path(f"/again/{number}.jsonl") for number, key in enumerate(keys)}
    sent = journal.again.send(account, paths, (), NOW + 2, Path("/elsewhere"), all_have_room)
    assert [record.key for record in sent] == keys[1:], "the first was never stopped"
    for number, record in enumerate(sent, start=1):
        submission = record.submission
        assert submission is not None and submission.state is SubmissionState.INTENT
        assert (submission.error, submission.hint, submission.file_id, submission.known_ids) == (None, None, None, ())
        assert (submission.path, submission.output_dir) == (Path(f"/again/{number}.jsonl"), Path("/elsewhere"))
    assert [record.key for record in journal.groups.parts(account, 1)] == keys
    assert journal.again.send(account, paths, (), NOW + 3, Path("/elsewhere"), all_have_room) == []


def test_inputs_without_a_name_are_named_once(journal: Journal, account: int) -> None:
    jobs = [
        replace(job(number), input_file_id=name) for number, name in enumerate(("file-a", "file-a", "file-b", None), 1)
    ]
    journal.jobs.apply(account, jobs, NOW, nothing_reserved)
    assert journal.records.unnamed_inputs(account) == {"file-a", "file-b"}
    assert journal.records.unnamed_inputs(account + 1) == set()
    named = journal.records.name_inputs(account, {"file-a": "a.jsonl", "file-x": "x.jsonl"})
    assert {record.key: record.input_name for record in named} == {"job-0001": "a.jsonl", "job-0002": "a.jsonl"}
    assert "file-a" not in journal.records.unnamed_inputs(account)
    assert journal.records.name_inputs(account, {"file-a": "other.jsonl"}) == []


def test_a_recipe_belongs_to_bytes_and_goes_to_what_is_made_of_them(journal: Journal, account: int) -> None:
    recipes = journal.recipes
    assert recipes.get("a") is None and not recipes.inherit("a", "b") and recipes.texts() == {}
    recipes.note("a", "first", Path("/r/a.toml"))
    recipes.note("a", "second", Path("/r/b.toml"))
    assert recipes.get("a") == NotedRecipe("second", Path("/r/b.toml"))
    assert recipes.inherit("a", "b") and recipes.get("b") == recipes.get("a")
    recipes.note("c", "third", Path("/r/c.toml"))
    assert recipes.inherit("c", "b") and recipes.texts() == {"a": "second", "b": "second", "c": "third"}
    record = submit(journal, account)
    assert record.submission is not None
    assert not recipes.inherit_from_job(account, record.key, "d")
    recipes.note(record.submission.sha256, "fourth", Path("/r/d.toml"))
    assert not recipes.inherit_from_job(account + 1, record.key, "d")
    assert recipes.inherit_from_job(account, record.key, "d") and recipes.texts()["d"] == "fourth"
    add_group(journal, account)
    recipes.note("f" * 64, "fifth", Path("/r/f.toml"))
    assert recipes.inherit_from_job(account, "group:1", "e") and recipes.texts()["e"] == "fifth"
    assert not recipes.inherit_from_job(account, "group:9", "g")
    assert not recipes.inherit_from_job(account, "job-9", "g")
