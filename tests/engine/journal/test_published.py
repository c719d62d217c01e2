"""Which jobs count as ended: those that were seen under way, also as a submission that had no job yet."""

from __future__ import annotations

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
