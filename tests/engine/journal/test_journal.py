"""The journal: what it keeps, in which order, and what it does with damage, rights and other versions."""

from __future__ import annotations

import sqlite3
import stat
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tbatch_tui.engine.domain.job import FileKind, Job, LocalStatus
from tbatch_tui.engine.domain.submission import SubmissionState
from tbatch_tui.engine.domain.transfer import Transfer, TransferState
from tbatch_tui.engine.endpoint import Endpoint
from tbatch_tui.engine.errors import JournalError, LocalFileError
from tbatch_tui.engine.journal import migrations as schema
from tbatch_tui.engine.journal.journal import Journal
from tbatch_tui.engine.journal.mapping import submission_key

if TYPE_CHECKING:
    from tbatch_tui.engine.domain.record import JobRecord

NOW = 1_750_000_000.0


@pytest.fixture
def journal(tmp_path: Path):
    opened = Journal(tmp_path / "data" / "history.db")
    yield opened
    opened.close()


@pytest.fixture
def account(journal: Journal) -> int:
    return journal.accounts.at_start("https://x", "abcd", NOW).id


def job(number: int, status: str = "COMPLETED", **more: object) -> Job:
    return Job(id=f"job-{number:04}", status=status, created_at=NOW + number, input_file_id=f"file-{number}", **more)


def nothing_held(_: Job) -> bool:
    return False


def submit(journal: Journal, account: int, path: str = "/in/reviews.jsonl") -> JobRecord:
    return journal.submissions.add(
        account,
        path=Path(path),
        size=10,
        sha256="0" * 64,
        endpoint=Endpoint.CHAT,
        label="march",
        requests=3,
        now=NOW,
    )


def test_file_and_folder_are_the_owners_alone(journal: Journal):
    assert stat.S_IMODE(journal.database.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(journal.database.path.parent.stat().st_mode) == 0o700


def test_active_first_then_what_needs_a_person_then_by_time(journal: Journal, account: int):
    jobs = [job(1), job(2, "FAILED"), job(3), job(4, "IN_PROGRESS"), job(5, "NEW_STATUS"), job(0, "VALIDATING")]
    journal.jobs.apply(account, jobs, NOW, nothing_held)
    found = [record.key[-1] for record in journal.records.all(account)]
    assert found == ["5", "4", "0", "2", "3", "1"]


def test_only_what_changed_is_announced(journal: Journal, account: int):
    jobs = [job(n, "IN_PROGRESS") for n in range(20)]
    assert len(journal.jobs.apply(account, jobs, NOW, nothing_held)) == 20
    assert journal.jobs.apply(account, jobs, NOW, nothing_held) == []
    jobs[7] = replace(jobs[7], progress=50.0)
    changed = journal.jobs.apply(account, jobs, NOW, nothing_held)
    assert [record.key for record in changed] == ["job-0007"]


def test_a_job_that_left_the_list_stays_in_the_history(journal: Journal, account: int):
    journal.jobs.apply(account, [job(1), job(2)], NOW, nothing_held)
    journal.jobs.apply(account, [job(2)], NOW, nothing_held)
    assert {record.key for record in journal.records.all(account)} == {"job-0001", "job-0002"}


def test_a_list_from_before_the_end_does_not_make_a_job_run_again(journal: Journal, account: int):
    """Answered by a server that lags: else its end would be told, and the person's command run, once more."""
    ended = job(1, output_file_id="out-1")
    journal.jobs.apply(account, [ended], NOW, nothing_held)
    assert journal.jobs.apply(account, [job(1, "IN_PROGRESS")], NOW, nothing_held) == []
    [record] = journal.records.all(account)
    assert record.job == ended
    assert journal.jobs.apply(account, [ended], NOW, nothing_held) == []
    [late] = journal.jobs.apply(account, [job(1, "EXPIRED", output_file_id="out-1")], NOW, nothing_held)
    assert late.status == "EXPIRED"


def test_held_jobs_wait_until_they_are_settled(journal: Journal, account: int):
    assert journal.jobs.apply(account, [job(1)], NOW, lambda _: True) == []
    assert [r.key for r in journal.jobs.apply(account, [job(1)], NOW, nothing_held)] == ["job-0001"]


def test_a_submission_becomes_its_job_and_keeps_label_and_path(journal: Journal, account: int):
    record = submit(journal, account)
    assert record.status == LocalStatus.UPLOADING
    assert record.submission is not None
    made = journal.submissions.attach_job(account, record.submission, job(1, "VALIDATING"), NOW)
    assert (made.key, made.label, made.requests) == ("job-0001", "march", 3)
    assert made.submission is not None and made.submission.path == Path("/in/reviews.jsonl")
    assert [r.key for r in journal.records.all(account)] == ["job-0001"]
    assert journal.submissions.open(account) == []


def test_adoption_wins_over_the_row_that_the_list_brought(journal: Journal, account: int):
    record = submit(journal, account)
    assert record.submission is not None
    journal.jobs.apply(account, [job(1, "IN_PROGRESS")], NOW, nothing_held)
    journal.records.annotate(account, "job-0001", "", "seen elsewhere")
    made = journal.submissions.attach_job(account, record.submission, job(1, "IN_PROGRESS"), NOW)
    assert (made.label, made.note) == ("march", "seen elsewhere")
    assert len(journal.records.all(account)) == 1


def test_an_adopted_job_that_had_ended_is_to_be_fetched(journal: Journal, account: int):
    record = submit(journal, account)
    assert record.submission is not None
    done = job(1, output_file_id="out-1", error_file_id="err-1")
    made = journal.submissions.attach_job(account, record.submission, done, NOW)
    assert [t.state for t in made.transfers] == [TransferState.WANTED, TransferState.WANTED]
    assert [j for j, _ in journal.transfers.in_states(account, TransferState.WANTED)] == ["job-0001", "job-0001"]


def test_jobs_made_elsewhere_are_not_fetched_by_themselves(journal: Journal, account: int):
    journal.jobs.apply(account, [job(1, output_file_id="out-1")], NOW, nothing_held)
    assert journal.transfers.in_states(account, TransferState.WANTED) == []


def test_known_ids_and_paths_of_any_bytes_survive(journal: Journal, account: int):
    odd = "/in/\udcff name\n.jsonl"
    record = submit(journal, account, odd)
    assert record.submission is not None
    journal.submissions.update(
        account, replace(record.submission, state=SubmissionState.CREATING, file_id="f", known_ids=("a", "b"))
    )
    again = journal.submissions.get(record.submission.id)
    assert again is not None
    assert (again.known_ids, again.path) == (("a", "b"), Path(odd))
    assert journal.memory.recent_files(5) == [Path(odd)]


def test_a_transfer_makes_the_row_need_a_person_until_it_is_fetched(journal: Journal, account: int):
    journal.jobs.apply(account, [job(1, output_file_id="out-1")], NOW, nothing_held)
    failed = Transfer(FileKind.OUTPUT, "out-1", TransferState.FAILED, message="the disk is full")
    record = journal.transfers.save(account, "job-0001", failed)
    assert record is not None and record.rank == "1-attention"
    record = journal.transfers.save(account, "job-0001", replace(failed, state=TransferState.FETCHED, rows=9))
    assert record is not None and (record.rank, record.answered_rows) == ("2-done", 9)


def test_the_history_of_another_key_is_kept_apart_and_found_again(journal: Journal):
    first = journal.accounts.confirm("https://x", "aaaa", "org-1", "proj-1", "Acme / evals", NOW)
    journal.jobs.apply(first.id, [job(1)], NOW, nothing_held)
    second = journal.accounts.confirm("https://x", "bbbb", "org-2", None, "Other", NOW)
    assert journal.records.all(second.id) == []
    rotated = journal.accounts.confirm("https://x", "cccc", "org-1", "proj-1", "Acme / evals", NOW)
    assert rotated.id == first.id
    assert len(journal.records.all(journal.accounts.at_start("https://x", "cccc", NOW).id)) == 1


def test_a_wrong_key_leaves_the_last_history_readable(journal: Journal):
    first = journal.accounts.confirm("https://x", "aaaa", "org-1", None, "Acme", NOW)
    journal.jobs.apply(first.id, [job(1)], NOW, nothing_held)
    assert journal.accounts.at_start("https://x", "zzzz", NOW).id == first.id
    assert journal.accounts.at_start("https://elsewhere", "zzzz", NOW).id != first.id


def test_what_was_kept_under_a_bare_key_moves_to_its_organisation(journal: Journal):
    bare = journal.accounts.at_start("https://x", "aaaa", NOW)
    submit(journal, bare.id)
    named = journal.accounts.confirm("https://x", "aaaa", "org-1", "proj-1", "Acme", NOW)
    assert len(journal.records.all(named.id)) == 1
    other = journal.accounts.confirm("https://x", "bbbb", None, None, "", NOW)
    submit(journal, other.id)
    merged = journal.accounts.confirm("https://x", "bbbb", "org-1", "proj-1", "Acme", NOW)
    assert merged.id == named.id
    assert len(journal.records.all(named.id)) == 2


def test_a_damaged_history_is_set_aside_not_deleted(tmp_path: Path):
    path = tmp_path / "history.db"
    path.write_bytes(b"this is no database, " * 400)
    journal = Journal(path)
    assert journal.database.damaged is not None and journal.database.damaged.read_bytes().startswith(
        b"this is no database"
    )
    journal.close()


def test_a_newer_history_is_refused_kindly(tmp_path: Path):
    path = tmp_path / "history.db"
    Journal(path).close()
    database = sqlite3.connect(path)
    database.execute("PRAGMA user_version = 999")
    database.close()
    with pytest.raises(LocalFileError, match="newer version") as caught:
        Journal(path)
    assert "--data-dir" in caught.value.hint


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(LocalFileError, match="cannot be kept"):
        Journal(tmp_path / "file" / "history.db")


def test_another_connection_sees_what_was_committed(journal: Journal, account: int):
    other = Journal(journal.database.path)
    before = other.database.data_version()
    record = submit(journal, account)
    assert other.database.data_version() != before
    assert other.records.get(account, record.key) == record
    assert record.submission is not None and submission_key(record.submission.id) == record.key
    other.close()


def test_of_two_rows_for_one_job_the_one_that_was_submitted_survives_a_merge(journal: Journal):
    named = journal.accounts.confirm("https://x", "aaaa", "org-1", None, "Acme", NOW)
    journal.jobs.apply(named.id, [job(1, "IN_PROGRESS")], NOW, nothing_held)
    bare = journal.accounts.confirm("https://x", "bbbb", None, None, "", NOW)
    record = submit(journal, bare.id)
    assert record.submission is not None
    journal.submissions.attach_job(bare.id, record.submission, job(1, output_file_id="out-1"), NOW)
    merged = journal.accounts.confirm("https://x", "bbbb", "org-1", None, "Acme", NOW)
    assert merged.id == named.id
    [kept] = journal.records.all(named.id)
    assert (kept.label, kept.status) == ("march", "COMPLETED")
    assert [t.state for t in kept.transfers] == [TransferState.WANTED]


def test_an_account_that_another_app_works_on_is_not_merged_away(journal: Journal):
    named = journal.accounts.confirm("https://x", "aaaa", "org-1", None, "Acme", NOW)
    bare = journal.accounts.confirm("https://x", "bbbb", None, None, "", NOW)
    record = submit(journal, bare.id)
    busy = journal.accounts.confirm("https://x", "bbbb", "org-1", None, "Acme", NOW, lambda account: account != bare.id)
    assert busy.id == bare.id
    assert record.submission is not None
    journal.submissions.update(bare.id, record.submission)  # it can go on
    assert journal.accounts.confirm("https://x", "bbbb", "org-1", None, "Acme", NOW).id == named.id


def test_a_full_disk_leaves_no_half_a_transaction(journal: Journal, account: int):
    record = submit(journal, account)
    journal.database.execute("PRAGMA max_page_count = 1")
    with pytest.raises(JournalError, match="full"), journal.database.translate_errors():
        for number in range(500):
            journal.records.annotate(account, record.key, "x" * 4_000 * number, "")
    before = journal.records.get(account, record.key)
    assert before is not None and not journal.database.connection.in_transaction
    journal.database.execute("PRAGMA max_page_count = 1000000")
    assert journal.records.annotate(account, record.key, "march again", "") is not None


def test_damage_found_while_in_use_is_set_aside_at_the_next_start(tmp_path: Path):
    path = tmp_path / "history.db"
    journal = Journal(path)
    account = journal.accounts.at_start("https://x", "aaaa", NOW).id
    journal.jobs.apply(account, [job(n) for n in range(2_000)], NOW, nothing_held)
    journal.close()
    whole = bytearray(path.read_bytes())
    half = len(whole) // 2
    whole[half:-4096] = b"\xff" * (len(whole) - half - 4096)  # the first pages, which are read at the start, are sound
    path.write_bytes(whole)
    journal = Journal(path)
    assert journal.database.damaged is None
    with pytest.raises(JournalError, match="Start tbatch-tui again"), journal.database.translate_errors():
        journal.records.all(account)
    journal.close()
    journal = Journal(path)
    assert journal.database.damaged is not None and journal.database.damaged.exists()
    assert journal.records.all(journal.accounts.at_start("https://x", "aaaa", NOW).id) == []
    journal.close()
    again = Journal(path)
    assert again.database.damaged is None
    again.close()


def test_the_history_is_for_its_owner_only(tmp_path: Path):
    path = tmp_path / "fresh" / "history.db"
    Journal(path).close()
    assert path.parent.stat().st_mode & 0o077 == 0
    path.chmod(0o644)
    journal = Journal(path)
    submit(journal, journal.accounts.at_start("https://x", "aaaa", NOW).id)
    assert all(part.stat().st_mode & 0o077 == 0 for part in path.parent.iterdir())
    journal.close()


def test_before_each_migration_the_history_is_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "history.db"
    before = Journal(path)
    record = submit(before, before.accounts.at_start("https://x", "aaaa", NOW).id)
    before.close()
    known = len(schema._MIGRATIONS)
    monkeypatch.setattr(schema, "_MIGRATIONS", (*schema._MIGRATIONS, "CREATE TABLE news (x)"))
    after = Journal(path)
    assert after.records.all(1) == [record]
    after.close()
    [copy] = tmp_path.glob("history.db.before-*")
    assert copy.name == f"history.db.before-{known + 1}"
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    database = sqlite3.connect(copy)
    assert database.execute("PRAGMA user_version").fetchone() == (known,)
    assert database.execute("SELECT count(*) FROM submissions").fetchone() == (1,)
    database.close()


def test_a_migration_that_fails_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "history.db"
    before = Journal(path)
    record = submit(before, before.accounts.at_start("https://x", "aaaa", NOW).id)
    before.close()
    broken = (*schema._MIGRATIONS, "CREATE TABLE news (x); CREATE TABLE news (x)")
    with monkeypatch.context() as patch:
        patch.setattr(schema, "_MIGRATIONS", broken)
        with pytest.raises(LocalFileError, match="cannot be opened"):
            Journal(path)
    again = Journal(path)
    assert again.records.all(1) == [record]
    again.close()
