"""The history while another program has it locked, or merges the account in use."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tbatch_tui.engine.endpoint import Endpoint
from tbatch_tui.engine.engine import BatchEngine
from tbatch_tui.engine.errors import LocalFileError
from tbatch_tui.engine.journal import migrations
from tbatch_tui.engine.journal.journal import Journal
from tbatch_tui.engine.journal.journal_thread import JournalThread
from tbatch_tui.engine.journal.store import JobStore
from tbatch_tui.engine.local_files.fingerprint import Fingerprint
from tbatch_tui.engine.options import EngineOptions

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOW = 1_750_000_000.0
SERVER = "https://server.example"
FINGERPRINT = Fingerprint(10, "0" * 64, 1)


@pytest.fixture
def options(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> EngineOptions:
    monkeypatch.setattr(migrations, "_PATIENCE", 0.05)
    return EngineOptions(tmp_path / "data", tmp_path / "results")


@pytest.fixture
def locked(options: EngineOptions) -> Iterator[None]:
    BatchEngine(options, lambda _: None).first_page(10)
    other = sqlite3.connect(options.data_dir / "history.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    yield
    other.close()


@pytest.mark.usefixtures("locked")
async def test_a_locked_history_can_be_read(options: EngineOptions) -> None:
    assert BatchEngine(options, lambda _: None).first_page(10) == []
    async with BatchEngine(options, lambda _: None) as engine:
        assert await engine.records() == []


@pytest.mark.usefixtures("locked")
async def test_a_locked_history_that_must_be_written_is_refused_in_words(options: EngineOptions) -> None:
    elsewhere = EngineOptions(options.data_dir, options.output_dir, base_url="https://elsewhere.example")
    for _ in range(2):
        with pytest.raises(LocalFileError, match="database is locked"):
            BatchEngine(elsewhere, lambda _: None).first_page(10)
        with pytest.raises(LocalFileError, match="database is locked") as caught:
            await BatchEngine(elsewhere, lambda _: None).open()
    assert "Nothing was sent" in caught.value.hint


async def test_what_is_written_under_an_account_that_another_app_has_merged_goes_to_that_of_its_organisation(
    options: EngineOptions,
) -> None:
    """An app that has a new key only knows the account of the bare key; another with that key knows whose it is."""
    options = replace(options, api_key="key-of-org-2222", base_url=SERVER)
    store = JobStore(options, lambda _: None)
    other = Journal(options.data_dir / "history.db")
    named = other.accounts.confirm(SERVER, "1111", "org-1", None, "Acme", NOW).id
    bare = other.accounts.confirm(SERVER, "2222", None, None, "", NOW).id
    await store.open()
    assert store.account_id == bare
    path = options.data_dir / "in.jsonl"
    before = await store.submissions.add(path, FINGERPRINT, Endpoint.CHAT, None, label="a", requests=1, estimate=None)
    other.accounts.confirm(SERVER, "2222", "org-1", None, "Acme", NOW)
    await store.annotate(before.key, "b", "")
    after = await store.submissions.add(path, FINGERPRINT, Endpoint.CHAT, None, label="c", requests=1, estimate=None)
    assert store.account.organization == "org-1" and store.account_id == named
    assert {record.key: record.label for record in other.records.all(named)} == {before.key: "b", after.key: "c"}
    await store.close()
    other.close()


async def test_a_merge_between_a_call_and_its_transaction_is_noticed_too(options: EngineOptions) -> None:
    options = replace(options, api_key="key-of-org-2222", base_url=SERVER)
    thread = JournalThread(options, lambda _: None)
    thread.open()
    other = Journal(options.data_dir / "history.db")
    bare, seen = thread.account_id, []

    def note(account_id: int) -> None:
        seen.append(account_id)
        if len(seen) == 1:
            other.accounts.confirm(SERVER, "1111", "org-1", None, "Acme", NOW)
            other.accounts.confirm(SERVER, "2222", "org-1", None, "Acme", NOW)
        thread.journal.accounts.quieten(account_id, NOW)

    await thread.run(note, thread.account_id)
    assert len(seen) == 2 and seen[0] == bare and thread.account.organization == "org-1"
    assert other.accounts.at_start("https://elsewhere.example", "3333", NOW).id not in seen  # nobody gets its number
    await thread.close()
    other.close()
