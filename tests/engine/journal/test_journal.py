"""The journal: what it stores, in which order, and how it handles damage, file modes and other versions."""

from __future__ import annotations

import sqlite3
import stat
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tbatch_tui.engine.domain.job import FileKind, Job, LocalStatus
from tbatch_tui.engine.domain.submission import NewGroup, PartFile, SubmissionState
from tbatch_tui.engine.domain.transfer import Transfer, TransferState
from tbatch_tui.engine.endpoint import Endpoint
from tbatch_tui.engine.errors import JournalError, LocalFileError
from tbatch_tui.engine.groups.sending.enqueued import Room
from tbatch_tui.engine.journal import migration_scripts
from tbatch_tui.engine.journal.journal import Journal
from tbatch_tui.engine.journal.mapping import submission_key

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from tbatch_tui.engine.domain.record import JobRecord

NOW = 1_750_000_000.0


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    opened = Journal(tmp_path / "data" / "history.db")
    yield opened
    opened.close()


@pytest.fixture
def account(journal: Journal) -> int:
    return journal.accounts.at_start("https://x", "abcd", NOW).id


def job(number: int, status: str = "COMPLETED", **more: Any) -> Job:
    return Job(id=f"job-{number:04}", status=status, created_at=NOW + number, input_file_id=f"file-{number}", **more)


def all_have_room(_: Sequence[JobRecord], numbers: Collection[int], __: Sequence[JobRecord]) -> Room:
    """Find room for the tokens of all parts."""
    return Room(tuple(numbers), {})


def nothing_reserved(_: Job) -> bool:
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


def test_file_and_folder_are_private(journal: Journal) -> None:
    assert stat.S_IMODE(journal.database.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(journal.database.path.parent.stat().st_mode) == 0o700


def test_a_first_start_waits_for_another_first_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # SQLite does not wait for the switch to WAL by itself: it answers "database is locked" at once.
    path = tmp_path / "history.db"
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    monkeypatch.setattr(time, "sleep", lambda _: other.execute("ROLLBACK"))
    Journal(path).close()
    assert not other.in_transaction
    other.close()


def test_active_records_come_first_then_those_that_need_a_person_then_by_time(journal: Journal, account: int) -> None:
    jobs = [job(1), job(2, "FAILED"), job(3), job(4, "IN_PROGRESS"), job(5, "NEW_STATUS"), job(0, "VALIDATING")]
    journal.jobs.apply(account, jobs, NOW, nothing_reserved)
    order = [record.key[-1] for record in journal.records.all(account)]
    assert order == ["5", "4", "0", "2", "3", "1"]


def test_only_changed_records_are_returned(journal: Journal, account: int) -> None:
    jobs = [job(n, "IN_PROGRESS") for n in range(20)]
    assert len(journal.jobs.apply(account, jobs, NOW, nothing_reserved)) == 20
    assert journal.jobs.apply(account, jobs, NOW, nothing_reserved) == []
    jobs[7] = replace(jobs[7], progress=50.0)
    changed = journal.jobs.apply(account, jobs, NOW, nothing_reserved)
    assert [record.key for record in changed] == ["job-0007"]


def test_a_job_that_left_the_list_stays_in_the_history(journal: Journal, account: int) -> None:
    journal.jobs.apply(account, [job(1), job(2)], NOW, nothing_reserved)
    journal.jobs.apply(account, [job(2)], NOW, nothing_reserved)
    assert {record.key for record in journal.records.all(account)} == {"job-0001", "job-0002"}


def test_a_list_from_before_the_end_does_not_make_a_job_run_again(journal: Journal, account: int) -> None:
    """From a server that lags: else the job would be announced as ended, and the person's command run, once more."""
    ended = job(1, output_file_id="out-1")
    journal.jobs.apply(account, [ended], NOW, nothing_reserved)
    assert journal.jobs.apply(account, [job(1, "IN_PROGRESS")], NOW, nothing_reserved) == []
    [record] = journal.records.all(account)
    assert record.job == ended
    assert journal.jobs.apply(account, [ended], NOW, nothing_reserved) == []
    [late] = journal.jobs.apply(account, [job(1, "EXPIRED", output_file_id="out-1")], NOW, nothing_reserved)
    assert late.status == "EXPIRED"


def test_reserved_jobs_are_left_out_until_that_is_resolved(journal: Journal, account: int) -> None:
    assert journal.jobs.apply(account, [job(1)], NOW, lambda _: True) == []
    assert [r.key for r in journal.jobs.apply(account, [job(1)], NOW, nothing_reserved)] == ["job-0001"]


def test_a_submission_becomes_its_job_and_keeps_label_and_path(journal: Journal, account: int) -> None:
    record = submit(journal, account)
    assert record.status == LocalStatus.UPLOADING
    assert record.submission is not None
    created = journal.submissions.attach_job(account, record.submission, job(1, "VALIDATING"), NOW)
    assert (created.key, created.label, created.requests) == ("job-0001", "march", 3)
    assert created.submission is not None and created.submission.path == Path("/in/reviews.jsonl")
    assert [r.key for r in journal.records.all(account)] == ["job-0001"]
    assert journal.submissions.open(account) == []


def test_an_attached_job_replaces_the_record_that_the_list_brought(journal: Journal, account: int) -> None:
    record = submit(journal, account)
    assert record.submission is not None
    journal.jobs.apply(account, [job(1, "IN_PROGRESS")], NOW, nothing_reserved)
    journal.records.annotate(account, "job-0001", "", "seen elsewhere")
    created = journal.submissions.attach_job(account, record.submission, job(1, "IN_PROGRESS"), NOW)
    assert (created.label, created.note) == ("march", "seen elsewhere")
    assert len(journal.records.all(account)) == 1


def test_the_files_of_an_attached_job_that_had_ended_are_wanted(journal: Journal, account: int) -> None:
    record = submit(journal, account)
    assert record.submission is not None
    done = job(1, output_file_id="out-1", error_file_id="err-1")
    created = journal.submissions.attach_job(account, record.submission, done, NOW)
    assert [t.state for t in created.transfers] == [TransferState.WANTED, TransferState.WANTED]
    assert [j for j, _ in journal.transfers.in_states(account, TransferState.WANTED)] == ["job-0001", "job-0001"]


def test_files_of_jobs_made_elsewhere_are_not_wanted(journal: Journal, account: int) -> None:
    journal.jobs.apply(account, [job(1, output_file_id="out-1")], NOW, nothing_reserved)
    assert journal.transfers.in_states(account, TransferState.WANTED) == []


def test_known_ids_and_paths_of_any_bytes_survive(journal: Journal, account: int) -> None:
    name = "/in/\udcff name\n.jsonl"
    record = submit(journal, account, name)
    assert record.submission is not None
    journal.submissions.update(
        account, replace(record.submission, state=SubmissionState.CREATING, file_id="f", known_ids=("a", "b"))
    )
    stored = journal.submissions.get(record.submission.id)
    assert stored is not None
    assert (stored.known_ids, stored.path) == (("a", "b"), Path(name))
    assert journal.memory.recent_files(5) == [Path(name)]


def test_a_record_needs_a_person_until_its_file_is_downloaded(journal: Journal, account: int) -> None:
    journal.jobs.apply(account, [job(1, output_file_id="out-1")], NOW, nothing_reserved)
    failed = Transfer(FileKind.OUTPUT, "out-1", TransferState.FAILED, message="the disk is full")
    record = journal.transfers.save(account, "job-0001", failed)
    assert record is not None and record.rank == "1-attention"
    record = journal.transfers.save(account, "job-0001", replace(failed, state=TransferState.FETCHED, rows=9))
    assert record is not None and (record.rank, record.answered_rows) == ("2-done", 9)


def test_each_account_has_its_own_history_whatever_its_key(journal: Journal) -> None:
    first = journal.accounts.confirm("https://x", "aaaa", "org-1", "proj-1", "Acme / evals", NOW)
    journal.jobs.apply(first.id, [job(1)], NOW, nothing_reserved)
    second = journal.accounts.confirm("https://x", "bbbb", "org-2", None, "Other", NOW)
    assert journal.records.all(second.id) == []
    rotated = journal.accounts.confirm("https://x", "cccc", "org-1", "proj-1", "Acme / evals", NOW)
    assert rotated.id == first.id
    assert len(journal.records.all(journal.accounts.at_start("https://x", "cccc", NOW).id)) == 1


def test_with_a_wrong_key_the_last_history_is_readable(journal: Journal) -> None:
    first = journal.accounts.confirm("https://x", "aaaa", "org-1", None, "Acme", NOW)
    journal.jobs.apply(first.id, [job(1)], NOW, nothing_reserved)
    assert journal.accounts.at_start("https://x", "zzzz", NOW).id == first.id
    assert journal.accounts.at_start("https://elsewhere", "zzzz", NOW).id != first.id


def test_a_profile_begins_with_its_own_history_and_never_with_another_keys(journal: Journal) -> None:
    accounts = journal.accounts
    own = accounts.confirm("https://x", "aaaa", "org-1", None, "", NOW)
    work = accounts.at_start("https://x", "bbbb", NOW, "profile:work")
    assert work.id != own.id
    confirmed = accounts.confirm("https://x", "bbbb", "org-2", None, "", NOW, profile="profile:work")
    assert confirmed.id != own.id
    # A new key of the same profile, and one that was used without it before.
    assert accounts.at_start("https://x", "cccc", NOW, "profile:work").id == confirmed.id
    assert not accounts.has_key(confirmed.id, "https://x", "cccc")
    assert accounts.at_start("https://x", "aaaa", NOW, "profile:own").id == own.id
    assert accounts.at_start("https://elsewhere", "bbbb", NOW, "profile:work").id not in (own.id, confirmed.id)


def test_two_profiles_of_one_account_are_one_history(journal: Journal) -> None:
    accounts = journal.accounts
    first = accounts.at_start("https://x", "aaaa", NOW, "profile:one")
    second = accounts.at_start("https://x", "bbbb", NOW, "profile:two")
    assert first.id != second.id
    one = accounts.confirm("https://x", "aaaa", "org", "project", "", NOW, profile="profile:one")
    two = accounts.confirm("https://x", "bbbb", "org", "project", "", NOW, profile="profile:two")
    assert one.id == two.id
    assert accounts.at_start("https://x", "bbbb", NOW, "profile:two").id == one.id
    assert accounts.at_start("https://x", "dddd", NOW, "profile:two").id == one.id


def test_the_history_of_a_bare_key_moves_to_its_organisation(journal: Journal) -> None:
    bare = journal.accounts.at_start("https://x", "aaaa", NOW)
    submit(journal, bare.id)
    named = journal.accounts.confirm("https://x", "aaaa", "org-1", "proj-1", "Acme", NOW)
    assert len(journal.records.all(named.id)) == 1
    other = journal.accounts.confirm("https://x", "bbbb", None, None, "", NOW)
    submit(journal, other.id)
    merged = journal.accounts.confirm("https://x", "bbbb", "org-1", "proj-1", "Acme", NOW)
    assert merged.id == named.id
    assert len(journal.records.all(named.id)) == 2


def old_account(journal: Journal, url: str, tail: str, organization: str | None, used_at: float) -> int:
    """Add an account as version 0.1 did: under the address as it was spelled."""
    db = journal.database
    account = db.execute(
        "INSERT INTO accounts (base_url, organization, used_at) VALUES (?, ?, ?)", (url, organization, used_at)
    ).lastrowid
    assert account is not None
    db.execute("INSERT INTO account_keys VALUES (?, ?, ?)", (url, tail, account))
    return account


def test_the_spellings_of_one_server_become_one_account(journal: Journal) -> None:
    first = old_account(journal, "together", "aaaa", "org-1", NOW)
    second = old_account(journal, "https://api.together.ai", "aaaa", "org-1", NOW - 1)
    bare = old_account(journal, "https://api.together.xyz/v1", "aaaa", None, NOW - 2)
    other = old_account(journal, "https://api.together.ai", "bbbb", "org-2", NOW + 1)
    for number, account in enumerate((first, second, bare, other)):
        journal.jobs.apply(account, [job(number)], NOW, nothing_reserved)
    assert journal.accounts.at_start("https://API.together.ai/v1", "aaaa", NOW).id == first
    assert journal.accounts.has_key(second, "together", "aaaa")
    named = journal.accounts.confirm("https://api.together.ai", "aaaa", "org-1", None, "Acme", NOW)
    assert (named.id, named.base_url) == (first, "together")
    assert sorted(record.key for record in journal.records.all(first)) == ["job-0000", "job-0001", "job-0002"]
    assert [record.key for record in journal.records.all(other)] == ["job-0003"]
    keys = journal.database.execute("SELECT base_url, account_id FROM account_keys WHERE key_tail = 'aaaa'").fetchall()
    assert [tuple(row) for row in keys] == [("together", first)]


def test_an_account_of_another_spelling_that_is_worked_on_is_the_one_in_use(journal: Journal) -> None:
    first = old_account(journal, "http://127.0.0.1:8123", "aaaa", "org-1", NOW)
    busy = old_account(journal, "http://localhost:8123", "aaaa", "org-1", NOW - 1)
    named = journal.accounts.confirm("http://localhost:8123", "aaaa", "org-1", None, "", NOW, lambda id: id != busy)
    assert named.id == busy
    assert [row["id"] for row in journal.database.execute("SELECT id FROM accounts")] == [busy] != [first]


@pytest.mark.parametrize(
    ("other_server", "counts"), [("https://proxy.example", True), ("http://127.0.0.1:8123", False)]
)
def test_what_ran_counts_on_every_server_of_the_organisation(journal: Journal, other_server: str, counts: bool) -> None:
    here = journal.accounts.confirm("together", "aaaa", "org-1", "proj-1", "", NOW).id
    there = journal.accounts.confirm(other_server, "aaaa", "org-1", "proj-1", "", NOW).id
    stranger = journal.accounts.confirm("together", "bbbb", "org-1", "proj-2", "", NOW).id
    assert len({here, there, stranger}) == 3
    record = submit(journal, here)
    assert record.submission is not None
    journal.submissions.attach_job(here, record.submission, job(1), NOW)
    assert journal.submissions.claimed_job_ids(there) == ({"job-0001"} if counts else set())
    assert len(journal.submissions.earlier_runs(there, "0" * 64, Endpoint.CHAT)) == counts
    assert journal.submissions.earlier_runs(stranger, "0" * 64, Endpoint.CHAT) == []


def test_a_merge_moves_every_table_that_names_an_account(journal: Journal) -> None:
    named = journal.accounts.confirm("https://x", "aaaa", "org-1", None, "Acme", NOW).id
    bare = journal.accounts.confirm("https://x", "bbbb", None, None, "", NOW).id
    db = journal.database
    tables = [row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    columns = {table: db.execute(f"PRAGMA table_info({table})").fetchall() for table in tables}
    tables = [table for table in tables if any(column["name"] == "account_id" for column in columns[table])]
    assert len(tables) >= 8
    for table in tables:
        values: dict[str, object] = {
            column["name"]: "1" if column["type"] in ("TEXT", "BLOB") else 1
            for column in columns[table]
            if column["name"] == "account_id" or (column["notnull"] and column["dflt_value"] is None)
        }
        values["account_id"] = bare
        names, marks = ", ".join(values), ", ".join("?" * len(values))
        db.execute(f"INSERT OR REPLACE INTO {table} ({names}) VALUES ({marks})", tuple(values.values()))
    journal.accounts.confirm("https://x", "bbbb", "org-1", None, "Acme", NOW)
    for table in tables:
        accounts = {row[0] for row in db.execute(f"SELECT account_id FROM {table}")}
        assert accounts == {named}, table


def test_a_damaged_history_is_moved_aside_not_deleted(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    path.write_bytes(b"this is no database, " * 400)
    journal = Journal(path)
    damaged = journal.database.damaged
    assert damaged is not None and damaged.read_bytes().startswith(b"this is no database")
    when = time.strptime(damaged.name, "history.db.damaged-%Y%m%d-%H%M%S")
    assert abs(time.mktime(when) - time.time()) < 3_700  # an hour more where the clocks change
    journal.close()


def test_a_newer_history_is_refused_with_a_hint(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    Journal(path).close()
    database = sqlite3.connect(path)
    database.execute("PRAGMA user_version = 999")
    database.close()
    with pytest.raises(LocalFileError, match="newer version") as caught:
        Journal(path)
    assert "--data-dir" in caught.value.hint


def test_a_folder_that_cannot_be_created_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(LocalFileError, match="cannot be kept"):
        Journal(tmp_path / "file" / "history.db")


def test_another_connection_sees_committed_changes(journal: Journal, account: int) -> None:
    other = Journal(journal.database.path)
    before = other.database.data_version()
    record = submit(journal, account)
    assert other.database.data_version() != before
    assert other.records.get(account, record.key) == record
    assert record.submission is not None and submission_key(record.submission.id) == record.key
    other.close()


def test_in_a_merge_the_record_of_a_submission_wins(journal: Journal) -> None:
    named = journal.accounts.confirm("https://x", "aaaa", "org-1", None, "Acme", NOW)
    journal.jobs.apply(named.id, [job(1, "IN_PROGRESS")], NOW, nothing_reserved)
    bare = journal.accounts.confirm("https://x", "bbbb", None, None, "", NOW)
    record = submit(journal, bare.id)
    assert record.submission is not None
    journal.submissions.attach_job(bare.id, record.submission, job(1, output_file_id="out-1"), NOW)
    merged = journal.accounts.confirm("https://x", "bbbb", "org-1", None, "Acme", NOW)
    assert merged.id == named.id
    [record] = journal.records.all(named.id)
    assert (record.label, record.status) == ("march", "COMPLETED")
    assert [t.state for t in record.transfers] == [TransferState.WANTED]


def test_groups_move_with_the_account(journal: Journal) -> None:
    named = journal.accounts.confirm("https://x", "aaaa", "org-1", None, "Acme", NOW)
    bare = journal.accounts.confirm("https://x", "bbbb", None, None, "", NOW)
    journal.groups.add(
        bare.id,
        NewGroup(Path("/in/big.jsonl"), 2, "2" * 64, Endpoint.CHAT, "", requests=2, first=1, auto_continue=False),
        [PartFile(Path(f"/parts/{number}.jsonl"), 1, str(number) * 64, 1) for number in range(2)],
        now=NOW,
    )
    assert journal.accounts.confirm("https://x", "bbbb", "org-1", None, "Acme", NOW).id == named.id
    [group_id] = journal.groups.waiting(named.id)
    assert len(journal.groups.parts(named.id, group_id)) == 2


def test_an_account_that_another_app_works_on_is_not_merged(journal: Journal) -> None:
    named = journal.accounts.confirm("https://x", "aaaa", "org-1", None, "Acme", NOW)
    bare = journal.accounts.confirm("https://x", "bbbb", None, None, "", NOW)
    record = submit(journal, bare.id)
    busy = journal.accounts.confirm("https://x", "bbbb", "org-1", None, "Acme", NOW, lambda account: account != bare.id)
    assert busy.id == bare.id
    assert record.submission is not None
    journal.submissions.update(bare.id, record.submission)  # it can go on
    assert journal.accounts.confirm("https://x", "bbbb", "org-1", None, "Acme", NOW).id == named.id


def test_a_full_disk_leaves_no_half_a_transaction(journal: Journal, account: int) -> None:
    record = submit(journal, account)
    journal.database.execute("PRAGMA max_page_count = 1")
    with pytest.raises(JournalError, match="full"), journal.database.translate_errors():
        for number in range(500):
            journal.records.annotate(account, record.key, "x" * 4_000 * number, "")
    before = journal.records.get(account, record.key)
    assert before is not None and not journal.database.connection.in_transaction
    journal.database.execute("PRAGMA max_page_count = 1000000")
    assert journal.records.annotate(account, record.key, "march again", "") is not None


def test_a_history_damaged_in_use_is_moved_aside_at_the_next_start(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    journal = Journal(path)
    account = journal.accounts.at_start("https://x", "aaaa", NOW).id
    journal.jobs.apply(account, [job(n) for n in range(2_000)], NOW, nothing_reserved)
    journal.close()
    whole = bytearray(path.read_bytes())
    half = len(whole) // 2
    whole[half:-4096] = b"\xff" * (len(whole) - half - 4096)  # the first pages, which are read at the start, stay whole
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


def test_a_public_history_becomes_private(tmp_path: Path) -> None:
    path = tmp_path / "fresh" / "history.db"
    Journal(path).close()
    assert path.parent.stat().st_mode & 0o077 == 0
    path.chmod(0o644)
    journal = Journal(path)
    submit(journal, journal.accounts.at_start("https://x", "aaaa", NOW).id)
    assert all(part.stat().st_mode & 0o077 == 0 for part in path.parent.iterdir())
    journal.close()


def test_the_history_is_copied_before_each_migration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "history.db"
    before = Journal(path)
    record = submit(before, before.accounts.at_start("https://x", "aaaa", NOW).id)
    before.close()
    known = len(migration_scripts.MIGRATIONS)
    monkeypatch.setattr(migration_scripts, "MIGRATIONS", (*migration_scripts.MIGRATIONS, "CREATE TABLE news (x)"))
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


def test_a_history_that_cannot_be_copied_is_not_migrated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "history.db"
    Journal(path).close()
    known = len(migration_scripts.MIGRATIONS)
    (tmp_path / f"history.db.before-{known + 1}").mkdir()
    monkeypatch.setattr(migration_scripts, "MIGRATIONS", (*migration_scripts.MIGRATIONS, "CREATE TABLE news (x)"))
    with pytest.raises(LocalFileError, match="cannot be copied before it is changed: Is a directory") as error:
        Journal(path)
    assert error.value.hint == "Nothing was changed. Fix this, or use another folder with --data-dir."
    with sqlite3.connect(path) as database:
        assert database.execute("PRAGMA user_version").fetchone() == (known,)
    database.close()


def test_a_migration_that_fails_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "history.db"
    before = Journal(path)
    record = submit(before, before.accounts.at_start("https://x", "aaaa", NOW).id)
    before.close()
    broken = (*migration_scripts.MIGRATIONS, "CREATE TABLE news (x); CREATE TABLE news (x)")
    with monkeypatch.context() as patch:
        patch.setattr(migration_scripts, "MIGRATIONS", broken)
        with pytest.raises(LocalFileError, match="cannot be opened") as error:
            Journal(path)
        assert error.value.hint == "Nothing was sent. Fix this, or use another folder with --data-dir."
    again = Journal(path)
    assert again.records.all(1) == [record]
    again.close()


def test_a_submissions_own_note_stays_when_it_becomes_its_job(journal: Journal, account: int) -> None:
    record = submit(journal, account)
    assert record.submission is not None
    journal.records.annotate(account, record.key, "march", "mine")
    journal.jobs.apply(account, [job(1, "IN_PROGRESS")], NOW, nothing_reserved)
    journal.records.annotate(account, "job-0001", "", "seen elsewhere")
    created = journal.submissions.attach_job(account, record.submission, job(1, "IN_PROGRESS"), NOW)
    assert (created.label, created.note) == ("march", "mine")


def rank_of(journal: Journal, account: int, key: str) -> str:
    """The group of a record, which has to be the one that is stored, by which the first rows are read."""
    record = journal.records.get(account, key)
    assert record is not None
    [stored] = journal.database.execute("SELECT rank FROM records WHERE key = ?", (key,)).fetchone()
    assert stored == record.rank
    return str(record.rank)


def test_jobs_made_elsewhere_before_the_first_start_do_not_ask_for_attention(journal: Journal, account: int) -> None:
    before, after = job(-1, "FAILED"), job(1, "FAILED")
    journal.jobs.apply(account, [before, after], NOW, nothing_reserved)
    assert rank_of(journal, account, before.id) == "2-done"
    assert rank_of(journal, account, after.id) == "1-attention"


def test_jobs_made_elsewhere_do_not_ask_any_more_after_three_days(journal: Journal, account: int) -> None:
    journal.jobs.apply(account, [job(1, "FAILED"), job(2, "FAILED")], NOW, nothing_reserved)
    own = submit(journal, account)
    assert own.submission is not None
    journal.submissions.update(account, replace(own.submission, state=SubmissionState.REJECTED, error="no"))
    journal.accounts.quieten(account, NOW + 72 * 3_600)
    assert rank_of(journal, account, job(1).id) == "1-attention", "not yet"
    journal.accounts.quieten(account, NOW + 72 * 3_600 + 1.5)
    assert rank_of(journal, account, job(1).id) == "2-done"
    assert rank_of(journal, account, job(2).id) == "1-attention"
    assert rank_of(journal, account, own.key) == "1-attention", "what was submitted here asks until it is acknowledged"
    journal.accounts.quieten(account, NOW)
    assert rank_of(journal, account, job(1).id) == "2-done", "a clock that was set back wakes nothing"


def test_what_is_acknowledged_is_stored_and_taken_back(journal: Journal, account: int) -> None:
    journal.jobs.apply(account, [job(1, "FAILED"), job(2, "FAILED")], NOW, nothing_reserved)
    [record] = journal.records.acknowledge(account, {job(1).id: "failed"})
    assert record.is_acknowledged and rank_of(journal, account, job(1).id) == "2-done"
    assert rank_of(journal, account, job(2).id) == "1-attention"
    journal.jobs.apply(account, [job(1, "FAILED", error="said later")], NOW, nothing_reserved)
    assert rank_of(journal, account, job(1).id) == "2-done", "the same reason"
    journal.records.acknowledge(account, {job(1).id: ""})
    assert rank_of(journal, account, job(1).id) == "1-attention"


def test_a_history_of_before_knows_when_it_began(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "history.db"
    whole = migration_scripts.MIGRATIONS
    step = next(number for number, script in enumerate(whole) if "quiet_before" in script)
    monkeypatch.setattr(migration_scripts, "MIGRATIONS", whole[:step])
    with sqlite3.connect(path) as db:
        for script in whole[:step]:
            db.executescript(script)
        db.execute(f"PRAGMA user_version = {step}")
        db.execute("INSERT INTO accounts (base_url, used_at) VALUES ('https://x', ?)", (NOW + 9_000,))
        for number, created in (1, NOW - 60), (2, NOW + 60):
            db.execute(
                "INSERT INTO records (account_id, key, rank, sort_at, first_seen_at, status, created_at) "
                "VALUES (1, ?, '1-attention', ?, ?, 'FAILED', ?)",
                (job(number).id, created, NOW, created),
            )
    db.close()
    monkeypatch.setattr(migration_scripts, "MIGRATIONS", whole)
    journal = Journal(path)
    assert rank_of(journal, 1, job(1).id) == "2-done" and rank_of(journal, 1, job(2).id) == "1-attention"
    journal.close()
