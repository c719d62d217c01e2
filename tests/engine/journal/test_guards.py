"""What the journal holds on its own, whatever the engine above it looks at first."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from tbatch_tui.engine.domain.job import FileKind
from tbatch_tui.engine.domain.submission import SubmissionState
from tbatch_tui.engine.domain.transfer import Transfer, TransferState
from tbatch_tui.engine.journal.journal import Journal
from tbatch_tui.engine.journal.tables.submissions import Held, JobClaimedError, SubmissionLostError
from tests.engine.journal.test_journal import NOW, account, job, journal, nothing_reserved, submit

__all__ = ["account", "journal"]  # fixtures


def test_what_is_committed_survives_a_power_cut(journal: Journal) -> None:
    """2 is FULL: with NORMAL the intent of a create could be lost, and its job be made again."""
    assert journal.database.execute("PRAGMA synchronous").fetchone()[0] == 2


@pytest.mark.parametrize(
    ("state", "is_removed"),
    [
        (TransferState.WANTED, False),
        (TransferState.FAILED, False),
        (TransferState.FETCHED, True),
        (TransferState.GONE, True),
    ],
)
def test_a_job_whose_files_are_still_to_come_is_not_removed(
    state: TransferState, is_removed: bool, journal: Journal, account: int
) -> None:
    journal.jobs.apply(account, [job(1, output_file_id="out-1")], NOW, nothing_reserved)
    journal.transfers.save(account, "job-0001", Transfer(FileKind.OUTPUT, "out-1", state))
    assert journal.records.remove(account, ["job-0001"], NOW) == (["job-0001"] if is_removed else [])


def test_what_is_known_of_a_part_comes_back_as_it_was(journal: Journal, account: int) -> None:
    journal.jobs.apply(account, [job(1, output_file_id="out-1")], NOW, nothing_reserved)
    known = Transfer(FileKind.OUTPUT, "out-1", TransferState.WANTED, etag='W/"odd 1 2"', synced=1 << 40, part_inode=0)
    for transfer in (known, Transfer(FileKind.OUTPUT, "out-1", TransferState.WANTED, etag='"of 0.1.0"')):
        journal.transfers.save(account, "job-0001", transfer)
        assert journal.transfers.in_states(account, TransferState.WANTED) == [("job-0001", transfer)]


def hold(owner: str, *states: SubmissionState) -> Held:
    return Held(owner, states)


def test_a_step_is_saved_only_for_the_app_that_began_last_and_from_the_state_before_it(
    journal: Journal, account: int
) -> None:
    submitted = submit(journal, account).submission
    assert submitted is not None
    uploaded = replace(submitted, state=SubmissionState.UPLOADED, file_id="file-1")
    with pytest.raises(SubmissionLostError):  # nobody works on it yet
        journal.submissions.update(account, uploaded, NOW, hold("one", SubmissionState.INTENT))
    assert journal.submissions.claim(submitted.id, "one") == submitted
    assert journal.submissions.claim(submitted.id, "two") == submitted
    creating = replace(uploaded, state=SubmissionState.CREATING)
    for held in (hold("one", SubmissionState.INTENT), hold("two", SubmissionState.UPLOADED)):
        with pytest.raises(SubmissionLostError):
            journal.submissions.update(account, creating, NOW, held)
        with pytest.raises(SubmissionLostError):
            journal.submissions.attach_job(account, creating, job(1), NOW, held)
    assert journal.submissions.get(submitted.id) == submitted
    for _ in range(2):  # the second time the first's answer was lost, on a disk that failed
        journal.submissions.update(account, uploaded, NOW, hold("two", SubmissionState.INTENT))
    assert journal.submissions.get(submitted.id) == uploaded


def test_only_one_that_was_not_sent_is_claimed_to_be_stopped(journal: Journal, account: int) -> None:
    submitted = submit(journal, account).submission
    assert submitted is not None
    assert journal.submissions.claim(submitted.id, "one", only_unsent=True) == submitted
    journal.submissions.update(account, replace(submitted, state=SubmissionState.UPLOADED, create_sent_at=NOW))
    assert journal.submissions.claim(submitted.id, "one", only_unsent=True) is None
    journal.submissions.update(account, replace(submitted, state=SubmissionState.CREATING))
    assert journal.submissions.claim(submitted.id, "one", only_unsent=True) is None


def test_a_job_is_attached_once_and_its_submission_becomes_no_other(journal: Journal, account: int) -> None:
    first, second = submit(journal, account).submission, submit(journal, account).submission
    assert first is not None and second is not None
    attached = journal.submissions.attach_job(account, first, job(1), NOW)
    assert attached.key == "job-0001"
    assert journal.submissions.attach_job(account, first, job(1), NOW) == attached  # another app has found it, too
    with pytest.raises(SubmissionLostError):
        journal.submissions.attach_job(account, first, job(2), NOW)
    with pytest.raises(JobClaimedError):
        journal.submissions.attach_job(account, second, job(1), NOW)
    assert journal.submissions.claim(first.id, "one") is None
    assert journal.submissions.claim(second.id, "one") == second


def test_what_is_open_in_a_history_of_0_1_0_is_taken_up(tmp_path: Path) -> None:
    """It has no app that works on it; that a create may be out is kept."""
    shutil.copy(Path(__file__).parents[2] / "data" / "history-0.1.0" / "data" / "history.db", tmp_path / "history.db")
    journal = Journal(tmp_path / "history.db")
    try:
        accounts = [row[0] for row in journal.database.execute("SELECT id FROM accounts").fetchall()]
        opened = [submission for account in accounts for submission in journal.submissions.open(account)]
        assert {submission.state for submission in opened} >= {SubmissionState.INTENT, SubmissionState.UNCERTAIN}
        for submission in opened:
            assert journal.submissions.claim(submission.id, "one") == submission
            may_be_out = submission.state in (SubmissionState.CREATING, SubmissionState.UNCERTAIN, SubmissionState.HELD)
            assert submission.may_have_been_created == may_be_out
    finally:
        journal.close()
