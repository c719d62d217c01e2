"""What the state of a record means, and which actions it allows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tbatch_tui.engine.domain.job import FileKind, Job
from tbatch_tui.engine.domain.record import Attention, JobRecord, Rank
from tbatch_tui.engine.domain.submission import Submission, SubmissionState
from tbatch_tui.engine.domain.transfer import Transfer, TransferState
from tbatch_tui.engine.endpoint import Endpoint

SUBMISSION = Submission(1, Path("in.jsonl"), 10, "ab", Endpoint.CHAT, "", 2, 0.0)


def submitted(state: SubmissionState) -> JobRecord:
    return JobRecord("submission:1", submission=replace(SUBMISSION, state=state))


def listed(status: str, *, output: TransferState | None = None, is_ours: bool = True, names: bool = True) -> JobRecord:
    """Return a job with this status, whose output file the server names, and which is downloaded so far."""
    return JobRecord(
        "job-1",
        job=Job("job-1", status, output_file_id="file-1" if names else None),
        submission=replace(SUBMISSION, state=SubmissionState.CREATED) if is_ours else None,
        output=Transfer(FileKind.OUTPUT, "file-1", output, path=Path("out.jsonl")) if output is not None else None,
    )


@pytest.mark.parametrize(
    ("state", "names"),
    [
        (SubmissionState.INTENT, {"is_active", "is_being_submitted", "can_cancel"}),
        (SubmissionState.CREATING, {"is_active", "is_being_submitted", "can_cancel"}),
        (SubmissionState.UNCERTAIN, {"is_active", "is_being_submitted", "can_decide"}),
        (SubmissionState.HELD, {"is_active", "is_being_submitted", "can_decide"}),
        (SubmissionState.WAITING, {"can_decide"}),
        (SubmissionState.READY, {"can_decide"}),
        (SubmissionState.REJECTED, {"is_resolved", "is_finished", "can_decide", "can_send_again"}),
        (SubmissionState.STOPPED, {"is_resolved", "is_finished", "can_decide", "can_send_again"}),
    ],
)
def test_a_submission_without_a_job(state: SubmissionState, names: set[str]) -> None:
    assert holding(submitted(state)) == names | {"is_counted"}


@pytest.mark.parametrize(
    ("record", "names"),
    [
        (listed("IN_PROGRESS", names=False), {"is_active", "can_cancel"}),
        (listed("SOMETHING_NEW", names=False), {"is_active", "can_cancel"}),
        (listed("CANCELING", names=False), {"is_active"}),
        (listed("COMPLETED", names=False), {"is_awaiting_file_ids"}),
        (listed("COMPLETED", names=False, is_ours=False), {"is_finished"}),
        (listed("FAILED", names=False), {"is_finished"}),
        (listed("COMPLETED", is_ours=False), {"is_finished", "can_download"}),
        (listed("COMPLETED", output=TransferState.WANTED), {"can_download", "has_files_to_fetch"}),
        (listed("COMPLETED", output=TransferState.FAILED), {"can_download", "has_files_to_fetch"}),
        (listed("COMPLETED", output=TransferState.GONE), {"can_download", "is_finished"}),
    ],
)
def test_a_job(record: JobRecord, names: set[str]) -> None:
    assert holding(record) == names | {"is_resolved", "is_counted"}


def test_a_job_whose_files_are_on_disk_is_to_be_counted() -> None:
    record = listed("COMPLETED", output=TransferState.FETCHED)
    assert holding(record) == {"is_resolved", "is_finished", "can_download", "has_results_here"}
    assert record.paths == (Path("out.jsonl"),)
    second = replace(record, job=replace(record.job, error_file_id="file-2"))  # type: ignore[type-var]
    assert not second.has_results_here and second.result_kinds == (FileKind.OUTPUT, FileKind.ERRORS)


def test_a_create_that_may_be_out_is_not_sent_again() -> None:
    record = submitted(SubmissionState.REJECTED)
    assert record.submission is not None
    unknown = replace(record, submission=replace(record.submission, create_sent_at=1.0))
    assert record.can_send_again and not unknown.can_send_again and not unknown.can_decide


def test_files_that_are_not_downloaded_need_a_person() -> None:
    assert listed("COMPLETED", output=TransferState.FAILED).rank is Rank.ATTENTION
    assert listed("COMPLETED", output=TransferState.FETCHED).rank is Rank.DONE


def holding(record: JobRecord) -> set[str]:
    """Return the names of the properties that are true of a record."""
    names = (
        *("is_active", "is_being_submitted", "is_resolved", "is_awaiting_file_ids", "is_finished", "is_counted"),
        *("can_cancel", "can_decide", "can_send_again", "can_download", "has_files_to_fetch", "has_results_here"),
    )
    return {name for name in names if getattr(record, name)}


def test_what_was_acknowledged_asks_again_only_for_another_reason() -> None:
    record = listed("COMPLETED", output=TransferState.FAILED)
    assert record.attention is Attention.FILES and record.can_acknowledge and not record.is_acknowledged
    known = replace(record, acknowledged="files")
    assert known.rank is Rank.DONE and known.is_acknowledged and known.can_acknowledge
    failed = replace(known, job=Job("job-1", "FAILED"))
    assert failed.rank is Rank.ATTENTION and not failed.is_acknowledged


def test_a_decision_cannot_be_acknowledged_away() -> None:
    for state in (SubmissionState.UNCERTAIN, SubmissionState.READY):
        record = replace(submitted(state), acknowledged="uncertain", is_old=True)
        assert record.rank is Rank.ATTENTION and not record.can_acknowledge


def test_an_old_job_made_elsewhere_asks_for_nothing() -> None:
    record = listed("FAILED", is_ours=False)
    assert record.rank is Rank.ATTENTION and replace(record, is_old=True).rank is Rank.DONE
    assert not replace(record, is_old=True).can_acknowledge
