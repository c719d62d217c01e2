"""All parts of a file as one: sums that come out even, one section, and the pace of the slowest."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tbatch_tui.engine.domain.counts import JobCounts
from tbatch_tui.engine.domain.job import Job, JobStatus
from tbatch_tui.engine.domain.record import JobRecord, Rank
from tbatch_tui.engine.domain.submission import JobGroup, Submission, SubmissionState
from tbatch_tui.engine.endpoint import Endpoint
from tbatch_tui.engine.groups.group_record import (
    GroupRecord,
    format_parts,
    format_provisional,
    group_records,
    make_group,
)

GROUP = JobGroup(7, Path("reviews.jsonl"), 100, "00", requests=30, parts=3)


def part(
    number: int, status: str = "", *, progress: float = 0.0, state: str = "created", **changes: object
) -> JobRecord:
    submission = Submission(
        number, Path(f"p{number}.jsonl"), 1, "00", Endpoint.CHAT, "", 10, 0.0, SubmissionState(state), part=number
    )
    file_id = "file" if status == JobStatus.COMPLETED else None
    job = None
    if status:
        job = Job(f"job-{number}", status, progress, created_at=100.0, deadline=1000.0 + number, output_file_id=file_id)
    key = job.id if job is not None else f"submission:{number}"
    record = JobRecord(key, job, submission, requests=10, group=GROUP)
    return replace(record, **changes)  # type: ignore[arg-type]


def counts(answered: int, errors: int, missing: int) -> JobCounts:
    return JobCounts(10, answered, errors, missing, cut_short=1)


def test_what_has_not_come_back_is_missing_so_far_and_the_sum_is_all_requests() -> None:
    done = part(1, JobStatus.COMPLETED, counts=counts(8, 1, 1))
    group = make_group([part(3, state="waiting"), part(2, JobStatus.IN_PROGRESS, progress=50), done])
    assert [each.key for each in group.parts] == ["job-1", "job-2", "submission:3"]
    assert group.outcomes == {"ok": 7, "cut short": 1, "invalid": 0, "error": 1, "missing": 21}
    assert sum(group.outcomes.values()) == group.requests
    assert format_provisional(group) == "1 of 3 parts"
    assert format_parts(group) == "1 completed, 1 in progress, 1 waiting"
    assert group.progress == 50.0
    assert group.name == "reviews" and group.key == "group:7"


def test_a_group_stands_in_one_section() -> None:
    failed, running = part(1, JobStatus.FAILED), part(2, JobStatus.IN_PROGRESS)
    ready, done = part(3, state="ready"), part(3, JobStatus.COMPLETED)
    assert make_group([failed, running, done]).rank is Rank.ACTIVE
    assert make_group([failed, done]).rank is Rank.ATTENTION
    assert make_group([running, ready]).rank is Rank.ATTENTION
    assert make_group([running, ready]).most_telling is ready
    assert make_group([done]).rank is Rank.DONE


def test_the_slowest_part_says_when_it_ends() -> None:
    fast, slow = part(1, JobStatus.IN_PROGRESS, progress=50), part(2, JobStatus.IN_PROGRESS, progress=25)
    assert make_group([fast, slow]).time_left(200.0) == 300.0
    assert make_group([fast, slow]).deadline == 1002.0
    waiting = [part(number, state="waiting") for number in (3, 4, 5)]
    assert make_group([fast, slow, *waiting]).time_left(200.0) == 300.0 + 400.0, "they are sent together"
    by_two = [replace(each, group=replace(GROUP, at_once=2)) for each in (fast, slow, *waiting)]
    assert make_group(by_two).time_left(200.0) == 300.0 + 2 * 400.0
    held = [replace(each, group=replace(GROUP, is_held=True)) for each in (fast, slow, *waiting)]
    assert make_group(held).time_left(200.0) is None, "nobody knows when they are sent"
    asking = [replace(each, group=replace(GROUP, stages=(2,))) for each in (fast, slow, *waiting)]
    assert make_group(asking).time_left(200.0) is None, "nor whether the person lets them go"
    assert make_group([fast, part(2, state="ready")]).time_left(200.0) is None
    first = [replace(each, group=replace(GROUP, first=1)) for each in (fast, *waiting)]
    assert make_group(first).time_left(200.0) is None, "ten requests say nothing of 50,000"
    assert make_group([part(1, JobStatus.COMPLETED), waiting[0]]).time_left(200.0) is None
    assert make_group([fast, part(3, JobStatus.IN_PROGRESS, progress=1)]).time_left(200.0) is None


def test_parts_are_gathered_where_the_first_of_them_stood() -> None:
    one, two, alone = part(1, JobStatus.COMPLETED), part(2, JobStatus.COMPLETED), JobRecord("else")
    [first, second] = group_records([two, alone, one])
    assert isinstance(first, GroupRecord) and first.parts == (one, two)
    assert second is alone


def test_a_part_that_failed_is_settled_and_one_that_was_refused_is_not() -> None:
    failed, refused = part(1, JobStatus.FAILED), part(2, state="rejected")
    done = part(3, JobStatus.COMPLETED, counts=counts(9, 0, 1))
    assert make_group([failed, done]).settled == 2
    assert make_group([failed, refused, done]).is_provisional
