"""Which jobs are shown, and in which order, while records change one by one."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tbatch_tui.engine.domain.account import ConnectionHealth, HealthState
from tbatch_tui.engine.domain.job import Job
from tbatch_tui.engine.domain.record import JobRecord, Rank
from tbatch_tui.engine.domain.submission import JobGroup, Submission
from tbatch_tui.engine.endpoint import Endpoint
from tbatch_tui.tui.screens.jobs.header import count_pieces
from tbatch_tui.tui.screens.jobs.listing.columns import empty_text
from tbatch_tui.tui.screens.jobs.listing.list_model import FILTERS, SORTS, JobListModel

NOW = 1_750_000_000.0


def record(number: int, label: str, status: str = "IN_PROGRESS") -> JobRecord:
    return JobRecord(f"job-{number}", job=Job(f"job-{number}", status, created_at=NOW + number), label=label)


def test_a_search_finds_the_new_name_and_not_the_old_one() -> None:
    model = JobListModel([record(1, "march"), record(2, "april")])
    model.text = "march"
    assert model.shown() == ["job-1"]
    model.text = ""
    model.put(record(1, "june"))
    for text, keys in ("march", []), ("june", ["job-1"]), ("april", ["job-2"]):
        model.text = text
        assert model.shown() == keys


def test_a_record_that_is_renamed_during_a_search_comes_or_goes() -> None:
    model = JobListModel([record(1, "march"), record(2, "april")])
    model.text = "march"
    assert model.shown() == ["job-1"]
    assert model.put(record(1, "june")) and model.shown() == []
    assert model.put(record(2, "march too")) and model.shown() == ["job-2"]
    assert not model.put(record(2, "march again")), "nothing comes or goes"
    model.text = "again"
    assert model.shown() == ["job-2"]


def test_a_search_finds_what_a_status_changed_to() -> None:
    model = JobListModel([record(1, "march")])
    model.prepare_search(["job-1", "nobody"])
    model.put(record(1, "march", "FAILED"))
    model.text = "failed march"
    assert model.shown() == ["job-1"]
    model.drop("job-1")
    assert model.shown() == [] and not any(model.counts().values())


def test_a_longer_search_looks_only_at_what_the_shorter_one_found() -> None:
    class Texts(dict[str, str]):
        looked_at = 0

        def get(self, key: str, *default: Any) -> Any:
            self.looked_at += 1
            return super().get(key, *default)

    model = JobListModel([record(number, "march" if number < 10 else "april") for number in range(100)])
    texts = model._texts = Texts()
    model.prepare_search(model.rows)
    for text, looked_at in ("ma", 100), ("mar", 10), ("mar", 0), ("march job-3", 20), ("ma", 100), ("a", 100):
        model.text, texts.looked_at = text, 0
        model.shown()
        assert texts.looked_at == looked_at, text
    assert not model.put(replace(record(50, "april"), note="new"))
    texts.looked_at = 0
    assert len(model.shown()) == 100 and not texts.looked_at, "nothing came or went"


def test_a_search_finds_the_same_however_it_was_typed_while_records_came_and_went() -> None:
    chance = random.Random(3)
    model = JobListModel()
    known: dict[str, JobRecord] = {}
    for _ in range(1_000):
        number = chance.randrange(12)
        match chance.randrange(6):
            case 0:
                known.pop(f"job-{number}", None)
                model.drop(f"job-{number}")
            case 1:
                model.text = chance.choice(["", "m", "ma", "mar", "march", "march fail", "a", "ap", "i", "failed"])
            case 2:
                model.filter = chance.choice(FILTERS)
            case 3:
                model.sort = chance.choice(SORTS)
            case _:
                label, status = chance.choice(["march", "april", "may"]), chance.choice(["IN_PROGRESS", "FAILED"])
                model.put(put := record(number, label, status))
                known[put.key] = put
        fresh = JobListModel(known.values())
        fresh.text, fresh.filter, fresh.sort = model.text, model.filter, model.sort
        if chance.random() < 0.5:
            assert model.shown() == fresh.shown(), model.text


@pytest.mark.parametrize("sort", SORTS)
def test_a_sort_follows_a_record_that_changes(sort: str) -> None:
    records = [record(1, "b"), record(2, "a"), record(3, "c", "COMPLETED")]
    model = JobListModel(records)
    model.sort = sort
    model.shown()
    changed = replace(record(2, "z", "COMPLETED"), note="changed")
    model.put(changed)
    fresh = JobListModel([records[0], changed, records[2]])
    fresh.sort = sort
    assert model.shown() == fresh.shown()


def test_a_row_stays_where_it_is_while_it_is_read() -> None:
    model = JobListModel([record(1, "old"), record(2, "watched"), record(3, "new")])
    assert model.shown() == ["job-3", "job-2", "job-1"]
    model.holds = True
    assert not model.put(record(2, "watched", "COMPLETED")), "its row does not move"
    assert model.shown() == ["job-3", "job-2", "job-1"]
    assert model.section_of("job-2") == "0-active", "no rule comes between the rows"
    assert model.counts() == {"active": 2, "attention": 0, "done": 1}, "the header counts it where it belongs"
    assert model.release() and not model.release()
    assert model.shown() == ["job-3", "job-1", "job-2"]


def test_a_row_that_is_held_stays_under_a_filter_until_the_person_moves_on() -> None:
    model = JobListModel([record(1, "a"), record(2, "b")])
    model.filter, model.holds = "active", True
    model.put(record(2, "b", "FAILED"))
    assert model.shown() == ["job-2", "job-1"]
    model.release()
    assert model.shown() == ["job-1"]


def test_a_row_that_comes_back_to_its_group_is_held_no_more() -> None:
    model = JobListModel([record(1, "a")])
    model.holds = True
    model.put(record(1, "a", "FAILED"))
    model.put(record(1, "a"))
    assert not model.release()
    model.put(record(1, "a", "FAILED"))
    model.drop("job-1")
    assert not model.release() and not any(model.counts().values())


@pytest.mark.parametrize("name", FILTERS[1:])
def test_the_header_counts_what_the_filter_of_that_word_shows(name: str) -> None:
    statuses = ["IN_PROGRESS", "VALIDATING", "FAILED", "COMPLETED", "CANCELLED", "EXPIRED", "COMPLETED"]
    model = JobListModel([record(number, "x", status) for number, status in enumerate(statuses)])
    model.filter = name
    count = len(model.shown())
    word = "need attention" if name == "attention" else name
    assert count != 1 and (
        f"{count} {word}",
        {"done": "", "active": "$status-active"}.get(name, "$status-attention"),
    ) in (count_pieces(model.counts()))


@pytest.mark.parametrize(
    ("state", "text"),
    [
        (HealthState.STARTING, "Asking for the list of jobs"),
        (HealthState.OFFLINE, "not known yet"),
        (HealthState.KEY_REFUSED, "not known yet"),
        (HealthState.BACKING_OFF, "not known yet"),
        (HealthState.NO_KEY, "There is no API key yet"),
        (HealthState.OK, "No jobs yet"),
    ],
)
def test_no_jobs_yet_is_said_only_when_that_is_known(state: HealthState, text: str) -> None:
    said = empty_text(JobListModel(), ConnectionHealth(state))
    assert text in said
    assert ("No jobs yet" in said) == (state is HealthState.OK)


def part(number: int, status: str, label: str = "big") -> JobRecord:
    submission = Submission(number, Path("p.jsonl"), 1, "", Endpoint.CHAT, "", 10, 50.0, part=number)
    group = JobGroup(1, Path("big.jsonl"), 1, "", 30, parts=3)
    return replace(record(number, label, status), submission=submission, group=group)


def test_all_parts_of_a_file_are_one_row_in_one_section_which_opens() -> None:
    parts = [part(1, "COMPLETED"), part(2, "IN_PROGRESS"), part(3, "FAILED")]
    model = JobListModel([parts[2], record(9, "alone"), parts[0], parts[1]])
    keys = [each.key for each in parts]
    assert sorted(model.shown()) == ["group:1", "job-9"]
    assert model.counts() == {"active": 2, "attention": 0, "done": 0}, "a group counts once"
    assert model.section_of("group:1") is Rank.ACTIVE and model.row_key(keys[0]) == "group:1"
    assert model.records_of(["group:1", keys[1]]) == parts
    assert model.turn("group:1") and not model.turn(keys[0])
    at = model.shown().index("group:1")
    assert model.shown()[at + 1 : at + 4] == keys and model.row_key(keys[0]) == keys[0]
    assert model.section_of(keys[2]) is Rank.ACTIVE, "a part stands below its group"
    model.text = "failed big"
    assert model.shown() == ["group:1", *keys], "a group is found by its parts"
    model.text = ""
    assert not model.put(part(2, "COMPLETED")) and model.place_groups(), "it needs a person now, and moves"
    assert model.section_of("group:1") is Rank.ATTENTION
    for key in keys:
        model.drop(key)
    assert model.shown() == [record(9, "alone").key] and model.counts()["attention"] == 0


def test_a_job_that_turns_out_to_be_a_part_has_no_row_of_its_own_any_more() -> None:
    """The list can name a job before it is known which submission became it."""
    model = JobListModel([part(1, "IN_PROGRESS"), part(2, "IN_PROGRESS"), record(3, "big")])
    assert len(model.shown()) == 2 and model.counts()["active"] == 2
    assert model.put(part(3, "IN_PROGRESS")), "one row fewer"
    assert model.shown() == ["group:1"] and model.counts()["active"] == 1
    assert len(model.records_of(["group:1"])) == 3 and len([*model.in_order()]) == 3


@pytest.mark.parametrize("sort", SORTS)
def test_groups_are_sorted_among_jobs(sort: str) -> None:
    model = JobListModel([part(1, "COMPLETED"), part(2, "COMPLETED"), record(9, "alone"), record(8, "zoo")])
    model.sort = sort
    assert len(model.shown()) == 3 and "group:1" in model.shown()
