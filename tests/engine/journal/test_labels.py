"""Labels and notes that are taken to another history: by job, server, organisation and project."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tbatch_tui.engine.journal.tables.labels import ImportedLabel, JobLabel, Taken
from tests.engine.journal.test_journal import NOW, job, journal, nothing_reserved, submit

if TYPE_CHECKING:
    from tbatch_tui.engine.journal.journal import Journal

__all__ = ["journal"]  # a fixture
SERVER = "https://x"


@pytest.fixture
def named(journal: Journal) -> int:
    """An account with three jobs, of which two have a label or a note."""
    account = journal.accounts.confirm(SERVER, "aaaa", "org-1", "proj-1", "Acme", NOW).id
    journal.jobs.apply(account, [job(1), job(2), job(3)], NOW, nothing_reserved)
    journal.records.annotate(account, "job-0001", "march", "", NOW + 10)
    journal.records.annotate(account, "job-0003", "", "a note", NOW + 30)
    return account


def label(number: int, text: str, note: str = "", changed_at: float = NOW) -> JobLabel:
    return JobLabel(f"job-{number:04}", SERVER, "org-1", "proj-1", text, note, changed_at)


def labels_of(journal: Journal, account: int) -> dict[str, tuple[str, str]]:
    return {each.job: (each.label, each.note) for each in journal.labels.all(account)}


def test_what_a_person_wrote_is_listed_with_where_it_belongs(journal: Journal, named: int) -> None:
    other = journal.accounts.confirm("https://y", "bbbb", "org-2", None, "Other", NOW).id
    record = submit(journal, other)  # it has the label that was submitted
    assert journal.labels.all(other) == [], "it is no job yet, and no other history has it"
    assert record.submission is not None
    journal.submissions.attach_job(other, record.submission, job(4), NOW + 4)
    own = [label(3, "", "a note", NOW + 30), label(1, "march", "", NOW + 10)]
    submitted = JobLabel("job-0004", "https://y", "org-2", None, "march", "", NOW)
    assert journal.labels.all(named) == own
    assert journal.labels.all(other) == [submitted]
    assert journal.labels.all(None) == [submitted, *own]
    journal.records.remove(named, ["job-0003"], NOW)
    assert journal.labels.all(named) == own[1:]


def test_what_is_newer_stays_and_each_label_says_what_became_of_it(journal: Journal, named: int) -> None:
    given = {
        Taken.NEW: label(2, "new", "note"),
        Taken.REPLACED: label(3, "later", "", NOW + 31),
        Taken.SAME: label(1, "march", "", NOW + 99),
        Taken.NO_JOB: label(9, "none"),
    }
    taken = journal.labels.take_over(given.values())
    assert [each.taken for each in taken] == list(given) and [each.given for each in taken] == list(given.values())
    assert [each.own and (each.own.label, each.own.note) for each in taken] == [
        ("", ""), ("", "a note"), ("march", ""), None,
    ]  # fmt: skip
    expected = {"job-0001": ("march", ""), "job-0002": ("new", "note"), "job-0003": ("later", "")}
    assert labels_of(journal, named) == expected
    for changed_at in (NOW + 30, NOW + 31):  # older, and as old
        [kept] = journal.labels.take_over([label(3, "else", changed_at=changed_at)])
        assert kept == ImportedLabel(
            label(3, "else", changed_at=changed_at), Taken.KEPT, label(3, "later", "", NOW + 31)
        )
    assert labels_of(journal, named) == expected
    [forced] = journal.labels.take_over([label(3, "else", "too", NOW + 30)], force=True)
    assert forced.taken is Taken.REPLACED and labels_of(journal, named)["job-0003"] == ("else", "too")
    assert [each.changed_at for each in journal.labels.all(named)] == [NOW + 30, NOW, NOW + 10]


@pytest.mark.parametrize(
    ("elsewhere", "is_found"),
    [
        ({"server": "https://X/"}, True),
        ({"server": "https://y"}, False),
        ({"organization": "org-2"}, False),
        ({"organization": None}, False),
        ({"project": None}, False),
    ],
)
def test_a_label_belongs_to_a_job_of_one_account(
    journal: Journal, named: int, elsewhere: dict[str, Any], is_found: bool
) -> None:
    [taken] = journal.labels.take_over([label(2, "new")._replace(**elsewhere)])
    assert (taken.taken is Taken.NEW) is is_found is ("job-0002" in labels_of(journal, named))


def test_a_label_goes_to_the_account_that_it_names_where_two_have_the_job(journal: Journal, named: int) -> None:
    other = journal.accounts.confirm("https://y", "bbbb", "org-1", "proj-1", "", NOW).id
    journal.jobs.apply(other, [job(2)], NOW, nothing_reserved)
    journal.labels.take_over([label(2, "theirs")._replace(server="https://y")])
    assert labels_of(journal, other) == {"job-0002": ("theirs", "")} and "job-0002" not in labels_of(journal, named)
