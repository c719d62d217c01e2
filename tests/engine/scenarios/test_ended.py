"""Which jobs count as ended: those that were seen under way, also as a submission that had no job yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tbatch_tui.engine.domain.job import Job
from tbatch_tui.engine.domain.record import JobRecord
from tbatch_tui.engine.domain.submission import Submission, SubmissionState
from tbatch_tui.engine.endpoint import Endpoint
from tbatch_tui.engine.events import Event, JobsEnded
from tbatch_tui.engine.journal.store import JobStore
from tbatch_tui.engine.options import EngineOptions

if TYPE_CHECKING:
    from pathlib import Path


def test_a_submission_adopted_as_a_job_that_ended_meanwhile_has_ended(tmp_path: Path) -> None:
    heard: list[Event] = []
    book = JobStore(EngineOptions(data_dir=tmp_path, output_dir=tmp_path), heard.append)
    asked = Submission(1, tmp_path / "a.jsonl", 1, "0" * 64, Endpoint.CHAT, "", 1, 1.0, SubmissionState.UNCERTAIN)
    book.publish([JobRecord("submission:1", submission=asked), JobRecord("past", job=Job("past", "COMPLETED"))])
    assert not [event for event in heard if isinstance(event, JobsEnded)]
    made = JobRecord("job", submission=asked, job=Job("job", "COMPLETED"))
    book.publish([made], renamed=(("submission:1", "job"),))
    book.publish([made])
    assert [event for event in heard if isinstance(event, JobsEnded)] == [JobsEnded((made,))]
