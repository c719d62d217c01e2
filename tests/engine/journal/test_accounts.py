"""Whose history it is: what the journal answers about accounts, and which jobs ask for attention in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tbatch_tui.engine.domain.account import Account
from tbatch_tui.engine.journal.tables.accounts import ASKS_FOR
from tests.engine.journal.test_journal import NOW, job, journal, nothing_reserved, old_account, rank_of, submit

if TYPE_CHECKING:
    from tbatch_tui.engine.journal.journal import Journal

__all__ = ["journal"]  # a fixture
SERVER = "https://x"


def test_an_account_is_known_by_what_the_server_said_and_by_its_key(journal: Journal) -> None:
    accounts = journal.accounts
    bare = accounts.at_start(SERVER, "aaaa", NOW)
    assert bare == Account(bare.id, SERVER, "aaaa") == accounts.at_start(SERVER, "aaaa", NOW)
    named = accounts.confirm(SERVER, "aaaa", "org-1", "proj-1", "Acme", NOW)
    assert named == Account(bare.id, SERVER, "aaaa", "org-1", "proj-1", "Acme")
    assert accounts.at_start(SERVER, "aaaa", NOW) == accounts.get(named.id, SERVER, "aaaa") == named
    unknown = accounts.at_start(SERVER, "bbbb", NOW)
    assert unknown == Account(named.id, SERVER, "bbbb", "org-1", "proj-1", "Acme"), "a new key: the last one in use"
    assert accounts.has_key(named.id, SERVER, "aaaa") and not accounts.has_key(named.id, SERVER, "bbbb")
    other = accounts.confirm(SERVER, "bbbb", "org-1", "proj-2", "", NOW + 1)
    assert accounts.ids() == [named.id, other.id]
    assert accounts.at_start(SERVER, "cccc", NOW).id == other.id, "the one that was used last"
    accounts.confirm(SERVER, "aaaa", "org-1", "proj-1", "Acme", NOW + 2)
    assert accounts.at_start(SERVER, "cccc", NOW).id == named.id


def test_a_server_that_does_not_say_whose_key_it_is_changes_nothing(journal: Journal) -> None:
    named = journal.accounts.confirm(SERVER, "aaaa", "org-1", None, "Acme", NOW)
    assert journal.accounts.confirm(SERVER, "aaaa", None, None, "", NOW) == named
    bare = journal.accounts.confirm(SERVER, "bbbb", None, None, "", NOW)
    assert bare == Account(bare.id, SERVER, "bbbb") and bare.id != named.id


def test_the_spellings_of_one_server_are_one_account_though_it_does_not_say_whose_key_it_is(journal: Journal) -> None:
    spelled = [old_account(journal, url, "aaaa", None, NOW) for url in ("together", "https://api.together.ai")]
    for number, account in enumerate(spelled):
        journal.jobs.apply(account, [job(number)], NOW, nothing_reserved)
    one = journal.accounts.confirm("together", "aaaa", None, None, "", NOW).id
    assert journal.accounts.ids() == [one] and len(journal.records.all(one)) == 2


@pytest.mark.parametrize("loopback", ["http://127.0.0.1:8123", "http://localhost:8123"])
def test_accounts_of_one_project_are_one_but_for_those_of_a_server_here(journal: Journal, loopback: str) -> None:
    accounts = journal.accounts
    here = accounts.confirm(loopback, "aaaa", "org-1", "proj-1", "", NOW).id
    first = accounts.confirm(SERVER, "aaaa", "org-1", "proj-1", "", NOW).id
    second = accounts.confirm("https://y", "aaaa", "org-1", "proj-1", "", NOW).id
    other = accounts.confirm(SERVER, "bbbb", "org-1", None, "", NOW).id
    bare = accounts.confirm(SERVER, "cccc", None, None, "", NOW).id
    assert accounts.siblings(first) == accounts.siblings(second) == sorted([first, second])
    assert [accounts.siblings(one) for one in (here, other, bare)] == [[here], [other], [bare]]


def test_what_was_made_elsewhere_asks_for_a_while(journal: Journal) -> None:
    account = journal.accounts.confirm(SERVER, "aaaa", "org-1", None, "", NOW).id
    submission = submit(journal, account).submission
    assert submission is not None
    journal.submissions.attach_job(account, submission, job(1, "FAILED"), NOW)
    other = journal.accounts.confirm(SERVER, "bbbb", "org-2", None, "", NOW).id
    journal.jobs.apply(account, [job(2, "FAILED"), job(3, "FAILED"), job(4)], NOW, nothing_reserved)
    journal.jobs.apply(other, [job(5, "FAILED")], NOW, nothing_reserved)

    def ranks() -> list[str]:
        records = [rank_of(journal, account, job(number).id) for number in (1, 2, 3, 4)]
        return [*records, rank_of(journal, other, job(5).id)]

    assert ranks() == ["1-attention"] * 3 + ["2-done", "1-attention"]
    journal.accounts.quieten(account, NOW + ASKS_FOR + 2)
    assert ranks() == ["1-attention", "1-attention", "1-attention", "2-done", "1-attention"], "2 s after the start"
    journal.accounts.quieten(account, NOW + ASKS_FOR + 2.5)
    assert ranks() == ["1-attention", "2-done", "1-attention", "2-done", "1-attention"]
    journal.accounts.quieten(account, NOW)
    assert ranks() == ["1-attention", "2-done", "1-attention", "2-done", "1-attention"], "it is not taken back"
    journal.accounts.confirm(SERVER, "aaaa", "org-1", None, "", NOW + ASKS_FOR + 9)
    assert ranks() == ["1-attention", "2-done", "2-done", "2-done", "1-attention"]


def test_after_a_merge_the_first_use_is_that_of_the_older_account(journal: Journal) -> None:
    """Jobs from between the two did ask for attention, and still do."""
    bare = journal.accounts.confirm(SERVER, "bbbb", None, None, "", NOW).id
    journal.accounts.confirm(SERVER, "aaaa", "org-1", None, "", NOW + 100)
    journal.jobs.apply(bare, [job(50, "FAILED")], NOW + 60, nothing_reserved)
    named = journal.accounts.confirm(SERVER, "bbbb", "org-1", None, "", NOW + 100).id
    assert named != bare and rank_of(journal, named, job(50).id) == "1-attention"
    assert journal.accounts.ids() == [named]


def test_one_history_of_a_job_is_left_by_a_merge(journal: Journal) -> None:
    bare = journal.accounts.confirm(SERVER, "bbbb", None, None, "", NOW).id
    named = journal.accounts.confirm(SERVER, "aaaa", "org-1", None, "", NOW).id
    for account, more in (named, 1), (bare, 2):
        for at in range(more + 1):
            running = job(1, "IN_PROGRESS", progress=float(10 * at + more))
            journal.jobs.apply(account, [running], NOW + at, nothing_reserved)
    journal.accounts.confirm(SERVER, "bbbb", "org-1", None, "", NOW)
    [record] = journal.records.all(named)
    points = journal.progress.history(named, record).points
    assert [point.progress for point in points] == [1.0, 11.0]
