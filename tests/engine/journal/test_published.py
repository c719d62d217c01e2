"""Which jobs count as ended: those that were seen under way, also as a submission that had no job yet."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

from tbatch_tui.engine.domain.job import Job
from tbatch_tui.engine.domain.record import JobRecord
from tbatch_tui.engine.domain.submission import Submission, SubmissionState
from tbatch_tui.engine.endpoint import Endpoint
from tbatch_tui.engine.events import Event, JobsEnded, RecordsChanged
from tbatch_tui.engine.journal.published import PublishedRecords


def test_a_submission_adopted_as_a_job_that_ended_meanwhile_has_ended() -> None:
    events: list[Event] = []
    published = PublishedRecords(events.append)
    asked = Submission(1, Path("a.jsonl"), 1, "0" * 64, Endpoint.CHAT, "", 1, 1.0, SubmissionState.UNCERTAIN)
    published.publish([JobRecord("submission:1", submission=asked), JobRecord("past", job=Job("past", "COMPLETED"))])
    assert not [event for event in events if isinstance(event, JobsEnded)]
    made = JobRecord("job", submission=asked, job=Job("job", "COMPLETED"))
    published.publish([made], renamed=(("submission:1", "job"),))
    published.publish([made])
    assert [event for event in events if isinstance(event, JobsEnded)] == [JobsEnded((made,))]
    [renamed] = [event.renamed for event in events if isinstance(event, RecordsChanged) and event.renamed]
    assert renamed == (("submission:1", "job"),)


async def test_many_records_are_announced_in_pieces_and_what_ended_once() -> None:
    events: list[Event] = []
    published = PublishedRecords(events.append)
    jobs = [JobRecord(f"job-{n}", job=Job(f"job-{n}", "IN_PROGRESS")) for n in range(5_000)]
    published.replace(jobs)
    ended = [replace(each, job=Job(each.key, "COMPLETED")) for each in jobs]
    later = replace(ended[-1], label="renamed meanwhile")

    async def rename() -> None:
        published.publish([later])
        published.publish_removed(["job-4998"])

    async with asyncio.TaskGroup() as tasks:
        announced = tasks.create_task(published.publish_many(ended))
        tasks.create_task(rename())
    assert announced.done()
    pieces = [event.changed for event in events if isinstance(event, RecordsChanged) and event.changed]
    assert [len(piece) for piece in pieces] == [2_000, 1, 2_000, 998], "others have their turn"
    assert published.get("job-4999") == later and published.get("job-4998") is None, "later news stays"
    assert published.get("job-4997") == ended[4_997]
    told = [len(event.records) for event in events if isinstance(event, JobsEnded)]
    assert told == [1, 4_998]


async def test_what_was_announced_in_part_stops_with_another_history() -> None:
    events: list[Event] = []
    published = PublishedRecords(events.append)
    other = JobRecord("other", job=Job("other", "COMPLETED"))

    async def reload() -> None:
        published.replace([other])

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(published.publish_many([JobRecord(f"job-{n}") for n in range(5_000)]))
        tasks.create_task(reload())
    assert dict(published.by_key) == {"other": other}
